//! A throw-away OpenPGP key in a folder of its own.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::Tool;

/// A signing key; gone when dropped.
pub struct Key {
    home: TempDir,
}

impl Key {
    /// Makes one.
    pub fn new() -> Self {
        // The agent's socket lies in this folder, and socket paths are short.
        let home = tempfile::Builder::new().prefix("key").tempdir_in("/tmp").unwrap();
        let key = Self { home };
        key.gpg()
            .args(["--passphrase", "", "--quick-generate-key", "longshore test", "rsa2048", "sign", "never"])
            .run();
        key.gpg().arg("--export").arg("--output").arg(key.public()).run();
        key
    }

    /// The public key, as a binary keyring file.
    pub fn public(&self) -> PathBuf {
        self.home.path().join("public.gpg")
    }

    /// Its fingerprint, in upper-case hexadecimal digits.
    pub fn fingerprint(&self) -> String {
        let listing = self.gpg().args(["--with-colons", "--list-keys"]).run();
        let line = listing.lines().find(|line| line.starts_with("fpr:")).unwrap();
        line.split(':').nth(9).unwrap().to_owned()
    }

    /// Writes `file` with a clear-text signature to `signed`.
    pub fn clear_sign(&self, file: &Path, signed: &Path) {
        self.gpg().args(["--clearsign", "--output"]).arg(signed).arg(file).run();
    }

    /// Writes a detached, armoured signature of `file`.
    pub fn detach_sign(&self, file: &Path, signature: &Path) {
        self.gpg().args(["--armor", "--detach-sign", "--output"]).arg(signature).arg(file).run();
    }

    fn gpg(&self) -> Tool {
        Tool::new("gpg").env("GNUPGHOME", self.home.path()).args([
            "--batch",
            "--yes",
            "--quiet",
            "--no-tty",
            "--digest-algo",
            "SHA512",
        ])
    }
}

impl Default for Key {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        Tool::new("gpgconf").env("GNUPGHOME", self.home.path()).args(["--kill", "gpg-agent"]).output();
    }
}
