//! What was used when: the time of modification of blobs, records and folders, set at most once a day, so that
//! using something costs no more than the look at it that is taken anyway.

use std::fs::Metadata;
use std::path::Path;
use std::time::{Duration, SystemTime};

use fs_err as fs;
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_OMIT};

use super::Store;

/// What was used within it counts as just used.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Store {
    /// Says that the file or folder at `path`, which lies in the store, is used.
    pub fn uses(&self, path: &Path) {
        if self.now.is_some()
            && let Ok(meta) = fs::symlink_metadata(path)
        {
            self.use_path(path, &meta);
        }
    }

    pub(super) fn use_path(&self, path: &Path, meta: &Metadata) {
        if let Some(times) = self.due(meta) {
            // Nobody is hurt when it counts as older than it is.
            let _ = rustix::fs::utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW);
        }
    }

    pub(super) fn use_file(&self, file: &fs::File, meta: &Metadata) {
        if let Some(times) = self.due(meta) {
            let _ = rustix::fs::futimens(file, &times);
        }
    }

    /// What to set, when what it says is more than a day old.
    fn due(&self, meta: &Metadata) -> Option<Timestamps> {
        let now = self.now?;
        let then = meta.modified().ok()?;
        now.duration_since(then).ok().filter(|age| *age > DAY)?;
        Some(times(now))
    }
}

/// Sets when `path` was used last.
pub(crate) fn set(path: &Path, used: SystemTime) -> std::io::Result<()> {
    Ok(rustix::fs::utimensat(CWD, path, &times(used), AtFlags::SYMLINK_NOFOLLOW)?)
}

fn times(used: SystemTime) -> Timestamps {
    let since = used.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let seconds = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
    Timestamps {
        last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        last_modification: Timespec { tv_sec: seconds, tv_nsec: since.subsec_nanos().into() },
    }
}
