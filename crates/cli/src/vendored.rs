//! Inputs that were vendored, as builds and loaders ask for them: `--vendored`.

use std::error::Error;

use longshore_build::{Supply, Wanted};
use longshore_oci::{Content, PackageId};
use longshore_registry::At;
use longshore_stack::lock::Lock;
use longshore_stack::model::Consumer;
use longshore_vendor::{Kind, Place, Vendored};

use crate::args::Inputs;
use crate::inputs::Loader;
use crate::machine::Machine;
use crate::project::Project;
use crate::report::Failure;
use crate::report::why;

/// Where the inputs of a stack are when nobody says where: beside its lock, and named like it.
pub fn usual_place(project: &Project) -> Place {
    let name = project.lock_name();
    Place::Folder(project.folder.join(format!("{}.vendor", name.strip_suffix(".lock").unwrap_or(&name))))
}

/// The same for all profiles together.
pub fn place_of_all(project: &Project) -> Place {
    Place::Folder(project.folder.join("stack.vendor"))
}

/// Opens what is at `place`.
pub fn open(place: Place, machine: &Machine) -> Result<Vendored, Failure> {
    let reference = match &place {
        Place::Folder(folder) => return Ok(Vendored::open_folder(folder, &machine.store)?),
        Place::Registry(reference) => reference,
    };
    let at = match reference.digest {
        Some(digest) => At::Digest(digest),
        None => At::Tag(tag(reference)),
    };
    let repository = machine.registries().repository(reference).map_err(longshore_vendor::Error::from)?;
    Ok(Vendored::open_registry(place, repository, &at, &machine.store)?)
}

/// The tag of a place that names none.
pub fn tag(reference: &longshore_oci::Reference) -> String {
    reference.tag.clone().unwrap_or_else(|| "latest".to_owned())
}

impl Machine {
    /// The vendored inputs, where they alone are to be used.
    pub fn vendored(&self, project: &Project) -> Result<Option<&Vendored>, Failure> {
        let Some(inputs) = &self.inputs else { return Ok(None) };
        if let Some(opened) = self.opened.get() {
            return Ok(Some(opened));
        }
        let place = match inputs {
            Inputs::At(place) => place.clone(),
            Inputs::Usual => {
                let (own, all) = (usual_place(project), place_of_all(project));
                // One profile's, or else those of all.
                if matches!(&own, Place::Folder(own) if own.exists()) { own } else { all }
            }
        };
        let opened = open(place, self)?;
        Ok(Some(self.opened.get_or_init(|| opened)))
    }

    /// Brings the vendored input of that kind and digest into the store. Says whether that was to be done and could not
    /// be: what the lock says, and not what is vendored, decides what it is.
    pub fn lacks(&self, project: &Project, kind: Kind, content: &Content) -> Result<bool, Failure> {
        if self.store.has(content) {
            return Ok(false);
        }
        let Some(vendored) = self.vendored(project)? else { return Ok(false) };
        let found = vendored.bring(kind, &content.digest.to_string(), &*self.progress)?;
        Ok(found != Some(*content))
    }

    /// That `missing` are not among the vendored inputs; `why` is why the first of them is in the stack.
    pub fn not_vendored(&self, project: &Project, missing: Vec<String>, why: Option<String>) -> Failure {
        let place = match self.vendored(project) {
            Ok(Some(vendored)) => vendored.place().to_string(),
            Ok(None) => String::new(),
            Err(failure) => return failure,
        };
        let failure = Failure::NotVendored { place, missing };
        match why {
            Some(why) => Failure::Because { failure: Box::new(failure), why },
            None => failure,
        }
    }
}

/// Why a package is in the stack.
pub fn reason(lock: &Lock, id: &PackageId) -> Option<String> {
    let closure = lock.closures.iter().find(|closure| closure.packages.contains(id))?;
    match &closure.consumer {
        Consumer::Image(image) => why::chain(lock, image, &id.name).map(|chain| why::sentence(image, &chain)),
        Consumer::Build(build) => Some(format!("the toolchain of build `{build}`")),
    }
}

/// ``deb `hello` 1.0-1 (amd64)``
pub fn package(id: &PackageId) -> String {
    format!("deb `{}` {} ({})", id.name, id.version, id.architecture)
}

impl Supply for Loader<'_> {
    fn find(&self, wanted: &Wanted) -> Result<Option<Content>, Box<dyn Error + Send + Sync>> {
        let find = || match self.machine().vendored(self.project())? {
            Some(vendored) => Ok(vendored.bring(kind(wanted.kind), &wanted.id, &*self.machine().progress)?),
            None => Ok(None),
        };
        find().map_err(|failure: Failure| failure.into())
    }
}

/// The same kind of input.
pub fn kind(kind: longshore_build::Kind) -> Kind {
    match kind {
        longshore_build::Kind::Crate => Kind::Crate,
        longshore_build::Kind::GitRevision => Kind::GitRevision,
        longshore_build::Kind::GoModule => Kind::GoModule,
        longshore_build::Kind::GoMod => Kind::GoMod,
        longshore_build::Kind::GoModules => Kind::GoModules,
        longshore_build::Kind::NpmTarball => Kind::NpmTarball,
    }
}
