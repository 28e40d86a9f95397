//! Where the kernel's control groups are mounted, and where this process is in them (cgroups(7)).

use std::path::{Path, PathBuf};

/// A mounted hierarchy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hierarchy {
    /// Where it is mounted.
    pub(super) top: PathBuf,
    /// The folder of this process's own group, at or below `top`.
    pub(super) own: PathBuf,
}

/// Version 2, from `/proc/self/mountinfo` and `/proc/self/cgroup`.
pub(super) fn unified(mounts: &str, own: &str) -> Option<Hierarchy> {
    let mount = mounts.lines().filter_map(Mount::read).find(|mount| mount.kind == "cgroup2")?;
    let path = own.lines().find_map(|line| line.strip_prefix("0::"))?;
    Some(mount.at(path))
}

/// That of version 1 with this controller.
pub(super) fn of(controller: &str, mounts: &str, own: &str) -> Option<Hierarchy> {
    let has = |list: &str| list.split(',').any(|it| it == controller);
    let mut all = mounts.lines().filter_map(Mount::read);
    let mount = all.find(|mount| mount.kind == "cgroup" && has(mount.options))?;
    let path = own.lines().find_map(|line| {
        let (_, rest) = line.split_once(':')?;
        let (controllers, path) = rest.split_once(':')?;
        has(controllers).then_some(path)
    })?;
    Some(mount.at(path))
}

/// A line of `mountinfo`.
struct Mount<'a> {
    kind: &'a str,
    options: &'a str,
    /// What of the hierarchy is seen at `top`.
    root: &'a str,
    top: &'a str,
}

impl<'a> Mount<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let (place, what) = line.split_once(" - ")?;
        let mut place = place.split(' ').skip(3);
        let mut what = what.split(' ');
        let (root, top) = (place.next()?, place.next()?);
        let (kind, _, options) = (what.next()?, what.next()?, what.next()?);
        Some(Self { kind, options, root, top })
    }

    fn at(&self, path: &str) -> Hierarchy {
        let top = PathBuf::from(self.top);
        let below = Path::new(path).strip_prefix(self.root).unwrap_or(Path::new(path));
        let own = top.join(below.strip_prefix("/").unwrap_or(below));
        // In a container, the path may be that of a hierarchy of which nothing is seen.
        let own = if own.starts_with(&top) && own.is_dir() { own } else { top.clone() };
        Hierarchy { top, own }
    }
}

#[cfg(test)]
mod tests {
    use super::{of, unified};

    #[test]
    fn hierarchies_are_found() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().display().to_string();
        for own in ["user/scope", "v1/session"] {
            fs_err::create_dir_all(folder.path().join(own)).unwrap();
        }
        let mounts = format!(
            "25 30 0:23 / /sys rw - sysfs sysfs rw\n\
             26 25 0:24 / {at} rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n\
             27 25 0:25 /box {at}/v1 rw - cgroup cgroup rw,cpu,cpuacct\n"
        );
        let own = "3:cpu,cpuacct:/box/session\n0::/user/scope\n";
        let own_of = |it: Option<super::Hierarchy>| it.map(|it| it.own.display().to_string());
        assert_eq!(own_of(unified(&mounts, own)), Some(format!("{at}/user/scope")));
        assert_eq!(own_of(of("cpuacct", &mounts, own)), Some(format!("{at}/v1/session")));
        assert_eq!(own_of(of("pids", &mounts, own)), None);
        assert_eq!(own_of(unified(&mounts, "0::/elsewhere/../../..\n")), Some(at));
    }
}
