//! What keeps a Flox environment out of an image.

use longshore_oci::StorePathError;

/// Why an environment can't be read, or can't be for a platform.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FloxError {
    /// No `.flox` there.
    #[error("there is no Flox environment in `{folder}`: it has no `.flox/env.json`")]
    NotThere {
        /// The folder.
        folder: String,
    },
    /// The folder only points to FloxHub.
    #[error(
        "the Flox environment in `{folder}` is `{owner}/{name}` of FloxHub, and its lock is there and not here"
    )]
    Hub {
        /// The folder.
        folder: String,
        /// Whose it is.
        owner: String,
        /// Its name.
        name: String,
    },
    /// No lock.
    #[error("Flox environment `{name}` in `{folder}` is not locked: there is no `.flox/env/manifest.lock`")]
    NotLocked {
        /// The folder.
        folder: String,
        /// Its name.
        name: String,
    },
    /// A file that can't be read.
    #[error("can't read `{file}`: {reason}")]
    Unreadable {
        /// The file.
        file: String,
        /// Why.
        reason: String,
    },
    /// A file that is not what Flox writes.
    #[error("`{file}` is not as Flox writes it: {reason}")]
    Damaged {
        /// The file.
        file: String,
        /// What is wrong.
        reason: String,
    },
    /// A manifest that says what longshore does not know.
    #[error("the manifest in `{file}` is none that longshore can take: {reason}")]
    Manifest {
        /// The lock.
        file: String,
        /// What is wrong.
        reason: String,
    },
    /// A lock of another format.
    #[error("`{file}` has lock file version {found}; longshore reads version 1")]
    Version {
        /// The file.
        file: String,
        /// Its version.
        found: String,
    },
    /// A package that is no store path.
    #[error("package `{package}` of Flox environment `{environment}` for {system}: {error}")]
    StorePath {
        /// The environment.
        environment: String,
        /// Its name there.
        package: String,
        /// `x86_64-linux`.
        system: String,
        /// Why.
        error: StorePathError,
    },
    /// An output that is to be installed and is not there.
    #[error("package `{package}` of Flox environment `{environment}` for {system} has no output `{output}`")]
    Output {
        /// The environment.
        environment: String,
        /// Its name there.
        package: String,
        /// `x86_64-linux`.
        system: String,
        /// The output's name.
        output: String,
    },
    /// A platform that Flox can't be used on.
    #[error("Flox environment `{environment}` can't be for {platform}: Flox has no such system")]
    NoSystem {
        /// The environment.
        environment: String,
        /// `linux/s390x`.
        platform: String,
    },
    /// A platform that it was not locked for.
    #[error(
        "the lock of Flox environment `{environment}` has nothing for {platform} (`{system}`); it has packages for {known}"
    )]
    NotFor {
        /// The environment.
        environment: String,
        /// The folder.
        folder: String,
        /// `linux/arm64`.
        platform: String,
        /// `aarch64-linux`.
        system: String,
        /// What it has.
        known: String,
    },
}

impl FloxError {
    /// What to do.
    pub fn hint(&self) -> String {
        match self {
            Self::NotThere { folder } => {
                format!(
                    "name the folder that holds `.flox`; `flox init -d {folder}` makes an environment there"
                )
            }
            Self::Hub { folder, owner, name } => {
                format!(
                    "take a copy into a folder of its own: `flox pull --copy -d {folder}-copy {owner}/{name}`"
                )
            }
            Self::NotLocked { folder, .. } => format!(
                "only Flox's service knows which builds the names of its base catalog stand for: run `flox list -d {folder}` once where flox is, and keep `.flox/env/manifest.lock` in git"
            ),
            Self::Unreadable { .. } => "make it a regular file of at most 32 MiB that may be read".to_owned(),
            Self::Damaged { .. } | Self::StorePath { .. } | Self::Output { .. } => {
                "take it from git again; or remove `.flox/env/manifest.lock`, and `flox list` makes a new one"
                    .to_owned()
            }
            Self::Version { .. } | Self::Manifest { .. } => {
                "a newer longshore may know it: `longshore --version`".to_owned()
            }
            Self::NoSystem { .. } => {
                "leave the platform out of `stack.platforms`, or give it an image of its own".to_owned()
            }
            Self::NotFor { folder, system, .. } => format!(
                "add \"{system}\" to `options.systems` of `.flox/env/manifest.toml` (`flox edit -d {folder}`); then `flox list -d {folder}` locks it"
            ),
        }
    }
}
