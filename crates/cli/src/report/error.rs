//! One translator from failures to what the user reads: what failed, caused by, why it is in the stack, what to do.

use std::error::Error;
use std::io;

use longshore_image::lint::Finding;
use longshore_image::pack;
use longshore_image::plan::PlanError;
use longshore_image::rootfs::ComposeError;
use longshore_net as net;
use longshore_oci::folder::FolderError;
use longshore_oci::upkeep::archive::ArchiveError;
use longshore_oci::{Content, ReferenceError, StoreError};
use longshore_sandbox::Status;
use longshore_sources::deb::unpack::UnpackError;
use longshore_sources::path::PathError;
use longshore_sources::{base_image, deb, nix, url};
use longshore_stack::lock::{Lock, LockError};
use longshore_stack::model::InheritError;
use longshore_stack::{Diagnostics, ProfileError, ReadError};

use super::services::Trouble;
use crate::settings::{NoState, NoStore};

/// Everything a command can fail with. A kind without exit code or hint does not compile.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("the stack file has errors")]
    Stack(Diagnostics),
    #[error(transparent)]
    Profile(#[from] ProfileError),
    #[error(transparent)]
    Lock(#[from] LockError),
    /// `lock` is the lock file's name.
    #[error("`{lock}` {}", if *.refused { "would have to change, and `--locked` forbids it" } else { "does not fit `stack.toml`" })]
    Stale { lock: String, reasons: Vec<String>, refused: bool },
    #[error(transparent)]
    Deb(#[from] deb::Error),
    #[error(transparent)]
    Unpack(#[from] UnpackError),
    #[error(transparent)]
    Path(#[from] PathError),
    #[error(transparent)]
    Url(#[from] url::Error),
    #[error(transparent)]
    Nix(#[from] nix::Error),
    #[error(transparent)]
    Image(#[from] base_image::Error),
    #[error(transparent)]
    Inherit(InheritError),
    #[error(transparent)]
    Net(#[from] net::NetError),
    #[error(transparent)]
    Compose(ComposeError),
    #[error("{} will not work", super::plural(.0.len(), "thing"))]
    Lint(Vec<(String, Finding)>),
    #[error(transparent)]
    Build(longshore_build::Error),
    #[error("build `{build}` takes Go modules that `{lock}` does not pin")]
    Unpinned { build: String, lock: String },
    #[error(transparent)]
    Vendor(#[from] longshore_vendor::Error),
    /// Inputs that the lock has and what was vendored has not. `missing` are for people.
    #[error("{} not among the vendored inputs at `{place}`", are(missing))]
    NotVendored { place: String, missing: Vec<String> },
    /// `lacks` are inputs and damages; `again` is the command that mends them.
    #[error("the vendored inputs at `{place}` are not complete")]
    Incomplete { place: String, lacks: Vec<String>, again: String },
    #[error("the command ended with {0}")]
    Shell(Status),
    #[error("{} not reproducible", super::plural(.0.len(), "build"))]
    Differs(Vec<(String, String)>),
    #[error(transparent)]
    Plan(PlanError),
    #[error(transparent)]
    Pack(#[from] pack::Error),
    #[error(transparent)]
    Sbom(#[from] longshore_sbom::Error),
    #[error(transparent)]
    Publish(#[from] longshore_publish::Error),
    #[error(transparent)]
    Registry(#[from] longshore_registry::Error),
    #[error(transparent)]
    Trust(#[from] longshore_trust::TrustError),
    /// `images` that a policy does not take, with the reasons.
    #[error("{} refused", super::plural(images.len(), "image"))]
    Refused { images: Vec<(String, Vec<String>)> },
    #[error(transparent)]
    Tag(#[from] longshore_stack::tags::TagError),
    #[error("the stack can't be a Compose file")]
    GenerateCompose(#[source] longshore_deploy::compose::Error),
    #[error("the stack can't be units for podman")]
    GenerateQuadlet(#[source] longshore_deploy::quadlet::Error),
    #[error("the stack can't be objects for Kubernetes")]
    GenerateKube(#[source] longshore_deploy::kube::Error),
    #[error(transparent)]
    GeneratePolicy(#[from] longshore_trust::foreign::ForeignError),
    /// `again` is the command that writes the files.
    #[error("`{folder}` is not what the stack says: {}", different.join(", "))]
    Outdated { folder: String, different: Vec<String>, again: String },
    #[error(transparent)]
    Store(#[from] StoreError),
    /// `found` is what of the store is damaged.
    #[error("{} damaged", damaged(found))]
    Damaged { found: Vec<String>, hint: String },
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error(transparent)]
    Reference(ReferenceError),
    #[error(transparent)]
    NoStore(#[from] NoStore),
    #[error(transparent)]
    NoState(#[from] NoState),
    #[error(transparent)]
    Run(#[from] longshore_deploy::run::Error),
    #[error("{} not get ready", troubled(.0))]
    NotReady(Vec<Trouble>),
    #[error(transparent)]
    Flox(#[from] longshore_stack::flox::FloxError),
    #[error("{message}")]
    Usage { message: String, hint: String },
    #[error(transparent)]
    Io(io::Error),
    /// Another failure, and why the user has the thing it is about at all.
    #[error("{failure}")]
    Because { failure: Box<Failure>, why: String },
}

fn are(names: &[String]) -> String {
    match names {
        [one] => format!("{one} is"),
        all => format!("{} are", super::plural(all.len(), "input")),
    }
}

fn damaged(found: &[String]) -> String {
    match found {
        [_] => "1 thing in the store is".to_owned(),
        all => format!("{} in the store are", super::plural(all.len(), "thing")),
    }
}

fn troubled(troubles: &[Trouble]) -> String {
    let names: Vec<_> = troubles.iter().map(|trouble| format!("`{}`", trouble.row.service)).collect();
    format!("{} {}", names.join(", "), if names.len() == 1 { "does" } else { "do" })
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Stack(diagnostics) => Self::Stack(diagnostics),
            ReadError::Profile(error) => Self::Profile(error),
        }
    }
}

impl From<longshore_build::Error> for Failure {
    fn from(error: longshore_build::Error) -> Self {
        match error {
            // What the loader says is what failed.
            longshore_build::Error::Toolchain(source) => match source.downcast::<Self>() {
                Ok(failure) => *failure,
                Err(source) => Self::Build(longshore_build::Error::Toolchain(source)),
            },
            longshore_build::Error::Supply(source) => match source.downcast::<Self>() {
                Ok(failure) => *failure,
                Err(source) => Self::Build(longshore_build::Error::Supply(source)),
            },
            error => Self::Build(error),
        }
    }
}

impl Failure {
    /// A failure to compose `image`.
    pub fn compose(error: ComposeError, lock: &Lock, image: &str) -> Self {
        let failure = match error {
            // What the loader says is what failed.
            ComposeError::Load { source, image } => match source.downcast::<Self>() {
                Ok(failure) => *failure,
                Err(source) => Self::Compose(ComposeError::Load { image, source }),
            },
            error => Self::Compose(error),
        };
        if let Self::Because { .. } = failure {
            return failure;
        }
        let package = match &failure {
            Self::Deb(error) => error.package(),
            Self::Unpack(error) => error.package(),
            _ => None,
        };
        let why = package.and_then(|name| {
            super::why::chain(lock, image, name).map(|chain| super::why::sentence(image, &chain))
        });
        let why = why.unwrap_or_else(|| format!("image `{image}`"));
        Self::Because { failure: Box::new(failure), why }
    }

    /// The bytes that should be in the store and are not: a power cut, or somebody's hand. They can be made again.
    pub fn missing(&self) -> Option<Content> {
        let of = |error: &StoreError| match error {
            StoreError::Missing(content) => Some(*content),
            StoreError::Io(_) | StoreError::Verify(_) => None,
        };
        match self {
            Self::Sbom(error) => error.missing().copied(),
            Self::Store(error)
            | Self::Pack(
                pack::Error::Content { source: error, .. } | pack::Error::Store { source: error, .. },
            )
            | Self::Publish(
                longshore_publish::Error::Store(error)
                | longshore_publish::Error::Pack(
                    pack::Error::Content { source: error, .. } | pack::Error::Store { source: error, .. },
                ),
            )
            | Self::Compose(ComposeError::Store(error))
            | Self::Unpack(UnpackError::Store(error))
            | Self::Image(base_image::Error::Store(error))
            | Self::Run(longshore_deploy::run::Error::Folder(FolderError::Store(error)))
            | Self::Build(longshore_build::Error::Store(error)) => of(error),
            Self::Because { failure, .. } => failure.missing(),
            _ => None,
        }
    }

    /// 1 failed, 2 usage or stack file, 3 policy says no.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Stack(_) | Self::Profile(_) | Self::Lock(_) | Self::Usage { .. } | Self::Tag(_) => 2,
            Self::Flox(_) => 2,
            Self::NoStore(_) | Self::NoState(_) | Self::Reference(_) | Self::Inherit(_) => 2,
            Self::Run(error) if error.is_of_the_stack() => 2,
            Self::Run(_) | Self::NotReady(_) => 1,
            Self::Stale { refused: false, .. } => 2,
            Self::Stale { refused: true, .. } | Self::Refused { .. } => 3,
            Self::Trust(_) => 1,
            Self::Deb(_)
            | Self::Unpack(_)
            | Self::Path(_)
            | Self::Net(_)
            | Self::Image(_)
            | Self::Compose(_)
            | Self::Lint(_) => 1,
            Self::Plan(_)
            | Self::Pack(_)
            | Self::Sbom(_)
            | Self::Publish(_)
            | Self::Registry(_)
            | Self::Store(_)
            | Self::Damaged { .. }
            | Self::Archive(_)
            | Self::Io(_)
            | Self::Differs(_) => 1,
            Self::Shell(Status::Code(code)) => *code,
            Self::Shell(_) => 1,
            Self::Build(longshore_build::Error::NotHermetic { .. }) => 3,
            Self::Build(_) => 1,
            Self::Unpinned { .. } => 2,
            Self::Url(_) | Self::Nix(_) | Self::Outdated { .. } => 1,
            Self::Vendor(_) | Self::NotVendored { .. } | Self::Incomplete { .. } => 1,
            Self::GenerateCompose(_) | Self::GenerateQuadlet(_) | Self::GenerateKube(_) => 1,
            Self::GeneratePolicy(_) => 1,
            Self::Because { failure, .. } => failure.exit_code(),
        }
    }

    /// What the user can do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Stack(_) | Self::Lint(_) | Self::Reference(_) | Self::Shell(_) => None,
            Self::Profile(error) => Some(error.hint()),
            Self::Lock(error) => error.hint(),
            Self::Stale { lock, refused, .. } => Some(match refused {
                true => format!("run `longshore lock` without `--locked`, and commit `{lock}`"),
                false => "run `longshore lock`; it keeps what is pinned already".to_owned(),
            }),
            Self::Deb(error) => error.hint(),
            Self::Unpack(error) => error.hint(),
            Self::Path(error) => error.hint(),
            Self::Url(error) => error.hint(),
            Self::Nix(error) => error.hint(),
            Self::Net(error) => error.hint(),
            Self::Image(error) => error.hint(),
            Self::Inherit(error) => Some(error.hint()),
            Self::Compose(error) => error.hint(),
            Self::Build(error) => error.hint(),
            Self::Unpinned { .. } => Some("run `longshore lock`; it keeps what is pinned already".to_owned()),
            Self::Vendor(error) => error.hint(),
            Self::NotVendored { .. } => {
                Some("run `longshore vendor` where there is network, to add what the lock has now".to_owned())
            }
            Self::Incomplete { again, .. } => Some(again.clone()),
            Self::Differs(_) => Some("make the build independent of time, user, core count and folder; `longshore shell` opens its environment".to_owned()),
            Self::Plan(error) => error.hint(),
            Self::Pack(error) => error.hint(),
            Self::Sbom(error) => error.hint(),
            Self::Publish(error) => error.hint(),
            Self::Registry(error) => error.hint(),
            Self::Trust(error) => error.hint(),
            Self::Refused { .. } => None,
            Self::Tag(error) => error.hint.clone(),
            Self::Store(error) => error.hint(),
            Self::Damaged { hint, .. } => Some(hint.clone()),
            Self::Archive(error) => error.hint(),
            Self::GenerateCompose(error) => error.hint(),
            Self::GenerateQuadlet(error) => error.hint(),
            Self::GenerateKube(error) => error.hint(),
            Self::GeneratePolicy(error) => error.hint(),
            Self::Outdated { again, .. } => Some(again.clone()),
            Self::NoState(_) => Some("set XDG_STATE_HOME to a folder that you may write".to_owned()),
            Self::Run(error) => error.hint(),
            Self::NotReady(troubles) => troubles.first().map(|trouble| {
                let service = &trouble.row.service;
                format!("`longshore logs {service}` shows all that it wrote; `longshore down` stops the stack")
            }),
            Self::NoStore(_) => Some("set LONGSHORE_STORE to a folder that you may write".to_owned()),
            Self::Usage { hint, .. } => Some(hint.clone()),
            Self::Flox(error) => Some(error.hint()),
            Self::Io(error) if error.kind() == io::ErrorKind::StorageFull => {
                Some("the disk is full; free some space".to_owned())
            }
            Self::Io(_) => None,
            Self::Because { failure, .. } => failure.hint(),
        }
    }

    /// What it was caused by, outermost first.
    pub fn causes(&self) -> Vec<String> {
        match self {
            Self::Stale { reasons, .. } => return reasons.clone(),
            Self::Differs(builds) => {
                return builds.iter().map(|(build, what)| format!("`{build}`: {what}")).collect();
            }
            Self::Refused { images } => {
                return images
                    .iter()
                    .flat_map(|(image, reasons)| {
                        reasons.iter().map(move |reason| format!("{image}: {reason}"))
                    })
                    .collect();
            }
            Self::NotVendored { missing, .. } if missing.len() > 1 => return missing.clone(),
            Self::Incomplete { lacks, .. } => return lacks.clone(),
            Self::Damaged { found, .. } => return found.clone(),
            Self::GeneratePolicy(error) => return error.causes(),
            Self::Because { failure, .. } => return failure.causes(),
            Self::Run(longshore_deploy::run::Error::Refused { causes, .. }) => return causes.clone(),
            _ => {}
        }
        let mut causes = Vec::new();
        let mut source = self.source();
        while let Some(error) = source {
            let text = error.to_string();
            // Transparent errors repeat their source's words.
            if causes.last() != Some(&text) && text != self.to_string() {
                causes.push(text);
            }
            source = error.source();
        }
        causes
    }

    /// Why the user has the thing it is about.
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::Because { why, .. } => Some(why),
            _ => None,
        }
    }
}
