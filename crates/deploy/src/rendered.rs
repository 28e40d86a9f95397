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
        let Self::OneReplica { service, replicas, because } = self;
        let because = match because {
            Single::Published => "it is published at a port of the host, which only one can have",
            Single::Volume => "it has a volume, which they would share",
            Single::Unit => "a unit is one container",
        };
        write!(f, "one of service `{service}` runs rather than {replicas}: {because}")
    }
}
