//! What the health probe reads of servers: answers over HTTP/1.1 and HTTP/2, in pieces, hosts files, and answers of name servers.
#![no_main]
// The probe has no library: its pure part is compiled in, as into its own tests. Its binary uses what is not used here.
#![allow(dead_code)]

#[path = "../../crates/probe/program/src/probe/mod.rs"]
mod probe;

use libfuzzer_sys::fuzz_target;
use probe::address::Host;
use probe::answer::Answer;
use probe::dns::{Kind, Question};
use probe::grpc::{Conversation, Next};
use probe::http::Response;

// The first byte says what the rest is, and in pieces of what size it comes.
fuzz_target!(|bytes: &[u8]| {
    let Some((first, bytes)) = bytes.split_first() else { return };
    let piece = usize::from(first >> 2) * 7 + 1;
    let answer = match first & 3 {
        0 => http(bytes, piece),
        1 => grpc(bytes, piece),
        // Behind the SETTINGS that a server begins with.
        2 => grpc(&[&[0, 0, 0, 4, 0, 0, 0, 0, 0], bytes].concat(), piece),
        _ => {
            assert!(probe::hosts::resolve(Host::Name(b"localhost"), bytes).iter().count() > 0);
            assert!(probe::resolv::Resolv::parse(bytes).candidates(b"db").count() > 0);
            let question = Question::new([0; 2], b"db.test", Kind::A).unwrap();
            question.reply(bytes);
            // Records behind a head that is right.
            let head = b"\0\0\x81\x80\0\x01\0\xff\0\0\0\0\x02db\x04test\0\0\x01\0\x01";
            question.reply(&[head, bytes].concat());
            return;
        }
    };
    assert!(answer.line.get().iter().all(|byte| matches!(byte, b' '..=b'~')));
});

fn http(bytes: &[u8], piece: usize) -> Answer {
    let mut response = Response::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let count = put(&mut rest, piece, response.room());
        if let Some(answer) = response.took(count) {
            return answer;
        }
    }
    response.ended()
}

fn grpc(bytes: &[u8], piece: usize) -> Answer {
    let mut conversation = Conversation::new();
    let mut rest = bytes;
    loop {
        match conversation.next() {
            Next::Done(answer) => return answer,
            Next::Send(_) => {}
            Next::Read if rest.is_empty() => return conversation.ended(),
            Next::Read => {
                let count = put(&mut rest, piece, conversation.room());
                conversation.took(count);
            }
        }
    }
}

/// Moves a piece of `rest` into `room`, where there always is some.
fn put(rest: &mut &[u8], piece: usize, room: &mut [u8]) -> usize {
    let (now, later) = rest.split_at(piece.min(rest.len()).min(room.len()));
    assert!(!now.is_empty(), "no room and no answer");
    room[..now.len()].copy_from_slice(now);
    *rest = later;
    now.len()
}
