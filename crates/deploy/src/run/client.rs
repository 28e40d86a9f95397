//! Speaking to a supervisor.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fs_err as fs;

use super::control::{Ask, Request, Said, VERSION};
use super::error::Error;
use super::place::Place;

/// Most bytes of an answer.
const LONGEST: u64 = 16 << 20;
/// An answer that is not waited for on purpose may take so long.
const PATIENCE: Duration = Duration::from_secs(30);

/// The answers to one request, in their order.
#[derive(Debug)]
pub struct Answers {
    stream: BufReader<UnixStream>,
}

/// Calls `with` with a short path of the socket in `folder`: names of sockets have 107 bytes at most (`unix(7)`).
pub(super) fn at<T>(folder: &Path, with: impl FnOnce(PathBuf) -> io::Result<T>) -> io::Result<T> {
    let folder = fs::File::open(folder)?;
    with(PathBuf::from(format!("/proc/self/fd/{}/control.sock", folder.as_raw_fd())))
}

/// Asks the supervisor of the stack at `place`.
///
/// # Errors
/// When there is none.
pub fn ask(place: &Place, ask: Ask) -> Result<Answers, Error> {
    let stream = at(place.folder(), UnixStream::connect).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => Error::NotRunning,
        _ => Error::Answer { source: error },
    })?;
    let waits = matches!(ask, Ask::Status | Ask::Usage | Ask::Restart { .. } | Ask::Update { .. });
    let send = || {
        stream.set_read_timeout(waits.then_some(PATIENCE))?;
        let mut line = serde_json::to_vec(&Request { version: VERSION, ask })?;
        line.push(b'\n');
        (&stream).write_all(&line)
    };
    send().map_err(|source| match source.kind() {
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => Error::NotRunning,
        _ => Error::Answer { source },
    })?;
    Ok(Answers { stream: BufReader::new(stream) })
}

/// Asks for one answer.
///
/// # Errors
/// When there is no supervisor, or it refuses.
pub fn one(place: &Place, request: Ask) -> Result<Said, Error> {
    match ask(place, request)?.next()? {
        Some(said) => Ok(said),
        // It was at its end.
        None => Err(Error::NotRunning),
    }
}

impl Answers {
    /// The next answer; none when there are no more.
    ///
    /// # Errors
    /// When it is a refusal, or can't be understood.
    #[allow(clippy::should_implement_trait, reason = "an iterator would go on after an error")]
    pub fn next(&mut self) -> Result<Option<Said>, Error> {
        let mut line = Vec::new();
        let read = io::Read::take(&mut self.stream, LONGEST).read_until(b'\n', &mut line);
        match read {
            Ok(0) => return Ok(None),
            // It ended, and with it the connection.
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(None),
            Err(source) => return Err(Error::Answer { source }),
            Ok(_) => {}
        }
        match serde_json::from_slice(&line) {
            Ok(Said::OtherVersion) => Err(Error::OtherVersion),
            Ok(Said::Refused { message, causes, hint }) => Err(Error::Refused { message, causes, hint }),
            Ok(said) => Ok(Some(said)),
            Err(error) => Err(Error::Answer { source: error.into() }),
        }
    }
}
