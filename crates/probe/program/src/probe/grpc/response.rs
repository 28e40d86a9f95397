//! The answer to the one call: headers, a message, trailers (gRPC over HTTP/2, "Responses").

use super::health;
use super::hpack::{Broken, Fields, Name};
use crate::probe::answer::Answer;
use crate::probe::bytes::{Bytes, Full, decimal};

/// What a call ended with, by its number (gRPC, "Status codes and their use in gRPC").
const STATUSES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// What came on the stream so far.
#[derive(Debug)]
pub struct Response {
    /// A block of headers that is being received.
    block: Bytes<8_192>,
    /// `:status`.
    http: Option<u32>,
    /// `grpc-status`.
    grpc: Option<u32>,
    /// `grpc-message`.
    words: Bytes<160>,
    /// The messages: five bytes and what they announce.
    data: Bytes<1_024>,
}

impl Response {
    /// Nothing.
    pub const fn new() -> Self {
        Self { block: Bytes::new(), http: None, grpc: None, words: Bytes::new(), data: Bytes::new() }
    }

    /// A block of headers begins.
    pub fn begin_headers(&mut self) {
        self.block.clear();
    }

    /// More of it.
    pub fn more_headers(&mut self, part: &[u8]) -> Result<(), Full> {
        self.block.put(part)
    }

    /// It is complete.
    pub fn end_headers(&mut self) -> Result<(), Broken> {
        let mut fields = Fields::of(self.block.get());
        while let Some(field) = fields.next()? {
            match field.name {
                Name::Status => self.http = Some(decimal(field.value.get()).ok_or(Broken)?),
                Name::GrpcStatus => self.grpc = Some(decimal(field.value.get()).ok_or(Broken)?),
                Name::GrpcMessage => self.words = field.value,
                Name::Other => {}
            }
        }
        Ok(())
    }

    /// More of the messages; an answer where they can't become a right one.
    pub fn data(&mut self, content: &[u8]) -> Option<Answer> {
        if self.http.is_some_and(|status| status != 200) {
            // The page of something that is no gRPC server.
            return Some(self.end());
        }
        self.data.put(content).is_err().then(|| Answer::unhealthy(&[b"not gRPC: the answer is too long"]))
    }

    /// The stream has ended.
    pub fn end(&self) -> Answer {
        match (self.grpc, self.http) {
            (None, Some(status)) if status != 200 => {
                Answer::unhealthy(&[b"not gRPC: HTTP status "]).and_number(status)
            }
            (Some(0) | None, _) => self.message(),
            (Some(status), _) => self.failed(status),
        }
    }

    fn failed(&self, status: u32) -> Answer {
        let name = usize::try_from(status).ok().and_then(|status| STATUSES.get(status));
        let answer = match name {
            Some(name) => Answer::unhealthy(&[name.as_bytes()]),
            None => Answer::unhealthy(&[b"gRPC status "]).and_number(status),
        };
        match self.words.get() {
            [] => answer,
            words => answer.and(b": ").and(decoded(words).get()),
        }
    }

    /// Judges the one message that there should be.
    fn message(&self) -> Answer {
        let Some((head, message)) = self.data.get().split_first_chunk::<5>() else {
            return Answer::unhealthy(&[b"not gRPC: the answer has no message"]);
        };
        let [compressed, length @ ..] = *head;
        let length = usize::try_from(u32::from_be_bytes(length));
        let status = match compressed {
            0 if length == Ok(message.len()) => health::status(message),
            _ => None,
        };
        match status {
            None => Answer::unhealthy(&[b"not gRPC: the answer is no health status"]),
            Some(health::SERVING) => Answer::healthy(&[b"SERVING"]),
            Some(status) => match health::name(status) {
                Some(name) => Answer::unhealthy(&[name.as_bytes()]),
                None => Answer::unhealthy(&[b"a health status that is not known"]),
            },
        }
    }
}

/// A message with `%20` and the like undone (gRPC over HTTP/2, "Percent-Encoded"); what is broken stays as it is.
fn decoded(words: &[u8]) -> Bytes<160> {
    let mut plain = Bytes::new();
    let mut rest = words;
    while let Some((first, after)) = rest.split_first() {
        let coded = after.split_first_chunk().filter(|_| *first == b'%');
        let byte = coded.and_then(|([high, low], after)| Some((digit(*high)? << 4 | digit(*low)?, after)));
        let (byte, after) = byte.unwrap_or((*first, after));
        plain.put_some(&[byte]);
        rest = after;
    }
    plain
}

/// A digit of base 16.
fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}
