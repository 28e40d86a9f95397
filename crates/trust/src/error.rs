//! What goes wrong with trust itself; what is wrong with evidence is a [`crate::Refusal`].

use std::path::PathBuf;

use crate::key::KeyError;
use crate::sigstore::{LoginError, ServiceError, TufError};

/// What goes wrong with trust itself.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// A key can't be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A service did not do its part.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// Nobody logged in.
    #[error(transparent)]
    Login(#[from] LoginError),
    /// A trusted root can't be had or believed.
    #[error(transparent)]
    Tuf(#[from] TufError),
    /// A trusted root or a signing configuration can't be used.
    #[error("`{}` can't be used: {reason}", path.display())]
    Root {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A policy can't be used.
    #[error("the policy `{}` can't be used: {reason}", path.display())]
    Policy {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// There are no services to sign with.
    #[error("signing without a key needs the services of a Sigstore")]
    NoServices,
    /// The older form, without a key and without a log of the first version.
    #[error(
        "`--legacy` without a key needs a log that promises at once to keep an entry, as Rekor 2 does not"
    )]
    OlderNeedsLog,
}

impl TrustError {
    /// What the user can do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Key(error) => error.hint(),
            Self::Tuf(error) => error.hint(),
            Self::Login(error) => error.hint(),
            Self::NoServices => {
                Some("give `--signing-config FILE`, or sign with a key: `--key cosign.key`".to_owned())
            }
            Self::OlderNeedsLog => Some(
                "leave `--legacy` out, sign with `--key`, or name a Rekor 1 in `--signing-config`".to_owned(),
            ),
            Self::Service(ServiceError::Token { .. }) => {
                Some("give `--identity-token FILE`, or run where a CI system says who you are".to_owned())
            }
            Self::Service(ServiceError::Lacking { .. }) => {
                Some("give `--signing-config FILE`, or sign with a key: `--key cosign.key`".to_owned())
            }
            Self::Service(_) | Self::Root { .. } | Self::Policy { .. } => None,
        }
    }
}
