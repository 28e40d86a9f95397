//! Questions to a name server, and its answers (RFC 1035, 4), as they go over UDP.

use core::net::IpAddr;

use super::bytes::{Bytes, Full};
use super::hosts::Addresses;

/// As many bytes of an answer as are asked for and read (DNS Flag Day 2020): they fit into one packet.
pub const LONGEST: usize = 1_232;

/// Bytes of the head of every message.
const HEAD: usize = 12;
/// As many names as may stand for one another, one after the next.
const MOST_ALIASES: usize = 16;
/// `CNAME`: another name of what is meant.
const ALIAS: u16 = 5;
/// `IN`.
const INTERNET: u16 = 1;
/// `OPT`: that answers may be longer than 512 bytes (RFC 6891, 6.1.2), for the root, of version 0.
const LONGER: [u8; 11] = [0, 0, 41, (LONGEST >> 8) as u8, (LONGEST & 0xff) as u8, 0, 0, 0, 0, 0, 0];

/// A name as messages have it: labels with their lengths before them, the empty one last. Capital letters are made small.
type Name = Bytes<255>;

/// Which addresses are asked for; the numbers are those of the types (RFC 1035, 3.2.2; RFC 3596, 2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// IPv4.
    A = 1,
    /// IPv6.
    Aaaa = 28,
}

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub struct Question {
    id: [u8; 2],
    name: Name,
    kind: Kind,
}

/// What is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// The name has these, at least one.
    Addresses(Addresses),
    /// The name has none of this kind.
    Nothing,
    /// There is no such name.
    Unknown,
    /// The answer is longer than it can be over UDP.
    TooLong,
    /// The server can't say, by its code.
    Failed(u8),
}

impl Question {
    /// For the addresses of `name`, which has no dot at its end; none where it can't be in a message. `id` is hard to guess.
    pub fn new(id: [u8; 2], name: &[u8], kind: Kind) -> Option<Self> {
        let mut labels = Name::new();
        for label in name.split(|byte| *byte == b'.') {
            let length = u8::try_from(label.len()).ok().filter(|length| (1..=63).contains(length))?;
            labels.put(&[length]).ok()?;
            put_small(&mut labels, label)?;
        }
        labels.put(&[0]).ok()?;
        Some(Self { id, name: labels, kind })
    }

    /// As it is sent.
    pub fn bytes(&self) -> Result<Bytes<300>, Full> {
        let mut bytes = Bytes::new();
        bytes.put(&self.id)?;
        // The server may ask others; one question, no answer, no authority, one addition.
        bytes.put(&[1, 0, 0, 1, 0, 0, 0, 0, 0, 1])?;
        bytes.put(self.name.get())?;
        bytes.put(&(self.kind as u16).to_be_bytes())?;
        bytes.put(&INTERNET.to_be_bytes())?;
        bytes.put(&LONGER)?;
        Ok(bytes)
    }

    /// Reads an answer; none for what is no answer, or one to another question.
    pub fn reply(&self, message: &[u8]) -> Option<Reply> {
        let [id0, id1, flags, code, questions0, questions1, answers0, answers1, ..] = *message else {
            return None;
        };
        // An answer to a query, and to one question.
        if [id0, id1] != self.id || flags & 0xf8 != 0x80 || [questions0, questions1] != [0, 1] {
            return None;
        }
        let (name, at) = name(message, HEAD)?;
        let (kind, at) = number(message, at)?;
        let (class, at) = number(message, at)?;
        if name.get() != self.name.get() || kind != self.kind as u16 || class != INTERNET {
            return None;
        }
        if flags & 2 != 0 {
            return Some(Reply::TooLong);
        }
        match code & 0xf {
            0 => self.addresses(message, at, u16::from_be_bytes([answers0, answers1])),
            3 => Some(Reply::Unknown),
            code => Some(Reply::Failed(code)),
        }
    }

    /// What `count` records from `start` on say of the name, or of what it stands for: in whatever order they are.
    fn addresses(&self, message: &[u8], start: usize, count: u16) -> Option<Reply> {
        let mut addresses = Addresses::default();
        let mut wanted = self.name;
        for _ in 0..MOST_ALIASES {
            let mut alias = None;
            let mut at = start;
            for _ in 0..count {
                let record = Record::read(message, at)?;
                at = record.end;
                if record.class != INTERNET || record.name.get() != wanted.get() {
                    continue;
                }
                if record.kind == self.kind as u16 {
                    addresses.add(address(self.kind, record.data)?);
                } else if record.kind == ALIAS {
                    alias = Some(name(message, record.data_at)?.0);
                }
            }
            match alias {
                _ if !addresses.is_empty() => return Some(Reply::Addresses(addresses)),
                Some(next) => wanted = next,
                None => return Some(Reply::Nothing),
            }
        }
        Some(Reply::Nothing)
    }
}

/// One statement of an answer (RFC 1035, 4.1.3), without how long it holds.
struct Record<'a> {
    name: Name,
    kind: u16,
    class: u16,
    data: &'a [u8],
    data_at: usize,
    end: usize,
}

impl<'a> Record<'a> {
    fn read(message: &'a [u8], at: usize) -> Option<Self> {
        let (name, at) = name(message, at)?;
        let (kind, at) = number(message, at)?;
        let (class, at) = number(message, at)?;
        let (length, data_at) = number(message, at.checked_add(4)?)?;
        let end = data_at.checked_add(usize::from(length))?;
        Some(Self { name, kind, class, data: message.get(data_at..end)?, data_at, end })
    }
}

fn address(kind: Kind, data: &[u8]) -> Option<IpAddr> {
    match kind {
        Kind::A => <[u8; 4]>::try_from(data).ok().map(IpAddr::from),
        Kind::Aaaa => <[u8; 16]>::try_from(data).ok().map(IpAddr::from),
    }
}

/// A number of two bytes, and where it ends.
fn number(message: &[u8], at: usize) -> Option<(u16, usize)> {
    let end = at.checked_add(2)?;
    let bytes = message.get(at..end)?.try_into().ok()?;
    Some((u16::from_be_bytes(bytes), end))
}

/// A name, and where it ends. Its end may be that of a name before it (RFC 1035, 4.1.4): strictly before, so that there is an
/// end to it.
fn name(message: &[u8], start: usize) -> Option<(Name, usize)> {
    let mut name = Name::new();
    let mut end = None;
    let (mut begun, mut at) = (start, start);
    loop {
        let length = *message.get(at)?;
        let next = at.checked_add(1)?;
        match length {
            0 => {
                name.put(&[0]).ok()?;
                return Some((name, end.unwrap_or(next)));
            }
            1..=0x3f => {
                at = next.checked_add(usize::from(length))?;
                name.put(&[length]).ok()?;
                put_small(&mut name, message.get(next..at)?)?;
            }
            0xc0.. => {
                let to = usize::from(u16::from_be_bytes([length & 0x3f, *message.get(next)?]));
                if to >= begun {
                    return None;
                }
                end = end.or(next.checked_add(1));
                (begun, at) = (to, to);
            }
            _ => return None,
        }
    }
}

/// Appends a label in small letters: names are the same whatever letters they have (RFC 4343).
fn put_small(name: &mut Name, label: &[u8]) -> Option<()> {
    label.iter().try_for_each(|byte| name.put(&[byte.to_ascii_lowercase()])).ok()
}

#[cfg(test)]
mod tests;
