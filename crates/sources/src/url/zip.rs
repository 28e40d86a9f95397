//! Zip archives, read strictly: by the central directory, which must agree with what lies before each file and leave no
//! two files one stretch of data (APPNOTE.TXT of the ZIP format, 4.3). Stored and deflated files; no zip64, no passwords.

use std::collections::BTreeMap;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

use longshore_oci::TreePath;

use super::sink::{Mode, Sink};
use super::unpack::Bad;
use crate::deb::archive::compression::HARMLESS;
use crate::deb::archive::tar::lossy;
use crate::deb::archive::{Limits, Problem};

/// Most bytes of the central directory.
const MAX_DIRECTORY: u64 = 64 << 20;
/// The end record without its comment.
const END: usize = 22;
/// A file's header in the central directory without its name.
const CENTRAL: usize = 46;
/// A file's header before its data without its name.
const LOCAL: usize = 30;

/// What is wrong with a zip. Paths are as the archive has them, shortened.
#[derive(Debug, thiserror::Error)]
pub enum ZipProblem {
    /// Its structure is broken.
    #[error("broken zip: {0}")]
    Broken(&'static str),
    /// Something in it is not taken.
    #[error("`{path}` in the zip {reason}")]
    Entry {
        /// The entry.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// It would unpack to too much.
    #[error("{size} bytes unpack to more than {limit} bytes, the most allowed here")]
    Bomb {
        /// The zip's size.
        size: u64,
        /// The most it may unpack to.
        limit: u64,
    },
}

impl From<ZipProblem> for Bad {
    fn from(problem: ZipProblem) -> Self {
        Self::Zip(problem)
    }
}

/// One file as the central directory has it.
struct Member {
    name: Vec<u8>,
    /// Unix's type and permissions, where it was made on such a system.
    unix: Option<u32>,
    deflated: bool,
    crc: u32,
    packed: u64,
    size: u64,
    offset: u64,
}

impl Member {
    fn bad(&self, reason: &'static str) -> Bad {
        ZipProblem::Entry { path: lossy(&self.name), reason }.into()
    }
}

pub(super) fn unpack(
    mut zip: impl Read + Seek,
    size: u64,
    limits: &Limits,
    sink: &mut Sink<'_>,
) -> Result<(), Bad> {
    let (members, directory) = members(&mut zip, size, limits)?;
    let limit = size.saturating_mul(limits.ratio).max(HARMLESS).min(limits.unpacked);
    if members.iter().map(|member| member.size).fold(0, u64::saturating_add) > limit {
        return Err(ZipProblem::Bomb { size, limit }.into());
    }
    // In the order of their data, so that overlaps show.
    let mut by_offset = BTreeMap::new();
    for member in &members {
        if by_offset.insert(member.offset, member).is_some() {
            return Err(member.bad("shares its data with another"));
        }
    }
    let ends: Vec<u64> = by_offset.keys().skip(1).copied().chain([directory]).collect();
    let mut seen = BTreeMap::new();
    for (member, end) in by_offset.into_values().zip(ends) {
        let path = path(member)?;
        let folder = member.name.ends_with(b"/");
        if seen.insert(path.clone(), folder).is_some() {
            return Err(Problem::DuplicatePath { path: lossy(&member.name) }.into());
        }
        let start = data(&mut zip, member)?;
        if start.saturating_add(member.packed) > end {
            return Err(member.bad("overlaps what comes after it"));
        }
        zip.seek(SeekFrom::Start(start))?;
        place(&mut zip, member, &path, sink)?;
    }
    Ok(())
}

fn place(
    zip: &mut (impl Read + Seek),
    member: &Member,
    path: &TreePath,
    sink: &mut Sink<'_>,
) -> Result<(), Bad> {
    let kind = member.unix.map_or(0, |mode| mode & 0o170_000);
    let mut bytes = Bytes::new(zip, member);
    match kind {
        _ if member.name.ends_with(b"/") => match member.size {
            0 if path.is_root() => Ok(()),
            0 => Ok(sink.directory(path)?),
            _ => Err(member.bad("is a folder and has data")),
        },
        0o120_000 if member.size > 4096 => Err(member.bad("is a link with a target of more than 4096 bytes")),
        0o120_000 => {
            let mut target = Vec::new();
            while bytes.fill(&mut target)? {}
            Ok(sink.symlink(path, target)?)
        }
        0 | 0o100_000 => {
            let mode = member.unix.filter(|mode| mode & 0o777 != 0);
            let mode = mode.map_or(Mode::Unknown, |mode| Mode::Bits((mode & 0o777) as u16));
            sink.file(path, mode, member.size, |buffer| bytes.read(buffer))
        }
        _ => Err(member.bad("is neither a file, a folder nor a link")),
    }
}

/// A file's bytes as they are unpacked: exactly as many as announced, with the checksum announced.
struct Bytes<'a> {
    inner: Box<dyn Read + 'a>,
    member: &'a Member,
    left: u64,
    crc: flate2::Crc,
}

impl<'a> Bytes<'a> {
    fn new(zip: &'a mut impl Read, member: &'a Member) -> Self {
        let packed = BufReader::with_capacity(64 * 1024, zip.take(member.packed));
        let inner: Box<dyn Read + 'a> = match member.deflated {
            true => Box::new(flate2::bufread::DeflateDecoder::new(packed)),
            false => Box::new(packed),
        };
        Self { inner, member, left: member.size, crc: flate2::Crc::new() }
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Bad> {
        if self.left == 0 {
            // One byte more would be one too many.
            if self.inner.read(&mut [0])? != 0 {
                return Err(self.member.bad("is longer than announced"));
            }
            return match self.crc.sum() == self.member.crc {
                true => Ok(0),
                false => Err(self.member.bad("has a wrong checksum")),
            };
        }
        let wanted = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        match self.inner.read(&mut buffer[..wanted])? {
            0 if wanted > 0 => Err(self.member.bad("is shorter than announced")),
            count => {
                self.left -= count as u64;
                self.crc.update(&buffer[..count]);
                Ok(count)
            }
        }
    }

    /// Appends some bytes; false at the end.
    fn fill(&mut self, to: &mut Vec<u8>) -> Result<bool, Bad> {
        let mut buffer = [0; 4096];
        let count = self.read(&mut buffer)?;
        to.extend_from_slice(&buffer[..count]);
        Ok(count > 0)
    }
}

fn path(member: &Member) -> Result<TreePath, Bad> {
    let problem = |reason| Bad::Tar(Problem::Path { path: lossy(&member.name), reason });
    match member.name.as_slice() {
        [] => Err(problem("it is empty")),
        [b'/', ..] => Err(problem("it is absolute")),
        name if name.contains(&b'\\') => Err(problem("it contains a backslash")),
        name => match TreePath::new(name) {
            Ok(path) => Ok(path),
            Err(longshore_oci::TreeError::UnsafePath { reason, .. }) => Err(problem(reason)),
            Err(_) => Err(problem("it is no path")),
        },
    }
}

/// Where a member's data begins, after its own header, which must name the same file.
fn data(zip: &mut (impl Read + Seek), member: &Member) -> Result<u64, Bad> {
    zip.seek(SeekFrom::Start(member.offset))?;
    let mut header = [0; LOCAL];
    exactly(zip, &mut header)?;
    if !header.starts_with(b"PK\x03\x04") {
        return Err(member.bad("is not where the directory says"));
    }
    let (name, extra) = (u16_at(&header, 26), u16_at(&header, 28));
    let mut own = vec![0; usize::from(name)];
    exactly(zip, &mut own)?;
    if own != member.name {
        return Err(member.bad("has another name where its data is"));
    }
    Ok(member.offset + (LOCAL as u64) + u64::from(name) + u64::from(extra))
}

/// The central directory, and where it begins.
fn members(zip: &mut (impl Read + Seek), size: u64, limits: &Limits) -> Result<(Vec<Member>, u64), Bad> {
    let broken = |what| Bad::from(ZipProblem::Broken(what));
    let tail_size = size.min(END as u64 + u64::from(u16::MAX));
    zip.seek(SeekFrom::Start(size - tail_size))?;
    // At most 64 KiB and a little.
    let mut tail = vec![0; tail_size as usize];
    exactly(zip, &mut tail)?;
    let ends = |at: &usize| {
        tail[*at..].starts_with(b"PK\x05\x06")
            && *at + END + usize::from(u16_at(&tail, *at + 20)) == tail.len()
    };
    let last = tail.len().checked_sub(END).ok_or_else(|| broken("it is too short"))?;
    let at = (0..=last).rev().find(ends).ok_or_else(|| broken("it has no end record"))?;
    let (count, length, offset) =
        (u16_at(&tail, at + 10), u64::from(u32_at(&tail, at + 12)), u64::from(u32_at(&tail, at + 16)));
    if u16_at(&tail, at + 4) != 0 || u16_at(&tail, at + 8) != count {
        return Err(broken("it is in several parts"));
    }
    if count == u16::MAX || offset == u64::from(u32::MAX) {
        return Err(broken("it is of the zip64 form, which is not read"));
    }
    if offset + length != size - tail_size + at as u64 || length > MAX_DIRECTORY {
        return Err(broken("its directory is not where the end record says"));
    }
    if usize::from(count) > limits.entries {
        return Err(Problem::TooManyEntries(limits.entries).into());
    }
    zip.seek(SeekFrom::Start(offset))?;
    let mut directory = vec![0; length as usize];
    exactly(zip, &mut directory)?;
    let mut rest = directory.as_slice();
    let mut all = Vec::with_capacity(usize::from(count));
    for _ in 0..count {
        let (member, after) = member(rest)?;
        all.push(member);
        rest = after;
    }
    if rest.is_empty() {
        Ok((all, offset))
    } else {
        Err(broken("its directory holds more than it announces"))
    }
}

fn member(bytes: &[u8]) -> Result<(Member, &[u8]), Bad> {
    let broken = || Bad::from(ZipProblem::Broken("its directory is cut short"));
    if bytes.len() < CENTRAL || !bytes.starts_with(b"PK\x01\x02") {
        return Err(broken());
    }
    let (flags, method) = (u16_at(bytes, 8), u16_at(bytes, 10));
    let end = CENTRAL + usize::from(u16_at(bytes, 28));
    let after = end + usize::from(u16_at(bytes, 30)) + usize::from(u16_at(bytes, 32));
    let member = Member {
        name: bytes.get(CENTRAL..end).ok_or_else(broken)?.to_vec(),
        // 3 is Unix, 19 is macOS (4.4.2).
        unix: matches!(bytes[5], 3 | 19).then(|| u32_at(bytes, 38) >> 16),
        deflated: method == 8,
        crc: u32_at(bytes, 16),
        packed: u32_at(bytes, 20).into(),
        size: u32_at(bytes, 24).into(),
        offset: u32_at(bytes, 42).into(),
    };
    if flags & 0x2041 != 0 {
        return Err(member.bad("needs a password"));
    }
    if !matches!(method, 0 | 8) {
        return Err(member.bad("is compressed in a way that is not read: neither stored nor deflated"));
    }
    if [member.packed, member.size, member.offset].contains(&u64::from(u32::MAX)) {
        return Err(member.bad("is of the zip64 form, which is not read"));
    }
    Ok((member, bytes.get(after..).ok_or_else(broken)?))
}

fn exactly(reader: &mut impl Read, buffer: &mut [u8]) -> Result<(), Bad> {
    reader.read_exact(buffer).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => ZipProblem::Broken("it is cut short").into(),
        _ => error.into(),
    })
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}
