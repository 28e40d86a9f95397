//! Version 1: a tree of groups for each controller (Documentation/admin-guide/cgroup-v1 of the kernel).

use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{Access, access};

use super::FIRST;
use super::files::{named, number, set, set_if_there};
use super::hierarchy::{self, Hierarchy};
use crate::{Bounds, Error, NoGroups, Usage};

/// In the order of the fields of [`Folders`].
pub(super) const CONTROLLERS: [&str; 4] = ["memory", "cpu", "cpuacct", "pids"];

/// Microseconds in which a group may use its share.
const PERIOD: u64 = 100_000;

/// The groups that ours are made in, one for each of [`CONTROLLERS`]; some may be the same.
#[derive(Debug, Clone)]
pub(super) struct Places([Hierarchy; CONTROLLERS.len()]);

/// The folders of a group.
#[derive(Debug)]
pub(super) struct Folders {
    memory: PathBuf,
    cpu: PathBuf,
    accounts: PathBuf,
    processes: PathBuf,
}

impl Places {
    /// Below the caller's own groups. The error is none where there are no such trees at all.
    pub(super) fn find(mounts: &str, own: &str) -> Result<Self, Option<NoGroups>> {
        let [memory, cpu, accounts, processes] = CONTROLLERS.map(|it| hierarchy::of(it, mounts, own));
        let (Some(memory), Some(cpu), Some(accounts), Some(processes)) = (memory, cpu, accounts, processes)
        else {
            return Err(None);
        };
        let all = [memory, cpu, accounts, processes];
        for place in &all {
            access(&place.own, Access::WRITE_OK)
                .map_err(|errno| NoGroups::NotOurs { path: place.own.clone(), source: errno.into() })?;
        }
        Ok(Self(all))
    }

    pub(super) fn tops(&self) -> Vec<&Path> {
        let mut tops: Vec<&Path> = self.0.iter().map(|it| it.top.as_path()).collect();
        tops.sort();
        tops.dedup();
        tops
    }

    pub(super) fn folders(&self, name: &str) -> Folders {
        let [memory, cpu, accounts, processes] = self.0.each_ref().map(|it| it.own.join(name));
        Folders { memory, cpu, accounts, processes }
    }
}

impl Folders {
    pub(super) fn all(&self) -> Vec<&Path> {
        let mut all: Vec<&Path> =
            [&self.memory, &self.cpu, &self.accounts, &self.processes].map(PathBuf::as_path).into();
        all.sort();
        all.dedup();
        all
    }

    pub(super) fn bound(&self, bounds: Bounds) -> Result<(), Error> {
        if let Some(memory) = bounds.memory {
            set(&self.memory, "memory.limit_in_bytes", memory)?;
            // Else what is over would go to disk, where it is not counted.
            set_if_there(&self.memory, "memory.memsw.limit_in_bytes", memory)?;
        }
        if let Some(cpu) = bounds.cpu {
            set(&self.cpu, "cpu.cfs_period_us", PERIOD)?;
            set(&self.cpu, "cpu.cfs_quota_us", u64::from(cpu) * PERIOD / 1000)?;
        }
        if let Some(processes) = bounds.processes {
            set(&self.processes, "pids.max", processes.saturating_add(FIRST))?;
        }
        Ok(())
    }

    pub(super) fn usage(&self) -> Result<Usage, Error> {
        let memory = number(&self.memory, "memory.usage_in_bytes")?;
        Ok(Usage {
            memory: memory.saturating_sub(named(&self.memory, "memory.stat", "total_inactive_file")?),
            cpu: Duration::from_nanos(number(&self.accounts, "cpuacct.usage")?),
            processes: number(&self.processes, "pids.current")?.saturating_sub(FIRST),
            out_of_memory: named(&self.memory, "memory.oom_control", "oom_kill")?,
        })
    }
}
