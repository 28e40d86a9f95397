//! Images in registries. Their blobs stay there until somebody opens them: a registry takes them from itself.

use std::sync::Arc;

use longshore_oci::{Descriptor, Progress, Reference};
use longshore_registry::{At, Client, Repository};

use super::gather::{Source, Whole, gather};
use crate::Error;
use crate::registry::{Blob, Parcel};

/// The image that `reference` names.
///
/// # Errors
/// When the registry has none, or sends something else.
pub fn from_registry(
    reference: &Reference,
    whole: Whole,
    client: &Client,
    progress: &dyn Progress,
) -> Result<Parcel, Error> {
    let repository = Arc::new(client.repository(reference)?);
    let tag = reference.tag.clone().unwrap_or_else(|| "latest".to_owned());
    let at = reference.digest.map_or_else(|| At::Tag(tag.clone()), At::Digest);
    let top =
        progress.during("Reading", &reference.to_string(), None, |_| repository.manifest(&at))?.descriptor;
    let tags = if reference.digest.is_some() { reference.tag.iter().cloned().collect() } else { vec![tag] };
    gather(&Remote { repository }, top, &whole, reference.clone(), tags)
}

struct Remote {
    repository: Arc<Repository>,
}

impl Source for Remote {
    fn document(&self, descriptor: &Descriptor) -> Result<Vec<u8>, Error> {
        let found = self.repository.manifest(&At::Digest(descriptor.digest))?;
        match found.descriptor.size == descriptor.size {
            true => Ok(found.bytes),
            false => Err(Error::Malformed {
                place: self.name(),
                digest: descriptor.digest,
                reason: format!(
                    "it has {} bytes, and what names it says {}",
                    found.descriptor.size, descriptor.size
                ),
            }),
        }
    }

    fn blob(&self, _descriptor: &Descriptor) -> Result<Blob, Error> {
        Ok(Blob::Remote(Arc::clone(&self.repository)))
    }

    fn referrers(&self, subject: &Descriptor) -> Result<Vec<Descriptor>, Error> {
        let (entries, _) = self.repository.referrers(&subject.digest)?;
        Ok(entries)
    }

    fn name(&self) -> String {
        self.repository.name().to_owned()
    }
}
