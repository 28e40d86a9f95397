//! HTTP/1.1, as far as the status of one answer (RFC 9112).

use super::answer::Answer;
use super::bytes::{Bytes, Full, decimal};
use super::url::Url;

/// The request for `url`.
pub fn request(url: &Url<'_>) -> Result<Bytes<2_560>, Full> {
    let mut request = Bytes::new();
    for piece in [
        &b"GET "[..],
        url.path,
        b" HTTP/1.1\r\nHost: ",
        url.endpoint.text,
        b"\r\nUser-Agent: longshore-probe\r\nAccept: */*\r\nConnection: close\r\n\r\n",
    ] {
        request.put(piece)?;
    }
    Ok(request)
}

/// What came back so far: enough of it for a status line, also where others (1xx) stand before the last.
#[derive(Debug)]
pub struct Response {
    bytes: Bytes<8_192>,
}

/// A status line.
struct Status<'a> {
    code: u32,
    /// All after the version: `404 Not Found`.
    words: &'a [u8],
}

impl Response {
    /// Nothing yet.
    pub const fn new() -> Self {
        Self { bytes: Bytes::new() }
    }

    /// Where the next bytes go; never empty before there is an answer.
    pub fn room(&mut self) -> &mut [u8] {
        self.bytes.room()
    }

    /// Takes in `count` bytes that were written to the room. The answer, as soon as they decide.
    pub fn took(&mut self, count: usize) -> Option<Answer> {
        self.bytes.grow(count);
        let mut rest = self.bytes.get();
        loop {
            match line(rest) {
                Line::Foreign => return Some(Answer::unhealthy(&[b"the answer is not HTTP"])),
                Line::Unfinished => break,
                Line::Status(status) if (100..200).contains(&status.code) && status.code != 101 => {
                    // The real one follows after the end of this one's headers.
                    let Some(end) = rest.windows(4).position(|four| four == b"\r\n\r\n") else { break };
                    rest = rest.split_at_checked(end.saturating_add(4)).map_or(&[], |(_, rest)| rest);
                }
                Line::Status(status) => {
                    let line = status.words.get(..status.words.len().min(120)).unwrap_or_default();
                    let healthy = (200..400).contains(&status.code);
                    return Some(if healthy { Answer::healthy(&[line]) } else { Answer::unhealthy(&[line]) });
                }
            }
        }
        let full = self.bytes.room().is_empty();
        full.then(|| Answer::unhealthy(&[b"the answer has no status line within 8 kB"]))
    }

    /// The server closed the connection before [`Response::took`] had an answer.
    pub fn ended(&self) -> Answer {
        match self.bytes.get() {
            [] => Answer::unhealthy(&[b"the connection was closed without an answer"]),
            _ => Answer::unhealthy(&[b"the connection was closed within the answer"]),
        }
    }
}

/// What a text begins with.
enum Line<'a> {
    /// Something that can't become a status line.
    Foreign,
    /// Something that may yet.
    Unfinished,
    /// One.
    Status(Status<'a>),
}

/// Reads `HTTP/1.1 200 OK`.
fn line(text: &[u8]) -> Line<'_> {
    const VERSION: &[u8] = b"HTTP/1.";
    let begins = text.iter().zip(VERSION).all(|(found, expected)| found == expected);
    let Some(end) = text.iter().position(|byte| *byte == b'\n').filter(|_| begins) else {
        return if begins { Line::Unfinished } else { Line::Foreign };
    };
    let line = text.get(..end).unwrap_or_default();
    status(line.strip_suffix(b"\r").unwrap_or(line)).map_or(Line::Foreign, Line::Status)
}

fn status(line: &[u8]) -> Option<Status<'_>> {
    let [b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'0'..=b'9', b' ', words @ ..] = line else { return None };
    let (code, reason) = words.split_at_checked(3)?;
    let code = decimal(code).filter(|code| *code >= 100)?;
    (reason.is_empty() || reason.starts_with(b" ")).then(|| Status { code, words: words.trim_ascii_end() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::answer::Health::{self, Healthy, Unhealthy};

    /// What is said of an answer that comes `piece` bytes at a time, and how many of it were read.
    fn said(text: &[u8], piece: usize) -> (Health, String) {
        let mut response = Response::new();
        for bytes in text.chunks(piece) {
            let room = response.room();
            let fits = bytes.len().min(room.len());
            assert!(fits > 0, "no room and no answer");
            room[..fits].copy_from_slice(&bytes[..fits]);
            if let Some(answer) = response.took(fits) {
                return (answer.shown().0, answer.shown().1.to_owned());
            }
        }
        (response.ended().shown().0, response.ended().shown().1.to_owned())
    }

    fn check(text: &str, health: Health, line: &str) {
        for piece in [1, 7, text.len().max(1)] {
            assert_eq!(said(text.as_bytes(), piece), (health, line.to_owned()), "{text:.80?} by {piece}");
        }
    }

    #[test]
    fn requests_are_http() {
        let url = Url::parse(b"http://[::1]:8080/a?b").unwrap();
        let request = request(&url).unwrap();
        let text = std::str::from_utf8(request.get()).unwrap();
        assert_eq!(
            text,
            "GET /a?b HTTP/1.1\r\nHost: [::1]:8080\r\nUser-Agent: longshore-probe\r\nAccept: */*\r\nConnection: close\r\n\r\n"
        );
    }

    #[test]
    fn the_longest_request_fits() {
        let host = format!("{}.a", "abcdefg.".repeat(32).get(..251).unwrap());
        let text = format!("http://{host}:65535/{}", "a".repeat(1_999));
        assert!(request(&Url::parse(text.as_bytes()).unwrap()).is_ok());
    }

    #[test]
    fn the_status_decides() {
        check("HTTP/1.1 200 OK\r\n", Healthy, "200 OK");
        check("HTTP/1.0 204\r\n", Healthy, "204");
        check("HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", Healthy, "302 Found");
        check("HTTP/1.1 399 \n", Healthy, "399");
        check("HTTP/1.1 404 Not Found\r\n\r\nHTTP/1.1 200 OK\r\n", Unhealthy, "404 Not Found");
        check("HTTP/1.1 503 Service Unavailable\r\n", Unhealthy, "503 Service Unavailable");
        check("HTTP/1.1 101 Switching Protocols\r\n\r\n", Unhealthy, "101 Switching Protocols");
        check("HTTP/1.1 200 \x1b[31mred\r\n", Healthy, "200 ?[31mred");
    }

    #[test]
    fn what_comes_before_the_answer_is_not_the_answer() {
        let early = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
        check(&format!("{early}{early}HTTP/1.1 500 Oh\r\n\r\n"), Unhealthy, "500 Oh");
        check(&format!("{early}what"), Unhealthy, "the answer is not HTTP");
        check(early, Unhealthy, "the connection was closed within the answer");
        check(&early.repeat(400), Unhealthy, "the answer has no status line within 8 kB");
    }

    #[test]
    fn other_answers_are_named() {
        check("", Unhealthy, "the connection was closed without an answer");
        check("HTTP/1.1 200 OK", Unhealthy, "the connection was closed within the answer");
        for text in [
            "SSH-2.0-OpenSSH_9.2\r\n",
            "HTTP/2 200 OK\r\n",
            "HTTP/1.1 20 OK\r\n",
            "HTTP/1.1 2000\r\n",
            "HTTP/1.1 099 OK\r\n",
            "HTTP/1.1  200 OK\r\n",
            "HTTP/1.x 200 OK\r\n",
            "HTTP/1.1 -20 OK\r\n",
            "\n",
            "\x15\x03\x01\0\x02\x02",
        ] {
            check(text, Unhealthy, "the answer is not HTTP");
        }
        let long = format!("HTTP/1.1 200 {}", "a".repeat(9_000));
        check(&long, Unhealthy, "the answer has no status line within 8 kB");
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_taken_in_any_pieces(start in "(HTTP/1.1 [0-9]{3} [a-z]*\r\n(\r\n)?){0,3}", rest: Vec<u8>, piece in 1usize..20) {
            let text = [start.as_bytes(), &rest].concat();
            proptest::prop_assert_eq!(said(&text, piece), said(&text, text.len().max(1)));
        }
    }
}
