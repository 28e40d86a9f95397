//! Asking services whether they do their work: what the probe in images does, from the machine and without a process.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use longshore_probe::probe::address::{Endpoint, Host};
use longshore_probe::probe::answer::{self, Health};
use longshore_probe::probe::failure::{Failure, Stage};
use longshore_probe::probe::grpc::{self, Conversation, Next};
use longshore_probe::probe::http::{self, Response};
use longshore_probe::probe::timeout::Timeout;
use longshore_probe::probe::url::Url;
use longshore_sandbox::{Command, Process, Status};

use super::plan::{Check, Health as Asked};
use super::state::{Answer, Verdict};

/// Most bytes that are kept of what a program of a service prints.
const MOST: usize = 4_096;
/// Characters of an answer that are shown.
const SHOWN: usize = 240;

/// Who is asked.
pub(super) struct Whom {
    /// At this address.
    pub(super) address: Ipv4Addr,
    /// The service's process, for what is run beside it.
    pub(super) process: Process,
    /// Environment and folder of such a program.
    pub(super) around: Command,
}

/// Asks, and takes no longer than `health` says.
pub(super) fn ask(health: &Asked, whom: Whom) -> Answer {
    let end = Instant::now() + health.timeout;
    let asked = match &health.check {
        Check::Exec { argv } => return exec(argv, whom, health.timeout),
        Check::Tcp { port } => {
            connect(whom.address, *port, end).map(|_| answer::Answer::healthy(&[b"connected"]))
        }
        Check::Http { port, path } => http(whom.address, *port, path, end),
        Check::Grpc { port, service } => grpc(whom.address, *port, service, end),
    };
    let milliseconds = u32::try_from(health.timeout.as_millis()).unwrap_or(u32::MAX);
    let answer =
        asked.unwrap_or_else(|(stage, error)| failure(&error).answer(stage, Timeout { milliseconds }));
    let verdict = match answer.health {
        Health::Healthy => Verdict::Healthy,
        Health::Unhealthy => Verdict::Unhealthy,
    };
    Answer { verdict, line: String::from_utf8_lossy(answer.line.get()).into_owned() }
}

type Asking = Result<answer::Answer, (Stage, io::Error)>;

fn failure(error: &io::Error) -> Failure {
    match error.kind() {
        // What a read says whose time is over.
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Failure::Late,
        _ => error.raw_os_error().map_or(Failure::Late, Failure::System),
    }
}

fn connect(address: Ipv4Addr, port: u16, end: Instant) -> Result<TcpStream, (Stage, io::Error)> {
    let connect = || {
        let stream = TcpStream::connect_timeout(&SocketAddr::new(address.into(), port), left(end)?)?;
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(left(end)?))?;
        Ok(stream)
    };
    connect().map_err(|error| (Stage::Connect, error))
}

/// The time that is left.
fn left(end: Instant) -> io::Result<Duration> {
    let left = end.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}

fn read(stream: &mut TcpStream, room: &mut [u8], end: Instant) -> Result<usize, (Stage, io::Error)> {
    let mut read = || {
        loop {
            stream.set_read_timeout(Some(left(end)?))?;
            match stream.read(room) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                done => return done,
            }
        }
    };
    read().map_err(|error| (Stage::Answer, error))
}

fn http(address: Ipv4Addr, port: u16, path: &str, end: Instant) -> Asking {
    let text = format!("http://{address}:{port}{path}");
    let request = Url::parse(text.as_bytes()).ok().and_then(|url| http::request(&url).ok());
    let Some(request) = request else {
        return Ok(answer::Answer::unhealthy(&[b"the path can't be asked for"]));
    };
    let mut stream = connect(address, port, end)?;
    stream.write_all(request.get()).map_err(|error| (Stage::Answer, error))?;
    let mut response = Response::new();
    loop {
        let count = read(&mut stream, response.room(), end)?;
        if count == 0 {
            return Ok(response.ended());
        }
        if let Some(answer) = response.took(count) {
            return Ok(answer);
        }
    }
}

fn grpc(address: Ipv4Addr, port: u16, service: &str, end: Instant) -> Asking {
    let text = format!("{address}:{port}");
    let endpoint = Endpoint { host: Host::Address(address.into()), port, text: text.as_bytes() };
    let Ok(request) = grpc::request(&endpoint, service.as_bytes()) else {
        return Ok(answer::Answer::unhealthy(&[b"the service's name is too long"]));
    };
    let mut stream = connect(address, port, end)?;
    let write = |stream: &mut TcpStream, bytes: &[u8]| {
        stream.write_all(bytes).map_err(|error| (Stage::Answer, error))
    };
    write(&mut stream, request.get())?;
    let mut conversation = Conversation::new();
    loop {
        match conversation.next() {
            Next::Done(answer) => return Ok(answer),
            Next::Send(bytes) => write(&mut stream, bytes.get())?,
            Next::Read => {
                let count = read(&mut stream, conversation.room(), end)?;
                if count == 0 {
                    return Ok(conversation.ended());
                }
                conversation.took(count);
            }
        }
    }
}

fn exec(argv: &[String], whom: Whom, timeout: Duration) -> Answer {
    let mut log = Bounded(Vec::new());
    let command = Command { argv: argv.to_vec(), ..whom.around };
    let (verdict, how) = match whom.process.run(&command, timeout, &mut log) {
        Ok(exit) if exit.status.success() => (Verdict::Healthy, None),
        Ok(exit) if exit.status == Status::TimedOut => {
            (Verdict::Unhealthy, Some(format!("did not end within {} ms", timeout.as_millis())))
        }
        Ok(exit) => (Verdict::Unhealthy, Some(exit.status.to_string())),
        Err(error) => (Verdict::Unhealthy, Some(said(&error))),
    };
    let text = String::from_utf8_lossy(&log.0);
    let last = text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
    let line = match (how, last) {
        (Some(how), "") => how,
        (Some(how), last) => format!("{how}: {last}"),
        (None, "") => "exit code 0".to_owned(),
        (None, last) => last.to_owned(),
    };
    let shown = |c: char| if c.is_control() { '?' } else { c };
    Answer { verdict, line: line.chars().take(SHOWN).map(shown).collect() }
}

/// An error with what caused it.
pub(super) fn said(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", said(source)),
        None => error.to_string(),
    }
}

/// Keeps the last of what is written.
struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(bytes);
        let over = self.0.len().saturating_sub(MOST);
        self.0.drain(..over);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
