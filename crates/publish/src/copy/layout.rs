//! Images in OCI layouts.

use std::path::Path;

use longshore_oci::layout::{Layout, REF_NAME};
use longshore_oci::{Descriptor, Manifest, Progress, Reference, Store, media_type};

use super::cosign;
use super::gather::{Source, Whole, gather};
use crate::Error;
use crate::registry::{Blob, Parcel};

/// The image called `name` in the layout at `folder`, or its only one.
///
/// # Errors
/// When there is no such image, or a blob of it is damaged.
pub fn named(
    folder: &Path,
    name: Option<&str>,
    whole: Whole,
    store: &Store,
    progress: &dyn Progress,
) -> Result<Parcel, Error> {
    let layout = Layout::open(folder)?;
    let place = format!("oci:{}", folder.display());
    of(&layout, &place, name, whole, store, progress)
}

/// The same of a layout that goes by `place` in errors.
pub(super) fn of(
    layout: &Layout,
    place: &str,
    name: Option<&str>,
    whole: Whole,
    store: &Store,
    progress: &dyn Progress,
) -> Result<Parcel, Error> {
    let entry = choose(layout, place, name)?;
    let said = entry.annotations.get(REF_NAME).map(String::as_str).or(name);
    let (repository, tags) = reference(said);
    // What its index says of it is the layout's, and no part of what is copied.
    let mut top = Descriptor::new(&entry.media_type, entry.content());
    top.platform.clone_from(&entry.platform);
    let source = InLayout { layout, place, store, progress };
    gather(&source, top, &whole, repository, tags)
}

/// What an image is called by what its layout says: a whole reference, or a tag alone.
pub(super) fn reference(said: Option<&str>) -> (Reference, Vec<String>) {
    let unnamed =
        || Reference { registry: String::new(), repository: "image".to_owned(), tag: None, digest: None };
    let Some(said) = said else { return (unnamed(), Vec::new()) };
    match said.parse::<Reference>() {
        Ok(reference) if reference.tag.is_some() || said.contains('/') => {
            let tags = reference.tag.iter().cloned().collect();
            (reference, tags)
        }
        _ if longshore_oci::is_tag(said) => (unnamed(), vec![said.to_owned()]),
        _ => (unnamed(), Vec::new()),
    }
}

fn choose<'a>(layout: &'a Layout, place: &str, name: Option<&str>) -> Result<&'a Descriptor, Error> {
    if let Some(name) = name {
        let by_digest = layout.entries().find(|entry| entry.digest.to_string() == name);
        return layout.find(name).or(by_digest).ok_or_else(|| Error::NoSuchImage {
            place: place.to_owned(),
            wanted: Some(name.to_owned()),
            has: names(layout),
        });
    }
    let mut images =
        layout.entries().filter(|entry| entry.artifact_type.is_none() && !cosign::is_older(entry));
    match (images.next(), images.next()) {
        (Some(only), None) => Ok(only),
        _ => Err(Error::NoSuchImage { place: place.to_owned(), wanted: None, has: names(layout) }),
    }
}

fn names(layout: &Layout) -> Vec<String> {
    let name = |entry: &Descriptor| {
        entry.annotations.get(REF_NAME).cloned().unwrap_or_else(|| entry.digest.to_string())
    };
    layout.entries().map(name).collect()
}

struct InLayout<'a> {
    layout: &'a Layout,
    place: &'a str,
    store: &'a Store,
    progress: &'a dyn Progress,
}

impl Source for InLayout<'_> {
    fn document(&self, descriptor: &Descriptor) -> Result<Vec<u8>, Error> {
        Ok(self.layout.read_document(descriptor)?)
    }

    fn blob(&self, descriptor: &Descriptor) -> Result<Blob, Error> {
        let content = descriptor.content();
        if !self.store.has(&content) {
            let what = format!("blob {}", descriptor.digest);
            self.progress.during("Reading", &what, Some(content.size), |_| -> Result<(), Error> {
                let mut writer = self.store.writer()?;
                let mut reader = self.layout.open_blob(&content)?;
                std::io::copy(&mut reader, &mut writer)
                    .map_err(|source| Error::File { path: self.layout.blob_path(&content.digest), source })?;
                Ok(writer.commit_expecting(&content)?)
            })?;
        }
        Ok(Blob::File(self.store.blob_path(&content.digest)))
    }

    fn referrers(&self, subject: &Descriptor) -> Result<Vec<Descriptor>, Error> {
        let mut found = Vec::new();
        // A layout has no list of them: those that its index names are looked at, and those that cosign leaves unnamed.
        for entry in self.layout.entries().filter(|entry| entry.media_type == media_type::MANIFEST) {
            let bytes = self.layout.read_document(entry)?;
            let manifest = serde_json::from_slice::<Manifest>(&bytes);
            if manifest.is_ok_and(|m| m.subject.is_some_and(|said| said.digest == subject.digest)) {
                found.push(Descriptor::new(&entry.media_type, entry.content()));
            }
        }
        found.extend(cosign::unnamed(self.layout, &subject.digest)?);
        Ok(found)
    }

    fn name(&self) -> String {
        self.place.to_owned()
    }
}
