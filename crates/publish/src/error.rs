//! Why images can't be published.

use std::io;
use std::path::PathBuf;

use longshore_image::pack;
use longshore_oci::layout::LayoutError;
use longshore_oci::{Digest, ReferenceError, StoreError};

/// Why images can't be published.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A layer can't be packed.
    #[error(transparent)]
    Pack(#[from] pack::Error),
    /// The layout can't be read or written.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// The store can't be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What the archive goes to fails.
    #[error("can't write the archive")]
    Write(#[from] io::Error),
    /// A file can't be written.
    #[error("can't write `{}`", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// An image is not made for the platform asked for.
    #[error("image `{image}` is not made for {wanted}, only for {}", made.join(", "))]
    Platform {
        /// The image.
        image: String,
        /// What was asked for.
        wanted: String,
        /// What it is made for.
        made: Vec<String>,
    },
    /// A registry does not do what it is asked.
    #[error(transparent)]
    Registry(#[from] longshore_registry::Error),
    /// A repository changed between the decision and the deed.
    #[error("`{repository}` was changed by somebody else meanwhile; nothing was removed")]
    Changed {
        /// The repository.
        repository: String,
    },
    /// A registry removes nothing.
    #[error("the registry of `{repository}` removes no manifest")]
    NoDeletion {
        /// The repository.
        repository: String,
        /// What it said.
        source: Box<longshore_registry::Error>,
    },
    /// There is no such image at a place.
    #[error("`{place}` {}{}", wanted.as_ref().map_or_else(|| "holds not one image".to_owned(), |wanted| format!("has no image `{wanted}`")), holds(has))]
    NoSuchImage {
        /// The place.
        place: String,
        /// What was asked for; none when its only image was.
        wanted: Option<String>,
        /// What it has.
        has: Vec<String>,
    },
    /// A file is no archive of images.
    #[error("`{place}` holds neither an OCI image layout nor what `docker save` writes")]
    NoArchive {
        /// The place.
        place: String,
    },
    /// An archive of images that is not whole.
    #[error("`{place}` is damaged: {reason}")]
    DamagedArchive {
        /// The place.
        place: String,
        /// What is wrong.
        reason: String,
    },
    /// What belongs to an image can't be understood.
    #[error("{digest} of `{place}` can't be understood: {reason}")]
    Malformed {
        /// Where it is.
        place: String,
        /// What can't be understood.
        digest: Digest,
        /// Why.
        reason: String,
    },
    /// A layer that may not be given to others.
    #[error("layer {digest} of `{place}` is a foreign one, which its registry does not hold")]
    Foreign {
        /// Where the image is.
        place: String,
        /// The layer.
        digest: Digest,
    },
    /// A key can't be used.
    #[error(transparent)]
    Key(#[from] crate::cache::KeyError),
    /// A name that is no reference.
    #[error(transparent)]
    Reference(ReferenceError),
    /// The record of what was pushed can't be read.
    #[error("can't read `{}`, the record of what was pushed last", path.display())]
    Record {
        /// The record.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A tag would have to move that may not.
    #[error("`{reference}` names {now} and may not move to {new}: the stack file says that it is immutable")]
    Immutable {
        /// The tag.
        reference: String,
        /// What it names.
        now: Digest,
        /// What it would name.
        new: Digest,
    },
    /// A tag can't be moved; all images are there by digest.
    #[error("not all tags could be moved{}", moved_on(left))]
    Tags {
        /// Those that moved and could not be moved back.
        left: Vec<String>,
        /// Why.
        source: Box<longshore_registry::Error>,
    },
    /// An engine's client program can't be started.
    #[error("can't run `{program}`")]
    NoEngine {
        /// The program.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// The client can't reach the engine.
    #[error("`{program}` can't reach its engine: {said}")]
    Unreachable {
        /// The client.
        program: String,
        /// What it said.
        said: String,
    },
    /// The engine did not do what it was asked.
    #[error("`{program} {command}` failed: {said}")]
    Engine {
        /// The client.
        program: String,
        /// Its command.
        command: String,
        /// What it said.
        said: String,
    },
    /// The engine answered something else than expected.
    #[error("`{program} {command}` answered `{said}`, expected {expected}")]
    Answer {
        /// The client.
        program: String,
        /// Its command.
        command: String,
        /// What it said.
        said: String,
        /// What was expected.
        expected: &'static str,
    },
}

impl Error {
    /// Whether something is not what it should be, or not there, at a place that can be reached.
    pub fn is_of_content(&self) -> bool {
        use longshore_registry::Error as Registry;
        match self {
            Self::Malformed { .. } | Self::Foreign { .. } => true,
            Self::Registry(error) => matches!(
                error,
                Registry::NotFound { .. } | Registry::Different { .. } | Registry::Malformed { .. }
            ),
            _ => false,
        }
    }

    /// What the user can do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Pack(error) => error.hint(),
            Self::Layout(error) => error.hint(),
            Self::Store(error) => error.hint(),
            Self::Platform { wanted, .. } => {
                Some(format!("add \"{wanted}\" to `platforms` in `stack.toml`, and run `longshore lock`"))
            }
            Self::Registry(error) => error.hint(),
            Self::Tags { source, .. } => source.hint(),
            Self::Changed { .. } => Some("run the same command again, and look at what it says now".to_owned()),
            Self::NoDeletion { .. } => Some(
                "deletion is a setting of the registry (distribution: `storage.delete.enabled`); others have it in their own \
                 interface only: see docs/concepts/registries.md"
                    .to_owned(),
            ),
            Self::NoSuchImage { place, has, .. } => {
                has.first().map(|first| format!("say which: `{}:{first}`", place.trim_end_matches(':')))
            }
            Self::NoArchive { .. } => Some("`longshore save` writes one".to_owned()),
            Self::DamagedArchive { .. } | Self::Malformed { .. } | Self::Foreign { .. } | Self::Reference(_) | Self::Key(_) => None,
            Self::Record { .. } => Some("`longshore push` writes it anew; move the old one away first".to_owned()),
            Self::Immutable { .. } => Some(
                "give this version another number in `stack.toml`, or move the tag all the same: `longshore push --force`"
                    .to_owned(),
            ),
            Self::NoEngine { .. } => {
                Some("install it, or write an archive that any engine loads: `longshore save`".to_owned())
            }
            Self::Unreachable { said, .. } if said.contains("permission denied") => Some(
                "you may not use this engine; on most machines `sudo usermod -aG docker $USER` allows it"
                    .to_owned(),
            ),
            Self::Unreachable { .. } => {
                Some("start it (`sudo systemctl start docker`), or set DOCKER_HOST to where it is".to_owned())
            }
            Self::Write(_) | Self::File { .. } | Self::Engine { .. } | Self::Answer { .. } => None,
        }
    }
}

fn moved_on(left: &[String]) -> String {
    match left {
        [] => "; none has moved".to_owned(),
        some => format!("; moved all the same: {}", some.join(", ")),
    }
}

fn holds(has: &[String]) -> String {
    match has {
        [] => "; it holds none".to_owned(),
        some => format!(
            "; it holds {}",
            some.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
        ),
    }
}
