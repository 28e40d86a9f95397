//! Why inputs can't be vendored, or what was vendored can't be used.

use std::io;

use longshore_oci::StoreError;
use longshore_oci::layout::LayoutError;

/// Why inputs can't be vendored, or what was vendored can't be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk said no.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The store can't.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The folder can't be read or written.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// The registry does not do what is asked.
    #[error(transparent)]
    Registry(Box<longshore_registry::Error>),
    /// There is nothing yet.
    #[error("there are no vendored inputs at `{place}`")]
    Nothing {
        /// Where.
        place: String,
    },
    /// There is something else.
    #[error("`{place}` does not hold vendored inputs: {reason}")]
    NotInputs {
        /// Where.
        place: String,
        /// What is wrong.
        reason: String,
    },
    /// It is not as it was written.
    #[error("the vendored inputs at `{place}` are damaged: {what} {reason}")]
    Damaged {
        /// Where.
        place: String,
        /// ``deb `hello` 1.0-1 ``.
        what: String,
        /// How: `is missing`, or which bytes it has.
        reason: String,
    },
}

impl From<longshore_registry::Error> for Error {
    fn from(error: longshore_registry::Error) -> Self {
        Self::Registry(Box::new(error))
    }
}

impl Error {
    /// What the user can do.
    pub fn hint(&self) -> Option<String> {
        let again = |place: &str| {
            Some(format!(
                "run `longshore vendor --to {place}` where there is network; it writes what is not as it should be anew"
            ))
        };
        match self {
            Self::Io(_) => None,
            Self::Store(error) => error.hint(),
            Self::Layout(error) => error.hint(),
            Self::Registry(error) => error.hint(),
            Self::Nothing { place } => {
                Some(format!("run `longshore vendor --to {place}` where there is network"))
            }
            Self::NotInputs { .. } => Some("name another place; nothing was changed in this one".to_owned()),
            Self::Damaged { place, .. } => again(place),
        }
    }
}
