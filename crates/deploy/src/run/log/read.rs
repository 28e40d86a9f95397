//! Reading logs, while they are written and put aside.

use std::collections::VecDeque;
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use fs_err as fs;

use super::Line;

/// As much is read of a file at once.
const PIECE: u64 = 1 << 20;

/// The last `count` lines of the log at `path`, those that were put aside included, oldest first. None where there is no log.
///
/// # Errors
/// When it can't be read.
pub fn tail(path: &Path, count: usize) -> io::Result<Vec<Line>> {
    let mut last = VecDeque::new();
    for name in ["log.2", "log.1", "log"] {
        let file = match fs::File::open(path.with_extension(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            file => file?,
        };
        for line in BufReader::new(file).split(b'\n') {
            if let Some(line) = Line::read(&line?) {
                last.push_back(line);
                if last.len() > count {
                    last.pop_front();
                }
            }
        }
    }
    Ok(last.into())
}

/// Reads what is added to a log.
#[derive(Debug)]
pub struct Follower {
    path: PathBuf,
    file: Option<fs::File>,
    /// What was read after the last line break.
    begun: Vec<u8>,
}

impl Follower {
    /// Of the log at `path`, which need not be there yet: what is added from now on.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn new(path: &Path) -> io::Result<Self> {
        let mut follower = Self { path: path.to_owned(), file: None, begun: Vec::new() };
        follower.file = follower.open()?;
        if let Some(file) = &mut follower.file {
            file.seek(SeekFrom::End(0))?;
        }
        Ok(follower)
    }

    fn open(&self) -> io::Result<Option<fs::File>> {
        match fs::File::open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            file => file.map(Some),
        }
    }

    /// The lines that were added since the last call.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn more(&mut self) -> io::Result<Vec<Line>> {
        let mut lines = Vec::new();
        loop {
            if self.file.is_none() {
                self.file = self.open()?;
            }
            let Some(file) = &mut self.file else { return Ok(lines) };
            // Looked at first: once it was put aside, nothing is added to it.
            let aside = match fs::metadata(&self.path) {
                Ok(now) => now.ino() != file.metadata()?.ino(),
                Err(_) => true,
            };
            while file.by_ref().take(PIECE).read_to_end(&mut self.begun)? > 0 {
                let end = self.begun.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
                let whole: Vec<u8> = self.begun.drain(..end).collect();
                lines.extend(whole.split(|byte| *byte == b'\n').filter_map(Line::read));
            }
            if !aside {
                return Ok(lines);
            }
            self.file = self.open()?;
            if self.file.is_none() {
                return Ok(lines);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Stream, Writer};
    use super::*;

    #[test]
    fn a_follower_misses_nothing_when_files_are_put_aside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("web.log");
        let mut follower = Follower::new(&path).unwrap();
        assert_eq!(follower.more().unwrap(), []);
        let mut log = Writer::open(&path).unwrap();
        let mut seen = Vec::new();
        for number in 0..30 {
            log.take(Stream::Out, format!("line {number}\n").as_bytes()).unwrap();
            if number % 7 == 0 {
                seen.extend(follower.more().unwrap());
            }
            if number == 10 {
                fs::rename(&path, path.with_extension("log.1")).unwrap();
                log = Writer::open(&path).unwrap();
            }
        }
        seen.extend(follower.more().unwrap());
        let texts: Vec<_> = seen.into_iter().map(|line| line.text).collect();
        assert_eq!(texts, (0..30).map(|number| format!("line {number}")).collect::<Vec<_>>());
        // Only what is new from now on.
        let mut late = Follower::new(&path).unwrap();
        log.say("ended").unwrap();
        assert_eq!(late.more().unwrap().len(), 1);
    }
}
