//! What goes, so that the store keeps within bounds: decided before anything is removed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::census::{Census, Record, Useless};
use super::folders::{Folder, Hold, Inode};
use crate::Digest;
use crate::store::ledger::on_disk;

/// What is begun and was left longer than this is not taken up again.
const LEFT: Duration = Duration::from_secs(24 * 60 * 60);

/// The kind of the records that say what came of many others, and hold none of their blobs. They say nothing once anything of
/// that may be gone: they go first whenever anything goes.
pub const SUMMARY: &str = "summary-1";

/// What the store is to keep within.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bounds {
    /// Most bytes that it may take.
    pub size: Option<u64>,
    /// What was not used since goes.
    pub since: Option<SystemTime>,
    /// The time: what was begun a day before it goes.
    pub now: Option<SystemTime>,
}

/// What goes.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Records: kind, key and what each takes.
    pub records: Vec<(String, Digest, u64)>,
    /// Blobs, and what each takes.
    pub blobs: Vec<(Digest, u64)>,
    /// Folders for sandboxes, caches, indexes and logs.
    pub folders: Vec<Folder>,
    /// What is not finished.
    pub unfinished: Vec<Folder>,
    /// Files that only folders which go had shared.
    pub shared: Vec<(PathBuf, u64)>,
    /// What is of no use.
    pub useless: Vec<Useless>,
}

/// When things were used last, by themselves or by what stands on them.
struct Uses {
    blobs: BTreeMap<Digest, SystemTime>,
    shared: BTreeMap<Inode, SystemTime>,
}

impl Uses {
    fn of(census: &Census) -> Self {
        let mut blobs: BTreeMap<_, _> =
            census.blobs.iter().map(|(digest, blob)| (*digest, blob.used)).collect();
        for record in &census.records {
            for name in &record.names {
                if let Some(used) = blobs.get_mut(&name.digest) {
                    *used = record.used.max(*used);
                }
            }
        }
        // One that no folder shares is of no use; the next folder makes it again.
        let mut shared: BTreeMap<_, _> =
            census.shared.keys().map(|inode| (*inode, SystemTime::UNIX_EPOCH)).collect();
        for folder in census.folders.iter().chain(&census.unfinished) {
            for inode in &folder.shares {
                if let Some(used) = shared.get_mut(inode) {
                    *used = time(folder).map_or(*used, |time| time.max(*used));
                }
            }
        }
        Self { blobs, shared }
    }
}

/// When a folder was used last; none where it is held and may not go.
fn time(folder: &Folder) -> Option<SystemTime> {
    (folder.hold == Hold::Free).then_some(folder.used)
}

impl Plan {
    /// What of `census` goes, so that the rest keeps within `bounds`: what was used longest ago.
    pub fn of(census: &Census, bounds: &Bounds) -> Self {
        let uses = Uses::of(census);
        let held: BTreeSet<Inode> = census
            .folders
            .iter()
            .filter(|it| it.hold == Hold::Held)
            .flat_map(|it| it.shares.iter().copied())
            .collect();
        let left = |folder: &Folder| {
            bounds.now.is_some_and(|now| now.duration_since(folder.used).is_ok_and(|age| age > LEFT))
        };
        let limit = limit(census, &uses, &held, bounds, &left);
        let old = |used: SystemTime| {
            bounds.since.is_some_and(|since| used < since) || limit.is_some_and(|limit| used <= limit)
        };
        let row = |record: &Record| (record.kind.clone(), record.key, on_disk(record.len));
        let records = census.records.iter().filter(|record| old(record.used));
        let blobs =
            census.blobs.iter().filter(|(digest, _)| uses.blobs.get(digest).is_some_and(|used| old(*used)));
        let free = |folder: &&Folder| folder.hold == Hold::Free;
        let folders = census.folders.iter().filter(free).filter(|folder| old(folder.used));
        let unfinished = census.unfinished.iter().filter(free).filter(|it| old(it.used) || left(it));
        let shared = census.shared.iter().filter(|(inode, _)| !held.contains(inode));
        let shared = shared.filter(|(inode, _)| {
            uses.shared.get(inode).is_some_and(|used| *used == SystemTime::UNIX_EPOCH || old(*used))
        });
        let mut plan = Self {
            records: records.map(row).collect(),
            blobs: blobs.map(|(digest, blob)| (*digest, on_disk(blob.len))).collect(),
            folders: folders.cloned().collect(),
            unfinished: unfinished.cloned().collect(),
            shared: shared.map(|(_, file)| file.clone()).collect(),
            useless: census.useless.clone(),
        };
        if !plan.is_empty() {
            let summaries = census.records.iter().filter(|record| record.kind == SUMMARY).map(row);
            let others = plan.records.into_iter().filter(|(kind, _, _)| kind != SUMMARY);
            plan.records = summaries.chain(others).collect();
        }
        plan
    }

    /// What all of it takes.
    pub fn size(&self) -> u64 {
        let records = self.records.iter().map(|record| record.2);
        let blobs = self.blobs.iter().map(|blob| blob.1);
        let folders = self.folders.iter().chain(&self.unfinished).map(|folder| folder.size);
        let files = self.shared.iter().map(|file| file.1).chain(self.useless.iter().map(|it| it.size));
        records.chain(blobs).chain(folders).chain(files).sum()
    }

    /// Whether nothing goes.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The last use of the youngest thing that goes for the sake of the size.
fn limit(
    census: &Census,
    uses: &Uses,
    held: &BTreeSet<Inode>,
    bounds: &Bounds,
    left: &dyn Fn(&Folder) -> bool,
) -> Option<SystemTime> {
    let most = bounds.size?;
    let blobs =
        census.blobs.iter().filter_map(|(digest, blob)| Some((*uses.blobs.get(digest)?, on_disk(blob.len))));
    let records = census.records.iter().map(|record| (record.used, on_disk(record.len)));
    let unfinished = census.unfinished.iter().filter(|folder| !left(folder));
    let folders = census.folders.iter().chain(unfinished).filter_map(|it| Some((time(it)?, it.size)));
    let shared = census.shared.iter().filter(|(inode, _)| !held.contains(inode));
    let shared = shared.filter_map(|(inode, (_, size))| Some((*uses.shared.get(inode)?, *size)));
    let mut all: Vec<_> = blobs.chain(records).chain(folders).chain(shared).collect();
    all.sort_unstable_by_key(|(used, size)| (std::cmp::Reverse(*used), *size));
    // What can't go takes its part first.
    let stays = census.folders.iter().filter(|folder| folder.hold == Hold::Held).map(|folder| folder.size);
    let shared = held.iter().filter_map(|inode| census.shared.get(inode)).map(|(_, size)| *size);
    let mut taken = census.busy + stays.chain(shared).sum::<u64>();
    all.into_iter().find_map(|(used, size)| {
        taken += size;
        (taken > most).then_some(used)
    })
}

/// Records that stay, and the blobs that do: what is left when `plan` is taken away.
pub(super) fn rest<'a>(census: &'a Census, plan: &Plan) -> (Vec<&'a Record>, BTreeSet<Digest>) {
    let records: BTreeSet<_> = plan.records.iter().map(|(kind, key, _)| (kind.as_str(), *key)).collect();
    let blobs: BTreeSet<_> = plan.blobs.iter().map(|(digest, _)| *digest).collect();
    let kept = census.records.iter().filter(|record| !records.contains(&(record.kind.as_str(), record.key)));
    (kept.collect(), census.blobs.keys().filter(|digest| !blobs.contains(digest)).copied().collect())
}
