//! Nix, for tests: Debian's packages of it, kept in `target/test-tools`, nothing of them is installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::kubernetes::fresh;
use crate::run::{Result, capture, root, run, say};
use crate::tools::Apt;

/// Raised with what is unpacked, so that what was unpacked before is unpacked anew.
const FOLDER: &str = "target/test-tools/nix-1";
/// Its programs, once unpacked.
pub const PROGRAMS: &str = "target/test-tools/nix-1/programs";
/// Nix, and what the builders of tests are made of.
const PACKAGES: [&str; 2] = ["nix-bin", "busybox-static"];
/// Nix goes by the name it is called by.
const NAMES: [&str; 5] = ["nix", "nix-store", "nix-build", "nix-instantiate", "nix-hash"];

/// Unpacks it, unless it is there: a quarter of a minute, and 150 MB.
pub fn setup() -> Result {
    fresh(&root().join(FOLDER), |folder| {
        say("unpacking Nix into target/test-tools");
        let folder = folder.canonicalize().map_err(|error| said(folder, &error))?;
        let apt = Apt::set_up(folder.join("apt"))?;
        apt.run("update", &[])?;
        apt.unpack_with_needed(&PACKAGES, &folder)?;
        apt.remove()?;
        find_own_libraries(&folder.join("usr/bin/nix"), &folder.join("usr/lib"))?;
        // A folder for a PATH: beside Nix lie programs that only a machine of that Debian can run.
        let programs = folder.join("programs");
        fs::create_dir(&programs).map_err(|error| said(&programs, &error))?;
        for name in NAMES {
            let link = programs.join(name);
            std::os::unix::fs::symlink("../usr/bin/nix", &link).map_err(|error| said(&link, &error))?;
        }
        run(Command::new(programs.join("nix")).arg("--version"))
    })
}

/// Has a program take its libraries, C's among them, from below `lib`, and its libraries theirs. To start it through the
/// loader instead is not enough: Nix starts itself anew.
fn find_own_libraries(program: &Path, lib: &Path) -> Result {
    let loader = capture(Command::new("patchelf").arg("--print-interpreter").arg(program))?;
    let name = loader.trim().rsplit('/').next().unwrap_or_default();
    let folders = fs::read_dir(lib).map_err(|error| said(lib, &error))?;
    let mut folders = folders.flatten().map(|entry| entry.path());
    let folder: PathBuf = folders
        .find(|folder| folder.join(name).is_file())
        .ok_or_else(|| format!("{}: no folder in it holds {name}", lib.display()))?;
    let mut patch = Command::new("patchelf");
    // An RPATH is for libraries of libraries too; a RUNPATH is not.
    patch.arg("--force-rpath").arg("--set-rpath").arg(&folder);
    run(patch.arg("--set-interpreter").arg(folder.join(name)).arg(program))
}

fn said(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
}
