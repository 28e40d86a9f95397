//! Where a browser comes back to after a login: a port on loopback, for one answer (RFC 8252, 7.3).

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

/// Where it comes back to.
const PATH: &str = "/auth/callback";
/// More bytes than this no browser asks with.
const LIMIT: u64 = 32 << 10;
/// Browsers open connections on which they never say anything.
const SILENCE: Duration = Duration::from_secs(5);
/// How often somebody looks for a new one.
const LOOK: Duration = Duration::from_millis(25);

/// What it came back with.
pub(super) enum Callback {
    /// A code, for a token.
    Code(String),
    /// OAuth's word for why not.
    Denied(String),
    /// An answer to something else: the part by which that is seen.
    Unrelated(&'static str),
}

/// A port that waits for it.
pub(super) struct Listening {
    listener: TcpListener,
    address: String,
    expected: Expected,
}

#[derive(Clone)]
struct Expected {
    state: String,
    issuer: String,
}

impl Listening {
    /// Waits for an answer with `state`, from `issuer` if it says from whom it is.
    pub(super) fn new(state: String, issuer: String) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        listener.set_nonblocking(true)?;
        let address = format!("http://localhost:{}{PATH}", listener.local_addr()?.port());
        Ok(Self { listener, address, expected: Expected { state, issuer } })
    }

    /// `http://localhost:PORT/auth/callback`.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// The first answer; none within `patience`.
    pub(super) fn wait(&self, patience: Duration) -> io::Result<Option<Callback>> {
        let (sender, answers) = channel();
        let start = Instant::now();
        while start.elapsed() < patience {
            if let Ok(answer) = answers.try_recv() {
                return Ok(Some(answer));
            }
            match self.listener.accept() {
                Ok((stream, _)) => {
                    let (sender, expected) = (sender.clone(), self.expected.clone());
                    // A browser that goes away in the middle comes back, or does not.
                    std::thread::spawn(move || drop(serve(&stream, &expected, &sender)));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => std::thread::sleep(LOOK),
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }
}

fn serve(stream: &TcpStream, expected: &Expected, answers: &Sender<Callback>) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(SILENCE))?;
    stream.set_write_timeout(Some(SILENCE))?;
    let mut reader = BufReader::new(stream.take(LIMIT));
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut line = String::new();
    while reader.read_line(&mut line)? > 0 && !line.trim().is_empty() {
        line.clear();
    }
    let callback = target(&first).map(|query| read(query, expected));
    let (status, text) = match callback {
        Some(Callback::Code(_)) => ("200 OK", "You are logged in. You may close this page."),
        Some(_) => ("400 Bad Request", "You are not logged in. The terminal says why."),
        None => ("404 Not Found", "There is nothing here."),
    };
    let head = "Content-Type: text/plain\r\nConnection: close\r\nCache-Control: no-store\r\nReferrer-Policy: no-referrer";
    let mut stream = stream;
    let sent = write!(stream, "HTTP/1.1 {status}\r\n{head}\r\nContent-Length: {}\r\n\r\n{text}", text.len());
    if let Some(callback) = callback {
        // Nobody hears a second answer.
        let _ = answers.send(callback);
    }
    sent
}

/// The query of a request for the place that the browser comes back to.
fn target(line: &str) -> Option<&str> {
    let mut words = line.split(' ');
    let (method, target) = (words.next()?, words.next()?);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    (method == "GET" && path == PATH).then_some(query)
}

fn read(query: &str, expected: &Expected) -> Callback {
    let value = |wanted: &str| {
        let mut found = query.split('&').filter_map(|member| member.split_once('='));
        found.find(|(name, _)| *name == wanted).map(|(_, value)| decoded(value))
    };
    if value("state").as_deref() != Some(&expected.state) {
        return Callback::Unrelated("state");
    }
    // RFC 9207: from which issuer it is, where they say it.
    if value("iss").is_some_and(|issuer| issuer != expected.issuer) {
        return Callback::Unrelated("iss");
    }
    match (value("code"), value("error")) {
        (Some(code), None) => Callback::Code(code),
        (_, error) => Callback::Denied(error.unwrap_or_else(|| "there is no code".to_owned())),
    }
}

/// Text of a form; what is no text stays out of it.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let code = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        let code = code.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (byte, code) {
            (b'%', Some(code)) => {
                bytes.push(code);
                rest = &after[2..];
            }
            (b'+', _) => {
                bytes.push(b' ');
                rest = after;
            }
            _ => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_answer_to_this_login_is_one() {
        let expected = Expected { state: "s+1".to_owned(), issuer: "https://i".to_owned() };
        let come = |line: &str| {
            target(line).map(|query| match read(query, &expected) {
                Callback::Code(code) => format!("code {code}"),
                Callback::Denied(error) => format!("denied {error}"),
                Callback::Unrelated(part) => format!("unrelated {part}"),
            })
        };
        for (line, expected) in [
            ("GET /auth/callback?state=s%2B1&code=a%2Fb+c%zz HTTP/1.1", Some("code a/b c%zz")),
            ("GET /auth/callback?code=a&iss=https%3A%2F%2Fi&state=s%2b1 HTTP/1.1", Some("code a")),
            ("GET /auth/callback?code=a&iss=https%3A%2F%2Fj&state=s%2b1 HTTP/1.1", Some("unrelated iss")),
            ("GET /auth/callback?code=a&state=s+1 HTTP/1.1", Some("unrelated state")),
            ("GET /auth/callback?code=a HTTP/1.1", Some("unrelated state")),
            ("GET /auth/callback HTTP/1.1", Some("unrelated state")),
            (
                "GET /auth/callback?state=s%2B1&error=access_denied&code=a HTTP/1.1",
                Some("denied access_denied"),
            ),
            ("GET /auth/callback?state=s%2B1 HTTP/1.1", Some("denied there is no code")),
            ("GET /favicon.ico HTTP/1.1", None),
            ("POST /auth/callback?state=s%2B1&code=a HTTP/1.1", None),
            ("", None),
            ("GET", None),
        ] {
            assert_eq!(come(line).as_deref(), expected, "{line}");
        }
    }
}
