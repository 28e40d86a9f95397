//! What is found beside an image.

use longshore_oci::layout::Layout;
use longshore_oci::{Content, Descriptor, Manifest, Silent, read_bounded};
use longshore_publish::copy::{Place, cosign};
use longshore_publish::registry::Parcel;
use longshore_registry::{At, Client as Registries};
use longshore_trust::attachment::{ENVELOPE, Older, SIMPLE_SIGNING};
use longshore_trust::{BUNDLE_TYPE, Evidence, MAX_BUNDLE, MOST};

use crate::report::Failure;

/// Everything beside `parcel`, which came from `place`, that may vouch for it.
pub fn gather(parcel: &Parcel, place: &Place, registries: &Registries) -> Result<Vec<Evidence>, Failure> {
    let mut all = Vec::new();
    let own = parcel.referrers.iter().filter(|referrer| referrer.subject.digest == parcel.top.digest);
    for referrer in own {
        let Ok(manifest) = serde_json::from_slice::<Manifest>(&referrer.bytes) else { continue };
        for layer in manifest.layers.iter().filter(|layer| layer.media_type == BUNDLE_TYPE) {
            room(&all)?;
            all.push(bundle(parcel, layer, registries)?);
        }
    }
    if let Place::Layout { folder, .. } = place {
        let layout = Layout::open(folder).map_err(longshore_publish::Error::from)?;
        for entry in layout.entries().filter(|entry| cosign::is_older(entry)) {
            let Ok(manifest) = layout.manifest(entry) else { continue };
            for layer in &manifest.layers {
                room(&all)?;
                let read = |content: &Content| {
                    let blob = layout.open_blob(content).map_err(longshore_publish::Error::from)?;
                    read_bounded(blob, MAX_BUNDLE).map_err(Failure::Io)
                };
                all.extend(older(layer, read)?);
            }
        }
    }
    if let Place::Registry(reference) = place {
        let repository = registries.repository(reference)?;
        for form in [Older::Signatures, Older::Attestations] {
            let found = match repository.manifest(&At::Tag(form.tag(&parcel.top.digest))) {
                Err(error) if error.is_not_found() => continue,
                other => other?,
            };
            let Ok(manifest) = serde_json::from_slice::<Manifest>(&found.bytes) else { continue };
            for layer in &manifest.layers {
                room(&all)?;
                let read = |content: &Content| {
                    repository.fetch_blob(content, &Silent)?;
                    read_bounded(registries.store().open_blob(content)?, MAX_BUNDLE).map_err(Failure::Io)
                };
                all.extend(older(layer, read)?);
            }
        }
    }
    Ok(all)
}

fn bundle(parcel: &Parcel, layer: &Descriptor, registries: &Registries) -> Result<Evidence, Failure> {
    if layer.size > MAX_BUNDLE {
        return Ok(Evidence::Unreadable(format!("a bundle of {} bytes is too large", layer.size)));
    }
    let Some(blob) = parcel.blobs.get(&layer.content()) else {
        return Ok(Evidence::Unreadable("its bundle is missing".to_owned()));
    };
    let blob = blob.here(&layer.content(), registries.store(), &Silent)?;
    let bytes = blob.open(0).and_then(|file| read_bounded(file, MAX_BUNDLE)).map_err(Failure::Io)?;
    Ok(Evidence::bundle(&bytes))
}

/// A layer in the older form, whose bytes `read` gives.
fn older(
    layer: &Descriptor,
    read: impl FnOnce(&Content) -> Result<Vec<u8>, Failure>,
) -> Result<Option<Evidence>, Failure> {
    let known = matches!(layer.media_type.as_str(), SIMPLE_SIGNING | ENVELOPE);
    if !known || layer.size > MAX_BUNDLE {
        return Ok(known.then(|| Evidence::Unreadable(format!("one of {} bytes is too large", layer.size))));
    }
    let bytes = read(&layer.content())?;
    Ok(Some(match layer.media_type.as_str() {
        ENVELOPE => Evidence::envelope(&bytes),
        _ => Evidence::Older { payload: bytes, annotations: layer.annotations.clone() },
    }))
}

/// That there is not more of it than anybody could want.
fn room(all: &[Evidence]) -> Result<(), Failure> {
    match all.len() < MOST {
        true => Ok(()),
        false => Err(Failure::Usage {
            message: format!(
                "more than {MOST} things vouch for one image: somebody may want to keep you busy"
            ),
            hint: "longshore prune".to_owned(),
        }),
    }
}
