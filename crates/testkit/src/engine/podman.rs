//! podman with storage of a test's own.

use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::Tool;

/// podman without a daemon; its storage is gone when dropped.
pub struct Podman {
    folder: TempDir,
}

impl Podman {
    /// Empty storage.
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("pod").tempdir_in("/tmp").unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        let text = format!(
            "[storage]\ndriver = \"overlay\"\ngraphroot = \"{}\"\nrunroot = \"{}\"\n",
            at("root"),
            at("run")
        );
        fs_err::write(folder.path().join("storage.conf"), text).unwrap();
        Self { folder }
    }

    /// The file that makes podman use this storage, for `CONTAINERS_STORAGE_CONF`.
    pub fn storage_conf(&self) -> String {
        self.folder.path().join("storage.conf").display().to_string()
    }

    /// The client.
    pub fn cli(&self) -> Tool {
        Tool::new("podman").env("CONTAINERS_STORAGE_CONF", self.storage_conf())
    }

    /// Loads an archive and gives what podman said.
    pub fn load(&self, archive: &Path) -> String {
        self.cli().args(["load", "-i"]).arg(archive).run()
    }

    /// What podman knows of an image.
    pub fn inspect(&self, image: &str) -> Value {
        let text = self.cli().args(["image", "inspect", image]).run();
        serde_json::from_str::<Value>(&text).unwrap()[0].take()
    }
}

impl Default for Podman {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Podman {
    fn drop(&mut self) {
        // The overlay driver mounts its folder onto itself, and a mount can't be deleted.
        Tool::new("umount").arg("-l").arg(self.folder.path().join("root/overlay")).output();
    }
}
