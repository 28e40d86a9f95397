//! Frames of HTTP/2 (RFC 9113, 4 and 6).

use crate::probe::bytes::{Bytes, Full};

/// Bytes before a frame's payload.
pub const HEAD: usize = 9;
/// The longest payload that a peer may send to one that does not ask for more (RFC 9113, 6.5.2).
pub const LONGEST: usize = 16_384;

/// Kinds of frames.
pub mod kind {
    /// Content.
    pub const DATA: u8 = 0;
    /// The start of a block of headers.
    pub const HEADERS: u8 = 1;
    /// The stream is given up.
    pub const RST_STREAM: u8 = 3;
    /// What the peer takes.
    pub const SETTINGS: u8 = 4;
    /// A response that nobody asked for.
    pub const PUSH_PROMISE: u8 = 5;
    /// Is anyone there?
    pub const PING: u8 = 6;
    /// No new streams.
    pub const GOAWAY: u8 = 7;
    /// More of a block of headers.
    pub const CONTINUATION: u8 = 9;
}

/// Flags; what a bit means is a matter of the kind.
pub mod flag {
    /// SETTINGS, PING: the answer to one.
    pub const ACK: u8 = 1;
    /// DATA, HEADERS: nothing follows on this stream.
    pub const END_STREAM: u8 = 1;
    /// HEADERS, CONTINUATION: the block is complete.
    pub const END_HEADERS: u8 = 4;
    /// DATA, HEADERS: there is padding.
    pub const PADDED: u8 = 8;
    /// HEADERS: there is a priority.
    pub const PRIORITY: u8 = 32;
}

/// What stands before a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Bytes of the payload.
    pub length: usize,
    /// One of [`kind`], or one that is not known.
    pub kind: u8,
    /// Of [`flag`].
    pub flags: u8,
    /// 0 for the connection itself.
    pub stream: u32,
}

impl Head {
    /// Reads it.
    pub fn read(bytes: [u8; HEAD]) -> Self {
        let [l0, l1, l2, kind, flags, s0, s1, s2, s3] = bytes;
        // The highest bit of a stream's number is reserved.
        let stream = u32::from_be_bytes([s0 & 0x7f, s1, s2, s3]);
        let length = usize::try_from(u32::from_be_bytes([0, l0, l1, l2])).unwrap_or(usize::MAX);
        Self { length, kind, flags, stream }
    }

    /// Whether a flag is set.
    pub fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

/// Writes a frame.
pub fn put<const N: usize>(
    to: &mut Bytes<N>,
    kind: u8,
    flags: u8,
    stream: u32,
    payload: &[u8],
) -> Result<(), Full> {
    let [_, l0, l1, l2] = u32::try_from(payload.len()).map_err(|_| Full)?.to_be_bytes();
    let [s0, s1, s2, s3] = stream.to_be_bytes();
    to.put(&[l0, l1, l2, kind, flags, s0, s1, s2, s3])?;
    to.put(payload)
}

/// The payload of DATA or HEADERS without padding and priority; none where these are longer than it.
pub fn content(head: Head, payload: &[u8]) -> Option<&[u8]> {
    let mut content = payload;
    if head.has(flag::PADDED) {
        let (padding, rest) = payload.split_first()?;
        content = rest.get(..rest.len().checked_sub(usize::from(*padding))?)?;
    }
    let priority = head.kind == kind::HEADERS && head.has(flag::PRIORITY);
    content.get(if priority { 5 } else { 0 }..)
}

/// A number of 32 bits, as RST_STREAM and GOAWAY have them at `at`.
pub fn number(payload: &[u8], at: usize) -> Option<u32> {
    let bytes = payload.get(at..at.checked_add(4)?)?;
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read(kind: u8, flags: u8, stream in 0u32..1 << 31, payload in proptest::collection::vec(0u8.., 0..300)) {
            let mut bytes = Bytes::<400>::new();
            put(&mut bytes, kind, flags, stream, &payload).unwrap();
            let (head, rest) = bytes.get().split_first_chunk().unwrap();
            proptest::prop_assert_eq!(Head::read(*head), Head { length: payload.len(), kind, flags, stream });
            proptest::prop_assert_eq!(rest, payload);
        }

        #[test]
        fn any_padding_is_taken(flags: u8, kind: u8, payload: Vec<u8>) {
            let head = Head { length: payload.len(), kind, flags, stream: 1 };
            proptest::prop_assert!(content(head, &payload).is_none_or(|content| content.len() <= payload.len()));
        }
    }

    #[test]
    fn padding_and_priority_are_left_out() {
        let head = |kind, flags| Head { length: 0, kind, flags, stream: 1 };
        let padded = head(kind::DATA, flag::PADDED);
        assert_eq!(content(padded, &[2, b'a', b'b', 0, 0]), Some(&b"ab"[..]));
        assert_eq!(content(padded, &[0]), Some(&b""[..]));
        assert_eq!(content(padded, &[1]), None);
        assert_eq!(content(padded, &[]), None);
        let both = head(kind::HEADERS, flag::PADDED | flag::PRIORITY);
        assert_eq!(content(both, &[1, 0, 0, 0, 0, 0, b'a', 0]), Some(&b"a"[..]));
        assert_eq!(content(both, &[1, 0, 0, 0, 0, 0]), None);
        assert_eq!(content(head(kind::DATA, flag::PRIORITY), b"a"), Some(&b"a"[..]));
    }

    #[test]
    fn numbers_are_read_without_reserved_bits() {
        assert_eq!(Head::read([0, 0, 0, 0, 0, 0x80, 0, 0, 1]).stream, 1);
        assert_eq!(number(&[9, 0, 0, 1, 2, 9], 1), Some(258));
        assert_eq!(number(&[0; 4], 1), None);
    }
}
