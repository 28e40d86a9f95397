//! A small HTTP/1.1 server on loopback that can misbehave on demand, and a client that waits for an answer.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::listener::Listener;

/// How an answer goes wrong.
#[derive(Debug, Clone)]
pub enum Fault {
    /// 404.
    Missing,
    /// The full length is promised and the connection closed after this many bytes.
    Truncate(usize),
    /// These bytes instead of the file's.
    Replace(Vec<u8>),
    /// The right answer, this much later.
    Delay(Duration),
    /// Status 503.
    Unavailable,
    /// Status 403.
    Forbidden,
    /// Zeros without an end, and no length.
    Endless,
}

/// How often a fault happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    /// At every request.
    Always,
    /// At this many requests; then all is well.
    First(usize),
}

#[derive(Default)]
struct State {
    faults: BTreeMap<String, (Fault, Times)>,
    headers: BTreeMap<String, String>,
    requests: BTreeMap<String, usize>,
}

/// Serves a folder until dropped.
pub struct Server {
    state: Arc<Mutex<State>>,
    listener: Listener,
}

impl Server {
    /// Serves the files under `root` on a free loopback port.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        let root = root.into();
        let state = Arc::new(Mutex::new(State::default()));
        let shared = state.clone();
        // A client that goes away in the middle of an answer is its own business.
        let listener = Listener::new(move |stream| drop(answer(stream, &root, &shared)));
        Self { state, listener }
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.listener.address())
    }

    /// Makes requests for `path` (without a leading slash) go wrong.
    pub fn fault(&self, path: &str, fault: Fault, times: Times) {
        self.state.lock().unwrap().faults.insert(path.to_owned(), (fault, times));
    }

    /// Has answers with what is at `path` carry a header line more, such as `Content-Encoding: gzip`.
    pub fn header(&self, path: &str, line: &str) {
        self.state.lock().unwrap().headers.insert(path.to_owned(), format!("{line}\r\n"));
    }

    /// Ends all faults.
    pub fn heal(&self) {
        self.state.lock().unwrap().faults.clear();
    }

    /// How often `path` was asked for.
    pub fn requests(&self, path: &str) -> usize {
        self.state.lock().unwrap().requests.get(path).copied().unwrap_or(0)
    }

    /// How often anything was asked for.
    pub fn total_requests(&self) -> usize {
        self.state.lock().unwrap().requests.values().sum()
    }
}

fn answer(mut stream: &TcpStream, root: &std::path::Path, state: &Mutex<State>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.take(64 * 1024));
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let path = line.split_whitespace().nth(1).unwrap_or("/").trim_start_matches('/').to_owned();
    let mut from = 0;
    loop {
        let mut header = String::new();
        if reader.read_line(&mut header)? == 0 || header.trim().is_empty() {
            break;
        }
        if let Some(range) = header.to_ascii_lowercase().strip_prefix("range: bytes=") {
            from = range.trim().trim_end_matches('-').parse().unwrap_or(0);
        }
    }
    let (fault, more) = {
        let mut state = state.lock().unwrap();
        *state.requests.entry(path.clone()).or_default() += 1;
        let more = state.headers.get(&path).cloned().unwrap_or_default();
        let fault = match state.faults.get_mut(&path) {
            Some((fault, Times::Always)) => Some(fault.clone()),
            Some((fault, Times::First(left))) if *left > 0 => {
                *left -= 1;
                Some(fault.clone())
            }
            _ => None,
        };
        (fault, more)
    };
    if let Some(Fault::Delay(time)) = fault {
        std::thread::sleep(time);
    }
    let safe = !path.split('/').any(|part| part == "..");
    let bytes = match &fault {
        Some(Fault::Missing) => None,
        Some(Fault::Unavailable) => {
            return stream.write_all(
                b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            );
        }
        Some(Fault::Forbidden) => {
            return stream
                .write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
        Some(Fault::Endless) => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
            // Until the client has enough.
            loop {
                stream.write_all(&[0; 1 << 16])?;
            }
        }
        Some(Fault::Replace(bytes)) => Some(bytes.clone()),
        _ if safe => fs_err::read(root.join(&path)).ok(),
        _ => None,
    };
    let Some(bytes) = bytes else {
        return stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    };
    let (status, body) = match from {
        0 => ("200 OK", &bytes[..]),
        _ if from >= bytes.len() => {
            return stream.write_all(
                b"HTTP/1.1 416 Range Not Satisfiable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            );
        }
        _ => ("206 Partial Content", &bytes[from..]),
    };
    let range = match from {
        0 => String::new(),
        _ => format!("Content-Range: bytes {from}-{}/{}\r\n", bytes.len() - 1, bytes.len()),
    };
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nAccept-Ranges: bytes\r\n{range}{more}Connection: close\r\n\r\n",
        body.len()
    )?;
    let sent = match fault {
        Some(Fault::Truncate(at)) => &body[..at.min(body.len())],
        _ => body,
    };
    stream.write_all(sent)
}

/// An answer to [`get`].
#[derive(Debug)]
pub struct Response {
    /// 200 and so on.
    pub status: u16,
    /// Status line and header lines.
    pub head: String,
    /// Content, without transfer coding undone.
    pub body: String,
}

/// Asks `http://127.0.0.1:PORT/PATH` until something answers and is ready (503 is not), for at most `patience`.
pub fn get(port: u16, path: &str, patience: Duration) -> Result<Response, String> {
    let start = Instant::now();
    let mut last = String::from("never tried");
    while start.elapsed() < patience {
        match get_once(port, path) {
            Ok(response) if response.status == 503 => last = format!("{response:?}"),
            Ok(response) => return Ok(response),
            Err(error) => last = error.to_string(),
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Err(format!("127.0.0.1:{port} did not answer within {patience:?}: {last}"))
}

/// Sends JSON to `http://127.0.0.1:PORT/PATH`, once.
pub fn post(port: u16, path: &str, json: &str) -> Result<Response, String> {
    let length = json.len();
    let request = format!(
        "POST {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n{json}"
    );
    ask(port, &request).map_err(|error| format!("127.0.0.1:{port}{path}: {error}"))
}

/// Has `path` at `port` of loopback removed.
pub fn delete(port: u16, path: &str) -> Result<Response, String> {
    let request = format!("DELETE {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    ask(port, &request).map_err(|error| error.to_string())
}

fn get_once(port: u16, path: &str) -> std::io::Result<Response> {
    ask(port, &format!("GET {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n"))
}

fn ask(port: u16, request: &str) -> std::io::Result<Response> {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(2))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.write_all(request.as_bytes())?;
    let mut bytes = Vec::new();
    stream.take(16 << 20).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split_whitespace().nth(1).and_then(|code| code.parse().ok());
    let status = status.ok_or_else(|| std::io::Error::other(format!("not an HTTP answer: `{head}`")))?;
    Ok(Response { status, head: head.to_owned(), body: body.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(server: &Server) -> u16 {
        server.listener.address().port()
    }

    #[test]
    fn serves_counts_and_misbehaves() {
        let folder = tempfile::tempdir().unwrap();
        fs_err::write(folder.path().join("a"), "hello").unwrap();
        let server = Server::new(folder.path());
        let ask = |path: &str| get(port(&server), path, Duration::from_secs(5)).unwrap();
        assert_eq!(ask("/a").body, "hello");
        server.fault("a", Fault::Truncate(2), Times::First(1));
        assert_eq!(ask("/a").body, "he");
        assert_eq!(ask("/a").body, "hello");
        server.fault("a", Fault::Missing, Times::Always);
        assert_eq!(ask("/a").status, 404);
        server.heal();
        assert_eq!(ask("/a").status, 200);
        assert_eq!(ask("/../etc/passwd").status, 404);
        assert_eq!(server.requests("a"), 5);
    }
}
