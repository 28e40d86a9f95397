//! Reads one file into the store and notices when it changes meanwhile.

use std::ffi::OsStr;
use std::io::{self, Read};
use std::num::NonZero;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use longshore_net::each;
use longshore_oci::{Content, FileFacts, Store};
use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::PathError;
use crate::intake;

/// How long a file must have rested, in nanoseconds.
const REST: i128 = 2_000_000_000;

/// The metadata that tells whether a file changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    device: u64,
    inode: u64,
    mode: u32,
    size: u64,
    /// Nanoseconds since 1970: when the bytes were last written, and when anything last was.
    mtime: i128,
    ctime: i128,
}

impl Stamp {
    /// Of what is at `path`, links not followed.
    pub fn of(path: &Path) -> Result<Self, PathError> {
        match rustix::fs::lstat(path) {
            Ok(stat) => Ok(Self::from_stat(&stat)),
            Err(error) => Err(at(path, error)),
        }
    }

    /// What kind of thing it is.
    pub(super) fn kind(&self) -> FileType {
        FileType::from_raw_mode(self.mode)
    }

    #[allow(clippy::unnecessary_cast, reason = "the fields' types differ between systems")]
    fn from_stat(stat: &rustix::fs::Stat) -> Self {
        let nanoseconds = |seconds: i64, rest: i64| i128::from(seconds) * 1_000_000_000 + i128::from(rest);
        Self {
            device: stat.st_dev as u64,
            inode: stat.st_ino as u64,
            mode: stat.st_mode as u32,
            size: stat.st_size as u64,
            mtime: nanoseconds(stat.st_mtime as i64, stat.st_mtime_nsec as i64),
            ctime: nanoseconds(stat.st_ctime as i64, stat.st_ctime_nsec as i64),
        }
    }

    /// The mode in an image.
    pub fn mode(&self) -> u16 {
        if self.mode & 0o100 == 0 { 0o644 } else { 0o755 }
    }

    /// When it was last touched, in nanoseconds since 1970. Every write moves this one forward, whatever times its owner sets.
    pub(super) fn touched(&self) -> i128 {
        self.ctime
    }

    /// Whether it had rested for so long at this time that a later write would show.
    pub(super) fn rests(&self, now: i128) -> bool {
        self.ctime + REST < now
    }
}

/// Fewer names than these are looked at by one thread.
const MANY: usize = 1 << 10;

/// The stamps of what has these names in `folder`, in their order; none where nothing is.
pub(super) fn stamps(folder: &Path, names: &[&[u8]]) -> Result<Vec<Option<Stamp>>, PathError> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let opened = rustix::fs::open(folder, flags, Mode::empty()).map_err(|error| at(folder, error))?;
    let stamp = |name: &&[u8]| match rustix::fs::statat(&opened, *name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(Stamp::from_stat(&stat))),
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
        Err(error) => Err(at(&folder.join(OsStr::from_bytes(name)), error)),
    };
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    let share = names.len().div_ceil(threads).max(MANY);
    let shares: Vec<_> = names.chunks(share).collect();
    let stamps = each(threads, &shares, |names| names.iter().map(stamp).collect::<Result<Vec<_>, _>>())?;
    Ok(stamps.concat())
}

/// The file's bytes in the store, and its metadata, which was the same before and after.
pub(super) fn file(path: &Path, store: &Store) -> Result<(Stamp, Content, Option<FileFacts>), PathError> {
    // Neither a link nor a pipe put there meanwhile is waited for or followed.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = rustix::fs::open(path, flags, Mode::empty()).map_err(|error| at(path, error))?;
    let before = rustix::fs::fstat(&file).map_err(|error| at(path, error))?;
    let changed = || PathError::Changed { path: format!("`{}`", path.display()) };
    if FileType::from_raw_mode(before.st_mode) != FileType::RegularFile {
        return Err(changed());
    }
    let stamp = Stamp::from_stat(&before);
    let mut file = std::fs::File::from(file);
    let (content, facts) = if stamp.size <= intake::SMALL {
        small(&mut file, stamp.size, store)?
    } else {
        intake::streamed(|buffer| Ok::<_, PathError>(file.read(buffer)?), store)?
    };
    let after = rustix::fs::fstat(&file).map_err(|error| at(path, error))?;
    if Stamp::from_stat(&after) != stamp || content.size != stamp.size {
        return Err(changed());
    }
    Ok((stamp, content, facts))
}

fn small(
    file: &mut std::fs::File,
    size: u64,
    store: &Store,
) -> Result<(Content, Option<FileFacts>), PathError> {
    let mut bytes = Vec::new();
    // One byte more than announced shows that it grew.
    file.take(size + 1).read_to_end(&mut bytes)?;
    Ok(intake::whole(&bytes, store)?)
}

fn at(path: &Path, error: Errno) -> PathError {
    let error = io::Error::from(error);
    io::Error::new(error.kind(), format!("`{}`: {error}", path.display())).into()
}
