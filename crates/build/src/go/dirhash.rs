//! `h1:` sums, as `go.sum` and the checksum database have them: the SHA-256, in base64, of a text with a line
//! `<SHA-256 in hex>  <name>` for every file in order (golang.org/x/mod/sumdb/dirhash, `Hash1`).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Read, Seek};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use longshore_oci::{Digest, Sha256};
use zip::ZipArchive;

use super::module::ModuleVersion;

/// Most bytes of all files of one zip, unpacked. Go takes 500 MB; toolchains have half of that.
pub(super) const MAX_UNPACKED: u64 = 1 << 30;
/// Most files of one zip.
const MAX_FILES: usize = 200_000;
/// Bytes hashed at once.
const CHUNK: usize = 64 * 1024;

/// A zip that is no module's.
#[derive(Debug, thiserror::Error)]
pub enum ZipError {
    /// It can't be read.
    #[error("it can't be read: {0}")]
    Read(#[from] zip::result::ZipError),
    /// It can't be unpacked.
    #[error("it can't be unpacked: {0}")]
    Unpack(#[from] io::Error),
    /// It is too large.
    #[error("it has more than {MAX_FILES} files, or more than {MAX_UNPACKED} bytes in them")]
    TooLarge,
    /// It has a file that may not be there.
    #[error("its file `{name}` {problem}")]
    File {
        /// The file.
        name: String,
        /// Why.
        problem: &'static str,
    },
}

/// The sum of a `go.mod`.
pub fn go_mod(bytes: &[u8]) -> String {
    summed([("go.mod", Digest::of(bytes))])
}

/// The sum of a module's zip, all of whose files lie in the folder `PATH@VERSION`.
pub fn zip(file: impl Read + Seek, module: &ModuleVersion) -> Result<String, ZipError> {
    let mut archive = open(file)?;
    let prefix = format!("{module}/");
    let mut files = BTreeMap::new();
    let mut left = MAX_UNPACKED;
    let mut buffer = vec![0; CHUNK];
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index)?;
        // Names count as bytes, whatever encoding their flags claim.
        let name = String::from_utf8(entry.name_raw().to_vec()).map_err(|error| ZipError::File {
            name: String::from_utf8_lossy(error.as_bytes()).into_owned(),
            problem: "has a name that is not UTF-8",
        })?;
        let refuse = |problem| Err(ZipError::File { name: name.clone(), problem });
        if !name.starts_with(&prefix) {
            return refuse("lies outside the module's folder");
        }
        if name.contains('\n') || name.contains('\\') || name.split('/').any(|part| part == "..") {
            return refuse("has a name that isn't safe");
        }
        let mut hash = Sha256::new();
        loop {
            let count = entry.read(&mut buffer)?;
            if count == 0 {
                break;
            }
            left = left.checked_sub(count as u64).ok_or(ZipError::TooLarge)?;
            hash.update(&buffer[..count]);
        }
        if files.insert(name.clone(), hash.finish().digest).is_some() {
            return refuse("is there twice");
        }
    }
    Ok(summed(files.iter().map(|(name, digest)| (name.as_str(), *digest))))
}

/// The bytes of one file of a module's zip, `name` being relative to the module; none where there is no such file.
pub fn member(
    file: impl Read + Seek,
    module: &ModuleVersion,
    name: &str,
    limit: u64,
) -> Result<Option<Vec<u8>>, ZipError> {
    let mut archive = open(file)?;
    match archive.by_name(&format!("{module}/{name}")) {
        Ok(entry) => Ok(Some(longshore_oci::read_bounded(entry, limit)?)),
        Err(zip::result::ZipError::FileNotFound) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The texts of licences at the top of a module's zip: `LICENSE`, `COPYING.md` and the like.
pub fn licence_texts(file: impl Read + Seek, module: &ModuleVersion) -> Result<Vec<String>, ZipError> {
    let mut archive = open(file)?;
    let start = format!("{module}/");
    let is_licence = |name: &str| {
        let name = name.strip_prefix(&start).filter(|name| !name.contains('/')).unwrap_or_default();
        let name = name.to_ascii_uppercase();
        ["LICENSE", "LICENCE", "COPYING"].iter().any(|word| name.starts_with(word))
    };
    let names = archive.file_names().flatten().filter(|name| is_licence(name));
    let mut names: Vec<String> = names.map(Cow::into_owned).collect();
    names.sort();
    let mut texts = Vec::new();
    for name in names.iter().take(MAX_LICENCES) {
        let bytes = longshore_oci::read_bounded(archive.by_name(name)?, MAX_LICENCE)?;
        texts.extend(String::from_utf8(bytes));
    }
    Ok(texts)
}

/// Most texts of licences that are read of one module, and most bytes of each.
const MAX_LICENCES: usize = 16;
const MAX_LICENCE: u64 = 1 << 20;

/// Opens a zip with a bearable number of files.
pub(super) fn open<R: Read + Seek>(file: R) -> Result<ZipArchive<R>, ZipError> {
    let archive = ZipArchive::new(file)?;
    if archive.len() > MAX_FILES { Err(ZipError::TooLarge) } else { Ok(archive) }
}

/// `files` in order of their names.
fn summed<'a>(files: impl IntoIterator<Item = (&'a str, Digest)>) -> String {
    let mut text = String::new();
    for (name, digest) in files {
        // Writing to a `String` can't fail.
        let _ = writeln!(text, "{}  {name}", digest.hex());
    }
    format!("h1:{}", STANDARD.encode(Digest::of(text.as_bytes()).as_bytes()))
}
