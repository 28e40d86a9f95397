//! What of the machine itself builds may see: its toolchain where the stack file says so, its certificates in fetches.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use fs_err as fs;
use longshore_oci::folder;
use longshore_sandbox::{Access, Mount};

use super::scene::mount;
use crate::Error;

/// Where programs and what they read are.
const SEEN: [&str; 14] = [
    "bin",
    "etc/alternatives",
    "etc/ld.so.cache",
    "etc/ld.so.conf",
    "etc/ld.so.conf.d",
    "etc/pki",
    "etc/ssl",
    "lib",
    "lib32",
    "lib64",
    "nix",
    "opt",
    "sbin",
    "usr",
];
/// Folders that are there to be mounted on.
const MOUNT_POINTS: [&str; 8] = ["build", "dev", "deps", "homeless", "out", "proc", "src", "tmp"];
/// Where distributions keep their certificates in one file.
const CERTIFICATES: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

/// Makes a root in `to` that shows the machine's programs, libraries and headers, and nobody's files.
pub(super) fn root(to: &Path, mounts: &mut Vec<Mount>) -> Result<PathBuf, Error> {
    for name in MOUNT_POINTS.iter().chain(&["etc"]) {
        folder::open(to, name)?;
    }
    for (name, text) in crate::root::FILES {
        fs::write(to.join(name), text)?;
        fs::set_permissions(to.join(name), std::fs::Permissions::from_mode(0o644))?;
    }
    for name in SEEN {
        let (from, place) = (Path::new("/").join(name), to.join(name));
        let Ok(found) = fs::symlink_metadata(&from) else { continue };
        if found.is_symlink() {
            fs::os::unix::fs::symlink(fs::read_link(&from)?, &place)?;
            continue;
        }
        match found.is_dir() {
            true => drop(folder::open(to, name)?),
            false => fs::write(&place, b"")?,
        }
        mounts.push(mount(from, Path::new("/").join(name), Access::Read));
    }
    Ok(to.to_owned())
}

/// The machine's certificates in one file.
pub(super) fn certificates(said: Option<&Path>) -> Option<PathBuf> {
    match said {
        Some(path) => Some(path.to_owned()),
        None => CERTIFICATES.iter().map(PathBuf::from).find(|path| path.exists()),
    }
}
