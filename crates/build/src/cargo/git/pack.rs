//! Packs: many objects in one file, some as changes to others, with an index beside it (git's documentation,
//! "gitformat-pack"). Read as foreign bytes: what comes out is whatever the files say, and has yet to be held to its name.

use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use flate2::bufread::ZlibDecoder;
use fs_err as fs;
use longshore_oci::read_bounded;

use super::object::{Kind, Object, ObjectId};

/// Bytes of one object. Hosts of git repositories take files of about 100 MB.
pub(super) const MAX_OBJECT: u64 = 512 << 20;
/// Bytes of an index: 32 an object.
const MAX_INDEX: u64 = 512 << 20;
/// Changes on top of each other; git makes no longer chain.
const MAX_CHAIN: usize = 4096;
/// The second form of an index begins so. Nothing has written the first in fifteen years.
const MAGIC: [u8; 8] = [0xff, b't', b'O', b'c', 0, 0, 0, 2];
/// Where an index has its names: after the magic and 256 sums.
const NAMES: usize = 8 + 256 * 4;

/// A pack with its index.
pub(super) struct Pack {
    path: PathBuf,
    index: Vec<u8>,
    count: usize,
}

/// What is at a place of a pack.
enum Packed {
    Whole(Object),
    /// A change to the object at another place.
    Delta(u64, Vec<u8>),
}

impl Pack {
    /// The pack whose index is at `index`.
    pub fn open(index: &Path) -> io::Result<Self> {
        let bytes = read_bounded(fs::File::open(index)?, MAX_INDEX)?;
        let count = number(&bytes, NAMES - 4).filter(|_| bytes.starts_with(&MAGIC));
        let count =
            count.and_then(|count| usize::try_from(count).ok()).ok_or_else(|| bad("no index of a pack"))?;
        // 20 bytes a name, 4 a checksum, 4 a place; two sums at the end.
        if bytes.len() < NAMES + 40 || (bytes.len() - NAMES - 40) / 28 < count {
            return Err(bad("an index that is too short"));
        }
        Ok(Self { path: index.with_extension("pack"), index: bytes, count })
    }

    /// The object called `id`; none where the index doesn't have it.
    pub fn read(&self, id: &ObjectId) -> Option<io::Result<Object>> {
        let offset = self.offset(id)?;
        Some(self.object(offset))
    }

    fn offset(&self, id: &ObjectId) -> Option<u64> {
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = low + (high - low) / 2;
            let at = NAMES + middle * 20;
            match self.index.get(at..at + 20)?.cmp(id.as_bytes().as_slice()) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return self.place(middle),
            }
        }
        None
    }

    /// Where in the pack the object is that is the `nth` of the index.
    fn place(&self, nth: usize) -> Option<u64> {
        let places = NAMES + self.count * 24;
        let place = number(&self.index, places + nth * 4)?;
        if place & 0x8000_0000 == 0 {
            return Some(place.into());
        }
        // Of packs past 2 GiB: a second table, with 8 bytes a place.
        let large = places + self.count * 4 + usize::try_from(place & 0x7fff_ffff).ok()?.checked_mul(8)?;
        Some(u64::from(number(&self.index, large)?) << 32 | u64::from(number(&self.index, large + 4)?))
    }

    fn object(&self, offset: u64) -> io::Result<Object> {
        let file = fs::File::open(&self.path)?;
        let (mut at, mut deltas, mut held) = (offset, Vec::new(), 0);
        let mut object = loop {
            match self.packed(&file, at)? {
                Packed::Whole(object) => break object,
                Packed::Delta(base, delta) => {
                    held += delta.len() as u64;
                    deltas.push(delta);
                    at = base;
                }
            }
            if deltas.len() > MAX_CHAIN || held > MAX_OBJECT {
                return Err(bad("too many changes on top of each other"));
            }
        };
        for delta in deltas.iter().rev() {
            object.bytes = changed(&object.bytes, delta)?;
        }
        Ok(object)
    }

    fn packed(&self, file: &fs::File, offset: u64) -> io::Result<Packed> {
        let mut reader = BufReader::new(At { file, offset });
        let first = byte(&mut reader)?;
        let mut size = u64::from(first & 15);
        let (mut more, mut shift) = (first & 0x80 != 0, 4);
        while more {
            let next = byte(&mut reader)?;
            size |= u64::from(next & 0x7f) << shift;
            (more, shift) = (next & 0x80 != 0, shift + 7);
            if shift > 53 {
                return Err(bad("a size past all limits"));
            }
        }
        let kind = match first >> 4 & 7 {
            1 => Kind::Commit,
            2 => Kind::Tree,
            3 => Kind::Blob,
            4 => Kind::Tag,
            6 => {
                let base =
                    offset.checked_sub(distance(&mut reader)?).ok_or_else(|| bad("a change to nothing"))?;
                return Ok(Packed::Delta(base, inflated(reader, size)?));
            }
            7 => {
                let mut name = [0; 20];
                reader.read_exact(&mut name)?;
                let base = ObjectId::from_bytes(&name).and_then(|id| self.offset(&id));
                let base = base.ok_or_else(|| bad("a change to an object that is not in the pack"))?;
                return Ok(Packed::Delta(base, inflated(reader, size)?));
            }
            _ => return Err(bad("an object of no kind")),
        };
        Ok(Packed::Whole(Object { kind, bytes: inflated(reader, size)? }))
    }
}

/// A loose object: one compressed file with its kind, length and bytes.
pub(super) fn loose(path: &Path) -> io::Result<Object> {
    let reader = BufReader::new(fs::File::open(path)?);
    let mut bytes = read_bounded(ZlibDecoder::new(reader), MAX_OBJECT)?;
    let head = bytes.iter().position(|&b| b == 0).ok_or_else(|| bad("an object without a head"))?;
    let kind = bytes[..head].split(|&b| b == b' ').next().and_then(Kind::named);
    let kind = kind.ok_or_else(|| bad("an object of no kind"))?;
    bytes.drain(..=head);
    Ok(Object { kind, bytes })
}

/// How far back the base of a change is.
fn distance(reader: &mut impl Read) -> io::Result<u64> {
    let mut next = byte(reader)?;
    let mut distance = u64::from(next & 0x7f);
    while next & 0x80 != 0 {
        next = byte(reader)?;
        let more = distance
            .checked_add(1)
            .filter(|more| more >> 56 == 0)
            .ok_or_else(|| bad("a change to nothing"))?;
        distance = more << 7 | u64::from(next & 0x7f);
    }
    // Nothing is a change to itself.
    if distance == 0 { Err(bad("a change to itself")) } else { Ok(distance) }
}

fn inflated(reader: impl BufRead, size: u64) -> io::Result<Vec<u8>> {
    let bytes = read_bounded(ZlibDecoder::new(reader), size.min(MAX_OBJECT))?;
    if bytes.len() as u64 == size { Ok(bytes) } else { Err(bad("an object that is too short")) }
}

/// `base` with the changes of `delta`.
fn changed(base: &[u8], delta: &[u8]) -> io::Result<Vec<u8>> {
    let mut rest = delta;
    let (from, to) = (length(&mut rest)?, length(&mut rest)?);
    if from != base.len() as u64 || to > MAX_OBJECT {
        return Err(bad("a change to something else"));
    }
    let mut bytes = Vec::new();
    while let Some((&code, after)) = rest.split_first() {
        rest = after;
        let part = if code & 0x80 != 0 {
            let mut field = |bits: std::ops::Range<u8>| -> io::Result<usize> {
                let mut value = 0;
                for (place, bit) in bits.enumerate() {
                    if code & 1 << bit != 0 {
                        value |= usize::from(byte(&mut rest)?) << (8 * place);
                    }
                }
                Ok(value)
            };
            let start = field(0..4)?;
            let length = match field(4..7)? {
                0 => 0x10000,
                length => length,
            };
            base.get(start..start + length)
        } else {
            let (part, after) = rest.split_at_checked(code.into()).unwrap_or_default();
            rest = after;
            // A length of nothing is kept for other uses.
            Some(part).filter(|part| !part.is_empty())
        };
        bytes.extend_from_slice(part.ok_or_else(|| bad("a change that can't be made"))?);
        if bytes.len() as u64 > to {
            break;
        }
    }
    if bytes.len() as u64 == to { Ok(bytes) } else { Err(bad("a change that makes something else")) }
}

/// A length at the start of a change: seven bits a byte, the lowest first.
fn length(rest: &mut &[u8]) -> io::Result<u64> {
    let (mut value, mut shift) = (0, 0);
    loop {
        let next = byte(rest)?;
        value |= u64::from(next & 0x7f) << shift;
        shift += 7;
        if next & 0x80 == 0 {
            return Ok(value);
        }
        if shift > 56 {
            return Err(bad("a size past all limits"));
        }
    }
}

fn byte(reader: &mut impl Read) -> io::Result<u8> {
    let mut byte = [0];
    reader.read_exact(&mut byte)?;
    Ok(byte[0])
}

/// Four bytes as a number, the highest first.
fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

fn bad(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// A file from a place on.
struct At<'a> {
    file: &'a fs::File,
    offset: u64,
}

impl Read for At<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.file().read_at(buffer, self.offset)?;
        self.offset += read as u64;
        Ok(read)
    }
}
