//! Registries of other people, each of a test's own: on loopback, in a folder of its own, ended when dropped.

use std::process::Child;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::{Tool, free_port};

/// Which program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Debian's `docker-registry`, 2.8: no lists of referrers.
    Docker,
    /// CNCF distribution 3.
    Distribution,
    /// go-containerregistry's, in memory, with lists of referrers; its uploads have quirks.
    Referrers,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Docker, Self::Distribution, Self::Referrers];
}

/// The name and password that [`Registry::locked`] takes.
pub const LOGIN: (&str, &str) = ("me", "secret");
/// Those, as htpasswd has them (bcrypt).
const HTPASSWD: &str = "me:$2b$05$longshorelongshorelone1kg86RmqDRhXnNNthnKP0d5jFn6W.1y\n";

/// A running registry.
pub struct Registry {
    kind: Kind,
    folder: TempDir,
    process: Child,
    port: u16,
}

impl Registry {
    /// Starts one that lets anybody do anything.
    pub fn start(kind: Kind) -> Self {
        Self::launch(kind, "")
    }

    /// Starts one that takes [`LOGIN`] alone.
    pub fn locked(kind: Kind) -> Self {
        assert_ne!(kind, Kind::Referrers, "it knows no passwords");
        Self::launch(kind, "auth: {htpasswd: {realm: test, path: FOLDER/htpasswd}}\n")
    }

    fn launch(kind: Kind, more: &str) -> Self {
        // A port that is free when we look may be somebody else's when the program takes it.
        for _ in 0..5 {
            if let Some(registry) = Self::try_launch(kind, more) {
                return registry;
            }
        }
        panic!("{kind:?} found no port");
    }

    /// None when the port was taken meanwhile: then the program ends, and somebody else may answer there.
    fn try_launch(kind: Kind, more: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let at = folder.path().display().to_string();
        fs_err::write(folder.path().join("htpasswd"), HTPASSWD).unwrap();
        let config = format!(
            "version: 0.1\nlog: {{level: info}}\nstorage: {{filesystem: {{rootdirectory: {at}/data}}, delete: {{enabled: true}}}}\n\
             http: {{addr: '127.0.0.1:{port}'}}\n{}",
            more.replace("FOLDER", &at)
        );
        let path = folder.path().join("config.yml");
        fs_err::write(&path, config).unwrap();
        let tool = match kind {
            Kind::Docker => Tool::new("docker-registry").arg("serve").arg(&path),
            Kind::Distribution => Tool::kept("registries-1/distribution").arg("serve").arg(&path),
            Kind::Referrers => Tool::kept("registries-1/referrers").arg(format!("127.0.0.1:{port}")),
        };
        let log = fs_err::File::create(folder.path().join("log")).unwrap().into_parts().0;
        let mut registry = Self { kind, process: tool.spawn(log.try_clone().unwrap(), log), folder, port };
        let start = Instant::now();
        loop {
            if !matches!(registry.process.try_wait(), Ok(None)) {
                let said = registry.log();
                assert!(said.contains("address already in use"), "{kind:?} does not serve\n{said}");
                return None;
            }
            if registry.listens() {
                return Some(registry);
            }
            assert!(start.elapsed() < Duration::from_secs(60), "{kind:?} does not serve\n{}", registry.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Whether it is this process that listens at the port (proc(5), `/proc/net/tcp`, `/proc/PID/fd`).
    fn listens(&self) -> bool {
        let table = fs_err::read_to_string("/proc/net/tcp").unwrap_or_default();
        let local = format!("0100007F:{:04X}", self.port);
        let inode = table.lines().find_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let listening = fields.get(1) == Some(&local.as_str()) && fields.get(3) == Some(&"0A");
            listening.then(|| fields.get(9).map(|inode| format!("socket:[{inode}]")))?
        });
        let Some(inode) = inode else { return false };
        let open =
            fs_err::read_dir(format!("/proc/{}/fd", self.process.id())).into_iter().flatten().flatten();
        open.into_iter()
            .any(|entry| fs_err::read_link(entry.path()).is_ok_and(|to| to.to_string_lossy() == inode))
    }

    /// Which it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// `127.0.0.1:PORT`.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Pushes a small image, always the same, and gives its name by digest: `127.0.0.1:PORT/REPOSITORY@sha256:…`.
    pub fn push_sample(&self, repository: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let layer = folder.path().join("layer.tar");
        let mut tar = tar::Builder::new(fs_err::File::create(&layer).unwrap());
        let mut header = tar::Header::new_ustar();
        header.set_mode(0o644);
        header.set_size(6);
        tar.append_data(&mut header, "hello", &b"hello\n"[..]).unwrap();
        tar.finish().unwrap();
        let name = format!("{}/{repository}:latest", self.host());
        let pushed =
            crane().args(["append", "--oci-empty-base", "--new_tag", &name, "--new_layer"]).arg(layer).run();
        pushed.trim_end().to_owned()
    }

    /// Has it lose a blob of a repository, as disks and careless clean-ups do.
    pub fn lose(&self, repository: &str, digest: &str) {
        let gone = crate::http::delete(self.port, &format!("/v2/{repository}/blobs/{digest}")).unwrap();
        assert_eq!(gone.status, 202, "{:?}: {gone:?}", self.kind);
    }

    /// Where it keeps everything, where that is on disk.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// What it wrote: a line a request, where it tells of them.
    pub fn log(&self) -> String {
        fs_err::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Removes blobs that no manifest names, as its owner would at night.
    ///
    /// Only of registries that keep them on disk.
    pub fn collect_garbage(&self) {
        let config = self.folder.path().join("config.yml");
        let tool = match self.kind {
            Kind::Docker => Tool::new("docker-registry"),
            Kind::Distribution => Tool::kept("registries-1/distribution"),
            Kind::Referrers => return,
        };
        tool.arg("garbage-collect").arg(config).run();
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// go-containerregistry's client.
pub fn crane() -> Tool {
    Tool::kept("registries-1/crane")
}
