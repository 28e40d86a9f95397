//! What a rendering gives: files, and what of the stack they can't say.

use std::collections::BTreeMap;
use std::fmt;

use crate::Files;

/// Files, and what is to be known of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rendered {
    /// Paths and texts.
    pub files: Files,
    /// Permission bits of the files that containers see, which the engines' bind mounts show as they are on disk. Others are
    /// 0644; their folders have to be 0755.
    pub modes: BTreeMap<String, u16>,
    /// What the stack file says and these files don't, in the order of services.
    pub notes: Vec<Note>,
}

/// What a stack says and a rendering of it can't.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// One of a service runs rather than several.
    OneReplica {
        /// The service.
        service: String,
        /// How many the stack file says.
        replicas: u32,
        /// Why.
        because: Single,
    },
    /// A service is not kept from starting until a job has ended.
    NotAwaited {
        /// The service.
        service: String,
        /// The job.
        job: String,
    },
    /// Nothing counts a service's processes.
    Processes {
        /// The service.
        service: String,
    },
    /// A service is asked to stop by another signal.
    StopSignal {
        /// The service.
        service: String,
        /// Its image.
        image: String,
        /// The signal that the service's table says.
        asked: String,
        /// The image's own.
        used: String,
    },
    /// A service is started again however it ended.
    StartedAgain {
        /// The service.
        service: String,
    },
}

/// Why there can be one of a service only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Single {
    /// It is reached at a port of the host, which is one program's.
    Published,
    /// It has a volume, which would be everybody's.
    Volume,
    /// A unit is one container.
    Unit,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OneReplica { service, replicas, because } => {
                let because = match because {
                    Single::Published => "it is published at a port of the host, which only one can have",
                    Single::Volume => "it has a volume, which they would share",
                    Single::Unit => "a unit is one container",
                };
                write!(f, "one of service `{service}` runs rather than {replicas}: {because}")
            }
            Self::NotAwaited { service, job } => write!(
                f,
                "service `{service}` starts before job `{job}` has ended, and has to end itself when it can't work yet: \
                 it is started again, later and later"
            ),
            Self::Processes { service } => {
                write!(f, "the processes of service `{service}` are limited by its node's kubelet alone")
            }
            Self::StopSignal { service, image, asked, used } => write!(
                f,
                "service `{service}` is stopped by {used}, not by {asked}: say `stop-signal` in `[image.{image}]` instead"
            ),
            Self::StartedAgain { service } => {
                write!(
                    f,
                    "service `{service}` is started again however it ended: say `kind = \"job\"` if it ends"
                )
            }
        }
    }
}
