//! Answers by hand, byte for byte, and any others.

use super::*;

const ID: [u8; 2] = [0xab, 0xcd];

fn question(name: &str, kind: Kind) -> Question {
    Question::new(ID, name.as_bytes(), kind).unwrap()
}

/// A name without compression.
fn labels(name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for label in name.split('.') {
        bytes.push(label.len() as u8);
        bytes.extend(label.bytes());
    }
    bytes.push(0);
    bytes
}

/// An answer to the question for the A records of `db.test`, with these flags and records.
fn answer(flags: [u8; 2], records: &[Vec<u8>]) -> Vec<u8> {
    let head = [ID[0], ID[1], flags[0], flags[1], 0, 1, 0, records.len() as u8, 0, 0, 0, 0];
    [&head[..], &labels("db.test"), &[0, 1, 0, 1], &records.concat()].concat()
}

/// A record that holds for a minute.
fn record(name: &[u8], kind: u8, data: &[u8]) -> Vec<u8> {
    [name, &[0, kind, 0, 1, 0, 0, 0, 60, 0, data.len() as u8], data].concat()
}

/// `db.test` in [`answer`], and `test` in it.
const DB: &[u8] = &[0xc0, 12];
const TEST: u8 = 15;

#[track_caller]
fn check(message: &[u8], expected: Option<Reply>) {
    assert_eq!(question("db.test", Kind::A).reply(message), expected);
}

fn found(addresses: &[&str]) -> Option<Reply> {
    let mut found = Addresses::default();
    addresses.iter().for_each(|address| found.add(address.parse().unwrap()));
    Some(Reply::Addresses(found))
}

#[test]
fn questions_are_as_the_rfc_says() {
    let expected = [
        &[0xab, 0xcd, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1][..],
        b"\x02db\x04test\x00\x00\x1c\x00\x01",
        b"\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x00",
    ];
    assert_eq!(question("DB.test", Kind::Aaaa).bytes().unwrap().get(), expected.concat());
    let longest = format!("{0}.{0}.{0}.{1}", "a".repeat(63), "b".repeat(61));
    assert_eq!(question(&longest, Kind::A).bytes().unwrap().get().len(), 12 + 255 + 4 + 11);
    for name in ["", ".", "a.", ".a", "a..b", &"a".repeat(64), &format!("{longest}b")] {
        assert!(Question::new(ID, name.as_bytes(), Kind::A).is_none(), "{name}");
    }
}

#[test]
fn addresses_are_read() {
    let one = record(DB, 1, &[10, 0, 0, 1]);
    check(&answer([0x81, 0x80], std::slice::from_ref(&one)), found(&["10.0.0.1"]));
    let two = record(&labels("DB.Test"), 1, &[10, 0, 0, 2]);
    check(&answer([0x85, 0x80], &[one.clone(), two, one.clone()]), found(&["10.0.0.1", "10.0.0.2"]));
    // Of other kinds, and of other names.
    let six = record(DB, 28, &[0; 16]);
    let other = record(&[0xc0, TEST], 1, &[10, 0, 0, 3]);
    check(&answer([0x81, 0x80], &[six, other, one]), found(&["10.0.0.1"]));
    check(&answer([0x81, 0x80], &[]), Some(Reply::Nothing));
    let message =
        [&ID[..], &[0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0], &labels("db.test"), &[0, 28, 0, 1]].concat();
    let message =
        [message, record(DB, 28, &"fd00::1".parse::<std::net::Ipv6Addr>().unwrap().octets())].concat();
    assert_eq!(question("db.test", Kind::Aaaa).reply(&message), found(&["fd00::1"]));
}

#[test]
fn other_names_of_it_are_followed() {
    // `db.test` is `x.test`, is `y.test`: in order and not, with pointers and without.
    let first = record(DB, 5, &[1, b'x', 0xc0, TEST]);
    let second = record(&labels("x.test"), 5, &labels("Y.test"));
    let third = record(&labels("y.test"), 1, &[10, 0, 0, 1]);
    check(&answer([0x81, 0x80], &[first.clone(), second.clone(), third.clone()]), found(&["10.0.0.1"]));
    check(&answer([0x81, 0x80], &[third.clone(), second.clone(), first.clone()]), found(&["10.0.0.1"]));
    check(&answer([0x81, 0x80], &[first.clone(), third]), Some(Reply::Nothing));
    // In a circle.
    let back = record(&labels("x.test"), 5, DB);
    check(&answer([0x81, 0x80], &[first, back]), Some(Reply::Nothing));
}

#[test]
fn refusals_are_told_apart() {
    let one = [record(DB, 1, &[10, 0, 0, 1])];
    check(&answer([0x83, 0x80], &one), Some(Reply::TooLong));
    check(&answer([0x81, 0x83], &one), Some(Reply::Unknown));
    check(&answer([0x81, 0x82], &[]), Some(Reply::Failed(2)));
    check(&answer([0x81, 0x05], &[]), Some(Reply::Failed(5)));
}

#[test]
fn answers_to_others_are_passed_over() {
    let right = answer([0x81, 0x80], &[record(DB, 1, &[10, 0, 0, 1])]);
    check(&right, found(&["10.0.0.1"]));
    // Id, that it is an answer, to a query, the number of questions, name, type and class.
    for (at, byte) in [(0, 0), (1, 0), (2, 1), (2, 0xa0), (5, 2), (13, b'x'), (22, 28), (24, 3)] {
        let mut wrong = right.clone();
        assert_ne!(std::mem::replace(&mut wrong[at], byte), byte);
        check(&wrong, None);
    }
    for length in 0..right.len() {
        check(&right[..length], None);
    }
}

#[test]
fn names_have_an_end() {
    let broken = |name: &[u8]| check(&answer([0x81, 0x80], &[record(name, 1, &[10, 0, 0, 1])]), None);
    // To itself, forwards, around, and to beyond the message.
    let at = 12 + 9 + 4;
    broken(&[0xc0, at]);
    broken(&[0xc0, at + 2]);
    broken(&[1, b'a', 0xc0, at]);
    broken(&[0xff, 0xff]);
    // Kinds of labels that there are none of.
    broken(&[0x40, 0]);
    broken(&[0x80, 0]);
    // Longer than names are.
    broken(&[[&[63][..], &[b'a'; 63]].concat(), vec![63; 64], vec![63; 64], vec![63; 64], vec![0]].concat());
    // An address of another length.
    check(&answer([0x81, 0x80], &[record(DB, 1, &[10, 0, 0])]), None);
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_taken(bytes: Vec<u8>) {
        proptest::prop_assert_eq!(question("db.test", Kind::A).reply(&bytes), None);
    }

    /// Behind a question that is the right one.
    #[test]
    fn any_records_are_taken(count: u8, bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..1_200)) {
        let mut message = answer([0x81, 0x80], &[bytes]);
        message[7] = count;
        let reply = question("db.test", Kind::A).reply(&message);
        proptest::prop_assert!(!matches!(reply, Some(Reply::Unknown | Reply::TooLong | Reply::Failed(_))));
    }

    /// Records that are nearly right: one byte is another.
    #[test]
    fn broken_answers_are_taken(at in 25usize..73, byte: u8) {
        let mut message = answer(
            [0x81, 0x80],
            &[record(DB, 5, &[1, b'x', 0xc0, TEST]), record(&labels("x.test"), 1, &[10, 0, 0, 1])],
        );
        let length = message.len();
        message[at.min(length - 1)] = byte;
        question("db.test", Kind::A).reply(&message);
    }
}
