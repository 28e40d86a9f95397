//! A proxy before a server on loopback that sees every request, and makes chosen ones go wrong.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::listener::Listener;

/// How a request goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The connection ends before the server has heard of it.
    CutBefore,
    /// The connection ends in the middle of what is sent.
    CutDuring,
    /// The server does it, and the connection ends before its answer.
    CutAfter,
    /// 429, to come back in a second.
    TooMany,
    /// 500, and the server hears nothing.
    Fails,
    /// The answer comes late.
    Slow,
    /// One byte of the answer's content is another.
    Corrupt,
    /// The answer promises more than comes.
    Short,
}

impl Trouble {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::CutBefore,
        Self::CutDuring,
        Self::CutAfter,
        Self::TooMany,
        Self::Fails,
        Self::Slow,
        Self::Corrupt,
        Self::Short,
    ];
}

/// A request that came by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// `PUT`.
    pub method: String,
    /// `/v2/x/manifests/1`.
    pub path: String,
    /// Header lines, as sent.
    pub head: String,
    /// Bytes of content that came.
    pub sent: u64,
}

/// What the proxy answers by itself: status line, headers and content, or nothing to ask the server.
pub type Answers = dyn Fn(&Seen) -> Option<String> + Send + Sync;

struct State {
    server: String,
    trouble: Mutex<Option<(usize, Trouble, Repeat)>>,
    seen: Mutex<Vec<Seen>>,
    answers: Box<Answers>,
}

/// How often a trouble comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// At that request.
    Once,
    /// At that request and all after it.
    Always,
}

/// The proxy; ended when dropped.
pub struct Proxy {
    state: Arc<State>,
    listener: Listener,
}

impl Proxy {
    /// Before the server at `host` (`127.0.0.1:PORT`).
    pub fn new(host: &str) -> Self {
        Self::answering(host, Box::new(|_| None))
    }

    /// The same, with answers of its own.
    pub fn answering(host: &str, answers: Box<Answers>) -> Self {
        let state = Arc::new(State {
            server: host.to_owned(),
            trouble: Mutex::default(),
            seen: Mutex::default(),
            answers,
        });
        let shared = state.clone();
        // Whoever hangs up in the middle has a reason.
        let listener = Listener::new(move |stream| while matches!(pass(stream, &shared), Ok(Next::Goes)) {});
        Self { state, listener }
    }

    /// `127.0.0.1:PORT`.
    pub fn host(&self) -> String {
        self.listener.address().to_string()
    }

    /// Makes the request after `after` others from now on go wrong.
    pub fn trouble(&self, after: usize, trouble: Trouble, repeat: Repeat) {
        self.state.seen.lock().unwrap().clear();
        *self.state.trouble.lock().unwrap() = Some((after, trouble, repeat));
    }

    /// Ends all trouble, and forgets what came by.
    pub fn heal(&self) {
        *self.state.trouble.lock().unwrap() = None;
        self.state.seen.lock().unwrap().clear();
    }

    /// What came by, in order.
    pub fn seen(&self) -> Vec<Seen> {
        self.state.seen.lock().unwrap().clone()
    }
}

/// What becomes of the connection to the client.
enum Next {
    Goes,
    Ends,
}

fn pass(client: &TcpStream, state: &State) -> std::io::Result<Next> {
    let mut reader = BufReader::new(client);
    let mut head = String::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(Next::Ends);
        }
        if line == "\r\n" {
            break;
        }
        head += &line;
    }
    let mut words = head.split_whitespace();
    let (method, path) =
        (words.next().unwrap_or_default().to_owned(), words.next().unwrap_or("/").to_owned());
    let size = length(&head);
    let seen = Seen { method, path, head, sent: size };
    let number = {
        let mut all = state.seen.lock().unwrap();
        all.push(seen.clone());
        all.len() - 1
    };
    let trouble = state.trouble.lock().unwrap().and_then(|(at, trouble, repeat)| {
        let hit = number == at || number > at && repeat == Repeat::Always;
        hit.then_some(trouble)
    });
    let mut content = vec![0; usize::try_from(size).unwrap()];
    if trouble == Some(Trouble::CutDuring) {
        let half = content.len() / 2;
        reader.read_exact(&mut content[..half])?;
        if half > 0 {
            forward_half(state, &seen, &content[..half])?;
        }
        return Ok(Next::Ends);
    }
    reader.read_exact(&mut content)?;
    let mut client = client;
    match trouble {
        Some(Trouble::CutBefore) => return Ok(Next::Ends),
        Some(Trouble::TooMany) => {
            client.write_all(
                b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n",
            )?;
            return Ok(Next::Goes);
        }
        Some(Trouble::Fails) => {
            client.write_all(b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n")?;
            return Ok(Next::Goes);
        }
        _ => {}
    }
    if let Some(answer) = (state.answers)(&seen) {
        client.write_all(answer.as_bytes())?;
        return Ok(Next::Goes);
    }
    let (answer, mut body) = ask(state, &seen, &content)?;
    match trouble {
        Some(Trouble::CutAfter) => return Ok(Next::Ends),
        Some(Trouble::Slow) => std::thread::sleep(Duration::from_millis(300)),
        Some(Trouble::Corrupt) => {
            if let Some(byte) = body.last_mut() {
                *byte ^= 1;
            }
        }
        _ => {}
    }
    let bodiless =
        seen.method == "HEAD" || answer.starts_with("HTTP/1.1 204") || answer.starts_with("HTTP/1.1 304");
    let mut out = String::new();
    for line in answer.lines().filter(|line| !line.is_empty()) {
        let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
        match name.as_str() {
            "connection" | "transfer-encoding" => {}
            "content-length" if !bodiless => {}
            _ => out += &format!("{line}\r\n"),
        }
    }
    if !bodiless {
        let more = if trouble == Some(Trouble::Short) { 7 } else { 0 };
        out += &format!("Content-Length: {}\r\n", body.len() + more);
    }
    client.write_all(format!("{out}\r\n").as_bytes())?;
    if !bodiless {
        client.write_all(&body)?;
    }
    Ok(if trouble == Some(Trouble::Short) && !bodiless { Next::Ends } else { Next::Goes })
}

/// Has the server hear the first half of a request, as when the line to a real one breaks.
fn forward_half(state: &State, seen: &Seen, half: &[u8]) -> std::io::Result<()> {
    let mut server = TcpStream::connect(&state.server)?;
    server.write_all(head_to(seen).as_bytes())?;
    server.write_all(half)?;
    server.shutdown(std::net::Shutdown::Write)?;
    // Until it has noticed.
    server.set_read_timeout(Some(Duration::from_secs(5)))?;
    drop(server.read_to_end(&mut Vec::new()));
    Ok(())
}

fn ask(state: &State, seen: &Seen, content: &[u8]) -> std::io::Result<(String, Vec<u8>)> {
    let mut server = TcpStream::connect(&state.server)?;
    server.write_all(head_to(seen).as_bytes())?;
    server.write_all(content)?;
    let mut bytes = Vec::new();
    server.read_to_end(&mut bytes)?;
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").unwrap_or(bytes.len());
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let body = bytes.get(end + 4..).unwrap_or_default();
    let chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
    Ok((head, if chunked { dechunked(body) } else { body.to_vec() }))
}

/// The request's head for the server: one request a connection, so that its end is the answer's.
fn head_to(seen: &Seen) -> String {
    let lines = seen.head.lines().filter(|line| !line.to_ascii_lowercase().starts_with("connection:"));
    lines.map(|line| format!("{line}\r\n")).collect::<String>() + "Connection: close\r\n\r\n"
}

fn length(head: &str) -> u64 {
    let line = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    line.unwrap_or(0)
}

fn dechunked(mut body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while let Some(end) = body.windows(2).position(|window| window == b"\r\n") {
        let size = usize::from_str_radix(String::from_utf8_lossy(&body[..end]).trim(), 16).unwrap_or(0);
        let start = end + 2;
        if size == 0 || body.len() < start + size {
            break;
        }
        out.extend_from_slice(&body[start..start + size]);
        body = &body[(start + size + 2).min(body.len())..];
    }
    out
}
