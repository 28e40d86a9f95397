//! Control groups, by either version of the kernel's interface.
//!
//! A group is made below or beside the caller's own, so what bounds the caller bounds it too, and no setting of the machine
//! is needed beyond a folder that the caller may write.

mod files;
mod hierarchy;
mod v1;
mod v2;

use std::io::ErrorKind;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fs_err as fs;

use super::program::invalid;
use crate::{Bounds, Error, NoGroups, Usage};

/// How deep groups are looked for.
const DEPTH: usize = 12;

/// The sandbox's first process, which is none of the service's.
const FIRST: u64 = 1;

/// Where groups can be made.
#[derive(Debug, Clone)]
pub(crate) struct Groups {
    prefix: String,
    places: Places,
}

#[derive(Debug, Clone)]
enum Places {
    One(v1::Places),
    Two(v2::Place),
}

/// The group of one service.
#[derive(Debug)]
pub(crate) struct Group {
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    One(v1::Folders),
    Two(PathBuf),
}

impl Groups {
    pub(crate) fn find(prefix: &str) -> Result<Self, NoGroups> {
        let read = |path: &str| fs::read_to_string(path).map_err(|_| NoGroups::Unsupported);
        let (mounts, own) = (read("/proc/self/mountinfo")?, read("/proc/self/cgroup")?);
        let one =
            |why| v1::Places::find(&mounts, &own).map_err(|error| error.unwrap_or(why)).map(Places::One);
        let places = match hierarchy::unified(&mounts, &own).map(|it| v2::Place::find(&it)) {
            Some(Ok(place)) => Places::Two(place),
            Some(Err(why)) => one(why)?,
            None => one(NoGroups::Unsupported)?,
        };
        Ok(Self { prefix: prefix.to_owned(), places })
    }

    pub(crate) fn make(&self, name: &str, bounds: Bounds) -> Result<Group, Error> {
        let name = format!("{}.{name}", self.prefix);
        let plain = |it: char| it.is_ascii_alphanumeric() || "-_.".contains(it);
        if !name.chars().all(plain) {
            return Err(invalid("control group", &name, "is not made of letters, digits, `-`, `_` and `.`"));
        }
        let group = match &self.places {
            Places::One(places) => Group { kind: Kind::One(places.folders(&name)) },
            Places::Two(place) => Group { kind: Kind::Two(place.folder.join(&name)) },
        };
        for folder in group.folders() {
            remove(folder).and_then(|()| fs::create_dir(folder)).map_err(failed("make", folder))?;
        }
        match &group.kind {
            Kind::One(folders) => folders.bound(bounds)?,
            Kind::Two(folder) => v2::bound(folder, bounds)?,
        }
        Ok(group)
    }

    pub(crate) fn sweep(&self) -> Result<Vec<String>, Error> {
        let tops = match &self.places {
            Places::One(places) => places.tops(),
            Places::Two(place) => vec![place.top.as_path()],
        };
        let mut swept = Vec::new();
        for top in tops {
            self.sweep_below(top, DEPTH, &mut swept)?;
        }
        swept.sort();
        swept.dedup();
        Ok(swept)
    }

    fn sweep_below(&self, folder: &Path, deeper: usize, swept: &mut Vec<String>) -> Result<(), Error> {
        let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
        let below = entries.flatten().filter(|it| it.file_type().is_ok_and(|it| it.is_dir()));
        for entry in below {
            let name = entry.file_name().to_string_lossy().into_owned();
            let mine = name.strip_prefix(&self.prefix).is_some_and(|rest| rest.starts_with('.'));
            if mine {
                match fs::remove_dir(entry.path()) {
                    Ok(()) => swept.push(name),
                    // It holds processes, or somebody else's are of the same name, or was just removed.
                    Err(error) if is_kept(&error) => {}
                    Err(error) => return Err(failed("remove", &entry.path())(error)),
                }
            } else if deeper > 0 {
                self.sweep_below(&entry.path(), deeper - 1, swept)?;
            }
        }
        Ok(())
    }
}

fn is_kept(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::ResourceBusy | ErrorKind::PermissionDenied | ErrorKind::NotFound)
}

impl Group {
    /// Where who writes `0` joins it.
    pub(super) fn doors(&self) -> Result<Vec<OwnedFd>, Error> {
        self.folders().into_iter().map(door).collect()
    }

    pub(crate) fn usage(&self) -> Result<Usage, Error> {
        match &self.kind {
            Kind::One(folders) => folders.usage(),
            Kind::Two(folder) => v2::usage(folder),
        }
    }

    fn folders(&self) -> Vec<&Path> {
        match &self.kind {
            Kind::One(folders) => folders.all(),
            Kind::Two(folder) => vec![folder],
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        for folder in self.folders() {
            // What is kept is swept by the next one.
            let _ = remove(folder);
        }
    }
}

/// Where who writes `0` joins the groups of a process, as far as this user may open them.
pub(super) fn doors_of(pid: u32) -> Vec<OwnedFd> {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let (mounts, its) = (read("/proc/self/mountinfo"), read(&format!("/proc/{pid}/cgroup")));
    let mut found: Vec<_> =
        v1::CONTROLLERS.iter().filter_map(|it| hierarchy::of(it, &mounts, &its)).collect();
    found.extend(hierarchy::unified(&mounts, &its));
    let mut folders: Vec<PathBuf> =
        found.into_iter().filter(|it| it.own != it.top).map(|it| it.own).collect();
    folders.sort();
    folders.dedup();
    folders.iter().filter_map(|folder| door(folder).ok()).collect()
}

fn door(folder: &Path) -> Result<OwnedFd, Error> {
    let path = folder.join("cgroup.procs");
    let file = fs::OpenOptions::new().write(true).open(&path);
    file.map(|file| OwnedFd::from(file.into_parts().0)).map_err(failed("join", &path))
}

/// Removes a group, waiting for the kernel to let go of the last process.
fn remove(folder: &Path) -> std::io::Result<()> {
    for _ in 0..20 {
        match fs::remove_dir(folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) if error.kind() == ErrorKind::ResourceBusy => {
                std::thread::sleep(Duration::from_millis(5));
            }
            other => return other,
        }
    }
    fs::remove_dir(folder)
}

fn failed(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let what = match what {
        "make" => "make the control group",
        "remove" => "remove the control group",
        _ => "join the control group by",
    };
    let path = path.to_owned();
    move |source| Error::Kernel { what, path, source }
}
