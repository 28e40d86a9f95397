//! `longshore keygen`, `sign`, `attest`, `verify` and `trusted-root`.

mod ambient;
mod author;
mod bundles;
mod documents;
mod evidence;
mod judge;
mod keygen;
mod login;
mod read_back;
mod roots;
mod sign;
mod trusted_root;
mod verify;

pub use documents::Documents;
pub use judge::Judge;
pub use keygen::run as keygen;
pub use sign::{attest, sign, sign_parcels};
pub use trusted_root::run as trusted_root;
pub use verify::run as verify;

use longshore_oci::Reference;
use longshore_publish::copy::Place;
use longshore_publish::record::Record;

use crate::project::Project;
use crate::report::Failure;

/// An image that is signed, verified or run.
pub struct Subject {
    /// As the user knows it.
    pub name: String,
    /// Where it is.
    pub place: Place,
}

/// Images that are asked for: those of the stack as they were pushed last, all of them when none is named, and any place.
fn subjects(images: &[String], open: &dyn Fn() -> Result<Project, Failure>) -> Result<Vec<Subject>, Failure> {
    let of_stack = |text: &&String| !text.contains([':', '/', '@']);
    let names: Vec<&String> = images.iter().filter(of_stack).collect();
    let mut all = Vec::new();
    if images.is_empty() || !names.is_empty() {
        all.extend(pushed(&open()?, &names)?);
    }
    for text in images.iter().filter(|text| !of_stack(text)) {
        let place: Place = text.parse().map_err(|error| Failure::Usage {
            message: format!("`{text}`: {error}"),
            hint: "name an image of the stack, `REGISTRY/NAME@DIGEST` or `oci:DIR`".to_owned(),
        })?;
        match place {
            Place::Registry(_) | Place::Layout { .. } => all.push(Subject { name: text.clone(), place }),
            Place::Archive { .. } | Place::Engine { .. } => {
                return Err(Failure::Usage {
                    message: format!("`{text}` has no place for signatures"),
                    hint: format!("longshore copy {text} oci:DIR"),
                });
            }
        }
    }
    Ok(all)
}

/// Images of the stack where they were pushed last, by digest; all of them when none is named.
pub fn pushed(project: &Project, names: &[&String]) -> Result<Vec<Subject>, Failure> {
    let file = project.record_name();
    let record = Record::read(&project.record_path())?.unwrap_or_default();
    let never = |what: &str| Failure::Usage {
        message: format!("{what} never pushed: `{file}` does not have it"),
        hint: "longshore push".to_owned(),
    };
    let names: Vec<String> = match names {
        [] => record.images.keys().cloned().collect(),
        names => names.iter().map(|name| (*name).clone()).collect(),
    };
    if names.is_empty() {
        return Err(never("the stack was"));
    }
    let subject = |name: String| {
        let image = record.images.get(&name).ok_or_else(|| never(&format!("image `{name}` was")))?;
        let reference = Reference { tag: None, ..image.reference() };
        Ok(Subject { name, place: Place::Registry(reference) })
    };
    names.into_iter().map(subject).collect()
}

/// The repository of a place, for policies: `ghcr.io/org/web`, or what a layout calls it.
fn repository(reference: &Reference) -> String {
    reference.name()
}
