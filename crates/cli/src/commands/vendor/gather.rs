//! All inputs of locks, brought into the store where it lacks them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use longshore_build::{Wanted, Witness};
use longshore_oci::{Content, Platform};
use longshore_sources::url;
use longshore_stack::lock::Lock;
use longshore_stack::model::BuildKind;
use longshore_vendor::{Input, Kind};

use crate::builds::Builds;
use crate::inputs::Loader;
use crate::machine::Machine;
use crate::nix::StorePaths;
use crate::others::Others;
use crate::project::Project;
use crate::report::Failure;
use crate::vendored::kind;

/// What was gathered, by kind and id.
#[derive(Default)]
pub struct Gathered {
    inputs: Mutex<BTreeMap<(Kind, String), Input>>,
}

impl Gathered {
    /// Every input of `lock`, for all platforms.
    pub fn all(&self, project: &Project, lock: &Lock, machine: &Machine) -> Result<(), Failure> {
        let loader = Loader::new(project, lock, machine);
        let ids: Vec<_> = lock.packages.keys().cloned().collect();
        for fetched in loader.fetch(&ids)? {
            let id = fetched.id();
            let platform = platform_of(project, &id.architecture);
            self.add(file(Kind::Deb, &id.name, &id.version, platform, *fetched.content()));
        }
        for pin in &lock.urls {
            if machine.lacks(project, Kind::Url, &pin.content)? {
                return Err(machine.not_vendored(project, vec![format!("url `{}`", pin.name)], None));
            }
            url::fetch(&pin.name, pin, &machine.client, &machine.store, &*machine.progress)?;
            self.add(file(Kind::Url, &pin.name, "", pin.platform.clone(), pin.content));
        }
        self.images(project, lock, machine)?;
        self.store_paths(project, lock, machine)?;
        let builds = Builds::watched(project, lock, machine, &loader, Some(self));
        fetching(project).try_for_each(|name| prepare(project, &builds, name))
    }

    /// The blobs of somebody's images.
    fn images(&self, project: &Project, lock: &Lock, machine: &Machine) -> Result<(), Failure> {
        let others = Others::new(project, lock, machine);
        for (name, image) in &lock.images {
            for (platform, pin) in &image.platforms {
                others.bring(name, pin)?;
                for blob in pin.blobs() {
                    self.add(file(Kind::ImageBlob, name, "", Some(platform.clone()), *blob));
                }
            }
        }
        Ok(())
    }

    /// The archives of paths of the Nix store.
    fn store_paths(&self, project: &Project, lock: &Lock, machine: &Machine) -> Result<(), Failure> {
        let store_paths = StorePaths::new(project, lock, machine);
        for (path, content) in store_paths.archives()? {
            let (name, version) = path.name_and_version();
            self.add(file(Kind::Nar, name, version.unwrap_or_default(), None, content));
        }
        Ok(())
    }

    /// All of them.
    pub fn into_inputs(self) -> BTreeSet<Input> {
        self.inputs.into_inner().unwrap_or_else(PoisonError::into_inner).into_values().collect()
    }

    fn add(&self, input: Input) {
        let mut inputs = self.inputs.lock().unwrap_or_else(PoisonError::into_inner);
        let known = inputs.entry((input.kind, input.id.clone())).or_insert_with(|| input.clone());
        // One file under two names: the same one is told in every run.
        if input < *known {
            *known = input;
        }
    }
}

impl Witness for Gathered {
    fn takes(&self, _build: &str, wanted: Wanted, content: Content) {
        let Wanted { kind: what, name, version, id } = wanted;
        self.add(Input { kind: kind(what), name, version, platform: None, id, content });
    }
}

/// The builds that have inputs of their own kind; what a command takes, the lock says.
pub fn fetching(project: &Project) -> impl Iterator<Item = &str> {
    let builds = project.stack.builds.iter();
    builds.filter(|(_, spec)| !matches!(spec.kind, BuildKind::Command(_))).map(|(name, _)| name.as_str())
}

/// Prepares a build, which tells the witness of `builds` of its inputs. Other builds run only where they make the tools that
/// fetch.
pub fn prepare(project: &Project, builds: &Builds<'_>, name: &str) -> Result<(), Failure> {
    for platform in &project.stack.platforms {
        let needed = builds.needed(platform, name)?;
        builds.prepare(name, platform, &needed)?;
    }
    Ok(())
}

/// A file that its digest pins.
pub fn file(kind: Kind, name: &str, version: &str, platform: Option<String>, content: Content) -> Input {
    let id = content.digest.to_string();
    Input { kind, name: name.to_owned(), version: version.to_owned(), platform, id, content }
}

/// The platform of the stack whose packages have this architecture of Debian's.
fn platform_of(project: &Project, architecture: &str) -> Option<String> {
    let fits = |platform: &&Platform| platform.debian_architecture() == architecture;
    project.stack.platforms.iter().find(fits).map(ToString::to_string)
}
