//! What others do with a folder or a tar of it: scripts for a shell, run in an empty folder.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::super::{empty, write};
use crate::registries;
use crate::run::{Result, root, run};

/// A tar of the folder `$1`, as everybody would write a layer's.
macro_rules! tar {
    () => {
        "tar --sort=name --numeric-owner --mtime=@0 -C \"$1\" -c ."
    };
}
/// Such a tar through a compressor, with the digests of both: named pipes, so that the shell waits for all of them.
macro_rules! pipe {
    ($compressor:literal) => {
        concat!(
            "mkfifo plain packed\n",
            "sha256sum < plain > diff-id &\n",
            "sha256sum < packed > digest &\n",
            tar!(),
            " | tee plain | ",
            $compressor,
            " | tee packed > layer\n",
            "wait"
        )
    };
}

/// Somebody who packs: a name, and a script that is given the folder and a tar of it.
pub type Peer = (&'static str, &'static str);

pub const GZIP: Peer = ("tar + gzip -6", pipe!("gzip -6 -n"));
pub const PIGZ: Peer = ("tar + pigz -6 -p2", pipe!("pigz -6 -p2 -n"));
pub const ZSTD: Peer = ("tar + zstd -3 -T2", pipe!("zstd -q -3 -T2"));
pub const UMOCI: Peer = (
    "umoci insert",
    "umoci init --layout layout\n\
     umoci new --image layout:x\n\
     umoci insert --image layout:x \"$1\" /",
);
pub const BUILDAH: Peer = (
    "buildah commit",
    "container=$(buildah from scratch)\n\
     buildah copy --quiet \"$container\" \"$1\" /\n\
     buildah commit --quiet --rm --disable-compression=false \"$container\" oci:layout:x",
);
/// Of a tar that is there already.
pub const CRANE: Peer =
    ("crane append", "crane append --new_layer \"$2\" --new_tag tree:x --output image.tar");

pub const ALL: [Peer; 6] = [GZIP, PIGZ, ZSTD, UMOCI, BUILDAH, CRANE];

/// A tar of `folder` at `to`.
pub fn tar(folder: &Path, to: &Path) -> Result {
    let script = concat!(tar!(), " > \"$2\"");
    run(Command::new("sh").args(["-e", "-c", script, "sh"]).arg(folder).arg(to))
}

/// Where peers keep what they need below `work`.
pub struct Peers<'a> {
    work: &'a Path,
}

impl<'a> Peers<'a> {
    pub fn new(work: &'a Path) -> Result<Self> {
        let folder = work.display();
        let storage = format!(
            "[storage]\ndriver = \"overlay\"\ngraphroot = \"{folder}/containers\"\nrunroot = \"{folder}/containers-run\"\n"
        );
        write(&work.join("storage.conf"), &storage)?;
        empty(&work.join("temporary"))?;
        Ok(Self { work })
    }

    /// A peer's run in the folder `at`, upon `folder` and `tar`.
    pub fn command(&self, (_, script): Peer, at: &Path, folder: &Path, tar: &Path) -> Command {
        let path = std::env::var("PATH").unwrap_or_default();
        let crane = registries::crane();
        let tools = crane.parent().unwrap_or(Path::new("/"));
        let mut shell = Command::new("sh");
        shell.args(["-e", "-c", script, "sh"]).arg(folder).arg(tar).current_dir(at);
        shell.env("PATH", format!("{}:{path}", tools.display())).env("HOME", self.work);
        // What is written on the way is in memory too.
        shell.env("TMPDIR", self.work.join("temporary"));
        shell
            .env("CONTAINERS_STORAGE_CONF", self.work.join("storage.conf"))
            .env("BUILDAH_ISOLATION", "chroot");
        shell
    }
}

impl Drop for Peers<'_> {
    fn drop(&mut self) {
        // The overlay driver mounts its folder onto itself; nobody could delete it.
        drop(Command::new("umount").arg("-l").arg(self.work.join("containers/overlay")).output());
    }
}

/// The sequential pass in Go, built from `benches/digest`.
pub fn digest() -> Result<PathBuf> {
    let program = root().join("target/bench/digest");
    let mut go = crate::kubernetes::go("build");
    go.arg("-o").arg(&program).arg(".").current_dir(root().join("benches/digest"));
    run(&mut go)?;
    Ok(program)
}
