//! The servers as processes: each started, waited for, and ended.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, Instant};

use super::issuer::Issuer;
use super::keys::{Addresses, escaped_der};
use super::{HOST, Tool};
use crate::http;
use crate::listener::free_ports;

/// How long one may take to start on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

pub(super) struct Servers {
    folder: PathBuf,
    /// By name, in the order of their start.
    processes: Vec<(&'static str, Child)>,
    // Given up after the processes have ended.
    _turn: Turn,
}

impl Servers {
    /// Starts them with the keys in `folder`, and completes those by what the servers chose themselves.
    pub(super) fn start(folder: &Path, people: &Issuer, workflows: &Issuer) -> (Self, Addresses) {
        let mut servers = Self { folder: folder.to_owned(), processes: Vec::new(), _turn: Turn::wait() };
        let [fulcio, certificate_log, rekor1, rekor2, timestamps, trillian] = free_ports();
        let url = |port: u16, path: &str| format!("http://{HOST}:{port}{path}");
        // Before Rekor 1, which takes the same port for its metrics, and does without when it is taken.
        servers.spawn_timestamps(timestamps);
        servers.ready("timestamp-server", timestamps, "/ping");
        servers.spawn_rekor2(rekor2);
        servers.spawn_trillian(trillian);
        let tree = servers.tree();
        servers.spawn_rekor1(rekor1, trillian);
        servers.spawn_certificate_log(certificate_log, trillian, &tree);
        let log = url(certificate_log, "/test");
        servers.spawn_fulcio(fulcio, &log, people, workflows);
        servers.ready("rekor-tiles", rekor2, "/healthz");
        servers.ready("ct_server", certificate_log, "/test/ct/v1/get-sth");
        servers.ready("fulcio", fulcio, "/healthz");
        let key = servers.ready("rekor-server", rekor1, "/api/v1/log/publicKey");
        fs_err::write(folder.join("rekor1.pub"), key).unwrap();
        // It makes a new chain whenever it starts.
        let chain = servers.ready("timestamp-server", timestamps, "/api/v1/timestamp/certchain");
        fs_err::write(folder.join("timestamps.pem"), chain).unwrap();
        let addresses = Addresses {
            fulcio: url(fulcio, ""),
            certificate_log: log,
            rekor1: url(rekor1, ""),
            rekor2: url(rekor2, ""),
            timestamps: url(timestamps, "/api/v1/timestamp"),
            issuer: people.url(),
        };
        (servers, addresses)
    }

    fn spawn_timestamps(&mut self, port: u16) {
        let tool = server("timestamp-server")
            .args(["serve", "--timestamp-signer", "memory", "--disable-ntp-monitoring", "--host", HOST])
            .args(["--port", &port.to_string()]);
        self.spawn("timestamp-server", tool);
    }

    fn spawn_rekor2(&mut self, port: u16) {
        let [grpc, metrics] = free_ports().map(|port: u16| port.to_string());
        let tool = server("posix")
            // What a checkpoint's origin is: clients take it from the address.
            .args(["serve", "--hostname", HOST, "--checkpoint-interval", "1s"])
            .args(["--http-port", &port.to_string(), "--grpc-port", &grpc, "--http-metrics-port", &metrics])
            .arg("--storage-dir")
            .arg(self.made("rekor2"))
            .arg("--signer-filepath")
            .arg(self.folder.join("rekor2.key"));
        self.spawn("rekor-tiles", tool);
    }

    fn spawn_trillian(&mut self, port: u16) {
        self.spawn("trillian", server("trillian").arg(format!("{HOST}:{port}")));
    }

    /// The tree that Trillian made for the certificate log; Rekor makes its own.
    fn tree(&mut self) -> String {
        self.until("trillian", |servers| {
            let said = fs_err::read_to_string(servers.folder.join("trillian.out")).unwrap();
            said.strip_suffix('\n').map(str::to_owned).ok_or_else(|| String::from("it has printed no tree"))
        })
    }

    fn spawn_rekor1(&mut self, port: u16, trillian: u16) {
        let endpoints = "getLogInfo,getPublicKey,getLogProof,createLogEntry,getLogEntryByIndex,\
                         getLogEntryByUUID,searchLogQuery";
        let tool = server("rekor-server")
            .args(["serve", "--host", HOST, "--port", &port.to_string()])
            .args(["--rekor_server.hostname", HOST, "--rekor_server.signer", "memory"])
            .args(["--trillian_log_server.address", HOST, "--trillian_log_server.tlog_id", "0"])
            .args(["--trillian_log_server.port", &trillian.to_string()])
            // Without searches, which want a Redis.
            .args(["--enabled_api_endpoints", endpoints]);
        self.spawn("rekor-server", tool);
    }

    fn spawn_certificate_log(&mut self, port: u16, trillian: u16, tree: &str) {
        let roots = self.folder.join("fulcio.pem");
        let config = format!(
            "config {{ log_id: {tree} prefix: \"test\" roots_pem_file: \"{}\" ext_key_usages: \"CodeSigning\"\n\
             private_key: {{ [type.googleapis.com/keyspb.PrivateKey] {{ der: \"{}\" }} }} }}\n",
            roots.display(),
            escaped_der(&self.folder, "certificate-log")
        );
        let file = self.folder.join("certificate-log.cfg");
        fs_err::write(&file, config).unwrap();
        let tool = server("ct_server")
            .args(["--quota_remote=false", "--quota_intermediate=false", "--logtostderr"])
            .args(["--http_endpoint", &format!("{HOST}:{port}")])
            .args(["--log_rpc_server", &format!("{HOST}:{trillian}"), "--log_config"])
            .arg(file);
        self.spawn("ct_server", tool);
    }

    fn spawn_fulcio(&mut self, port: u16, log: &str, people: &Issuer, workflows: &Issuer) {
        let [grpc, metrics] = free_ports().map(|port: u16| port.to_string());
        let issuer = |url: String, kind: &str| {
            format!(
                "  {url}:\n    issuer-url: {url}\n    client-id: sigstore\n    type: {kind}\n    \
                 contact: test@longshore.test\n    description: test\n"
            )
        };
        let config = format!(
            "oidc-issuers:\n{}{}",
            issuer(people.url(), "email"),
            issuer(workflows.url(), "github-workflow")
        );
        let file = self.folder.join("fulcio.yaml");
        fs_err::write(&file, config).unwrap();
        let tool = server("fulcio")
            .args(["serve", "--host", HOST, "--port", &port.to_string()])
            .args(["--grpc-host", HOST, "--grpc-port", &grpc, "--metrics-port", &metrics])
            .args(["--ca", "fileca", "--fileca-watch=false", "--fileca-key-passwd", "unused"])
            .arg("--fileca-cert")
            .arg(self.folder.join("fulcio.pem"))
            .arg("--fileca-key")
            .arg(self.folder.join("fulcio.key"))
            .args(["--ct-log-url", log, "--ct-log-public-key-path"])
            .arg(self.folder.join("certificate-log.pub"))
            .arg("--config-path")
            .arg(file)
            // Otherwise in one place for the whole machine.
            .arg("--legacy-unix-domain-socket")
            .arg(self.folder.join("fulcio.sock"));
        self.spawn("fulcio", tool);
    }

    fn spawn(&mut self, name: &'static str, tool: Tool) {
        let file = |end: &str| {
            fs_err::File::create(self.folder.join(format!("{name}.{end}"))).unwrap().into_parts().0
        };
        let child = tool.spawn(file("out"), file("log"));
        self.processes.push((name, child));
    }

    /// What the server answers at `path`, once it does.
    fn ready(&mut self, name: &'static str, port: u16, path: &str) -> String {
        self.until(name, |_| match http::get(port, path, Duration::from_secs(1))? {
            response if response.status == 200 => Ok(response.body),
            response => Err(format!("{path}: {response:?}")),
        })
    }

    /// Asks again and again until there is an answer, as long as the process lives.
    fn until<T>(&mut self, name: &'static str, ask: impl Fn(&Self) -> Result<T, String>) -> T {
        let start = Instant::now();
        loop {
            let last = match ask(self) {
                Ok(answer) => return answer,
                Err(said) => said,
            };
            let process = self.processes.iter_mut().find(|(known, _)| *known == name);
            let lives = process.is_some_and(|(_, process)| matches!(process.try_wait(), Ok(None)));
            assert!(
                lives && start.elapsed() < PATIENCE,
                "`{name}` does not serve: {last}\n{}",
                self.log(name)
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The last of what it said.
    fn log(&self, name: &str) -> String {
        let text = fs_err::read_to_string(self.folder.join(format!("{name}.log"))).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    /// A new folder.
    fn made(&self, name: &str) -> PathBuf {
        let folder = self.folder.join(name);
        fs_err::create_dir(&folder).unwrap();
        folder
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        for (_, mut process) in self.processes.drain(..).rev() {
            drop(process.kill());
            drop(process.wait());
        }
    }
}

fn server(name: &str) -> Tool {
    Tool::kept(&format!("sigstore-1/servers/{name}"))
}

/// The right to run a timestamp server: it takes port 2112 of all addresses whatever it is told, and ends when it can't.
///
/// It is an abstract socket (unix(7)), which is there once in a network namespace, as ports are, and goes with whoever has it,
/// however that ends.
struct Turn {
    _socket: UnixListener,
}

impl Turn {
    /// Waits for the others.
    fn wait() -> Self {
        let name = SocketAddr::from_abstract_name("longshore-test-sigstore").unwrap();
        let start = Instant::now();
        loop {
            match UnixListener::bind_addr(&name) {
                Ok(socket) => return Self { _socket: socket },
                Err(error) => assert!(
                    start.elapsed() < Duration::from_secs(1800),
                    "another test has had its Sigstore for half an hour: {error}"
                ),
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}
