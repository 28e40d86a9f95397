//! Profiles of a stack file: which there are, and which one is active.

use std::fmt;

use serde::Serialize;

use crate::diagnostic::{Diagnostics, nearest};
use crate::file::File;

/// A profile, for people who choose one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Profile {
    /// Its name.
    pub name: String,
    /// What it is for, in a line.
    pub description: Option<String>,
}

impl fmt::Display for Profile {
    /// `` `source`: everything built from source ``.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.description {
            Some(description) => write!(f, "`{}`: {}", self.name, description.trim()),
            None => write!(f, "`{}`", self.name),
        }
    }
}

/// The profiles of a stack file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profiles {
    /// All of them, by name.
    pub all: Vec<Profile>,
    /// The one that is active when none is chosen.
    pub default: Option<String>,
}

impl Profiles {
    pub(crate) fn of(file: &File) -> Self {
        let all = file.profile.iter().map(|(name, profile)| Profile {
            name: name.value.clone(),
            description: profile.description.as_ref().map(|text| text.value.clone()),
        });
        Self {
            all: all.collect(),
            default: file.stack.default_profile.as_ref().map(|name| name.value.clone()),
        }
    }

    /// Whether there is one called `name`.
    pub fn has(&self, name: &str) -> bool {
        self.all.iter().any(|profile| profile.name == name)
    }

    /// The active one: the one `chosen`, else the default, else none where there are none at all.
    pub(crate) fn active(&self, chosen: Option<&str>) -> Result<Option<String>, ProfileError> {
        match (chosen, &self.default) {
            (Some(name), _) if !self.has(name) => {
                Err(ProfileError::Unknown { name: name.to_owned(), known: self.all.clone() })
            }
            (Some(name), _) => Ok(Some(name.to_owned())),
            (None, Some(default)) => Ok(Some(default.clone())),
            (None, None) if self.all.is_empty() => Ok(None),
            (None, None) => Err(ProfileError::NotChosen { known: self.all.clone() }),
        }
    }
}

/// Why no profile could be made active.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProfileError {
    /// There is none of the name that was chosen.
    #[error("the stack has no profile `{name}`")]
    Unknown {
        /// The name.
        name: String,
        /// Those that there are.
        known: Vec<Profile>,
    },
    /// One must be chosen, and none was.
    #[error("the stack has profiles, and none of them is chosen")]
    NotChosen {
        /// Those that there are; one at least.
        known: Vec<Profile>,
    },
}

impl ProfileError {
    /// The profiles that there are.
    pub fn known(&self) -> &[Profile] {
        match self {
            Self::Unknown { known, .. } | Self::NotChosen { known } => known,
        }
    }

    /// What to do.
    pub fn hint(&self) -> String {
        let names = || self.known().iter().map(|profile| profile.name.as_str());
        match self {
            Self::Unknown { name, known } => match (nearest(name, names()), known.first()) {
                (Some(near), _) => format!("did you mean `{near}`? Run `longshore check --profile {near}`"),
                (None, Some(first)) => {
                    format!("choose one that there is, as in `longshore check --profile {}`", first.name)
                }
                (None, None) => "it has no profiles at all: leave out `--profile`, and see that \
                                 LONGSHORE_PROFILE is not set; then run `longshore check`"
                    .to_owned(),
            },
            Self::NotChosen { known } => {
                let first = known.first().map_or("NAME", |profile| &profile.name);
                format!(
                    "choose one, as in `longshore build --profile {first}`; or write `default-profile = \
                     \"{first}\"` into [stack]"
                )
            }
        }
    }
}

/// Why a stack file gave no stack.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// What it says is wrong.
    #[error(transparent)]
    Stack(#[from] Diagnostics),
    /// It is not clear which profile is meant.
    #[error(transparent)]
    Profile(#[from] ProfileError),
}
