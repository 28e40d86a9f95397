//! Version 2: one tree of groups in which each says which controllers its children have
//! (Documentation/admin-guide/cgroup-v2.rst of the kernel).

use std::path::{Path, PathBuf};
use std::time::Duration;

use fs_err as fs;
use rustix::fs::{Access, access};

use super::FIRST;
use super::files::{named, number, set, set_if_there};
use super::hierarchy::Hierarchy;
use crate::{Bounds, Error, NoGroups, Usage};

const CONTROLLERS: [&str; 3] = ["memory", "cpu", "pids"];

/// Microseconds in which a group may use its share.
const PERIOD: u64 = 100_000;

/// The group that ours are made in.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) top: PathBuf,
    pub(super) folder: PathBuf,
}

impl Place {
    /// The nearest of the caller's own group and those above it in which the caller can make others. A group that holds
    /// processes can't have groups with controllers, so it is most often the one above the own.
    pub(super) fn find(hierarchy: &Hierarchy) -> Result<Self, NoGroups> {
        let mut why = None;
        for folder in hierarchy.own.ancestors().take_while(|it| it.starts_with(&hierarchy.top)) {
            match divide(folder) {
                Ok(()) => return Ok(Self { top: hierarchy.top.clone(), folder: folder.to_owned() }),
                Err(error) => {
                    why.get_or_insert(error);
                }
            }
        }
        Err(why.unwrap_or(NoGroups::Unsupported))
    }
}

fn divide(folder: &Path) -> Result<(), NoGroups> {
    let path = || folder.to_owned();
    let not_ours = |source| NoGroups::NotOurs { path: path(), source };
    let has = fs::read_to_string(folder.join("cgroup.controllers")).map_err(not_ours)?;
    if let Some(controller) = CONTROLLERS.into_iter().find(|it| !has.split_whitespace().any(|has| has == *it))
    {
        return Err(NoGroups::NoController { path: path(), controller });
    }
    // Who moves a process needs to write to the group that both are below.
    for file in ["", "cgroup.procs"] {
        access(folder.join(file), Access::WRITE_OK).map_err(|errno| not_ours(errno.into()))?;
    }
    let all = CONTROLLERS.map(|it| format!("+{it}")).join(" ");
    fs::write(folder.join("cgroup.subtree_control"), all).map_err(not_ours)
}

pub(super) fn bound(folder: &Path, bounds: Bounds) -> Result<(), Error> {
    if let Some(memory) = bounds.memory {
        set(folder, "memory.max", memory)?;
        // Else what is over would go to disk, where it is not counted.
        set_if_there(folder, "memory.swap.max", 0)?;
    }
    if let Some(cpu) = bounds.cpu {
        set(folder, "cpu.max", format!("{} {PERIOD}", u64::from(cpu) * PERIOD / 1000))?;
    }
    if let Some(processes) = bounds.processes {
        set(folder, "pids.max", processes.saturating_add(FIRST))?;
    }
    Ok(())
}

pub(super) fn usage(folder: &Path) -> Result<Usage, Error> {
    let memory = number(folder, "memory.current")?;
    Ok(Usage {
        memory: memory.saturating_sub(named(folder, "memory.stat", "inactive_file")?),
        cpu: Duration::from_micros(named(folder, "cpu.stat", "usage_usec")?),
        processes: number(folder, "pids.current")?.saturating_sub(FIRST),
        out_of_memory: named(folder, "memory.events", "oom_kill")?,
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use super::{Hierarchy, Place, bound, usage};
    use crate::{Bounds, NoGroups, Usage};

    fn write(folder: &Path, file: &str, text: &str) {
        fs_err::create_dir_all(folder).unwrap();
        fs_err::write(folder.join(file), text).unwrap();
    }

    /// The files are the kernel's by name and form; what it does with them is not tried here.
    #[test]
    fn the_group_above_is_divided() {
        let top = tempfile::tempdir().unwrap();
        let (slice, own) = (top.path().join("app.slice"), top.path().join("app.slice/run.scope"));
        write(&own, "cgroup.controllers", "cpu pids\n");
        write(&slice, "cgroup.controllers", "cpuset cpu memory pids\n");
        write(&slice, "cgroup.procs", "");
        let hierarchy = Hierarchy { top: top.path().to_owned(), own };
        assert_eq!(Place::find(&hierarchy).unwrap().folder, slice);
        let asked = fs_err::read_to_string(slice.join("cgroup.subtree_control")).unwrap();
        assert_eq!(asked, "+memory +cpu +pids");
        fs_err::remove_file(slice.join("cgroup.controllers")).unwrap();
        let why = Place::find(&hierarchy).unwrap_err();
        assert!(matches!(why, NoGroups::NoController { controller: "memory", .. }), "{why}");
    }

    #[test]
    fn bounds_and_usage_are_the_kernel_s_texts() {
        let folder = tempfile::tempdir().unwrap();
        let group = folder.path();
        bound(group, Bounds { memory: Some(1 << 20), cpu: Some(1500), processes: Some(64) }).unwrap();
        let read = |file: &str| fs_err::read_to_string(group.join(file)).unwrap();
        let files = ["memory.max", "cpu.max", "pids.max"].map(read);
        assert_eq!(files, ["1048576", "150000 100000", "65"]);
        write(group, "memory.current", "5000\n");
        write(group, "memory.stat", "anon 1\ninactive_file 2000\n");
        write(group, "memory.events", "low 0\noom 3\noom_kill 2\noom_group_kill 0\n");
        write(group, "cpu.stat", "usage_usec 1500000\nuser_usec 1\n");
        write(group, "pids.current", "7\n");
        let expected =
            Usage { memory: 3000, cpu: Duration::from_millis(1500), processes: 6, out_of_memory: 2 };
        assert_eq!(usage(group).unwrap(), expected);
    }
}
