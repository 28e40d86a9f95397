//! What a build came to, kept by all that decides it: a build of what did not change is a look-up.
//!
//! Packages and images of others are decided by the lock, files beside the stack file by what they are. What builds and Nix make
//! is not decided by either, so that stacks with those are looked at as a whole.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt as _;

use longshore_image::lint::Severity;
use longshore_oci::upkeep::SUMMARY;
use longshore_oci::{Digest, Platform, Tree};
use longshore_sources::nix;
use longshore_stack::model::{ContentSpec, ImageSpec};
use serde::{Deserialize, Serialize};

use crate::inputs::files;
use crate::layers::Layouts;
use crate::machine::{Machine, Trust};
use crate::pipeline::{Built, findings};
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

/// What a build came to, and what was said of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// By image, then platform.
    pub rows: Vec<Row>,
    said: Vec<(Told, String)>,
}

/// How something was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Told {
    Warning,
    Note,
}

/// All that decides a build but the lock.
pub struct Inputs {
    /// Names all of it.
    rest: Vec<u8>,
}

impl Inputs {
    /// Those of the images called `names` on `platforms`; none where more decides it.
    pub fn of(
        project: &Project,
        machine: &Machine,
        names: &BTreeSet<String>,
        platforms: &[Platform],
    ) -> Result<Option<Self>, Failure> {
        // Layers are cut for all images, whichever are asked for.
        let specs = || project.stack.images.values();
        let graph = matches!(machine.settings.nix, nix::Settings::Graph(_));
        if graph || machine.inputs.is_some() || machine.trust != Trust::Records || specs().any(has_more) {
            return Ok(None);
        }
        let mut trees: Vec<(String, Tree)> = Vec::new();
        for spec in specs() {
            for (path, component) in files(project, machine, spec)? {
                trees.push((path, component.tree.clone()));
            }
        }
        let locked = machine.layouts == Layouts::AsLocked;
        let stack = serde_json::to_string(&project.stack).unwrap_or_default();
        let parts = (program(), locked, stack, names, platforms, trees);
        // Plain data in memory is always serialised.
        Ok(Some(Self { rest: postcard::to_allocvec(&parts).unwrap_or_default() }))
    }

    /// What they came to with the lock that there is now.
    pub fn done(&self, project: &Project, machine: &Machine) -> Option<Done> {
        let record = machine.store.record(SUMMARY, &self.key(project)?).ok()??;
        serde_json::from_slice(&record).ok()
    }

    /// Keeps what they came to with the lock that there is now.
    pub fn keep(&self, project: &Project, machine: &Machine, done: &Done) {
        let Some(key) = self.key(project) else { return };
        let record = serde_json::to_vec(done).unwrap_or_default();
        if let Err(error) = machine.store.put_record(SUMMARY, &key, &record, []) {
            machine.warn(&format!("what was built can't be kept: {error}"));
        }
    }

    fn key(&self, project: &Project) -> Option<Digest> {
        let lock = fs_err::read(project.lock_path()).ok()?;
        let all = [Digest::of(&lock), Digest::of(&self.rest)].map(|digest| *digest.as_bytes()).concat();
        Some(Digest::of(&all))
    }
}

/// Whether an image is of more than the lock and files beside the stack file.
fn has_more(spec: &ImageSpec) -> bool {
    spec.contents.iter().any(|content| matches!(content, ContentSpec::Build(_) | ContentSpec::Nix(_)))
}

/// This program, whose next version may build otherwise.
fn program() -> (&'static str, Option<(u64, i64, i64)>) {
    let file = std::env::current_exe().and_then(fs_err::metadata).ok();
    (env!("CARGO_PKG_VERSION"), file.map(|file| (file.len(), file.mtime(), file.mtime_nsec())))
}

impl Done {
    /// What was built.
    pub fn of(project: &Project, built: &Built, names: &BTreeSet<String>) -> Self {
        let (mut rows, mut said) = (Vec::new(), Vec::new());
        for (platform, (composed, images)) in built {
            for image in images {
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
            for (name, rootfs) in composed.rootfs.iter().filter(|(name, _)| names.contains(*name)) {
                for finding in findings(project, name, platform, rootfs) {
                    let told = match finding.severity {
                        Severity::Note => Told::Note,
                        Severity::Warning | Severity::Error => Told::Warning,
                    };
                    said.push((told, format!("image `{name}`: {}", finding.message)));
                }
            }
        }
        rows.sort_by(|a, b| (&a.image, &a.platform).cmp(&(&b.image, &b.platform)));
        Self { rows, said }
    }

    /// Says again what was said of it.
    pub fn tell(&self, machine: &Machine) {
        for (told, message) in &self.said {
            match told {
                Told::Warning => machine.warn(message),
                Told::Note => machine.note(message),
            }
        }
    }
}
