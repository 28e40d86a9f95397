//! Kubernetes: its published schemas, and an API server of a test's own.

use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::Tool;
use crate::listener::free_ports;

/// Validates YAML files by the schemas of Kubernetes `version` (`1.37.0`), unknown keys being errors.
pub fn validate(version: &str, files: &[impl AsRef<Path>]) -> Tool {
    Tool::kept("kubernetes-validate-1.37.0/bin/kubernetes-validate")
        .args(["--strict", "--quiet", "-k", version])
        .args(files.iter().map(AsRef::as_ref))
}

/// The documents of a YAML text, as a reader of YAML 1.1 sees them.
pub fn documents(yaml: &str) -> Vec<Value> {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs_err::write(file.path(), yaml).unwrap();
    let program = "import json, sys, yaml\njson.dump([d for d in yaml.safe_load_all(open(sys.argv[1])) if d is not None], sys.stdout)";
    let python = Tool::kept("kubernetes-validate-1.37.0/bin/python");
    let json = python.args(["-c", program]).arg(file.path()).run();
    serde_json::from_str(&json).unwrap()
}

/// An API server with its database and nothing behind it: objects are checked and kept, and nothing runs. Ended when dropped.
pub struct ApiServer {
    folder: TempDir,
    processes: Vec<Child>,
    port: u16,
}

/// Who may do anything.
const TOKEN: &str = "test";

impl ApiServer {
    /// Starts one and waits until it answers.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [clients, peers, port] = free_ports();
        let mut server = Self { folder, processes: Vec::new(), port };
        let url = |port: u16| format!("http://127.0.0.1:{port}");
        let etcd = Tool::kept("kubernetes-1.37.2/etcd")
            .args(["--name", "test", "--unsafe-no-fsync", "--data-dir"])
            .arg(server.folder.path().join("etcd"))
            .args(["--listen-client-urls", &url(clients), "--advertise-client-urls", &url(clients)])
            .args(["--listen-peer-urls", &url(peers), "--initial-advertise-peer-urls", &url(peers)])
            .args(["--initial-cluster", &format!("test={}", url(peers))]);
        server.spawn("etcd", etcd);
        let key = rcgen::KeyPair::generate().unwrap();
        server.write("sa.key", &key.serialize_pem());
        server.write("sa.pub", &key.public_key_pem());
        server.write("tokens.csv", &format!("{TOKEN},admin,admin,system:masters\n"));
        server.write("kubeconfig", &server.kubeconfig());
        let at = |name: &str| server.folder.path().join(name).display().to_string();
        // There is no controller that would give every namespace its ServiceAccount.
        let api = Tool::kept("kubernetes-1.37.2/kube-apiserver")
            .args(["--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", "--authorization-mode=RBAC"])
            .args(["--service-account-issuer=https://longshore.test", "--endpoint-reconciler-type=none"])
            .args(["--service-cluster-ip-range=10.96.0.0/24", "--disable-admission-plugins=ServiceAccount"])
            .arg(format!("--etcd-servers={}", url(clients)))
            .arg(format!("--secure-port={port}"))
            .arg(format!("--cert-dir={}", at("certs")))
            .arg(format!("--service-account-key-file={}", at("sa.pub")))
            .arg(format!("--service-account-signing-key-file={}", at("sa.key")))
            .arg(format!("--token-auth-file={}", at("tokens.csv")));
        server.spawn("api", api);
        server.wait();
        server
    }

    /// The client, talking to this server; what it knows of the server is kept for this server alone.
    pub fn kubectl(&self) -> Tool {
        let cache = self.folder.path().join("cache");
        let kubectl =
            Tool::kept("kubernetes-1.37.2/kubectl").env("KUBECONFIG", self.folder.path().join("kubeconfig"));
        kubectl.env("KUBECACHEDIR", cache)
    }

    /// What the server has under these arguments of `kubectl get`.
    pub fn get(&self, arguments: &[&str]) -> Value {
        let json = self.kubectl().arg("get").args(arguments).args(["-o", "json"]).run();
        serde_json::from_str(&json).unwrap()
    }

    fn kubeconfig(&self) -> String {
        // It makes its own certificate when it starts.
        let server = format!("https://127.0.0.1:{}", self.port);
        serde_json::json!({
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "contexts": [{ "name": "test", "context": { "cluster": "test", "user": "admin" } }],
            "clusters": [{ "name": "test", "cluster": { "server": server, "insecure-skip-tls-verify": true } }],
            "users": [{ "name": "admin", "user": { "token": TOKEN } }],
        })
        .to_string()
    }

    fn write(&self, name: &str, text: &str) {
        fs_err::write(self.folder.path().join(name), text).unwrap();
    }

    fn spawn(&mut self, name: &str, tool: Tool) {
        let log =
            fs_err::File::create(self.folder.path().join(format!("{name}.log"))).unwrap().into_parts().0;
        self.processes.push(tool.spawn(log.try_clone().unwrap(), log));
    }

    fn wait(&mut self) {
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(180) {
            if self.kubectl().args(["get", "--raw", "/readyz"]).output().status.success() {
                return;
            }
            if let Some(Ok(Some(status))) =
                self.processes.iter_mut().map(Child::try_wait).find(|ended| !matches!(ended, Ok(None)))
            {
                panic!("Kubernetes ended with {status}\n{}", self.logs());
            }
            std::thread::sleep(Duration::from_millis(300));
        }
        panic!("Kubernetes did not get ready within three minutes\n{}", self.logs());
    }

    /// The last of what its programs said.
    fn logs(&self) -> String {
        let last = |name: &str| {
            let text = fs_err::read_to_string(self.folder.path().join(name)).unwrap_or_default();
            let lines: Vec<&str> = text.lines().collect();
            lines[lines.len().saturating_sub(20)..].join("\n")
        };
        format!("--- etcd\n{}\n--- kube-apiserver\n{}", last("etcd.log"), last("api.log"))
    }
}

impl Drop for ApiServer {
    fn drop(&mut self) {
        // The server before its database.
        for mut process in self.processes.drain(..).rev() {
            drop(process.kill());
            drop(process.wait());
        }
    }
}
