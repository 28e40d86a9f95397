//! What a peer's frames mean, one after the other.

use super::frame::{self, Head, flag, kind};
use super::response::Response;
use super::{Next, STREAM};
use crate::probe::answer::Answer;
use crate::probe::bytes::Bytes;

/// What errors of HTTP/2 are called, by their numbers (RFC 9113, 7).
const ERRORS: [&str; 14] = [
    "NO_ERROR",
    "PROTOCOL_ERROR",
    "INTERNAL_ERROR",
    "FLOW_CONTROL_ERROR",
    "SETTINGS_TIMEOUT",
    "STREAM_CLOSED",
    "FRAME_SIZE_ERROR",
    "REFUSED_STREAM",
    "CANCEL",
    "COMPRESSION_ERROR",
    "CONNECT_ERROR",
    "ENHANCE_YOUR_CALM",
    "INADEQUATE_SECURITY",
    "HTTP_1_1_REQUIRED",
];

/// What the peer said on its one stream.
#[derive(Debug)]
pub struct Peer {
    block: Block,
    response: Response,
}

/// Where a block of headers is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Block {
    /// None has begun.
    Closed,
    /// More of it comes next.
    Open,
    /// More of it comes next, and then nothing on its stream.
    OpenLast,
}

impl Peer {
    /// Nothing.
    pub const fn new() -> Self {
        Self { block: Block::Closed, response: Response::new() }
    }

    /// Takes in a frame; none when it asks for nothing and ends nothing.
    pub fn says(&mut self, head: Head, payload: &[u8]) -> Option<Next> {
        if (self.block != Block::Closed) != (head.kind == kind::CONTINUATION) {
            return Some(Next::Done(broken("headers are cut off")));
        }
        let ours = head.stream == STREAM;
        let ended = match head.kind {
            kind::SETTINGS | kind::PING => return answered(head, payload),
            kind::GOAWAY => leaves(payload),
            kind::PUSH_PROMISE => Some(broken("it pushes what nobody asked for")),
            kind::RST_STREAM if ours => {
                Some(given_up(b"the server gives up the call: ", frame::number(payload, 0)))
            }
            kind::DATA if ours => match frame::content(head, payload) {
                None => Some(broken("data is shorter than its padding")),
                Some(content) => {
                    let ended = self.response.data(content);
                    ended.or_else(|| head.has(flag::END_STREAM).then(|| self.response.end()))
                }
            },
            kind::HEADERS if ours => {
                self.block = if head.has(flag::END_STREAM) { Block::OpenLast } else { Block::Open };
                self.response.begin_headers();
                match frame::content(head, payload) {
                    None => Some(broken("headers are shorter than their padding")),
                    Some(content) => self.headers(head, content),
                }
            }
            kind::CONTINUATION if ours => self.headers(head, payload),
            kind::HEADERS | kind::CONTINUATION => Some(broken("headers of a stream that there is none of")),
            // WINDOW_UPDATE, PRIORITY, and whatever may be invented (RFC 9113, 5.5).
            _ => None,
        };
        ended.map(Next::Done)
    }

    /// Takes in part of a block of headers.
    fn headers(&mut self, head: Head, part: &[u8]) -> Option<Answer> {
        if self.response.more_headers(part).is_err() {
            return Some(broken("headers are too long"));
        }
        if !head.has(flag::END_HEADERS) {
            return None;
        }
        let last = self.block == Block::OpenLast;
        self.block = Block::Closed;
        if self.response.end_headers().is_err() {
            return Some(broken("headers can't be read"));
        }
        last.then(|| self.response.end())
    }
}

/// The answer to SETTINGS, and to PING.
fn answered(head: Head, payload: &[u8]) -> Option<Next> {
    if head.has(flag::ACK) {
        return None;
    }
    let content = if head.kind == kind::PING { payload } else { &[] };
    let mut bytes = Bytes::new();
    Some(match frame::put(&mut bytes, head.kind, flag::ACK, 0, content) {
        Ok(()) => Next::Send(bytes),
        // A PING has 8 bytes (RFC 9113, 6.7).
        Err(_) => Next::Done(broken("a PING is too long")),
    })
}

/// GOAWAY: a server that still answers what it has taken is not gone yet.
fn leaves(payload: &[u8]) -> Option<Answer> {
    // The highest bit of a stream's number is reserved.
    let last = frame::number(payload, 0).unwrap_or_default() & 0x7fff_ffff;
    let error = frame::number(payload, 4);
    (last < STREAM || error != Some(0)).then(|| given_up(b"the server goes away: ", error))
}

/// The peer does what it may not.
pub fn broken(what: &str) -> Answer {
    Answer::unhealthy(&[b"broken HTTP/2: ", what.as_bytes()])
}

fn given_up(what: &[u8], error: Option<u32>) -> Answer {
    let error = error.unwrap_or_default();
    match usize::try_from(error).ok().and_then(|error| ERRORS.get(error)) {
        Some(name) => Answer::unhealthy(&[what, name.as_bytes()]),
        None => Answer::unhealthy(&[what, b"error "]).and_number(error),
    }
}
