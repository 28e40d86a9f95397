//! What is to be seen where inside, put in the order in which it has to be mounted.

use std::ffi::CString;
use std::os::fd::OwnedFd;
use std::path::Path;

use super::program::{absolute, c_string};
use crate::{Access, Error, Mount, Tmpfs};

/// Something of the machine, to be seen inside.
pub(super) struct Bind {
    pub(super) from: CString,
    pub(super) access: Access,
    /// A copy of its mount, attached to nothing yet, once it is open.
    pub(super) tree: Option<OwnedFd>,
}

/// A mount point and what is mounted.
pub(super) struct Place {
    pub(super) to: CString,
    pub(super) what: What,
    /// Folders to be made on the way, and whether the point itself has to be.
    pub(super) above: Vec<CString>,
    pub(super) point: Point,
}

/// What is mounted.
pub(super) enum What {
    /// Something of the machine.
    Bind(Bind),
    /// A folder in memory, with these options.
    Memory(CString),
}

/// Whether a mount point is there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Point {
    /// The root or what is mounted over it has it.
    There,
    /// It is in a folder that is empty so far.
    Made,
}

impl Bind {
    pub(super) fn new(from: &Path, access: Access) -> Result<Self, Error> {
        Ok(Self { from: c_string("path", from)?, access, tree: None })
    }
}

/// All of them: those that others are below come first.
pub(super) fn all(mounts: &[Mount], tmpfs: &[Tmpfs], ids: (u32, u32)) -> Result<Vec<Place>, Error> {
    let binds = mounts.iter().map(|it| (it.to.as_path(), Ok(it)));
    let memory = tmpfs.iter().map(|it| (it.to.as_path(), Err(it)));
    let mut all: Vec<(&Path, Result<&Mount, &Tmpfs>)> = memory.chain(binds).collect();
    all.sort_by_key(|(to, _)| *to);
    let placed = all.iter().map(|(to, what)| {
        let nearest = all.iter().rfind(|(other, _)| to != other && to.starts_with(other));
        let empty = nearest.and_then(|(other, what)| what.is_err().then_some(*other));
        let between = |path: &&Path| empty.is_some_and(|empty| *path != empty && path.starts_with(empty));
        let mut above = to.ancestors().skip(1).take_while(between).collect::<Vec<_>>();
        above.reverse();
        Ok(Place {
            to: c_string("mount point", absolute("mount point", to)?)?,
            what: match what {
                Ok(mount) => What::Bind(Bind::new(&mount.from, mount.access)?),
                Err(tmpfs) => What::Memory(options(tmpfs, ids)?),
            },
            above: above.into_iter().map(|it| c_string("mount point", it)).collect::<Result<_, _>>()?,
            point: if empty.is_some() { Point::Made } else { Point::There },
        })
    });
    placed.collect()
}

/// As `mount` takes them.
pub(super) fn options(tmpfs: &Tmpfs, (uid, gid): (u32, u32)) -> Result<CString, Error> {
    let size = tmpfs.size.map(|size| format!(",size={size}")).unwrap_or_default();
    c_string("mount option", format!("mode={:o},uid={uid},gid={gid}{size}", tmpfs.mode))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::{Point, all};
    use crate::{Access, Mount, Tmpfs};

    #[test]
    fn points_are_made_in_memory_only() {
        let mount =
            |to: &str| Mount { from: PathBuf::from("/x"), to: PathBuf::from(to), access: Access::Read };
        let memory = |to: &str| Tmpfs { to: PathBuf::from(to), mode: 0o755, size: None };
        let mounts = ["/run/a/b/c", "/data", "/run/a/b/c/d", "/running"].map(mount);
        let placed = all(&mounts, &[memory("/run"), memory("/data/tmp")], (1, 2)).unwrap();
        let shown = placed.iter().map(|it| {
            let above: Vec<_> = it.above.iter().map(|it| it.to_str().unwrap()).collect();
            (it.to.to_str().unwrap(), above, it.point == Point::Made)
        });
        let expected = [
            ("/data", vec![], false),
            ("/data/tmp", vec![], false),
            ("/run", vec![], false),
            ("/run/a/b/c", vec!["/run/a", "/run/a/b"], true),
            ("/run/a/b/c/d", vec![], false),
            ("/running", vec![], false),
        ];
        assert!(shown.eq(expected));
    }
}
