//! Why a stack can't be written for Kubernetes.

use crate::{NoImage, yaml};

/// Why a stack can't be written for Kubernetes.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An image has no name.
    #[error(transparent)]
    Image(#[from] NoImage),
    /// Restricted namespaces take no pod that runs as root.
    #[error("service `{service}` runs as root, which its namespace does not allow")]
    Root {
        /// The service.
        service: String,
        /// Its image.
        image: String,
    },
    /// A service's files don't fit into a ConfigMap.
    #[error("the files of service `{service}` are {bytes} bytes together; Kubernetes takes {most} at most")]
    Files {
        /// The service.
        service: String,
        /// How much it is.
        bytes: usize,
        /// How much it may be.
        most: usize,
    },
    /// Two objects would be one.
    #[error("two objects of the kind {kind} are called `{name}`")]
    Name {
        /// Their kind.
        kind: &'static str,
        /// Their name.
        name: String,
    },
    /// An object can't be written down.
    #[error("{kind} `{name}` can't be written")]
    Write {
        /// Its kind.
        kind: &'static str,
        /// Its name.
        name: String,
        /// Why.
        source: yaml::Error,
    },
    /// An object can't be taken apart.
    #[error("{kind} `{name}` can't be made a template")]
    Template {
        /// Its kind.
        kind: &'static str,
        /// Its name.
        name: String,
        /// Why.
        source: serde_json::Error,
    },
    /// A file that is no object can't be written down.
    #[error("`{file}` can't be written")]
    File {
        /// Its path.
        file: &'static str,
        /// Why.
        source: yaml::Error,
    },
}

impl Error {
    /// What to do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Image(_) => {
                Some("run `longshore build`, which says by what names images are known".to_owned())
            }
            Self::Root { image, .. } => {
                Some(format!("take `user` out of `[image.{image}]`, then: longshore check"))
            }
            Self::Files { .. } => Some(
                "put large files into the image with `contents = [{ path = …, to = … }]`, then: longshore check"
                    .to_owned(),
            ),
            Self::Name { .. } => {
                Some("give one of the services another name, then: longshore check".to_owned())
            }
            Self::Write { .. } | Self::Template { .. } | Self::File { .. } => None,
        }
    }
}
