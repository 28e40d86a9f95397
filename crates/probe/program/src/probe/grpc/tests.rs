//! Conversations with servers of every temper.

use super::*;
use crate::probe::answer::Health::{self, Healthy, Unhealthy};

/// What a server says, a frame after the other.
#[derive(Default)]
struct Server(Vec<u8>);

impl Server {
    /// With the SETTINGS that every server begins with.
    fn new() -> Self {
        Self::default().frame(kind::SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 100])
    }

    fn frame(mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Self {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        self.0.extend(&length[1..]);
        self.0.extend([kind, flags]);
        self.0.extend(stream.to_be_bytes());
        self.0.extend(payload);
        self
    }

    fn headers(self, flags: u8, block: &[u8]) -> Self {
        self.frame(kind::HEADERS, flags | flag::END_HEADERS, STREAM, block)
    }

    fn data(self, flags: u8, payload: &[u8]) -> Self {
        self.frame(kind::DATA, flags, STREAM, payload)
    }

    /// What the probe says in the end and what it sends before, when this comes `piece` bytes at a time and then nothing.
    fn said_by(&self, piece: usize) -> (Health, String, Vec<u8>) {
        let mut conversation = Conversation::new();
        let mut rest = self.0.as_slice();
        let mut sent = Vec::new();
        let answer = loop {
            match conversation.next() {
                Next::Done(answer) => break answer,
                Next::Send(bytes) => sent.extend(bytes.get()),
                Next::Read => {
                    let room = conversation.room();
                    assert!(!room.is_empty(), "no room and no answer");
                    let (now, later) = rest.split_at(piece.min(room.len()).min(rest.len()));
                    if now.is_empty() {
                        break conversation.ended();
                    }
                    room[..now.len()].copy_from_slice(now);
                    conversation.took(now.len());
                    rest = later;
                }
            }
        };
        (answer.shown().0, answer.shown().1.to_owned(), sent)
    }

    #[track_caller]
    fn check(&self, health: Health, line: &str) -> Vec<u8> {
        let (found, said, sent) = self.said_by(1);
        assert_eq!((found, said.as_str()), (health, line));
        for piece in [5, 64] {
            assert_eq!(self.said_by(piece), (health, line.to_owned(), sent.clone()), "{piece} at a time");
        }
        sent
    }
}

/// `:status: 200`.
const OK: &[u8] = &[0x88];
/// `grpc-status: 0`, not packed.
const WELL: &[u8] = b"\x00\x0bgrpc-status\x010";
const SERVING: &[u8] = &[0, 0, 0, 0, 2, 8, 1];

fn status(code: &str, words: &str) -> Vec<u8> {
    let mut block = Bytes::<400>::new();
    hpack::put_named(&mut block, b"grpc-status", code.as_bytes()).unwrap();
    hpack::put_named(&mut block, b"grpc-message", words.as_bytes()).unwrap();
    block.get().to_vec()
}

#[test]
fn serving_is_healthy_and_nothing_else() {
    let answer =
        |message: &[u8]| Server::new().headers(0, OK).data(0, message).headers(flag::END_STREAM, WELL);
    answer(SERVING).check(Healthy, "SERVING");
    answer(&[0, 0, 0, 0, 2, 8, 2]).check(Unhealthy, "NOT_SERVING");
    answer(&[0, 0, 0, 0, 0]).check(Unhealthy, "UNKNOWN");
    answer(&[0, 0, 0, 0, 2, 8, 3]).check(Unhealthy, "SERVICE_UNKNOWN");
    answer(&[0, 0, 0, 0, 2, 8, 9]).check(Unhealthy, "a health status that is not known");
    for broken in [
        &[1, 0, 0, 0, 2, 8, 1][..],
        &[0, 0, 0, 0, 3, 8, 1],
        &[0, 0, 0, 0, 2, 8, 1, 0],
        &[0, 0xff, 0xff, 0xff, 0xff, 8, 1],
        &[0, 0, 0, 0, 1, 8],
    ] {
        answer(broken).check(Unhealthy, "not gRPC: the answer is no health status");
    }
    for broken in [&[][..], &[0, 0, 0, 0]] {
        answer(broken).check(Unhealthy, "not gRPC: the answer has no message");
    }
    answer(&[0; 1_025]).check(Unhealthy, "not gRPC: the answer is too long");
}

#[test]
fn the_peer_is_answered_and_extras_are_passed_over() {
    let sent = Server::new()
        .frame(kind::SETTINGS, flag::ACK, 0, &[])
        .frame(8, 0, 0, &[0, 1, 0, 0])
        .frame(kind::PING, 0, 0, b"12345678")
        .frame(kind::PING, flag::ACK, 0, b"of sbody")
        .frame(2, 0, STREAM, &[0; 5])
        .frame(0xee, 0xff, 7, &[9; 16_384])
        .frame(kind::GOAWAY, 0, 0, &[0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0])
        .headers(0, OK)
        .data(0, &SERVING[..3])
        .data(flag::PADDED, &[&[200][..], &SERVING[3..], &[0; 200]].concat())
        .headers(flag::END_STREAM, WELL)
        .check(Healthy, "SERVING");
    let expected = Server::default().frame(kind::SETTINGS, flag::ACK, 0, &[]).frame(
        kind::PING,
        flag::ACK,
        0,
        b"12345678",
    );
    assert_eq!(sent, expected.0);
}

#[test]
fn headers_may_be_cut_anywhere() {
    let block = [OK, &status("12", "unknown service grpc.health.v1.Health")].concat();
    for at in 0..block.len() {
        let (first, second) = block.split_at(at);
        Server::new()
            .frame(kind::HEADERS, flag::END_STREAM | flag::PRIORITY, STREAM, &[&[0; 5], first].concat())
            .frame(kind::CONTINUATION, 0, STREAM, &[])
            .frame(kind::CONTINUATION, flag::END_HEADERS, STREAM, second)
            .check(Unhealthy, "UNIMPLEMENTED: unknown service grpc.health.v1.Health");
    }
}

#[test]
fn failed_calls_say_how() {
    let only = |block: &[u8]| Server::new().headers(flag::END_STREAM, &[OK, block].concat());
    only(&status("5", "unknown service")).check(Unhealthy, "NOT_FOUND: unknown service");
    only(&status("5", "not%20there%21%1b%2")).check(Unhealthy, "NOT_FOUND: not there!?%2");
    only(&status("14", "")).check(Unhealthy, "UNAVAILABLE");
    only(&status("99", "\x1b[1m")).check(Unhealthy, "gRPC status 99: ?[1m");
    only(WELL).check(Unhealthy, "not gRPC: the answer has no message");
    only(&status("a", "")).check(Unhealthy, "broken HTTP/2: headers can't be read");
    // A message that is followed by a failure is no answer.
    let late = Server::new().headers(0, OK).data(0, SERVING).headers(flag::END_STREAM, &status("13", "oh"));
    late.check(Unhealthy, "INTERNAL: oh");
}

#[test]
fn other_servers_are_named() {
    Server(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()).check(Unhealthy, "the answer is HTTP/1, not gRPC");
    Server(b"\x15\x03\x01\0\x02\x02".to_vec()).check(Unhealthy, "the answer is not HTTP/2");
    Server::default().frame(kind::PING, 0, 0, &[0; 8]).check(Unhealthy, "the answer is not HTTP/2");
    Server::default().check(Unhealthy, "the connection was closed without an answer");
    Server(vec![0, 0]).check(Unhealthy, "the connection was closed within the answer");
    Server::new().headers(0, OK).check(Unhealthy, "the connection was closed within the answer");
    Server::new().headers(0, &[0x8d]).data(0, b"<html>").check(Unhealthy, "not gRPC: HTTP status 404");
    Server::new()
        .headers(flag::END_STREAM, &[0x48, 3, b'5', b'0', b'2'])
        .check(Unhealthy, "not gRPC: HTTP status 502");
}

#[test]
fn servers_that_give_up_are_heard() {
    let frame = |kind, stream, payload: &[u8]| Server::new().frame(kind, 0, stream, payload);
    frame(kind::GOAWAY, 0, &[0, 0, 0, 0, 0, 0, 0, 0]).check(Unhealthy, "the server goes away: NO_ERROR");
    frame(kind::GOAWAY, 0, &[0, 0, 0, 1, 0, 0, 0, 11])
        .check(Unhealthy, "the server goes away: ENHANCE_YOUR_CALM");
    frame(kind::GOAWAY, 0, &[]).check(Unhealthy, "the server goes away: NO_ERROR");
    frame(kind::RST_STREAM, STREAM, &[0, 0, 0, 7])
        .check(Unhealthy, "the server gives up the call: REFUSED_STREAM");
    frame(kind::RST_STREAM, STREAM, &[1, 0, 0, 0])
        .check(Unhealthy, "the server gives up the call: error 16777216");
}

#[test]
fn broken_frames_are_named() {
    let frame = |kind, flags, stream, payload: &[u8]| Server::new().frame(kind, flags, stream, payload);
    let check = |server: Server, line: &str| drop(server.check(Unhealthy, &format!("broken HTTP/2: {line}")));
    check(frame(kind::PING, 0, 0, &[0; 9]), "a PING is too long");
    check(frame(kind::DATA, flag::PADDED, STREAM, &[1]), "data is shorter than its padding");
    check(frame(kind::HEADERS, flag::PRIORITY, STREAM, &[1]), "headers are shorter than their padding");
    check(frame(kind::HEADERS, 0, 3, &[]), "headers of a stream that there is none of");
    check(frame(kind::CONTINUATION, 0, STREAM, &[]), "headers are cut off");
    check(frame(kind::HEADERS, 0, STREAM, OK).data(0, SERVING), "headers are cut off");
    check(frame(kind::PUSH_PROMISE, 0, STREAM, &[]), "it pushes what nobody asked for");
    check(frame(kind::HEADERS, 0, STREAM, &[0; 8_193]), "headers are too long");
    check(Server::new().headers(0, &[0x80]), "headers can't be read");
    check(Server(vec![0, 0x40, 1, kind::SETTINGS, 0, 0, 0, 0, 0]), "a frame is too long");
    let many = (0..1_000).fold(Server::new(), |server, _| server.frame(8, 0, 0, &[0, 0, 0, 1]));
    check(many, "there is no end to its frames");
}

#[test]
fn requests_are_frames() {
    for (host, service) in
        [("a".to_owned(), ""), (format!("{}.a", "a".repeat(251)), "s"), ("a".to_owned(), "x")]
    {
        let (text, service) = (format!("{host}:65535"), service.repeat(255));
        let endpoint = Endpoint::parse(text.as_bytes(), None).unwrap();
        let request = request(&endpoint, service.as_bytes()).unwrap();
        let mut rest = request.get().strip_prefix(PREFACE).unwrap();
        let mut kinds = Vec::new();
        while let Some((head, after)) = rest.split_first_chunk() {
            let head = Head::read(*head);
            kinds.push((head.kind, head.flags, head.stream));
            rest = &after[head.length..];
        }
        assert_eq!(
            kinds,
            [
                (kind::SETTINGS, 0, 0),
                (kind::HEADERS, flag::END_HEADERS, STREAM),
                (kind::DATA, flag::END_STREAM, STREAM)
            ]
        );
        assert!(rest.is_empty());
    }
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_taken_in_any_pieces(bytes: Vec<u8>, piece in 1usize..40) {
        let server = Server([Server::new().0, bytes].concat());
        proptest::prop_assert_eq!(server.said_by(piece), server.said_by(1));
    }

    #[test]
    fn any_frames_are_taken(frames in proptest::collection::vec((0u8..11, proptest::num::u8::ANY, 0u32..3, proptest::collection::vec(0u8.., 0..20)), 0..8)) {
        let server = frames.iter().fold(Server::new(), |server, (kind, flags, stream, payload)| {
            server.frame(*kind, *flags, *stream, payload)
        });
        proptest::prop_assert_eq!(server.said_by(3), server.said_by(1));
    }
}
