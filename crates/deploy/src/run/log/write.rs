//! Writing a log.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use fs_err as fs;

use super::Stream;
use crate::run::clock;

/// Bytes after which a file is put aside.
const MOST: u64 = 10 << 20;
/// Files that were put aside and are kept.
const KEPT: u32 = 2;
/// The longest line; what is longer becomes several.
const LONGEST: usize = 16 << 10;

/// The log of a service.
#[derive(Debug)]
pub struct Writer {
    path: PathBuf,
    file: fs::File,
    size: u64,
    most: u64,
    /// Begun lines of stdout and stderr.
    begun: [Vec<u8>; 2],
}

impl Writer {
    /// Goes on with the log at `path`.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = open(path)?;
        let size = file.metadata()?.len();
        Ok(Self { path: path.to_owned(), file, size, most: MOST, begun: Default::default() })
    }

    /// Takes in what a service wrote.
    pub fn take(&mut self, stream: Stream, mut bytes: &[u8]) -> io::Result<()> {
        let index = usize::from(stream == Stream::Err);
        while !bytes.is_empty() {
            let begun = self.begun.get_mut(index).map(std::mem::take).unwrap_or_default();
            let room = LONGEST.saturating_sub(begun.len());
            let end = bytes.iter().take(room).position(|byte| *byte == b'\n');
            let (now, later) = bytes.split_at(end.unwrap_or(room.min(bytes.len())));
            let line = [begun.as_slice(), now].concat();
            bytes = later.strip_prefix(b"\n").filter(|_| end.is_some()).unwrap_or(later);
            if end.is_some() || line.len() >= LONGEST {
                self.line(stream, &line)?;
            } else if let Some(begun) = self.begun.get_mut(index) {
                *begun = line;
            }
        }
        Ok(())
    }

    /// The service writes no more: what it began is a line.
    pub fn end(&mut self) -> io::Result<()> {
        for (index, stream) in [Stream::Out, Stream::Err].into_iter().enumerate() {
            let begun = self.begun.get_mut(index).map(std::mem::take).unwrap_or_default();
            if !begun.is_empty() {
                self.line(stream, &begun)?;
            }
        }
        Ok(())
    }

    /// The supervisor says something of the service.
    pub fn say(&mut self, text: &str) -> io::Result<()> {
        self.line(Stream::Said, text.as_bytes())
    }

    fn line(&mut self, stream: Stream, text: &[u8]) -> io::Result<()> {
        if self.size >= self.most {
            self.put_aside()?;
        }
        let head = format!("{} {} ", clock::now(), stream.mark());
        // In one call, so that readers see whole lines.
        let line = [head.as_bytes(), text.strip_suffix(b"\r").unwrap_or(text), b"\n"].concat();
        self.file.write_all(&line)?;
        self.size += line.len() as u64;
        Ok(())
    }

    fn put_aside(&mut self) -> io::Result<()> {
        let aside = |number: u32| self.path.with_extension(format!("log.{number}"));
        for number in (1..KEPT).rev() {
            match fs::rename(aside(number), aside(number + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        fs::rename(&self.path, aside(1))?;
        self.file = open(&self.path)?;
        self.size = 0;
        Ok(())
    }
}

fn open(path: &Path) -> io::Result<fs::File> {
    use fs_err::os::unix::fs::OpenOptionsExt as _;
    fs::File::options().create(true).append(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use super::super::tail;
    use super::*;

    fn texts(path: &Path) -> Vec<(Stream, String)> {
        tail(path, usize::MAX).unwrap().into_iter().map(|line| (line.stream, line.text)).collect()
    }

    #[test]
    fn pieces_become_lines_and_streams_stay_apart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("web.log");
        let mut log = Writer::open(&path).unwrap();
        log.take(Stream::Out, b"one\ntw").unwrap();
        log.take(Stream::Err, b"oh").unwrap();
        log.take(Stream::Out, b"o\r\n\nthr").unwrap();
        log.say("ended").unwrap();
        log.end().unwrap();
        let line = |stream, text: &str| (stream, text.to_owned());
        let expected = [
            line(Stream::Out, "one"),
            line(Stream::Out, "two"),
            line(Stream::Out, ""),
            line(Stream::Said, "ended"),
            line(Stream::Out, "thr"),
            line(Stream::Err, "oh"),
        ];
        assert_eq!(texts(&path), expected);
    }

    #[test]
    fn long_lines_are_cut_and_lose_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("web.log");
        let mut log = Writer::open(&path).unwrap();
        let long: Vec<u8> = (0..40_000_u32).map(|index| b'a' + (index % 26) as u8).collect();
        log.take(Stream::Out, &[&long, &b"\nnext\n"[..]].concat()).unwrap();
        let all: Vec<String> = texts(&path).into_iter().map(|(_, text)| text).collect();
        assert_eq!(all[..3].concat().as_bytes(), long);
        assert_eq!((all.len(), all[3].as_str()), (4, "next"));
    }

    #[test]
    fn its_size_is_bounded_and_the_last_lines_are_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("web.log");
        let mut log = Writer { most: 1_000, ..Writer::open(&path).unwrap() };
        for number in 0..200 {
            log.take(Stream::Out, format!("line {number}\n").as_bytes()).unwrap();
        }
        let sizes: u64 =
            fs::read_dir(folder.path()).unwrap().map(|it| it.unwrap().metadata().unwrap().len()).sum();
        assert!(sizes <= 3 * 1_100, "{sizes}");
        let last = texts(&path).into_iter().rev().take(30).map(|(_, text)| text);
        assert!(last.eq((170..200).rev().map(|number| format!("line {number}"))));
    }
}
