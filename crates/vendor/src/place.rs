//! Where vendored inputs are.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use longshore_oci::Reference;

/// Where vendored inputs are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// An OCI image layout.
    Folder(PathBuf),
    /// An artifact in a registry.
    Registry(Reference),
}

/// Text that is no place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no place for inputs: {reason}; expected a folder, or `oci://REGISTRY/REPOSITORY[:TAG]`")]
pub struct PlaceError {
    text: String,
    reason: String,
}

impl FromStr for Place {
    type Err = PlaceError;

    fn from_str(text: &str) -> Result<Self, PlaceError> {
        let error = |reason: String| PlaceError { text: text.to_owned(), reason };
        let Some(reference) = text.strip_prefix("oci://") else {
            return match text {
                "" => Err(error("it is empty".to_owned())),
                path => Ok(Self::Folder(path.into())),
            };
        };
        let reference: Reference = reference
            .parse()
            .map_err(|problem: longshore_oci::ReferenceError| error(problem.reason.to_owned()))?;
        match reference.registry.as_str() {
            "" => Err(error("it names no registry".to_owned())),
            _ => Ok(Self::Registry(reference)),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => path.display().fmt(f),
            Self::Registry(reference) => write!(f, "oci://{reference}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_and_registries() {
        for (text, expected) in [
            ("vendor", Ok("vendor")),
            ("oci://registry.example:5000/org/inputs:1", Ok("oci://registry.example:5000/org/inputs:1")),
            ("", Err("it is empty")),
            ("oci://inputs", Err("names no registry")),
            ("oci://registry.example/UPPER", Err("lower-case")),
        ] {
            match (text.parse::<Place>(), expected) {
                (Ok(place), Ok(expected)) => assert_eq!(place.to_string(), expected),
                (Err(error), Err(expected)) => assert!(error.to_string().contains(expected), "{error}"),
                (other, _) => panic!("{text}: {other:?}"),
            }
        }
    }
}
