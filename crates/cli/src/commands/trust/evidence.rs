//! What is found beside an image.

use longshore_oci::layout::Layout;
use longshore_oci::{Content, Descriptor, Manifest, Silent, read_bounded};
use longshore_publish::Error;
use longshore_publish::copy::{Place, cosign};
use longshore_publish::registry::Parcel;
use longshore_registry::{At, Client as Registries};
use longshore_trust::attachment::{ENVELOPE, Older, SIMPLE_SIGNING};
use longshore_trust::{BUNDLE_TYPE, Evidence, MAX_BUNDLE, MOST, MOST_BYTES};

use crate::report::Failure;

/// Everything beside `parcel`, which came from `place`, that may vouch for it. What can't be read is evidence too, of nothing:
/// one thing that holds is enough, whatever others put beside it.
pub fn gather(parcel: &Parcel, place: &Place, registries: &Registries) -> Result<Vec<Evidence>, Failure> {
    let mut found = Found::default();
    found.bundles(parcel, registries)?;
    if let Place::Layout { folder, .. } = place {
        let layout = Layout::open(folder).map_err(Error::from)?;
        for entry in layout.entries().filter(|entry| cosign::is_older(entry)) {
            match layout.manifest(entry) {
                Ok(manifest) => found.older(&manifest, |content| {
                    let blob = layout.open_blob(content).map_err(Error::from)?;
                    read_bounded(blob, MAX_BUNDLE).map_err(Failure::Io)
                })?,
                Err(error) => found.unreadable(error.to_string()),
            }
        }
    }
    if let Place::Registry(reference) = place {
        let repository = registries.repository(reference)?;
        for older in [Older::Signatures, Older::Attestations] {
            let tag = older.tag(&parcel.top.digest);
            let manifest = match repository.manifest(&At::Tag(tag.clone())) {
                Err(error) if error.is_not_found() => continue,
                other => other?,
            };
            let Ok(manifest) = serde_json::from_slice::<Manifest>(&manifest.bytes) else {
                found.unreadable(format!("under the tag `{tag}` is no manifest"));
                continue;
            };
            found.older(&manifest, |content| {
                repository.fetch_blob(content, &Silent).map_err(Error::from)?;
                read_bounded(registries.store().open_blob(content)?, MAX_BUNDLE).map_err(Failure::Io)
            })?;
        }
    }
    // Last, since what is there says more.
    parcel.unread.iter().for_each(|reason| found.unreadable(reason.clone()));
    Ok(found.all)
}

/// The bundles among what refers to `parcel`.
pub fn bundles(parcel: &Parcel, registries: &Registries) -> Result<Vec<Evidence>, Failure> {
    let mut found = Found::default();
    found.bundles(parcel, registries)?;
    Ok(found.all)
}

/// What was found so far, within bounds.
#[derive(Default)]
struct Found {
    all: Vec<Evidence>,
    bytes: u64,
}

impl Found {
    /// Takes what `layer` describes, which `read` reads, where there is room.
    fn take(
        &mut self,
        layer: &Descriptor,
        read: impl FnOnce() -> Result<Evidence, Failure>,
    ) -> Result<(), Failure> {
        if !self.has_room() {
            return Ok(());
        }
        let bytes = self.bytes.saturating_add(layer.size);
        if layer.size > MAX_BUNDLE {
            self.unreadable(format!("one of {} bytes is too large", layer.size));
            return Ok(());
        }
        if bytes > MOST_BYTES {
            self.unreadable(format!("what is beside it has more than {MOST_BYTES} bytes"));
            return Ok(());
        }
        self.bytes = bytes;
        match read() {
            Ok(evidence) => self.all.push(evidence),
            Err(Failure::Publish(error)) if error.is_of_content() => self.unreadable(error.to_string()),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Takes the bundles among what refers to `parcel`.
    fn bundles(&mut self, parcel: &Parcel, registries: &Registries) -> Result<(), Failure> {
        let own = parcel.referrers.iter().filter(|referrer| referrer.subject.digest == parcel.top.digest);
        for referrer in own {
            let Ok(manifest) = serde_json::from_slice::<Manifest>(&referrer.bytes) else { continue };
            for layer in manifest.layers.iter().filter(|layer| layer.media_type == BUNDLE_TYPE) {
                self.take(layer, || bundle(parcel, layer, registries))?;
            }
        }
        Ok(())
    }

    /// Takes signatures or attestations in the older form, the layers of `manifest`, whose bytes `read` gives.
    fn older(
        &mut self,
        manifest: &Manifest,
        read: impl Fn(&Content) -> Result<Vec<u8>, Failure>,
    ) -> Result<(), Failure> {
        let known = |layer: &&Descriptor| matches!(layer.media_type.as_str(), SIMPLE_SIGNING | ENVELOPE);
        for layer in manifest.layers.iter().filter(known) {
            self.take(layer, || {
                let bytes = read(&layer.content())?;
                Ok(match layer.media_type.as_str() {
                    ENVELOPE => Evidence::envelope(&bytes, &layer.annotations),
                    _ => Evidence::Older { payload: bytes, annotations: layer.annotations.clone() },
                })
            })?;
        }
        Ok(())
    }

    /// Something is there that says nothing.
    fn unreadable(&mut self, reason: String) {
        if self.has_room() {
            self.all.push(Evidence::Unreadable(reason));
        }
    }

    /// Whether more is looked at. That nothing is, is said once.
    fn has_room(&mut self) -> bool {
        if self.all.len() == MOST {
            let reason = format!("there are more than {MOST} things beside it, and no more are looked at");
            self.all.push(Evidence::Unreadable(reason));
        }
        self.all.len() < MOST
    }
}

fn bundle(parcel: &Parcel, layer: &Descriptor, registries: &Registries) -> Result<Evidence, Failure> {
    let content = layer.content();
    let Some(blob) = parcel.blobs.get(&content) else {
        return Ok(Evidence::Unreadable("its bundle is missing".to_owned()));
    };
    let blob = blob.here(&content, registries.store(), &Silent)?;
    let bytes = blob.open(0).and_then(|file| read_bounded(file, MAX_BUNDLE)).map_err(Failure::Io)?;
    Ok(Evidence::bundle(&bytes))
}
