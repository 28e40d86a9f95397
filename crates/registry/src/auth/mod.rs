//! Who we are at a registry.

mod challenge;
mod file;
mod helper;
pub(crate) mod token;

use std::fmt;
use std::path::PathBuf;

pub(crate) use challenge::Challenge;
pub use file::AuthFile;
pub use helper::find as find_helper;
pub(crate) use token::{Scope, Tokens};

/// Text that is never shown.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Secret(String);

impl Secret {
    /// Text that is a secret from here on.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for those who must send it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// What a registry is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    /// Name and password, or a token in the password's place.
    Password {
        /// The name.
        user: String,
        /// The password.
        password: Secret,
    },
    /// An OAuth2 refresh token, which only the registry's token server takes (Docker's `identitytoken`).
    Identity(Secret),
    /// A token that is sent as it is (Docker's `registrytoken`).
    Bearer(Secret),
}

/// Why credentials can't be had.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// An auth file can't be read.
    #[error("can't read `{}`", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// An auth file is not what it should be. What is in it is not shown.
    #[error("`{}` is not an auth file: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Why, without a word of its text.
        reason: String,
    },
    /// A credential helper can't be started.
    #[error("can't run the credential helper `{program}`, which `{}` names for {host}", path.display())]
    NoHelper {
        /// The program.
        program: String,
        /// The auth file that names it.
        path: PathBuf,
        /// The registry.
        host: String,
        /// Why.
        source: std::io::Error,
    },
    /// A credential helper failed.
    #[error("the credential helper `{program}` failed for {host}: {said}")]
    Helper {
        /// The program.
        program: String,
        /// The registry.
        host: String,
        /// What it said on its standard error, or of its output without quoting it.
        said: String,
    },
}

impl CredentialsError {
    /// What the user can do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unreadable { .. } => None,
            Self::Malformed { path, .. } => {
                Some(format!("mend it, or move it away and log in again: `mv {0} {0}.old`", path.display()))
            }
            Self::NoHelper { program, path, .. } => Some(format!(
                "install `{program}`, or take `credsStore` and `credHelpers` out of `{}`",
                path.display()
            )),
            Self::Helper { program, host, .. } => {
                Some(format!("see what it says by itself: `echo {host} | {program} get`"))
            }
        }
    }
}
