//! Locked packages and local files as components: what composition asks for is fetched and unpacked here, once.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};

use longshore_image::rootfs::Packages;
use longshore_oci::{Component, PackageId, Platform, Trust};
use longshore_sources::deb::fetch::{Fetched, fetch};
use longshore_sources::deb::unpack::{unpack_again, unpack_all};
use longshore_sources::{path, url};
use longshore_stack::lock::{Lock, LockedPackage};
use longshore_stack::model::{ContentSpec, ImageSpec};
use longshore_vendor::Kind;

use crate::machine::Machine;
use crate::project::Project;
use crate::report::Failure;
use crate::vendored;

/// Fetches and unpacks packages of a lock, each at most once.
pub struct Loader<'a> {
    project: &'a Project,
    lock: &'a Lock,
    machine: &'a Machine,
    loaded: Mutex<BTreeMap<PackageId, Arc<Component>>>,
}

impl<'a> Loader<'a> {
    /// Nothing loaded yet.
    pub fn new(project: &'a Project, lock: &'a Lock, machine: &'a Machine) -> Self {
        Self { project, lock, machine, loaded: Mutex::default() }
    }

    /// Whose packages they are.
    pub fn project(&self) -> &'a Project {
        self.project
    }

    /// The machine that they are loaded on.
    pub fn machine(&self) -> &'a Machine {
        self.machine
    }

    /// The packages of one image on one platform.
    pub fn packages(&'a self, image: &str, platform: &Platform) -> ClosurePackages<'a> {
        let found = self.lock.closure(image, &platform.to_string());
        let closure = found.map(|closure| closure.packages.clone()).unwrap_or_default();
        let by_name = closure.iter().map(|id| (id.name.as_str().to_owned(), id.clone())).collect();
        ClosurePackages { loader: self, closure, by_name }
    }

    /// Their files, in the same order: from the store, from what was vendored, or else from the archives.
    pub fn fetch(&self, ids: &[PackageId]) -> Result<Vec<Fetched>, Failure> {
        let mut lacking = Vec::new();
        if self.machine.inputs.is_some() {
            for id in ids {
                let locked = self.lock.packages.get(id);
                let lacks =
                    |locked: &LockedPackage| self.machine.lacks(self.project, Kind::Deb, &locked.content);
                if locked.map_or(Ok(false), lacks)? {
                    lacking.push(id);
                }
            }
        }
        if let Some(first) = lacking.first() {
            let missing = lacking.iter().map(|id| vendored::package(id)).collect();
            return Err(self.machine.not_vendored(self.project, missing, vendored::reason(self.lock, first)));
        }
        Ok(fetch(&self.machine.archives(self.project), &self.project.stack, self.lock, ids)?)
    }

    /// Their components, in the same order.
    pub fn load(&self, ids: &[PackageId]) -> Result<Vec<Arc<Component>>, Failure> {
        // Held until they are there: whoever wants the same meanwhile shall find them.
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        let missing: BTreeSet<_> = ids.iter().filter(|id| !loaded.contains_key(*id)).cloned().collect();
        let missing: Vec<_> = missing.into_iter().collect();
        if !missing.is_empty() {
            let fetched = self.fetch(&missing)?;
            let Machine { store, progress, .. } = self.machine;
            let mut unpacked = unpack_all(&fetched, self.machine.jobs().get(), store, &**progress)?;
            if self.machine.trust == Trust::Blobs {
                for (deb, component) in fetched.iter().zip(&mut unpacked) {
                    if !component.is_whole(store) {
                        *component = unpack_again(deb, store)?;
                    }
                }
            }
            loaded.extend(missing.into_iter().zip(unpacked.into_iter().map(Arc::new)));
        }
        Ok(ids.iter().filter_map(|id| loaded.get(id).cloned()).collect())
    }
}

/// The locked packages of one image on one platform.
pub struct ClosurePackages<'a> {
    loader: &'a Loader<'a>,
    closure: Vec<PackageId>,
    by_name: BTreeMap<String, PackageId>,
}

impl Packages for ClosurePackages<'_> {
    fn closure(&self) -> &[PackageId] {
        &self.closure
    }

    fn depends(&self, id: &PackageId) -> Vec<PackageId> {
        let names = self.loader.lock.packages.get(id).map(|p| p.depends.as_slice()).unwrap_or_default();
        names.iter().filter_map(|name| self.by_name.get(name).cloned()).collect()
    }

    fn codename(&self, source: &str) -> Option<String> {
        let releases = &self.loader.lock.releases;
        releases.iter().find(|release| release.source == source).map(|release| release.codename.clone())
    }

    fn load(&self, ids: &[PackageId]) -> Result<Vec<Arc<Component>>, Box<dyn Error + Send + Sync>> {
        self.loader.load(ids).map_err(Into::into)
    }
}

/// What `[url.NAME]` holds on `platform`, as the lock pins it.
pub fn url(
    project: &Project,
    lock: &Lock,
    machine: &Machine,
    name: &str,
    platform: &Platform,
) -> Result<Component, Failure> {
    let wanted = Some(platform.to_string());
    let pinned =
        lock.urls.iter().find(|pin| pin.name == name && (pin.platform == wanted || pin.platform.is_none()));
    let (Some(spec), Some(pin)) = (project.stack.urls.get(name), pinned) else {
        let reasons = vec![format!("url `{name}` is not pinned for {platform}")];
        return Err(Failure::Stale { lock: lock.file_name(), reasons, refused: false });
    };
    let Machine { client, store, progress, .. } = machine;
    let lacks = machine.lacks(project, Kind::Url, &pin.content)?;
    match url::component(name, spec, platform, pin, client, store, &**progress) {
        // What was unpacked of it before does as well.
        Err(url::Error::Net { .. }) if lacks => {
            Err(machine.not_vendored(project, vec![format!("url `{name}`")], None))
        }
        other => Ok(other?),
    }
}

/// The files and folders beside the stack file that an image takes in, and its pinned archives, by their path as written there.
pub fn locals(
    project: &Project,
    machine: &Machine,
    lock: &Lock,
    platform: &Platform,
    spec: &ImageSpec,
) -> Result<BTreeMap<String, Arc<Component>>, Failure> {
    let mut all = files(project, machine, spec)?;
    for content in &spec.contents {
        if let ContentSpec::Url(request) = content {
            let component = url(project, lock, machine, &request.name, platform)?;
            all.insert(format!("url:{}", request.name), Arc::new(component));
        }
    }
    Ok(all)
}

/// Where the files and folders beside the stack file are that an image takes in, as written there.
pub fn beside(spec: &ImageSpec) -> impl Iterator<Item = &str> {
    let contents = spec.contents.iter().filter_map(|content| match content {
        ContentSpec::File(place) | ContentSpec::Directory(place) => Some(place.path.as_str()),
        _ => None,
    });
    contents.chain(spec.certificates.iter().map(String::as_str))
}

/// The files and folders beside the stack file that an image takes in, by their path as written there.
fn files(
    project: &Project,
    machine: &Machine,
    spec: &ImageSpec,
) -> Result<BTreeMap<String, Arc<Component>>, Failure> {
    let mut all = BTreeMap::new();
    for content in &spec.contents {
        match content {
            ContentSpec::File(file) => {
                let component = path::file(&project.folder, &file.path, &machine.store)?;
                all.insert(file.path.clone(), Arc::new(component));
            }
            ContentSpec::Directory(folder) => {
                let Machine { settings, store, progress, .. } = machine;
                let component =
                    path::directory(&project.folder, &folder.path, &settings.path, store, &**progress)?;
                all.insert(folder.path.clone(), Arc::new(component));
            }
            _ => {}
        }
    }
    for certificate in &spec.certificates {
        let component = path::file(&project.folder, certificate, &machine.store)?;
        all.insert(certificate.clone(), Arc::new(component));
    }
    Ok(all)
}
