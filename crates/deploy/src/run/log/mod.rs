//! What services write: a line with time and stream, in files of bounded size.
//!
//! ```text
//! 2026-11-23T15:06:07.042Z out listening on 127.64.1.2:8080
//! 2026-11-23T15:06:09.100Z err no route
//! 2026-11-23T15:06:09.101Z --- ended: exit code 1
//! ```
//!
//! Readers read the files themselves, also when nothing runs: no reader can keep a service waiting.

mod read;
mod write;

pub use read::{Follower, tail};
pub(super) use write::Writer;

/// Where a line comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// The service's stdout.
    Out,
    /// The service's stderr.
    Err,
    /// The supervisor says it of the service.
    Said,
}

/// Every stream and its mark in the file.
const MARKS: [(Stream, &str); 3] = [(Stream::Out, "out"), (Stream::Err, "err"), (Stream::Said, "---")];

impl Stream {
    /// Its mark.
    pub fn mark(self) -> &'static str {
        MARKS.iter().find(|(stream, _)| *stream == self).map_or("", |(_, mark)| mark)
    }
}

/// A line of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// When it was complete: `2026-11-23T15:06:07.042Z`. Sorts as times do.
    pub time: String,
    /// Where it comes from.
    pub stream: Stream,
    /// Without the line break.
    pub text: String,
}

impl Line {
    /// Reads a line of a file; none where it is not of this form.
    fn read(line: &[u8]) -> Option<Self> {
        let line = String::from_utf8_lossy(line);
        let mut parts = line.splitn(3, ' ');
        let (time, mark) = (parts.next()?, parts.next()?);
        let (stream, _) = MARKS.iter().find(|(_, known)| *known == mark)?;
        Some(Self {
            time: time.to_owned(),
            stream: *stream,
            text: parts.next().unwrap_or_default().to_owned(),
        })
    }
}
