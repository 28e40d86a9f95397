//! Paths of the Nix store as this stack takes them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use longshore_image::rootfs::{NixClosure, NixPath};
use longshore_oci::{Component, Content, Platform, StorePath};
use longshore_sources::nix::{self, Access, Caches};
use longshore_stack::lock::{Lock, LockedNix, LockedStorePath};
use longshore_stack::model::{ImageSpec, Installable};
use longshore_vendor::Kind;

use crate::machine::Machine;
use crate::project::Project;
use crate::report::Failure;

/// How this machine has Nix, for `project`.
pub fn access<'a>(project: &'a Project, machine: &'a Machine) -> Result<Access<'a>, Failure> {
    let Machine { settings, client, store, trust, progress, .. } = machine;
    let spec = &project.stack.nix;
    let addresses: Vec<_> = settings.nix_caches.iter().chain(&spec.caches).collect();
    let caches = Caches::new(&addresses, &spec.trusted_keys, client, store, &**progress)?;
    let (nix, jobs) = (settings.nix.clone(), machine.jobs().get());
    Ok(Access::new(nix, project.folder.clone(), caches, store, *trust, jobs, &**progress))
}

/// The paths of the Nix store under one lock, each had at most once.
pub struct StorePaths<'a> {
    project: &'a Project,
    lock: &'a Lock,
    machine: &'a Machine,
    access: OnceLock<Access<'a>>,
    loaded: Mutex<BTreeMap<StorePath, Arc<Component>>>,
}

impl<'a> StorePaths<'a> {
    /// Nothing had yet.
    pub fn new(project: &'a Project, lock: &'a Lock, machine: &'a Machine) -> Self {
        Self { project, lock, machine, access: OnceLock::new(), loaded: Mutex::default() }
    }

    fn access(&self) -> Result<&Access<'a>, Failure> {
        if let Some(access) = self.access.get() {
            return Ok(access);
        }
        let access = access(self.project, self.machine)?;
        Ok(self.access.get_or_init(|| access))
    }

    /// What `image` takes on `platform`, by installable.
    pub fn closures(
        &self,
        image: &str,
        spec: &ImageSpec,
        platform: &Platform,
    ) -> Result<BTreeMap<String, NixClosure>, Failure> {
        let mut all = BTreeMap::new();
        for request in spec.nix() {
            let closure =
                self.closure(&request.installable, platform).map_err(|failure| Failure::Because {
                    failure: Box::new(failure),
                    why: format!("image `{image}` → `{}`", request.installable),
                })?;
            all.insert(request.installable.to_string(), closure);
        }
        Ok(all)
    }

    fn closure(&self, installable: &Installable, platform: &Platform) -> Result<NixClosure, Failure> {
        let pin = self.lock.nix(installable, platform).ok_or_else(|| Failure::Stale {
            lock: self.lock.file_name(),
            reasons: vec![format!("`{installable}` is not in the lock for {platform}")],
            refused: false,
        })?;
        let locked = self.locked(pin);
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted: BTreeMap<_, _> = locked
            .iter()
            .filter(|(path, _)| !loaded.contains_key(**path))
            .map(|(path, pin)| (*path, *pin))
            .collect();
        self.vendored(&wanted)?;
        loaded.extend(nix::load(installable, platform, pin, &wanted, self.access()?)?);
        let held = |(path, locked): (&StorePath, &LockedStorePath)| {
            let component = loaded.get(path)?.clone();
            Some((path.clone(), NixPath { references: locked.references.clone(), component }))
        };
        let outputs = installable.order(platform).unwrap_or(&pin.outputs).to_vec();
        Ok(NixClosure { outputs, paths: locked.into_iter().filter_map(held).collect() })
    }

    /// The archives of all paths of the lock, brought into the store.
    pub fn archives(&self) -> Result<BTreeMap<&StorePath, Content>, Failure> {
        for installable in self.project.stack.installables() {
            for platform in &self.project.stack.platforms {
                self.closure(installable, platform)?;
            }
        }
        let loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        let Machine { store, progress, .. } = self.machine;
        let mut all = BTreeMap::new();
        for (path, locked) in &self.lock.store_paths {
            if let Some(component) = loaded.get(path) {
                progress.during("Packing", path.name(), Some(locked.nar.size), |_| {
                    nix::archive(path, locked, &component.tree, store)
                })?;
                all.insert(path, locked.nar);
            }
        }
        Ok(all)
    }

    fn locked(&self, pin: &'a LockedNix) -> BTreeMap<&'a StorePath, &'a LockedStorePath> {
        let closure = self.lock.closure_of_paths(&pin.outputs, |_| true).into_iter();
        closure.filter_map(|path| Some((path, self.lock.store_paths.get(path)?))).collect()
    }

    /// Takes archives that were vendored, where inputs are.
    fn vendored(&self, wanted: &BTreeMap<&StorePath, &LockedStorePath>) -> Result<(), Failure> {
        let mut missing = Vec::new();
        if self.machine.inputs.is_some() {
            for (path, locked) in wanted {
                if nix::recorded(path, &locked.nar, &self.machine.store, self.machine.trust)?.is_none()
                    && self.machine.lacks(self.project, Kind::Nar, &locked.nar)?
                {
                    missing.push(format!("store path `{}`", path.base_name()));
                }
            }
        }
        match missing.is_empty() {
            true => Ok(()),
            false => Err(self.machine.not_vendored(self.project, missing, None)),
        }
    }
}
