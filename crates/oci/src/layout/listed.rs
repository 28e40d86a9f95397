//! An entry of `index.json` that may be another program's.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::REF_NAME;
use crate::Descriptor;

/// An entry of `index.json`. One that was read keeps what longshore has no field for, so that adding to a layout
/// takes nothing away from it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged, try_from = "Value")]
pub(super) enum Listed {
    /// Tagged by this process.
    Ours(Descriptor),
    /// Read from disk.
    Read {
        /// What longshore understands of it.
        #[serde(skip)]
        descriptor: Descriptor,
        /// All of it.
        #[serde(flatten)]
        raw: Value,
    },
}

impl Listed {
    pub(super) fn descriptor(&self) -> &Descriptor {
        match self {
            Self::Ours(descriptor) | Self::Read { descriptor, .. } => descriptor,
        }
    }

    pub(super) fn name(&self) -> Option<&str> {
        self.descriptor().annotations.get(REF_NAME).map(String::as_str)
    }
}

impl TryFrom<Value> for Listed {
    type Error = serde_json::Error;

    fn try_from(raw: Value) -> Result<Self, Self::Error> {
        let descriptor = Descriptor::deserialize(&raw)?;
        // What says nothing more than longshore would is written in longshore's own order of fields.
        Ok(if serde_json::to_value(&descriptor)? == raw {
            Self::Ours(descriptor)
        } else {
            Self::Read { descriptor, raw }
        })
    }
}
