//! Images in one tar file.

mod docker;
mod dual;

use std::io::{self, BufWriter, Write};
use std::path::Path;

use longshore_image::{Image, ImageIndex};
use longshore_oci::layout::AtomicFile;
use longshore_oci::{Platform, TreePath};
use serde::Serialize;

pub use docker::docker;
pub(crate) use docker::{LayersLeftOut, Named, write as write_docker};
pub use dual::oci_dual;
pub(crate) use dual::write_oci;

use crate::{Error, Published};

/// An entry of `manifest.json`, Docker's list of what is in an archive (`docker save`).
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    config: String,
    repo_tags: Vec<String>,
    layers: Vec<String>,
}

/// Writes an archive to the file `path`, which appears when it is whole.
pub fn save(
    path: &Path,
    archive: impl FnOnce(&mut dyn Write) -> Result<Published, Error>,
) -> Result<Published, Error> {
    let failed = |source| Error::File { path: path.to_owned(), source };
    let mut out = BufWriter::with_capacity(1 << 18, AtomicFile::create(path).map_err(failed)?);
    let published = archive(&mut out)?;
    let file = out.into_inner().map_err(|error| failed(error.into_error()))?;
    file.commit().map_err(failed)?;
    Ok(published)
}

/// The image of `index` for `platform`.
pub(crate) fn image_on<'a>(index: &'a ImageIndex, platform: &Platform) -> Result<&'a Image, Error> {
    index.on(platform).ok_or_else(|| Error::Platform {
        image: index.reference.to_string(),
        wanted: platform.to_string(),
        made: index.images.iter().map(|image| image.platform.to_string()).collect(),
    })
}

/// A path inside an archive.
fn path(text: &str) -> Result<TreePath, Error> {
    TreePath::try_from(text).map_err(|error| io::Error::other(error).into())
}

fn json(value: &impl Serialize) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(value).map_err(|error| io::Error::from(error).into())
}

/// Counts what is written.
struct Counter<'a> {
    out: &'a mut dyn Write,
    written: u64,
}

impl Write for Counter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.written += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
