//! Images of other people as this stack takes them: what is in them, and what images that build on them leave to them to say.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use longshore_image::{Base, BaseLayer, BuiltOn};
use longshore_oci::{ImageConfig, ImageFiles, Node, Platform, Reference, TreePath};
use longshore_registry::Client;
use longshore_sources::base_image::{self, Access, Want};
use longshore_stack::lock::{Lock, LockedManifest};
use longshore_stack::model::{Account, ImageSpec};
use longshore_vendor::Kind;

use crate::machine::Machine;
use crate::project::Project;
use crate::report::Failure;

/// The images of others under one lock.
pub struct Others<'a> {
    project: &'a Project,
    lock: &'a Lock,
    machine: &'a Machine,
    registries: Client,
    loaded: Mutex<BTreeMap<(Reference, Platform), Loaded>>,
}

/// The files of an image, and the sizes of its layers' tars.
type Loaded = (Arc<ImageFiles>, Vec<u64>);

impl<'a> Others<'a> {
    /// Nothing fetched yet.
    pub fn new(project: &'a Project, lock: &'a Lock, machine: &'a Machine) -> Self {
        Self { project, lock, machine, registries: machine.registries(), loaded: Mutex::default() }
    }

    /// How registries are reached, and how far the store is believed.
    pub fn access<'b>(machine: &'b Machine, registries: &'b Client) -> Access<'b> {
        let Machine { store, trust, progress, .. } = machine;
        let (trust, progress) = (*trust, &**progress);
        Access { registries, store, trust, jobs: machine.jobs().get(), progress }
    }

    fn pin(&self, reference: &Reference, platform: &Platform) -> Result<&'a LockedManifest, Failure> {
        self.lock.image(reference, platform).ok_or_else(|| Failure::Stale {
            lock: self.lock.file_name(),
            reasons: vec![format!("image `{reference}` is not in the lock for {platform}")],
            refused: false,
        })
    }

    /// Brings the configuration and the layers of the image called `name` into the store.
    pub fn bring(&self, name: &str, pin: &LockedManifest) -> Result<(), Failure> {
        self.vendored(name, pin)?;
        let reference = name.parse().map_err(Failure::Reference)?;
        Ok(base_image::bring(&reference, pin, &Self::access(self.machine, &self.registries))?)
    }

    /// Takes what of the image called `name` is vendored, where inputs are.
    fn vendored(&self, name: &str, pin: &LockedManifest) -> Result<(), Failure> {
        let mut missing = Vec::new();
        for blob in pin.blobs() {
            if self.machine.lacks(self.project, Kind::ImageBlob, blob)? {
                missing.push(format!("blob {} of image `{name}`", blob.digest));
            }
        }
        match missing.is_empty() {
            true => Ok(()),
            false => Err(self.machine.not_vendored(self.project, missing, None)),
        }
    }

    /// The files of the images that `image` builds on or takes files of, by their names in the stack file.
    pub fn files(
        &self,
        image: &str,
        spec: &ImageSpec,
        platform: &Platform,
    ) -> Result<BTreeMap<String, Arc<ImageFiles>>, Failure> {
        let mut all = BTreeMap::new();
        for reference in spec.others() {
            let (files, _) = self.load(image, &reference, platform)?;
            all.insert(reference.to_string(), files);
        }
        Ok(all)
    }

    /// What `image` builds on, as its layers are on `platform`.
    pub fn base(&self, image: &str, spec: &ImageSpec, platform: &Platform) -> Result<Option<Base>, Failure> {
        let Some(base) = &spec.base else { return Ok(None) };
        let reference = &base.reference;
        let pin = self.pin(reference, platform)?;
        let (_, sizes) = self.load(image, reference, platform)?;
        let config = self.config(image, reference, platform)?;
        let layers = pin.layers.iter().zip(sizes).map(|(layer, size)| BaseLayer {
            media_type: layer.media_type.clone(),
            blob: layer.content,
            diff_id: layer.diff_id,
            size,
        });
        let named = self.lock.images.get(&reference.to_string()).map(|image| image.digest);
        let manifest = pin.manifest.digest;
        let on = BuiltOn { reference: reference.clone(), named: named.unwrap_or(manifest), manifest };
        Ok(Some(Base::new(on, &config, layers.collect())))
    }

    /// The project as it is on `platform`: what its images leave to their bases to say is filled in.
    pub fn inherited(&self, platform: &Platform) -> Result<Project, Failure> {
        let mut project = self.project.clone();
        // Nothing is asked for what is known.
        if is_inherited(&project) {
            return Ok(project);
        }
        for (image, spec) in &self.project.stack.images {
            let Some(base) = &spec.base else { continue };
            let config = self.config(image, &base.reference, platform)?;
            let (files, _) = self.load(image, &base.reference, platform)?;
            let accounts = Account::all(&passwd(&files, self.machine)?);
            let inherited = project.stack.inherit(image, &config, &accounts);
            inherited.map_err(|error| Self::because(Failure::Inherit(error), image))?;
        }
        Ok(project)
    }

    fn config(
        &self,
        image: &str,
        reference: &Reference,
        platform: &Platform,
    ) -> Result<ImageConfig, Failure> {
        let access = Self::access(self.machine, &self.registries);
        let pin = self.pin(reference, platform)?;
        self.vendored(&reference.to_string(), pin)?;
        base_image::config(reference, pin, &access).map_err(|error| Self::because(error.into(), image))
    }

    fn load(&self, image: &str, reference: &Reference, platform: &Platform) -> Result<Loaded, Failure> {
        let key = (reference.clone(), platform.clone());
        let known = self.loaded.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        // Whatever builds on an image has its layers as they are.
        let mut bases = self.project.stack.images.values().filter_map(|spec| spec.base.as_ref());
        let want = match bases.any(|base| base.reference == *reference) {
            true => Want::Layers,
            false => Want::Files,
        };
        let access = Self::access(self.machine, &self.registries);
        let pin = self.pin(reference, platform)?;
        self.vendored(&reference.to_string(), pin)?;
        let (files, sizes) = base_image::files(reference, pin, want, &access)
            .map_err(|error| Self::because(error.into(), image))?;
        let loaded = (Arc::new(files), sizes);
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner).insert(key, loaded.clone());
        Ok(loaded)
    }

    /// Why an image that can't be locked is wanted at all.
    pub fn wanted(error: base_image::Error, project: &Project) -> Failure {
        let asks = |spec: &ImageSpec| error.reference().is_some_and(|wanted| spec.others().contains(wanted));
        let first = project.stack.images.iter().find(|(_, spec)| asks(spec)).map(|(name, _)| name.clone());
        match first {
            Some(image) => Self::because(error.into(), &image),
            None => error.into(),
        }
    }

    fn because(failure: Failure, image: &str) -> Failure {
        Failure::Because { failure: Box::new(failure), why: format!("image `{image}`") }
    }
}

/// Most bytes of a base's `/etc/passwd` that are read.
const MAX_PASSWD: u64 = 1 << 20;

/// What `/etc/passwd` of an image holds; nothing, where it is not a file of a reasonable size.
pub fn passwd(files: &ImageFiles, machine: &Machine) -> Result<Vec<u8>, Failure> {
    let Ok(path) = TreePath::new("etc/passwd") else { return Ok(Vec::new()) };
    match files.tree.get(&path).map(|entry| &entry.node) {
        Some(Node::File(content)) if content.size <= MAX_PASSWD => Ok(machine.store.read_blob(content)?),
        _ => Ok(Vec::new()),
    }
}

/// The project as it is on `platform`: see [`Others::inherited`].
pub fn inherited(
    project: &Project,
    lock: &Lock,
    machine: &Machine,
    platform: &Platform,
) -> Result<Project, Failure> {
    match is_inherited(project) {
        true => Ok(project.clone()),
        false => Others::new(project, lock, machine).inherited(platform),
    }
}

/// The project as it is on all its platforms, for files that speak of all of them.
pub fn inherited_everywhere(project: &Project, lock: &Lock, machine: &Machine) -> Result<Project, Failure> {
    let mut first: Option<(&Platform, Project)> = None;
    for platform in &project.stack.platforms {
        let here = inherited(project, lock, machine, platform)?;
        let Some((before, there)) = &first else {
            first = Some((platform, here));
            continue;
        };
        for (name, spec) in &here.stack.images {
            let other = there.stack.images.get(name).map(|other| &other.user);
            if let Some(other) =
                other.filter(|other| (other.uid, other.gid) != (spec.user.uid, spec.user.gid))
            {
                return Err(Failure::Usage {
                    message: format!(
                        "the base of image `{name}` runs as {}:{} on {before}, and as {}:{} on {platform}",
                        other.uid, other.gid, spec.user.uid, spec.user.gid
                    ),
                    hint: format!("give [image.{name}] a `user` of its own; then run `longshore check`"),
                });
            }
        }
    }
    Ok(first.map_or_else(|| project.clone(), |(_, project)| project))
}

fn is_inherited(project: &Project) -> bool {
    let mut bases = project.stack.images.values().filter_map(|image| image.base.as_ref());
    bases.all(|base| base.inherits.is_none())
}
