//! gRPC's health check over HTTP/2 without TLS, known in advance to be spoken (RFC 9113, 3.3): everything that the probe has
//! to say is sent at once, and the frames that come back are read until the stream of the answer ends.

mod frame;
mod health;
mod hpack;
mod huffman;
mod peer;
mod response;

use frame::{HEAD, Head, flag, kind};
use peer::Peer;

use super::address::Endpoint;
use super::answer::Answer;
use super::bytes::{Bytes, Full};

/// What a client of HTTP/2 begins with (RFC 9113, 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// `SETTINGS_ENABLE_PUSH` of 0 (RFC 9113, 6.5.2).
const NO_PUSH: [u8; 6] = [0, 2, 0, 0, 0, 0];

/// The only stream.
const STREAM: u32 = 1;

/// As many frames as a peer may send; a handful do.
const MOST_FRAMES: u32 = 1_000;

/// All that is sent unasked: the preface, settings, and the call.
pub fn request(endpoint: &Endpoint<'_>, service: &[u8]) -> Result<Bytes<1_024>, Full> {
    let mut headers = Bytes::<512>::new();
    headers.put(&[hpack::POST, hpack::SCHEME_HTTP])?;
    hpack::put(&mut headers, hpack::name::PATH, health::CHECK)?;
    hpack::put(&mut headers, hpack::name::AUTHORITY, endpoint.text)?;
    hpack::put(&mut headers, hpack::name::CONTENT_TYPE, b"application/grpc")?;
    hpack::put(&mut headers, hpack::name::USER_AGENT, b"longshore-probe")?;
    hpack::put_named(&mut headers, b"te", b"trailers")?;
    let mut settings = Bytes::<12>::new();
    settings.put(&hpack::NO_TABLE)?;
    settings.put(&NO_PUSH)?;
    let mut request = Bytes::new();
    request.put(PREFACE)?;
    frame::put(&mut request, kind::SETTINGS, 0, 0, settings.get())?;
    frame::put(&mut request, kind::HEADERS, flag::END_HEADERS, STREAM, headers.get())?;
    frame::put(&mut request, kind::DATA, flag::END_STREAM, STREAM, health::request(service)?.get())?;
    Ok(request)
}

/// The peer's side, as far as it was heard.
#[derive(Debug)]
pub struct Conversation {
    /// Bytes that were not looked at yet: at most one frame, or part of one.
    bytes: Bytes<{ HEAD + frame::LONGEST }>,
    /// How many frames were.
    frames: u32,
    peer: Peer,
}

/// What to do now.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "there is no allocator to put an answer elsewhere")]
pub enum Next {
    /// Read more into [`Conversation::room`], and tell [`Conversation::took`] how much.
    Read,
    /// Send this, then ask again.
    Send(Bytes<17>),
    /// Nothing more.
    Done(Answer),
}

impl Conversation {
    /// Nothing heard yet.
    pub const fn new() -> Self {
        Self { bytes: Bytes::new(), frames: 0, peer: Peer::new() }
    }

    /// Where the next bytes go; never empty after [`Next::Read`].
    pub fn room(&mut self) -> &mut [u8] {
        self.bytes.room()
    }

    /// Takes in `count` bytes that were written to the room.
    pub fn took(&mut self, count: usize) {
        self.bytes.grow(count);
    }

    /// The peer closed the connection.
    pub fn ended(&self) -> Answer {
        match (self.frames, self.bytes.get()) {
            (0, []) => Answer::unhealthy(&[b"the connection was closed without an answer"]),
            _ => Answer::unhealthy(&[b"the connection was closed within the answer"]),
        }
    }

    /// Looks at the frames that have come.
    pub fn next(&mut self) -> Next {
        loop {
            let bytes = self.bytes.get();
            if let (0, Some(start)) = (self.frames, bytes.first_chunk()) {
                match *start {
                    // The SETTINGS that come first of a server (RFC 9113, 3.4): with less than 64 kB of them, since more of
                    // them begin like a text.
                    [0, _, _, kind::SETTINGS] => {}
                    [b'H', b'T', b'T', b'P'] => {
                        return Next::Done(Answer::unhealthy(&[b"the answer is HTTP/1, not gRPC"]));
                    }
                    _ => return Next::Done(Answer::unhealthy(&[b"the answer is not HTTP/2"])),
                }
            }
            let Some((head, rest)) = bytes.split_first_chunk() else { return Next::Read };
            let head = Head::read(*head);
            if head.length > frame::LONGEST {
                return Next::Done(peer::broken("a frame is too long"));
            }
            let Some(payload) = rest.get(..head.length) else { return Next::Read };
            self.frames = self.frames.saturating_add(1);
            if self.frames > MOST_FRAMES {
                return Next::Done(peer::broken("there is no end to its frames"));
            }
            let next = self.peer.says(head, payload);
            self.bytes.drop_front(HEAD.saturating_add(head.length));
            if let Some(next) = next {
                return next;
            }
        }
    }
}

#[cfg(test)]
mod tests;
