//! `.deb` files: an `ar` of `debian-binary`, `control.tar` and `data.tar` (deb(5)), read as foreign bytes.
//!
//! Every size, count, path and kind is checked before it is used, every output is bounded, and nothing here writes:
//! [`Entries`] hands out bytes and metadata, and only digests decide where the bytes go.

mod ar;
pub(crate) mod compression;
pub(crate) mod entries;
mod pax;
mod problem;
pub(crate) mod tar;

use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom, Take};

pub use entries::{Entries, Member, MemberKind};
pub use problem::{ArchiveError, Problem};

use compression::Compression;
use entries::Dialect;

/// Bounds on what a package may unpack to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes that the data member may unpack to.
    pub unpacked: u64,
    /// Bytes that one compressed byte may unpack to, once there are more than 64 MiB.
    pub ratio: u64,
    /// Entries in its tar.
    pub entries: usize,
    /// Bytes of memory for a decoder: its dictionary or window.
    pub memory: u64,
}

impl Default for Limits {
    /// 8 GiB, 1000:1, one million entries, 128 MiB: several times what the largest packages of Debian need.
    fn default() -> Self {
        Self { unpacked: 8 << 30, ratio: 1000, entries: 1_000_000, memory: 128 << 20 }
    }
}

/// Bytes that the control member may unpack to; the largest hold long `md5sums`.
const MAX_CONTROL: u64 = 64 << 20;

/// A `.deb` whose container has been checked.
pub struct Deb<R> {
    name: String,
    reader: R,
    limits: Limits,
    control: ar::Member,
    data: ar::Member,
}

impl<R: Read + Seek + Send> Deb<R> {
    /// Checks the container: exactly `debian-binary` (2.x), one `control.tar`, one `data.tar`, in this order. Members
    /// whose names begin with `_` are passed over, as deb(5) has it for signatures. `name` is the file as errors call it.
    pub fn open(name: &str, mut reader: R, limits: Limits) -> Result<Self, ArchiveError> {
        let whole = |problem| ArchiveError::new(name, None, problem);
        let mut members = ar::members(&mut reader).map_err(whole)?;
        members.retain(|member| !member.name.starts_with('_'));
        for member in &members {
            if members.iter().filter(|other| stem(&other.name) == stem(&member.name)).count() > 1 {
                return Err(ArchiveError::new(name, Some(&member.name), Problem::DuplicateMember));
            }
        }
        if let Some(other) =
            members.iter().find(|m| !["debian-binary", "control.tar", "data.tar"].contains(&stem(&m.name)))
        {
            return Err(ArchiveError::new(name, Some(&other.name), Problem::UnknownMember));
        }
        for (place, expected) in ["debian-binary", "control.tar", "data.tar"].into_iter().enumerate() {
            match members.get(place) {
                Some(member) if stem(&member.name) == expected => {}
                Some(member) => {
                    return Err(ArchiveError::new(name, Some(&member.name), Problem::Order { expected }));
                }
                None => return Err(whole(Problem::MissingMember { expected })),
            }
        }
        version(&mut reader, &members[0])
            .map_err(|problem| ArchiveError::new(name, Some("debian-binary"), problem))?;
        let data = members.swap_remove(2);
        let control = members.swap_remove(1);
        Ok(Self { name: name.to_owned(), reader, limits, control, data })
    }

    /// The files of the control member by name: `control`, `md5sums`, `postinst`, …
    pub fn control(&mut self) -> Result<BTreeMap<String, Vec<u8>>, ArchiveError> {
        let limits = Limits { unpacked: MAX_CONTROL, entries: 1000, ..self.limits };
        let (name, member) = (self.name.clone(), self.control.name.clone());
        let at = |problem| ArchiveError::new(&name, Some(&member), problem);
        let control = self.control.clone();
        let mut entries = self.entries(&control, &limits, 1).map_err(at)?;
        let mut files = BTreeMap::new();
        while let Some(entry) = entries.advance().map_err(at)? {
            match entry.kind {
                MemberKind::File(_) => {
                    let mut bytes = Vec::new();
                    entries.read_to_end(&mut bytes).map_err(|error| at(error.into()))?;
                    files.insert(tar::lossy(entry.path.as_bytes()), bytes);
                }
                MemberKind::Directory => {}
                _ => {
                    return Err(at(Problem::Kind {
                        path: entry.path.to_string(),
                        kind: "a link".to_owned(),
                    }));
                }
            }
        }
        Ok(files)
    }

    /// The package's files, decoded once, in order; `threads` are used where the compression allows and it pays.
    pub fn data(&mut self, threads: u32) -> Result<Data<'_>, ArchiveError> {
        let (name, member) = (self.name.clone(), self.data.clone());
        let limits = self.limits;
        match self.entries(&member, &limits, threads) {
            Ok(entries) => Ok(Data { entries, name, member: member.name }),
            Err(problem) => Err(ArchiveError::new(&name, Some(&member.name), problem)),
        }
    }

    fn entries(
        &mut self,
        member: &ar::Member,
        limits: &Limits,
        threads: u32,
    ) -> Result<Entries<'_>, Problem> {
        let compression = Compression::of(&member.name[stem(&member.name).len()..])?;
        self.reader.seek(SeekFrom::Start(member.offset))?;
        let bytes: Take<&mut R> = self.reader.by_ref().take(member.size);
        let tar = compression.decode(bytes, member.size, limits, threads)?;
        Ok(Entries::new(tar, limits, Dialect::Deb))
    }
}

/// The data member's entries; errors name the package file and the member.
pub struct Data<'a> {
    entries: Entries<'a>,
    name: String,
    member: String,
}

impl Data<'_> {
    /// The next entry, skipping what was not read of the one before.
    pub fn next_entry(&mut self) -> Result<Option<Member>, ArchiveError> {
        self.entries.advance().map_err(|problem| ArchiveError::new(&self.name, Some(&self.member), problem))
    }

    /// Fills `buffer` as far as the current file goes; the number of bytes, less than asked for only at its end.
    pub fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ArchiveError> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.entries.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) => return Err(ArchiveError::new(&self.name, Some(&self.member), error.into())),
            }
        }
        Ok(filled)
    }
}

/// `control.tar.xz` → `control.tar`; other names as they are.
fn stem(name: &str) -> &str {
    ["control.tar", "data.tar"].into_iter().find(|stem| name.starts_with(stem)).unwrap_or(name)
}

fn version(reader: &mut (impl Read + Seek), member: &ar::Member) -> Result<(), Problem> {
    let mut text = Vec::new();
    reader.seek(SeekFrom::Start(member.offset))?;
    reader.take(member.size.min(64)).read_to_end(&mut text)?;
    // A newer minor version may add lines; only the major one says that the format is another.
    let first = text.split(|&b| b == b'\n').next().unwrap_or_default();
    match first.strip_prefix(b"2.") {
        Some(minor) if !minor.is_empty() && minor.iter().all(u8::is_ascii_digit) => Ok(()),
        _ => Err(Problem::Version { found: tar::lossy(first) }),
    }
}
