//! The index in a file: a header of 64 bytes, then the body.
//!
//! The file belongs to this machine and is not proof of anything: what is fetched is checked against digests that the
//! lock holds. Its checksum is for accidents (a full disk, a flipped bit), and fast enough to be taken each time.

use std::io::{Read, Write};
use std::path::Path;

use fs_err as fs;
use longshore_oci::Digest;

use super::{Index, IndexError};

const MAGIC: [u8; 8] = *b"lsdebidx";
/// Another number for another meaning of the bytes.
const FORMAT: u64 = 1;
const HEADER: usize = 64;

impl Index {
    /// Opens a file that [`Index::write`] made with the same `key`; none where it is missing, made for another key or
    /// by another version of longshore, or damaged: then build it again.
    pub fn open(path: &Path, key: &Digest) -> Option<Self> {
        let mut file = fs::File::open(path).ok()?;
        let mut header = [0; HEADER];
        file.read_exact(&mut header).ok()?;
        let body_length = u64_at(&header, 48)?;
        let good = header[..8] == MAGIC && u64_at(&header, 8)? == FORMAT && header[16..48] == *key.as_bytes();
        let length = file.metadata().ok()?.len();
        if !good || length.checked_sub(HEADER as u64) != Some(body_length) {
            return None;
        }
        let mut body = Vec::with_capacity(usize::try_from(body_length).ok()?);
        file.take(body_length).read_to_end(&mut body).ok()?;
        if body.len() as u64 != body_length || checksum(&body) != u64_at(&header, 56)? {
            return None;
        }
        Self::from_body(body)
    }

    /// Keeps the index in a file. `key` names what it was made from: the digests of the lists and their order.
    /// The file appears whole or not at all.
    pub fn write(&self, path: &Path, key: &Digest) -> Result<(), IndexError> {
        let error = |error| IndexError::Write { path: path.to_owned(), error };
        let mut header = Vec::with_capacity(HEADER);
        header.extend(MAGIC);
        header.extend(FORMAT.to_le_bytes());
        header.extend(key.as_bytes());
        header.extend((self.body.len() as u64).to_le_bytes());
        header.extend(checksum(&self.body).to_le_bytes());
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(error)?;
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(error)?;
        file.write_all(&header).and_then(|()| file.write_all(&self.body)).map_err(error)?;
        file.persist(path).map_err(|e| error(e.error))?;
        Ok(())
    }
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

/// Four independent lanes of multiply and rotate over 64-bit words. Each step is a bijection of its lane, so a change
/// of any one word changes the sum.
fn checksum(bytes: &[u8]) -> u64 {
    const PRIME: u64 = 0x9e37_79b9_7f4a_7c15;
    let step = |lane: u64, word: u64| (lane ^ word).wrapping_mul(PRIME).rotate_left(29);
    let mut lanes = [1, 2, 3, bytes.len() as u64];
    let (blocks, rest) = bytes.as_chunks::<32>();
    for block in blocks {
        for (lane, word) in lanes.iter_mut().zip(block.as_chunks::<8>().0) {
            *lane = step(*lane, u64::from_le_bytes(*word));
        }
    }
    for byte in rest {
        lanes[0] = step(lanes[0], u64::from(*byte));
    }
    lanes.into_iter().fold(0, step)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::deb::index::Packages;

    fn small() -> Index {
        let text = "Package: a\nVersion: 1\nArchitecture: all\nFilename: pool/a_1_all.deb\nSize: 3\nSHA256: \
                    0000000000000000000000000000000000000000000000000000000000000000\nDepends: b | c (>= 2)\n";
        Index::build(&[Packages { source: "debian", suite: "s", text: text.as_bytes() }], "amd64").unwrap()
    }

    #[test]
    fn round_trip_and_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/index");
        let key = Digest::of(b"key");
        assert_eq!(Index::open(&path, &key), None);
        small().write(&path, &key).unwrap();
        assert_eq!(Index::open(&path, &key), Some(small()));
        assert_eq!(Index::open(&path, &Digest::of(b"other")), None);
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("index");
        let key = Digest::of(b"key");
        small().write(&path, &key).unwrap();
        let good = fs::read(&path).unwrap();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1 << (at % 8);
            fs::write(&path, &bad).unwrap();
            assert_eq!(Index::open(&path, &key), None, "byte {at}");
            fs::write(&path, &good[..at]).unwrap();
            assert_eq!(Index::open(&path, &key), None, "cut at {at}");
        }
    }

    /// Everything that can be asked of an index.
    fn walk(index: &Index) {
        for name in index.names().take(1000) {
            let _ = (index.name_text(name), index.rank(name));
            index.providers(name).take(1000).for_each(drop);
            for package in index.packages(name).take(1000) {
                let _ = (package.id(), package.path(), package.content(), package.suite(), package.section());
                package.depends().take(1000).for_each(drop);
                package.conflicts().take(1000).for_each(drop);
            }
        }
    }

    proptest! {
        // What a checksum can't see: bytes that someone made on purpose.
        #[test]
        fn no_body_panics(changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..20)) {
            let mut body = small().body;
            for (at, value) in changes {
                let at = at.index(body.len());
                body[at] = value;
            }
            if let Some(index) = Index::from_body(body) {
                walk(&index);
            }
        }
    }
}
