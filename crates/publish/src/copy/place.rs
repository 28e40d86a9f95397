//! Where images are, as people write it.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use longshore_oci::{Reference, ReferenceError};

/// Where an image is, or goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// `ghcr.io/org/web:1.2`, or with `docker://` before it.
    Registry(Reference),
    /// `oci:DIR` or `oci:DIR:NAME`: an OCI image layout.
    Layout {
        /// The folder.
        folder: PathBuf,
        /// What the image is called in it; not needed where there is one only.
        name: Option<String>,
    },
    /// `archive:FILE` or `archive:FILE:NAME`: a layout or what `docker save` writes, in a tar file.
    Archive {
        /// The file.
        file: PathBuf,
        /// What the image is called in it; not needed where there is one only.
        name: Option<String>,
    },
    /// `docker:NAME`, `podman:NAME`, `containerd:NAME`, `k3s:NAME`: in an engine on this machine.
    Engine {
        /// Which.
        engine: Engine,
        /// What the image is called there.
        name: String,
    },
}

/// Container engines with image stores of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// Docker.
    Docker,
    /// podman.
    Podman,
    /// containerd, in the namespace that Kubernetes uses.
    Containerd,
    /// k3s, which brings a containerd of its own.
    K3s,
}

impl Engine {
    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Podman => "podman",
            Self::Containerd => "containerd",
            Self::K3s => "k3s",
        }
    }
}

/// Text that is no place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no place of an image: {reason}")]
pub struct PlaceError {
    /// What was read.
    pub text: String,
    /// What is wrong with it.
    pub reason: String,
}

impl FromStr for Place {
    type Err = PlaceError;

    fn from_str(text: &str) -> Result<Self, PlaceError> {
        let error = |reason: String| PlaceError { text: text.to_owned(), reason };
        let (kind, rest) = text.split_once(':').unwrap_or(("", text));
        let engine = match kind {
            "docker" if rest.starts_with("//") => return reference(text, &rest[2..]),
            "oci" | "archive" => {
                // What follows the last colon is a name only if there is a path before it: names have colons, too.
                let (path, name) = match rest.split_once(':') {
                    Some((path, name)) => (path, Some(name.to_owned()).filter(|name| !name.is_empty())),
                    None => (rest, None),
                };
                if path.is_empty() {
                    return Err(error(format!("a path was expected after `{kind}:`")));
                }
                return Ok(match kind {
                    "oci" => Self::Layout { folder: path.into(), name },
                    _ => Self::Archive { file: path.into(), name },
                });
            }
            "docker" | "docker-daemon" => Engine::Docker,
            "podman" | "containers-storage" => Engine::Podman,
            "containerd" => Engine::Containerd,
            "k3s" => Engine::K3s,
            _ => return reference(text, text),
        };
        if rest.is_empty() {
            return Err(error(format!("a name was expected after `{kind}:`")));
        }
        // `docker:latest` is a reference as well, and not what anybody means.
        rest.parse::<Reference>().map_err(|found: ReferenceError| error(found.reason.to_owned()))?;
        Ok(Self::Engine { engine, name: rest.to_owned() })
    }
}

fn reference(text: &str, name: &str) -> Result<Place, PlaceError> {
    let parsed = name.parse().map_err(|found: ReferenceError| PlaceError {
        text: text.to_owned(),
        reason: format!(
            "{}; or begin with `oci:DIR`, `archive:FILE`, `docker:`, `podman:`, `containerd:` or `k3s:`",
            found.reason
        ),
    })?;
    Ok(Place::Registry(parsed))
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = |f: &mut fmt::Formatter<'_>, kind: &str, path: &PathBuf, name: &Option<String>| {
            write!(f, "{kind}:{}", path.display())?;
            name.as_ref().map_or(Ok(()), |name| write!(f, ":{name}"))
        };
        match self {
            Self::Registry(reference) => reference.fmt(f),
            Self::Layout { folder, name } => path(f, "oci", folder, name),
            Self::Archive { file, name } => path(f, "archive", file, name),
            Self::Engine { engine, name } => write!(f, "{}:{name}", engine.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_as_people_write_them() {
        for (text, expected) in [
            ("ghcr.io/org/web:1", "ghcr.io/org/web:1"),
            ("docker://ghcr.io/org/web", "ghcr.io/org/web"),
            ("localhost:5000/web:1", "localhost:5000/web:1"),
            ("web", "web"),
            ("oci:dir", "oci:dir"),
            ("oci:/a/dir:ghcr.io/org/web:1", "oci:/a/dir:ghcr.io/org/web:1"),
            ("archive:x.tar", "archive:x.tar"),
            ("docker:web:1", "docker:web:1"),
            ("docker-daemon:web:1", "docker:web:1"),
            ("containerd:docker.io/library/web:1", "containerd:docker.io/library/web:1"),
        ] {
            let place: Place = text.parse().unwrap();
            assert_eq!(place.to_string(), expected, "{text}");
        }
        for text in ["oci:", "docker:", "podman:A", "", "ftp://x"] {
            assert!(text.parse::<Place>().is_err(), "{text}");
        }
    }
}
