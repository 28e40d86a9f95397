//! A containerd of a test's own.

use std::process::Child;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::Tool;

/// A private `containerd`, without its plugin for Kubernetes; ended when dropped.
pub struct Containerd {
    folder: TempDir,
    daemon: Child,
}

impl Containerd {
    /// Starts one and waits until it answers.
    pub fn start() -> Self {
        // The socket lies in this folder, and socket paths are short.
        let folder = tempfile::Builder::new().prefix("ctrd").tempdir_in("/tmp").unwrap();
        let root = folder.path().to_owned();
        let at = |name: &str| root.join(name).display().to_string();
        let config = format!(
            "version = 2\nroot = \"{}\"\nstate = \"{}\"\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n[grpc]\n  address = \"{}\"\n",
            at("root"),
            at("state"),
            at("sock")
        );
        fs_err::write(at("config.toml"), config).unwrap();
        let log = fs_err::File::create(at("log")).unwrap().into_parts().0;
        let daemon = Tool::new("containerd")
            .args(["--config", &at("config.toml")])
            .spawn(log.try_clone().unwrap(), log);
        let mut containerd = Self { folder, daemon };
        let start = Instant::now();
        while !containerd.cli().arg("version").output().status.success() {
            let ended = !matches!(containerd.daemon.try_wait(), Ok(None));
            if ended || start.elapsed() > Duration::from_secs(60) {
                panic!(
                    "containerd does not answer\n{}",
                    fs_err::read_to_string(at("log")).unwrap_or_default()
                );
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        containerd
    }

    /// The address for `CONTAINERD_ADDRESS`.
    pub fn address(&self) -> String {
        self.folder.path().join("sock").display().to_string()
    }

    /// `ctr`, talking to this daemon.
    pub fn cli(&self) -> Tool {
        Tool::new("ctr").env("CONTAINERD_ADDRESS", self.address())
    }
}

impl Drop for Containerd {
    fn drop(&mut self) {
        Tool::new("kill").args(["-TERM", &self.daemon.id().to_string()]).output();
        let start = Instant::now();
        while matches!(self.daemon.try_wait(), Ok(None)) && start.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(50));
        }
        drop(self.daemon.kill());
        drop(self.daemon.wait());
    }
}
