//! What is made up to happen after the last lock of a recorded series.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::Result;
use crate::recorded::Stack;

/// Something that happens to a stack.
#[derive(Deserialize)]
pub struct Event {
    /// For people.
    pub what: String,
    #[serde(flatten)]
    kind: Kind,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    /// Everything of a source package is another version.
    Source(String),
    /// One component is another version of the same size.
    Component(String),
    /// The next version of what somebody publishes.
    Published(String),
    /// An image gains a package that others have, with what that needs.
    Gained { image: String, package: String },
}

/// What came of it.
pub struct Happened {
    /// The one source package that changed, where nothing else did.
    pub only: Option<String>,
}

impl Event {
    /// Lets it happen.
    pub fn happen(&self, stack: &mut Stack) -> Result<Happened> {
        let unknown = |name: &str| format!("`{}`: there is no `{name}`", self.what);
        match &self.kind {
            Kind::Source(name) => match stack.bump(|part| part.source == *name) {
                0 => Err(unknown(name)),
                _ => Ok(Happened { only: Some(name.clone()) }),
            },
            Kind::Component(name) => match stack.bump(|part| part.name == *name) {
                0 => Err(unknown(name)),
                _ => Ok(Happened { only: None }),
            },
            Kind::Published(name) => {
                let next = stack.unpublished.get_mut(name).filter(|versions| !versions.is_empty());
                let (version, bytes) = next.ok_or_else(|| unknown(name))?.remove(0);
                let part = stack.parts.get_mut(name).ok_or_else(|| unknown(name))?;
                (part.version, part.bytes) = (version, bytes);
                Ok(Happened { only: None })
            }
            Kind::Gained { image, package } => {
                let (mut seen, mut next) = (BTreeSet::new(), vec![package.clone()]);
                while let Some(name) = next.pop() {
                    if !seen.insert(name.clone()) {
                        continue;
                    }
                    // Needs that no image of the stack has were met otherwise when it was locked.
                    if let Some(part) = stack.parts.get_mut(&name) {
                        part.images.insert(image.clone());
                        next.extend(part.needs.clone());
                    } else if name == *package {
                        return Err(unknown(package));
                    }
                }
                Ok(Happened { only: None })
            }
        }
    }
}
