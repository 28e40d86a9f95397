//! Why images can't be published.

use std::io;
use std::path::PathBuf;

use longshore_image::pack;
use longshore_oci::StoreError;
use longshore_oci::layout::LayoutError;

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
    /// What the user can do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Pack(error) => error.hint(),
            Self::Layout(error) => error.hint(),
            Self::Store(error) => error.hint(),
            Self::Platform { wanted, .. } => {
                Some(format!("add \"{wanted}\" to `platforms` in `stack.toml`, and run `longshore lock`"))
            }
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
