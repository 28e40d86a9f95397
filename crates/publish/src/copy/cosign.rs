//! What cosign writes into layouts (`cosign save`), and looks for in them (`cosign verify --local-image`): an annotation says what an
//! entry of `index.json` is; manifests that refer to an image lie among the blobs, and no entry names them.

use std::path::Path;

use longshore_oci::layout::{Layout, MAX_MANIFEST};
use longshore_oci::{Content, Descriptor, Digest, Manifest, media_type};

use crate::Error;

/// The annotation.
pub const KIND: &str = "kind";
/// The image that all else is about.
pub const IMAGE: &str = "dev.cosignproject.cosign/image";
/// Manifests whose layers are signatures or attestations in the older form.
pub const OLDER: [&str; 2] = ["dev.cosignproject.cosign/sigs", "dev.cosignproject.cosign/atts"];

/// Most blobs that are looked at.
const MOST: usize = 20_000;

/// Whether an entry of a layout is a manifest of [`OLDER`] and no image.
pub fn is_older(entry: &Descriptor) -> bool {
    entry.annotations.get(KIND).is_some_and(|kind| OLDER.contains(&kind.as_str()))
}

/// Manifests among the blobs of a layout of cosign's that refer to `subject`; none of other layouts, which name theirs.
pub(super) fn unnamed(layout: &Layout, subject: &Digest) -> Result<Vec<Descriptor>, Error> {
    let of_cosign = |kind: &String| kind.starts_with("dev.cosignproject.cosign/");
    let marked = layout.entries().any(|entry| entry.annotations.get(KIND).is_some_and(of_cosign));
    if !marked || layout.entries().any(|entry| entry.artifact_type.is_some()) {
        return Ok(Vec::new());
    }
    let folder = layout.root().join("blobs/sha256");
    let failed = |source| Error::File { path: folder.clone(), source };
    let mut found = Vec::new();
    for file in fs_err::read_dir(&folder).map_err(failed)?.take(MOST) {
        found.extend(refers(layout, &file.map_err(failed)?.path(), subject));
    }
    found.sort_by_key(|descriptor| descriptor.digest);
    Ok(found)
}

/// The manifest in `file`, if it is one and refers to `subject`.
fn refers(layout: &Layout, file: &Path, subject: &Digest) -> Option<Descriptor> {
    let digest = Digest::from_hex(file.file_name()?.to_str()?).ok()?;
    let size = fs_err::metadata(file).ok()?.len();
    if size > MAX_MANIFEST {
        return None;
    }
    let descriptor = Descriptor::new(media_type::MANIFEST, Content { digest, size });
    let manifest: Manifest = serde_json::from_slice(&layout.read_document(&descriptor).ok()?).ok()?;
    (manifest.subject?.digest == *subject).then_some(descriptor)
}
