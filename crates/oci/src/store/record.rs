//! Records: what was derived from something, by the digest of what it was derived from, and the blobs that it speaks of.
//!
//! ```text
//! 8   magic
//! 8   length of the body, little-endian
//! 8   length of the names, the same
//! 32  SHA-256 of all that is above and of the body
//! n   the body
//!     names of blobs: 32 bytes of digest and 8 of size, little-endian; sorted, each once
//! 32  SHA-256 of the first check and the names
//! ```
//!
//! Names stand apart so that who tidies needs no idea of what a body says, and who wants the body need not read them. What
//! is no record of this form was never made.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

use fs_err as fs;

use super::{Store, StoreError};
use crate::{Content, Digest, Sha256};

const MAGIC: [u8; 8] = *b"lsrec\0\0\x01";
const HEAD: u64 = 56;
const NAME: u64 = 40;
const CHECK: u64 = 32;

/// A kind that names more bytes than this in one record is not ours.
pub(crate) const MAX: u64 = 1 << 30;

impl Store {
    /// The record of `kind` derived from `key`; none when it was never made or did not survive.
    pub fn record(&self, kind: &str, key: &Digest) -> Result<Option<Vec<u8>>, StoreError> {
        let mut file = match fs::File::open(self.record_path(kind, key)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other?,
        };
        let meta = file.metadata()?;
        let Some(head) = Head::read(&mut file, meta.len())? else { return Ok(None) };
        let Some(body) = head.body(&mut file)? else { return Ok(None) };
        self.use_file(&file, &meta);
        Ok(Some(body))
    }

    /// Records `bytes` as what `kind` derives from `key`. They are worth nothing without the blobs `names`: as long as the
    /// record stays, so do these. A kind is a plain name of at most 24 letters, digits and hyphens.
    pub fn put_record(
        &self,
        kind: &str,
        key: &Digest,
        bytes: &[u8],
        names: impl IntoIterator<Item = Content>,
    ) -> Result<(), StoreError> {
        let whole = encode(bytes, names);
        let path = self.scratch();
        fs::File::create(&path)?.write_all(&whole)?;
        self.place(&path, &self.record_path(kind, key), whole.len() as u64)
    }

    pub(crate) fn record_path(&self, kind: &str, key: &Digest) -> PathBuf {
        let hex = key.hex();
        self.root().join("records").join(kind).join(&hex[..2]).join(&hex)
    }
}

/// Whether records may have this kind: a plain name, and no more of one than an archive has room for.
pub(crate) fn is_kind(name: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric();
    let plain = |byte: u8| letter(byte) || matches!(byte, b'-' | b'_' | b'.');
    name.bytes().next().is_some_and(letter) && name.len() <= 24 && name.bytes().all(plain)
}

fn encode(body: &[u8], names: impl IntoIterator<Item = Content>) -> Vec<u8> {
    let mut names: Vec<_> = names.into_iter().collect();
    names.sort_unstable();
    names.dedup();
    let mut head = [0; 24];
    head[..8].copy_from_slice(&MAGIC);
    head[8..16].copy_from_slice(&(body.len() as u64).to_le_bytes());
    head[16..].copy_from_slice(&(names.len() as u64 * NAME).to_le_bytes());
    let check = sum(&[&head, body]);
    let mut whole = Vec::with_capacity(body.len() + names.len() * NAME as usize + 88);
    whole.extend_from_slice(&head);
    whole.extend_from_slice(check.as_bytes());
    whole.extend_from_slice(body);
    let start = whole.len();
    for name in &names {
        whole.extend_from_slice(name.digest.as_bytes());
        whole.extend_from_slice(&name.size.to_le_bytes());
    }
    let check = sum(&[check.as_bytes(), &whole[start..]]);
    whole.extend_from_slice(check.as_bytes());
    whole
}

fn sum(parts: &[&[u8]]) -> Digest {
    let mut hash = Sha256::new();
    parts.iter().for_each(|part| hash.update(part));
    hash.finish().digest
}

/// The beginning of a record.
struct Head {
    bytes: [u8; 24],
    check: [u8; 32],
    body: u64,
    names: u64,
}

impl Head {
    /// None where the file, which has `len` bytes, is no record.
    fn read(file: &mut impl Read, len: u64) -> io::Result<Option<Self>> {
        let (mut bytes, mut check) = ([0; 24], [0; 32]);
        if !(HEAD + CHECK..=MAX).contains(&len) {
            return Ok(None);
        }
        file.read_exact(&mut bytes)?;
        file.read_exact(&mut check)?;
        let length = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap_or_default());
        let (body, names) = (length(8), length(16));
        let whole = body.checked_add(names).and_then(|both| both.checked_add(HEAD + CHECK)) == Some(len);
        let is = bytes[..8] == MAGIC && whole && names % NAME == 0;
        Ok(is.then_some(Self { bytes, check, body, names }))
    }

    fn body(&self, file: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
        let mut body = Vec::with_capacity(usize::try_from(self.body).unwrap_or(0));
        file.take(self.body).read_to_end(&mut body)?;
        Ok(Some(body).filter(|body| sum(&[&self.bytes, body]).as_bytes() == &self.check))
    }

    fn names(&self, file: &mut impl Read) -> io::Result<Option<Vec<Content>>> {
        let (mut names, mut check) = (vec![0; usize::try_from(self.names).unwrap_or(0)], [0; 32]);
        file.read_exact(&mut names)?;
        file.read_exact(&mut check)?;
        if sum(&[&self.check, &names]).as_bytes() != &check {
            return Ok(None);
        }
        let name = |bytes: &[u8]| {
            let (digest, size) = bytes.split_at_checked(32)?;
            let digest = Digest::from_bytes(digest.try_into().ok()?);
            Some(Content { digest, size: u64::from_le_bytes(size.try_into().ok()?) })
        };
        Ok(names.chunks_exact(NAME as usize).map(name).collect())
    }
}

/// How much of a record is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// Which blobs it names.
    Names,
    /// All of it.
    Whole,
}

/// What a file among the records is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    /// A record, as far as was looked, which names these blobs.
    Names(Vec<Content>),
    /// One that is damaged.
    Damage,
    /// Something else.
    Other,
}

/// The blobs that the record in `file` names.
pub(crate) fn names(file: &mut fs::File, look: Look) -> io::Result<Found> {
    let len = file.metadata()?.len();
    let mut magic = [0; 8];
    if len < 8 {
        return Ok(Found::Damage);
    }
    file.read_exact(&mut magic)?;
    if magic != MAGIC {
        return Ok(Found::Other);
    }
    file.seek(SeekFrom::Start(0))?;
    let Some(head) = Head::read(file, len)? else { return Ok(Found::Damage) };
    match look {
        Look::Names => drop(file.seek(SeekFrom::Start(HEAD + head.body))?),
        Look::Whole => {
            if head.body(file)?.is_none() {
                return Ok(Found::Damage);
            }
        }
    }
    Ok(head.names(file)?.map_or(Found::Damage, Found::Names))
}
