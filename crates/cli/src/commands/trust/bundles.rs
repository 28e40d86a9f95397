//! Bundles in a folder, to verify images where no registry is: `sha256-<hex of the image's digest>.<n>.sigstore.json`, one bundle
//! a file, as other programs of Sigstore read them.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use fs_err as fs;
use longshore_oci::layout::AtomicFile;
use longshore_oci::{Digest, read_bounded};
use longshore_trust::{Bundle, Evidence, MAX_BUNDLE, MOST};

use crate::report::Failure;

/// The last part of a file's name.
const ENDING: &str = ".sigstore.json";

/// The bundles in `folder` about the image with this digest.
pub fn read(folder: &Path, image: &Digest) -> Result<Vec<Evidence>, Failure> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(Failure::Io)? {
        let entry = entry.map_err(Failure::Io)?;
        let name = entry.file_name();
        if name.to_str().is_some_and(|name| name.starts_with(&start(image)) && name.ends_with(ENDING)) {
            files.push(entry.path());
        }
    }
    files.sort();
    if files.len() > MOST {
        return Err(Failure::Usage {
            message: format!("`{}` has more than {MOST} bundles for {image}", folder.display()),
            hint: "give an export of its own: `longshore verify --export DIR`".to_owned(),
        });
    }
    files.iter().map(|file| one(file)).collect()
}

fn one(file: &Path) -> Result<Evidence, Failure> {
    let open = fs::File::open(file).map_err(Failure::Io)?;
    Ok(match read_bounded(open, MAX_BUNDLE) {
        Ok(bytes) => Evidence::bundle(&bytes),
        Err(error) => Evidence::Unreadable(format!("`{}`: {error}", file.display())),
    })
}

/// Puts `bundles` of the image with this digest into `folder`.
pub fn write<'a>(
    folder: &Path,
    image: &Digest,
    bundles: impl Iterator<Item = &'a Bundle>,
) -> Result<Vec<PathBuf>, Failure> {
    fs::create_dir_all(folder).map_err(Failure::Io)?;
    let mut written = Vec::new();
    for (n, bundle) in bundles.enumerate() {
        let path = folder.join(format!("{}{n}{ENDING}", start(image)));
        let put = |mut file: AtomicFile| file.write_all(&bundle.to_bytes()).and_then(|()| file.commit());
        AtomicFile::create(&path).and_then(put).map_err(Failure::Io)?;
        written.push(path);
    }
    Ok(written)
}

fn start(image: &Digest) -> String {
    format!("sha256-{}.", image.hex())
}
