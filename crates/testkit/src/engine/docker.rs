//! A Docker daemon of a test's own.

use std::path::Path;
use std::process::Child;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::Tool;

/// A private `dockerd`; ended and its images gone when dropped.
pub struct Docker {
    folder: TempDir,
    daemon: Child,
}

/// Containers use the host's network, where a port is one program's: one runs at a time.
static PORTS: Mutex<()> = Mutex::new(());

/// For what else runs programs at ports that are the same each time.
pub fn ports() -> MutexGuard<'static, ()> {
    PORTS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How a container is started besides the strict defaults.
#[derive(Debug, Clone, Default)]
pub struct Run {
    /// Paths that are volumes, since the root is read-only.
    pub volumes: Vec<String>,
    /// Paths that are memory.
    pub tmpfs: Vec<String>,
    /// Names of other machines, each with its address: `name:address`.
    pub hosts: Vec<String>,
}

/// A running container; removed when dropped. As long as there is one, the next waits for its end.
pub struct Container<'a> {
    docker: &'a Docker,
    id: String,
    _ports: Option<MutexGuard<'static, ()>>,
}

impl Docker {
    /// Starts a daemon and waits until it answers.
    pub fn start() -> Self {
        // The socket lies in this folder, and socket paths are short.
        let folder = tempfile::Builder::new().prefix("dock").tempdir_in("/tmp").unwrap();
        let at = folder.path();
        let log = fs_err::File::create(at.join("log")).unwrap().into_parts().0;
        let daemon = Tool::new("dockerd")
            .args(["--bridge=none", "--iptables=false", "--ip-forward=false", "--ip-masq=false", "-p"])
            .arg(at.join("pid"))
            .arg("--data-root")
            .arg(at.join("data"))
            .arg("--exec-root")
            .arg(at.join("exec"))
            .arg("-H")
            .arg(format!("unix://{}", at.join("sock").display()))
            .spawn(log.try_clone().unwrap(), log);
        let mut docker = Self { folder, daemon };
        docker.wait();
        docker
    }

    fn wait(&mut self) {
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(120) {
            if self.cli().arg("version").output().status.success() {
                return;
            }
            if let Ok(Some(status)) = self.daemon.try_wait() {
                panic!(
                    "dockerd ended with {status}: it needs root, cgroups and a writable /tmp\n{}",
                    self.log()
                );
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        panic!("dockerd did not answer within two minutes\n{}", self.log());
    }

    fn log(&self) -> String {
        fs_err::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// The address for `DOCKER_HOST`.
    pub fn host(&self) -> String {
        format!("unix://{}", self.folder.path().join("sock").display())
    }

    /// The `docker` client, talking to this daemon.
    pub fn cli(&self) -> Tool {
        Tool::new("docker").env("DOCKER_CONFIG", self.folder.path()).arg("-H").arg(self.host())
    }

    /// Loads an archive and gives what the client said.
    pub fn load(&self, archive: &Path) -> String {
        self.cli().args(["load", "-i"]).arg(archive).run()
    }

    /// What the daemon knows of an image.
    pub fn inspect(&self, image: &str) -> Value {
        let text = self.cli().args(["image", "inspect", image]).run();
        serde_json::from_str::<Value>(&text).unwrap()[0].take()
    }

    /// Removes every image: a layer that is there already hides a broken one.
    pub fn forget(&self) {
        let images = self.cli().args(["image", "ls", "-aq", "--no-trunc"]).run();
        for image in images.lines() {
            self.cli().args(["image", "rm", "-f", image]).output();
        }
    }

    /// Starts `image` as its own user, with a read-only root, no capability and no way to new privileges.
    pub fn run(&self, image: &str, run: &Run) -> Container<'_> {
        self.start_container(image, run, Some(ports()))
    }

    /// Starts another one while `_first` runs.
    pub fn run_beside<'a>(&'a self, _first: &Container<'a>, image: &str, run: &Run) -> Container<'a> {
        self.start_container(image, run, None)
    }

    fn start_container(
        &self,
        image: &str,
        run: &Run,
        ports: Option<MutexGuard<'static, ()>>,
    ) -> Container<'_> {
        let mut cli = self.cli().args(["run", "-d", "--network", "host", "--read-only", "--cap-drop", "ALL"]);
        cli = cli.args(["--security-opt", "no-new-privileges", "--pull", "never"]);
        for volume in &run.volumes {
            cli = cli.args(["-v", volume]);
        }
        for path in &run.tmpfs {
            cli = cli.args(["--tmpfs", path]);
        }
        for host in &run.hosts {
            cli = cli.args(["--add-host", host]);
        }
        Container { docker: self, id: cli.arg(image).run().trim().to_owned(), _ports: ports }
    }
}

impl Drop for Docker {
    fn drop(&mut self) {
        // SIGTERM, so that the daemon ends its own children; SIGKILL when it takes too long.
        Tool::new("kill").args(["-TERM", &self.daemon.id().to_string()]).output();
        let start = Instant::now();
        while matches!(self.daemon.try_wait(), Ok(None)) {
            if start.elapsed() > Duration::from_secs(30) {
                drop(self.daemon.kill());
                drop(self.daemon.wait());
                break;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        // The daemon leaves the host network's name mounted, and a mount can't be deleted.
        Tool::new("umount").arg("-l").arg(self.folder.path().join("exec/netns/default")).output();
    }
}

impl Container<'_> {
    /// What it printed.
    pub fn logs(&self) -> String {
        let output = self.docker.cli().args(["logs", &self.id]).output();
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
    }

    /// Waits for its end and gives its exit code.
    pub fn wait(&self) -> i32 {
        self.docker.cli().args(["wait", &self.id]).run().trim().parse().unwrap()
    }

    /// What the daemon knows of it.
    pub fn inspect(&self) -> Value {
        let text = self.docker.cli().args(["inspect", &self.id]).run();
        serde_json::from_str::<Value>(&text).unwrap()[0].take()
    }

    /// Real user and group id of its first process, as the kernel sees them.
    pub fn ids(&self) -> (u32, u32) {
        let pid = self.inspect()["State"]["Pid"].as_u64().unwrap();
        assert_ne!(pid, 0, "the container does not run\n{}", self.logs());
        let status = fs_err::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let id = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.split_whitespace().next().unwrap().parse().unwrap()
        };
        (id("Uid:"), id("Gid:"))
    }
}

impl Drop for Container<'_> {
    fn drop(&mut self) {
        self.docker.cli().args(["rm", "-f", "-v", &self.id]).output();
    }
}
