//! The artifact as a folder.

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::path::Path;

use fs_err as fs;
use longshore_oci::layout::{AtomicFile, Layout};
use longshore_oci::{Content, Descriptor, Digest, Progress, Store, media_type};

use crate::{ARTIFACT, Error, NAME, Plan, Sent};

/// Writes `plan` to the layout at `folder`, or makes it one; what is there already is read, and written anew where it is not
/// what it should be. What belonged to an earlier state goes, once the new one is complete.
pub fn write(plan: &Plan, folder: &Path, store: &Store, progress: &dyn Progress) -> Result<Sent, Error> {
    let mut layout = Layout::open_or_create(folder)?;
    let mut bytes = 0;
    for layer in &plan.layers {
        let content = layer.descriptor.content();
        progress.during("Vendoring", layer.title(), Some(content.size), |step| {
            if whole(&layout, &content) {
                return Ok(());
            }
            put(&layout, &content, layer.open(store, 0)?)?;
            bytes += content.size;
            step.advance(content.size);
            Ok::<_, Error>(())
        })?;
    }
    let (config, manifest) = (plan.config(), plan.manifest());
    for document in [&config, &manifest] {
        let content = Content::of(document);
        if !whole(&layout, &content) {
            put(&layout, &content, document.as_slice())?;
            bytes += content.size;
        }
    }
    let mut descriptor = Descriptor::new(media_type::MANIFEST, Content::of(&manifest));
    descriptor.artifact_type = Some(ARTIFACT.to_owned());
    let digest = descriptor.digest;
    layout.tag(NAME, descriptor);
    layout.commit()?;
    let kept = plan.layers.iter().map(|layer| layer.descriptor.digest);
    tidy(&layout, &kept.chain([Digest::of(&config), digest]).collect())?;
    Ok(Sent { manifest: digest, bytes })
}

/// Whether a blob is there and is what it should be.
fn whole(layout: &Layout, content: &Content) -> bool {
    layout.has(content)
        && layout.open_blob(content).is_ok_and(|mut blob| io::copy(&mut blob, &mut io::sink()).is_ok())
}

/// Writes a blob. Copied rather than linked: a vendored set must outlive a store that goes bad.
fn put(layout: &Layout, content: &Content, mut from: impl Read) -> io::Result<()> {
    let mut file = AtomicFile::create(&layout.blob_path(&content.digest))?;
    io::copy(&mut from, &mut file)?;
    file.commit()
}

/// Removes blobs that are not `kept`, unless the layout has other people's things.
fn tidy(layout: &Layout, kept: &BTreeSet<Digest>) -> Result<(), Error> {
    if layout.entries().count() > 1 {
        return Ok(());
    }
    for entry in fs::read_dir(layout.root().join("blobs/sha256"))? {
        let entry = entry?;
        let digest = entry.file_name().to_str().and_then(|name| Digest::from_hex(name).ok());
        if digest.is_some_and(|digest| !kept.contains(&digest)) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
