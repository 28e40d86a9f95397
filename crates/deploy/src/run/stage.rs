//! The files and folders that a plan speaks of, made before anything runs.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use fs_err as fs;
use longshore_sandbox::can_become;
use rustix::fs::{AtFlags, CWD, Gid, Uid};

use super::place::{Place, private};
use super::secrets::{Secrets, write};
use super::{Error, Mode, Plan, Planned};

/// Where the files of a service are that are made for every start.
pub(super) struct Staged(PathBuf);

impl Staged {
    pub(super) fn of(place: &Place, service: &str) -> Self {
        Self(place.run(service))
    }

    pub(super) fn hosts(&self) -> PathBuf {
        self.0.join("hosts")
    }

    /// Used where the machine has none of its own.
    pub(super) fn resolv(&self) -> PathBuf {
        self.0.join("resolv.conf")
    }

    /// Files by their number in the order of their paths.
    pub(super) fn file(&self, index: usize) -> PathBuf {
        self.0.join("files").join(index.to_string())
    }

    pub(super) fn secret(&self, name: &str) -> PathBuf {
        self.0.join("secrets").join(name)
    }

    /// Of a service without a container: what it would see at `path` there.
    pub(super) fn seen(&self, path: &Path) -> PathBuf {
        self.0.join("seen").join(path.strip_prefix("/").unwrap_or(path))
    }
}

/// Makes volumes, files and secrets of all that `plan` runs. What a running service has open stays as it is. Gives the services
/// that had been given a secret of another value.
///
/// # Errors
/// When a secret can't be had, or the disk says no.
pub fn stage(plan: &Plan, place: &Place, secrets: &Secrets) -> Result<BTreeSet<String>, Error> {
    place.make()?;
    private(&place.volumes())?;
    let mut outdated = BTreeSet::new();
    for (name, service) in &plan.services {
        for (volume, spec) in &service.volumes {
            make_volume(&place.volume(name, volume), spec.owner, spec.mode)?;
        }
        let staged = Staged::of(place, name);
        for folder in ["files", "secrets"] {
            private(&place.run(name).join(folder))?;
        }
        // In its place, so that services that run learn of new ones.
        fs::write(staged.hosts(), plan.hosts_file())?;
        fs::write(staged.resolv(), b"")?;
        for path in [staged.hosts(), staged.resolv()] {
            fs::set_permissions(path, std::fs::Permissions::from_mode(0o644))?;
        }
        if stage_service(service, &staged, secrets)? == Values::New {
            outdated.insert(name.clone());
        }
    }
    Ok(outdated)
}

/// Whether a service's secrets are what they were.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Values {
    AsBefore,
    New,
}

fn stage_service(service: &Planned, staged: &Staged, secrets: &Secrets) -> Result<Values, Error> {
    let mut values = Values::AsBefore;
    let owner = Some(service.user);
    for (index, (path, file)) in service.files.iter().enumerate() {
        let to = match service.mode {
            Mode::Container => staged.file(index),
            Mode::Native => seen(staged, path)?,
        };
        replace(&to, file.text.as_bytes(), file.mode.into(), owner)?;
    }
    for (name, path) in &service.secrets {
        if let Some(value) = secrets.get(name)? {
            let path = match service.mode {
                Mode::Container => staged.secret(name),
                Mode::Native => seen(staged, path)?,
            };
            if fs::read(&path).is_ok_and(|before| before != value.bytes()) {
                values = Values::New;
            }
            replace(&path, value.bytes(), 0o400, owner)?;
        }
    }
    Ok(values)
}

/// Where a service without a container finds the file that it is told to be at `path`; in a folder that is there.
fn seen(staged: &Staged, path: &Path) -> io::Result<PathBuf> {
    let seen = staged.seen(path);
    seen.parent().map_or(Ok(()), private)?;
    Ok(seen)
}

/// Puts a file in the place of one that may be there and in use. Only root can give it away.
fn replace(path: &Path, bytes: &[u8], mode: u32, owner: Option<(u32, u32)>) -> io::Result<()> {
    let mut name = path.file_name().map(OsStr::to_owned).unwrap_or_default();
    name.push(".new");
    let unfinished = path.with_file_name(name);
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    write(&unfinished, bytes, mode)?;
    // Whatever the umask is.
    fs::set_permissions(&unfinished, std::fs::Permissions::from_mode(mode))?;
    if let Some(owner) = owner.filter(|owner| can_become(*owner)) {
        give(&unfinished, owner)?;
    }
    fs::rename(unfinished, path)
}

/// Makes a volume's folder, or makes one that is there the owner's: the number of a user may have changed since.
fn make_volume(folder: &Path, owner: (u32, u32), mode: u16) -> io::Result<()> {
    match fs::create_dir(folder) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let there = fs::metadata(folder)?;
            if can_become(owner) && (there.uid(), there.gid()) != owner {
                give_all(folder, owner)?;
            }
            return Ok(());
        }
        Err(error) => return Err(error),
    }
    fs::set_permissions(folder, std::fs::Permissions::from_mode(mode.into()))?;
    if can_become(owner) { give(folder, owner) } else { Ok(()) }
}

fn give_all(folder: &Path, owner: (u32, u32)) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        match entry.file_type()?.is_dir() {
            true => give_all(&entry.path(), owner)?,
            false => give(&entry.path(), owner)?,
        }
    }
    // Last, so that what was broken off is done again.
    give(folder, owner)
}

fn give(path: &Path, (uid, gid): (u32, u32)) -> io::Result<()> {
    let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
    Ok(rustix::fs::chownat(CWD, path, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)?)
}

/// Deletes all volumes at `place`; says how many there were.
///
/// # Errors
/// When the disk says no.
pub fn delete_volumes(place: &Place) -> Result<usize, Error> {
    let all = match fs::read_dir(place.volumes()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        all => all?.count(),
    };
    match fs::remove_dir_all(place.volumes()) {
        // Folders that a service closed to itself, and so to an ordinary user.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            open_all(&place.volumes())?;
            fs::remove_dir_all(place.volumes())?;
        }
        removed => removed?,
    }
    Ok(all)
}

fn open_all(folder: &Path) -> io::Result<()> {
    fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            open_all(&entry.path())?;
        }
    }
    Ok(())
}
