//! Headers of HTTP/2, packed (RFC 7541).
//!
//! The peer is told to keep no table of earlier headers ([`NO_TABLE`]), so a block can be read by itself. Of one that keeps
//! a table all the same, what refers to it is passed over.

use super::huffman;
use crate::probe::bytes::{Bytes, Full};

/// `SETTINGS_HEADER_TABLE_SIZE` of 0 as SETTINGS have it (RFC 9113, 6.5.1).
pub const NO_TABLE: [u8; 6] = [0, 1, 0, 0, 0, 0];

/// Names in the static table (RFC 7541, appendix A).
pub mod name {
    /// `:authority`
    pub const AUTHORITY: u32 = 1;
    /// `:path`
    pub const PATH: u32 = 4;
    /// `content-type`
    pub const CONTENT_TYPE: u32 = 31;
    /// `user-agent`
    pub const USER_AGENT: u32 = 58;
}

/// `:method: POST`, all of it in the static table.
pub const POST: u8 = 0x80 | 3;
/// `:scheme: http`, all of it in the static table.
pub const SCHEME_HTTP: u8 = 0x80 | 6;

/// The statuses in the static table, from its entry [`FIRST_STATUS`] on.
const STATUSES: [&[u8]; 7] = [b"200", b"204", b"206", b"304", b"400", b"404", b"500"];
const FIRST_STATUS: u32 = 8;

/// Writes a header whose name is in the static table.
pub fn put<const N: usize>(to: &mut Bytes<N>, name: u32, value: &[u8]) -> Result<(), Full> {
    put_number(to, 0, 4, name)?;
    put_text(to, value)
}

/// Writes a header.
pub fn put_named<const N: usize>(to: &mut Bytes<N>, name: &[u8], value: &[u8]) -> Result<(), Full> {
    to.put(&[0])?;
    put_text(to, name)?;
    put_text(to, value)
}

fn put_text<const N: usize>(to: &mut Bytes<N>, text: &[u8]) -> Result<(), Full> {
    put_number(to, 0, 7, u32::try_from(text.len()).map_err(|_| Full)?)?;
    to.put(text)
}

/// A number in the lower `bits` of a byte that begins with `start`, and in bytes after it (5.1).
fn put_number<const N: usize>(to: &mut Bytes<N>, start: u8, bits: u8, number: u32) -> Result<(), Full> {
    let most = (1u32 << bits).saturating_sub(1);
    let Some(mut rest) = number.checked_sub(most) else {
        return to.put(&[start | u8::try_from(number).map_err(|_| Full)?]);
    };
    to.put(&[start | u8::try_from(most).map_err(|_| Full)?])?;
    while rest >= 128 {
        to.put(&[0x80 | u8::try_from(rest % 128).map_err(|_| Full)?])?;
        rest /= 128;
    }
    to.put(&[u8::try_from(rest).map_err(|_| Full)?])
}

/// Which header it is, of those that say something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Name {
    /// `:status`
    Status,
    /// `grpc-status`
    GrpcStatus,
    /// `grpc-message`
    GrpcMessage,
    /// Any other.
    Other,
}

/// A header.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Which.
    pub name: Name,
    /// Its value, cut where it is long.
    pub value: Text,
}

/// A text of a header, cut where it is long.
type Text = Bytes<160>;

/// Something that no encoder writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Broken;

/// Reads a block.
pub struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// All headers of a complete block.
    pub fn of(block: &'a [u8]) -> Self {
        Self { rest: block }
    }

    /// The next one.
    pub fn next(&mut self) -> Result<Option<Field>, Broken> {
        loop {
            let Some(first) = self.rest.first() else { return Ok(None) };
            let bits = match first.leading_zeros() {
                0 => return self.indexed().map(Some),
                1 => 6,
                2 => {
                    // A new size of the table, which is not kept.
                    self.number(5)?;
                    continue;
                }
                _ => 4,
            };
            let name = match self.number(bits)? {
                0 => Name::of(self.text()?.get()),
                index => status_at(index).map_or(Name::Other, |_| Name::Status),
            };
            return Ok(Some(Field { name, value: self.text()? }));
        }
    }

    fn indexed(&mut self) -> Result<Field, Broken> {
        let index = self.number(7)?;
        let mut value = Bytes::new();
        match status_at(index) {
            _ if index == 0 => Err(Broken),
            Some(status) => {
                value.put_some(status);
                Ok(Field { name: Name::Status, value })
            }
            None => Ok(Field { name: Name::Other, value }),
        }
    }

    fn byte(&mut self) -> Result<u8, Broken> {
        let (first, rest) = self.rest.split_first().ok_or(Broken)?;
        self.rest = rest;
        Ok(*first)
    }

    fn number(&mut self, bits: u32) -> Result<u32, Broken> {
        let most = u8::MAX.checked_shr(8u32.saturating_sub(bits)).unwrap_or(u8::MAX);
        let first = self.byte()? & most;
        let mut number = u32::from(first);
        if first < most {
            return Ok(number);
        }
        // Four bytes hold more than any block is long.
        for shift in [0, 7, 14, 21] {
            let byte = self.byte()?;
            number = number.checked_add(u32::from(byte & 0x7f) << shift).ok_or(Broken)?;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Broken)
    }

    fn text(&mut self) -> Result<Text, Broken> {
        let huffman = self.rest.first().is_some_and(|first| first & 0x80 != 0);
        let length = usize::try_from(self.number(7)?).map_err(|_| Broken)?;
        let (text, rest) = self.rest.split_at_checked(length).ok_or(Broken)?;
        self.rest = rest;
        let mut read = Bytes::new();
        if huffman {
            huffman::decode(text, &mut read).ok_or(Broken)?;
        } else {
            read.put_some(text);
        }
        Ok(read)
    }
}

impl Name {
    fn of(text: &[u8]) -> Self {
        match text {
            b":status" => Self::Status,
            b"grpc-status" => Self::GrpcStatus,
            b"grpc-message" => Self::GrpcMessage,
            _ => Self::Other,
        }
    }
}

/// The status at a place of the static table.
fn status_at(index: u32) -> Option<&'static [u8]> {
    let place = usize::try_from(index.checked_sub(FIRST_STATUS)?).ok()?;
    STATUSES.get(place).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(block: &[u8]) -> Result<Vec<(Name, String)>, Broken> {
        let mut fields = Fields::of(block);
        let mut found = Vec::new();
        while let Some(field) = fields.next()? {
            found.push((field.name, String::from_utf8_lossy(field.value.get()).into_owned()));
        }
        Ok(found)
    }

    #[test]
    fn every_form_of_a_header_is_read() {
        let status = |code: &str| (Name::Status, code.to_owned());
        let other = |value: &str| (Name::Other, value.to_owned());
        assert_eq!(read(&[0x88, 0x8e, 0xc0]), Ok(vec![status("200"), status("500"), other("")]));
        // RFC 7541, C.2.1 to C.2.3 and C.6.1's first.
        assert_eq!(read(b"\x40\x0acustom-key\x0dcustom-header"), Ok(vec![other("custom-header")]));
        assert_eq!(read(b"\x04\x0c/sample/path"), Ok(vec![other("/sample/path")]));
        assert_eq!(read(b"\x10\x08password\x06secret"), Ok(vec![other("secret")]));
        assert_eq!(read(&[0x48, 0x82, 0x64, 0x02]), Ok(vec![status("302")]));
        // A new size of the table, then trailers of gRPC.
        let trailers = b"\x20\x00\x0bgrpc-status\x0212\x10\x0cgrpc-message\x02no";
        assert_eq!(
            read(trailers),
            Ok(vec![(Name::GrpcStatus, "12".into()), (Name::GrpcMessage, "no".into())])
        );
    }

    #[test]
    fn broken_blocks_are_refused() {
        for block in [
            &[0x80][..],
            &[0xff],
            &[0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
            &[0x40, 0x05, b'a'],
            &[0x40],
            &[0x48, 0x81, 0x00],
            &[0x04, 0x7f, 0xff, 0xff, 0xff, 0x7f],
        ] {
            assert_eq!(read(block), Err(Broken), "{block:02x?}");
        }
    }

    #[test]
    fn numbers_are_those_of_the_standard() {
        // RFC 7541, C.1.
        let put = |bits, number| {
            let mut bytes = Bytes::<8>::new();
            put_number(&mut bytes, 0, bits, number).unwrap();
            bytes.get().to_vec()
        };
        assert_eq!(put(5, 10), [0x0a]);
        assert_eq!(put(5, 1337), [0x1f, 0x9a, 0x0a]);
        assert_eq!(put(7, 127), [0x7f, 0x00]);
        assert_eq!(Fields::of(&[0xff, 0x9a, 0x0a]).number(5), Ok(1337));
    }

    proptest::proptest! {
        #[test]
        fn headers_come_back(name in 1u32..70, value in "[ -~]{0,160}") {
            let mut block = Bytes::<700>::new();
            put(&mut block, name, value.as_bytes()).unwrap();
            put_named(&mut block, b"grpc-status", value.as_bytes()).unwrap();
            let known = if (8..15).contains(&name) { Name::Status } else { Name::Other };
            proptest::prop_assert_eq!(read(block.get()), Ok(vec![(known, value.clone()), (Name::GrpcStatus, value)]));
        }

        #[test]
        fn any_block_is_taken(block: Vec<u8>) {
            proptest::prop_assert!(read(&block).map_or(0, |fields| fields.len()) <= block.len());
        }
    }
}
