//! What a build came to, kept by all that decides it: a build of what did not change is a look-up.
//!
//! Packages, images of others and paths of the Nix store are decided by the lock, files beside the stack file by how they look: no
//! file is read, and that their bytes are in the store is not asked. What builds make is not decided by either, so that stacks with
//! those are looked at as a whole.
//!
//! Files are looked at before the build, and may change while it runs. Files that had rested then never look the same again once
//! they were written to; files that came meanwhile may go again, so what was built must have had the same names.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt as _;
use std::sync::{Arc, Mutex, PoisonError};

use longshore_oci::upkeep::SUMMARY;
use longshore_oci::{Component, Digest, Platform, Progress, Silent, Step, Trust};
use longshore_sources::nix;
use longshore_sources::path::{Look, Which};
use longshore_stack::lock::{self, Lock};
use serde::{Deserialize, Serialize};

use crate::inputs;
use crate::layers::Layouts;
use crate::machine::Machine;
use crate::pipeline::{Built, BuiltOn, Told};
use crate::project::Project;
use crate::report::Failure;

/// An image as commands tell of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    pub image: String,
    pub platform: Platform,
    pub id: Digest,
    pub size: u64,
    /// Name, `diff_id` and bytes of each, lowest first.
    pub layers: Vec<(String, Digest, u64)>,
}

/// What a build came to, and what was told of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// By image, then platform.
    pub rows: Vec<Row>,
    told: Vec<Told>,
}

impl Done {
    /// What was built.
    pub fn of(built: &Built) -> Self {
        let (mut rows, mut told) = (Vec::new(), Vec::new());
        for (platform, on) in built {
            for image in &on.images {
                let layers = image.layers.iter();
                rows.push(Row {
                    image: image.name.clone(),
                    platform: platform.clone(),
                    id: image.id(),
                    size: image.size(),
                    layers: layers
                        .map(|layer| (layer.name().to_owned(), layer.diff_id.0, layer.size))
                        .collect(),
                });
            }
            told.extend(on.told.iter().cloned());
        }
        rows.sort_by(|a, b| (&a.image, &a.platform).cmp(&(&b.image, &b.platform)));
        Self { rows, told }
    }
}

/// Images that may have been built before.
pub struct Asked<'a> {
    project: &'a Project,
    machine: &'a Machine,
    names: &'a BTreeSet<String>,
    platforms: &'a [Platform],
    /// How files and folders beside the stack file look, by their path as written there.
    looks: BTreeMap<String, Look>,
    /// What is to be noted of them.
    notes: Vec<String>,
    /// Whether whatever looks the same later is the same.
    rested: bool,
}

impl<'a> Asked<'a> {
    /// The images called `names` on `platforms`; none where more than the lock and files decide what they are.
    pub fn of(
        project: &'a Project,
        machine: &'a Machine,
        names: &'a BTreeSet<String>,
        platforms: &'a [Platform],
    ) -> Result<Option<Self>, Failure> {
        let graph = matches!(machine.settings.nix, nix::Settings::Graph(_));
        // Layers are cut for all images, whichever are asked for.
        let more = project.stack.images.values().any(|image| !image.builds().is_empty());
        if graph || more || machine.inputs.is_some() || machine.trust != Trust::Records {
            return Ok(None);
        }
        let notes = Notes::default();
        let look = |path: &str| {
            let search_path = &machine.settings.path;
            (path.to_owned(), Look::at(&project.folder, path, Which::Taken, search_path, &notes))
        };
        let looks: BTreeMap<_, _> =
            project.stack.images.values().flat_map(inputs::beside).map(look).collect();
        let rested = looks.is_empty() || Look::rested(looks.values(), &machine.store)?;
        let notes = notes.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(Some(Self { project, machine, names, platforms, looks, notes, rested }))
    }

    /// What they came to, as files and the lock are now; tells what was told of it.
    pub fn done(&self) -> Result<Option<Done>, Failure> {
        let Ok(lock) = fs_err::read(self.project.lock_path()) else { return Ok(None) };
        let Some(key) = self.key(&lock) else { return Ok(None) };
        let record = self.machine.store.record(SUMMARY, &key)?;
        let done = record.and_then(|bytes| serde_json::from_slice::<Done>(&bytes).ok());
        // If there is nothing to find, the files are looked at again, and this is said then.
        if let Some(done) = &done {
            self.notes.iter().for_each(|note| self.machine.progress.note(note));
            done.told.iter().for_each(|told| told.tell(self.machine));
        }
        Ok(done)
    }

    /// Keeps that `built` of `lock` came to `done`, if that is what a build would find now.
    pub fn keep(&self, lock: &Lock, built: &Built, done: &Done) {
        if !self.rested || !built.values().all(|on| self.has_names(&on.composed.files)) {
            return;
        }
        let Some(key) = self.lock_of(lock, built).and_then(|text| self.key(text.as_bytes())) else { return };
        // Plain data in memory is always serialised.
        let record = serde_json::to_vec(done).unwrap_or_default();
        if let Err(error) = self.machine.store.put_record(SUMMARY, &key, &record, []) {
            self.machine.warn(&format!("what was built can't be kept: {error}"));
        }
    }

    /// Whether folders that were built had the names that they were looked at with.
    fn has_names(&self, files: &BTreeMap<String, Arc<Component>>) -> bool {
        self.looks.iter().all(|(path, look)| match (look, files.get(path)) {
            (Look::Folder(looked), Some(built)) => looked.keys().eq(built.tree.iter().map(|(path, _)| path)),
            (_, built) => built.is_some(),
        })
    }

    /// The lock on disk, if it is `lock`, or that with the layouts of `built`.
    fn lock_of(&self, lock: &Lock, built: &Built) -> Option<String> {
        let path = self.project.lock_path();
        let text = fs_err::read_to_string(&path).ok()?;
        let now = lock::parse(&text, &path).ok()?;
        let cut = |(platform, on): (&Platform, &BuiltOn)| {
            now.layouts.get(&platform.to_string()).is_some_and(|layout| *layout == on.composed.plan.layout())
        };
        let same = Lock { layouts: lock.layouts.clone(), ..now.clone() } == *lock;
        (same && (now.layouts == lock.layouts || built.iter().all(cut))).then_some(text)
    }

    /// Names all that decides what they come to; none where that can't be written down.
    fn key(&self, lock: &[u8]) -> Option<Digest> {
        let Self { project, machine, names, platforms, looks, .. } = self;
        let locked = machine.layouts == Layouts::AsLocked;
        let parts = (program(), locked, &project.stack, names, platforms, looks, Digest::of(lock));
        Some(Digest::of(&postcard::to_allocvec(&parts).ok()?))
    }
}

/// This program, whose next version may build otherwise.
fn program() -> (&'static str, Option<(u64, i64, i64)>) {
    let file = std::env::current_exe().and_then(fs_err::metadata).ok();
    (env!("CARGO_PKG_VERSION"), file.map(|file| (file.len(), file.mtime(), file.mtime_nsec())))
}

/// What would be noted.
#[derive(Default)]
struct Notes(Mutex<Vec<String>>);

impl Progress for Notes {
    fn begin(&self, _verb: &'static str, _what: &str, _bytes: Option<u64>) -> Box<dyn Step> {
        Box::new(Silent)
    }

    fn note(&self, message: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(message.to_owned());
    }
}
