//! Images from one place to another, with what refers to them: between layouts, archives, registries and engines.
//!
//! A [`Place`] is where an image is or goes. [`fetch`] makes a [`Parcel`] of what is at one, bringing what is not in a registry into
//! the store; [`deliver`] puts parcels at another. Everything is verified on its way, and goes as it is: no digest changes.

mod archive;
pub mod cosign;
mod gather;
mod layout;
mod place;
mod remote;

use std::path::Path;

use longshore_oci::{Progress, Store};
use longshore_registry::Client;

pub use archive::foreign as from_archive;
pub use gather::{Referrers, Whole};
pub use layout::named as from_layout;
pub use place::{Engine, Place, PlaceError};
pub use remote::from_registry;

use crate::registry::{Parcel, Tagging, move_tags, send, survey};
use crate::{Error, Identity, Published, PublishedImage, engine};

/// What is at `place`, which is called what it is called there.
///
/// # Errors
/// When nothing is there, or what is there can't be understood or is not what it says.
pub fn fetch(place: &Place, whole: Whole, client: &Client, progress: &dyn Progress) -> Result<Parcel, Error> {
    let store = client.store();
    match place {
        Place::Registry(reference) => from_registry(reference, whole, client, progress),
        Place::Layout { folder, name } => from_layout(folder, name.as_deref(), whole, store, progress),
        Place::Archive { file, name } => from_archive(file, name.as_deref(), whole, store, progress),
        Place::Engine { engine, name } => {
            let file = store.scratch();
            engine::save(*engine, name, &file)?;
            let parcel = from_archive(&file, None, whole, store, progress);
            // The scratch folder goes with the process at the latest.
            let _ = fs_err::remove_file(&file);
            parcel
        }
    }
}

/// Puts `parcel` at `place`, under the name that the place has for it, or else its own.
///
/// # Errors
/// When it can't be put there; then nothing there has moved.
pub fn deliver(
    parcel: Parcel,
    place: &Place,
    tagging: &Tagging,
    client: &Client,
    progress: &dyn Progress,
) -> Result<Published, Error> {
    let store = client.store();
    match place {
        Place::Registry(reference) => {
            let tags = match (&reference.tag, &reference.digest) {
                (Some(tag), _) => vec![tag.clone()],
                (None, Some(_)) => Vec::new(),
                (None, None) => parcel.tags.clone(),
            };
            let parcels = [Parcel { repository: reference.clone(), tags, ..parcel }];
            let survey = survey(&parcels, tagging, client)?;
            let sent = send(&survey, client, progress)?;
            move_tags(&survey, client)?;
            let [parcel] = parcels;
            let name = parcel.repository.with_digest(parcel.top.digest).to_string();
            let bytes_skipped = parcel.size().saturating_sub(sent);
            let images = vec![PublishedImage { name, identity: Identity::Manifest(parcel.top) }];
            Ok(Published { images, bytes_sent: sent, bytes_skipped })
        }
        Place::Layout { folder, name } => {
            crate::layout::put(&[named(parcel, name.as_deref())?], folder, store, progress)
        }
        Place::Archive { file, name } => {
            write_archive(&named(parcel, name.as_deref())?, file, store, progress)
        }
        Place::Engine { engine, name } => {
            let parcels = [named(parcel, Some(name))?];
            engine::import(*engine, &parcels, store, progress)
        }
    }
}

fn write_archive(
    parcel: &Parcel,
    file: &Path,
    store: &Store,
    progress: &dyn Progress,
) -> Result<Published, Error> {
    let parcels = std::slice::from_ref(parcel);
    crate::archive::save(file, |out| crate::archive::write_oci(parcels, None, out, store, progress))
}

/// The parcel under another name.
fn named(parcel: Parcel, name: Option<&str>) -> Result<Parcel, Error> {
    let Some(name) = name else { return Ok(parcel) };
    let reference: longshore_oci::Reference = name.parse().map_err(Error::Reference)?;
    let tags = reference.tag.iter().cloned().collect();
    Ok(Parcel { repository: reference, tags, ..parcel })
}
