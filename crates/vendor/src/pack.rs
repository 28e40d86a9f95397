//! Small inputs as one tar: a member each, named by its digest, in one order and with nothing of the machine.

use std::collections::VecDeque;
use std::io::{self, Read, Seek as _, SeekFrom};

use longshore_oci::{Content, Sha256, Store, VerifiedReader};
use tar::{EntryType, Header};

use crate::Error;

/// Bytes of a block of a tar (POSIX.1-2017, pax, "ustar Interchange Format").
const BLOCK: u64 = 512;

/// Members in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Pack {
    members: Vec<Content>,
    size: u64,
}

/// A part of a tar.
enum Segment {
    Bytes(Vec<u8>),
    Blob(Content),
}

impl Segment {
    fn size(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Blob(content) => content.size,
        }
    }
}

impl Pack {
    /// Adds a member; gives where its bytes begin.
    pub fn add(&mut self, content: Content) -> u64 {
        let offset = self.size + BLOCK;
        self.members.push(content);
        self.size = offset + content.size.next_multiple_of(BLOCK);
        offset
    }

    /// What it comes to. Reads all of it.
    pub fn content(&self, store: &Store) -> Result<Content, Error> {
        let mut hash = Sha256::new();
        io::copy(&mut self.open(store, 0)?, &mut hash)?;
        Ok(hash.finish())
    }

    /// Its bytes from an offset on. Members that are read whole are verified.
    pub fn open<'a>(&self, store: &'a Store, from: u64) -> io::Result<impl Read + use<'a>> {
        let mut segments = VecDeque::new();
        for content in &self.members {
            segments.push_back(Segment::Bytes(header(content)?));
            segments.push_back(Segment::Blob(*content));
            let padding = content.size.next_multiple_of(BLOCK) - content.size;
            segments.push_back(Segment::Bytes(vec![0; usize::try_from(padding).unwrap_or(0)]));
        }
        // A tar ends with two blocks of zeros.
        segments.push_back(Segment::Bytes(vec![0; 2 * 512]));
        let mut skip = from;
        while let Some(first) = segments.front().filter(|first| first.size() <= skip) {
            skip -= first.size();
            segments.pop_front();
        }
        Ok(Reader { store, segments, skip, current: None })
    }
}

fn header(content: &Content) -> io::Result<Vec<u8>> {
    let mut header = Header::new_ustar();
    header.set_path(content.digest.hex())?;
    header.set_entry_type(EntryType::Regular);
    header.set_size(content.size);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_cksum();
    Ok(header.as_bytes().to_vec())
}

struct Reader<'a> {
    store: &'a Store,
    segments: VecDeque<Segment>,
    /// So many bytes of the first segment are left out.
    skip: u64,
    current: Option<Box<dyn Read>>,
}

/// A segment's bytes but for the first `skip`.
fn begin(segment: Segment, skip: u64, store: &Store) -> io::Result<Box<dyn Read>> {
    match segment {
        Segment::Bytes(mut bytes) => {
            bytes.drain(..usize::try_from(skip).unwrap_or(usize::MAX).min(bytes.len()));
            Ok(Box::new(io::Cursor::new(bytes)))
        }
        Segment::Blob(content) => {
            let mut file = store.open_blob(&content).map_err(io::Error::other)?;
            if skip == 0 {
                return Ok(Box::new(VerifiedReader::new(file, content)));
            }
            file.seek(SeekFrom::Start(skip))?;
            Ok(Box::new(file.take(content.size.saturating_sub(skip))))
        }
    }
}

impl Read for Reader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let current = match &mut self.current {
                Some(current) => current,
                none => {
                    let Some(segment) = self.segments.pop_front() else { return Ok(0) };
                    let skip = std::mem::take(&mut self.skip);
                    none.insert(begin(segment, skip, self.store)?)
                }
            };
            match current.read(buffer)? {
                0 => self.current = None,
                read => return Ok(read),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tar_that_others_read_from_any_byte_on() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let files: [&[u8]; 4] = [b"", b"one", &[7; 512], &[9; 1300]];
        let mut pack = Pack::default();
        let offsets: Vec<_> = files.iter().map(|bytes| pack.add(store.put(bytes).unwrap())).collect();
        let mut all = Vec::new();
        pack.open(&store, 0).unwrap().read_to_end(&mut all).unwrap();
        assert_eq!(Content::of(&all), pack.content(&store).unwrap());
        for (offset, bytes) in offsets.iter().zip(files) {
            let at = usize::try_from(*offset).unwrap();
            assert_eq!(&all[at..at + bytes.len()], bytes);
        }
        for from in [1, 511, 512, 513, 1024, 1027, 2000, all.len() - 1, all.len()] {
            let mut rest = Vec::new();
            pack.open(&store, from as u64).unwrap().read_to_end(&mut rest).unwrap();
            assert!(rest == all[from..], "from {from}");
        }
        let path = folder.path().join("x.tar");
        fs_err::write(&path, &all).unwrap();
        let listed = longshore_testkit::Tool::new("tar").arg("-tf").arg(&path).run();
        let names: Vec<_> =
            files.iter().map(|bytes| format!("{}\n", Content::of(bytes).digest.hex())).collect();
        assert_eq!(listed, names.concat());
    }

    #[test]
    fn a_member_that_has_changed_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let content = store.put(b"right").unwrap();
        fs_err::write(store.blob_path(&content.digest), b"wrong").unwrap();
        let mut pack = Pack::default();
        pack.add(content);
        assert!(pack.content(&store).is_err());
    }
}
