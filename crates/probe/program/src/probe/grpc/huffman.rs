//! The code that HTTP/2 peers write texts of headers in (RFC 7541, appendix B).
//!
//! It is canonical: codes of one length are consecutive, in the order of the symbols. So how many there are of each length,
//! and the symbols in that order, say all of it.

use crate::probe::bytes::Bytes;

/// How many codes there are of each length, from 1 bit to 30.
const COUNTS: [u8; 30] =
    [0, 0, 0, 0, 10, 26, 32, 6, 0, 5, 3, 2, 6, 2, 3, 0, 0, 0, 3, 8, 13, 26, 29, 12, 4, 15, 19, 29, 0, 4];

/// All symbols by the length of their code and then by value; the last code, of the end of a text, stands for none.
#[rustfmt::skip]
const SYMBOLS: &[u8; 256] = b"\
    012aceiost %-./3456789=A_bdfghlmnpru:BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz&*,;XZ!\"()?'+|#>\
    \x00$@[]~^}<`{\\\xc3\xd0\x80\x82\x83\xa2\xb8\xc2\xe0\xe2\x99\xa1\xa7\xac\xb0\xb1\xb3\xd1\
    \xd8\xd9\xe3\xe5\xe6\x81\x84\x85\x86\x88\x92\x9a\x9c\xa0\xa3\xa4\xa9\xaa\xad\xb2\xb5\xb9\
    \xba\xbb\xbd\xbe\xc4\xc6\xe4\xe8\xe9\x01\x87\x89\x8a\x8b\x8c\x8d\x8f\x93\x95\x96\x97\x98\
    \x9b\x9d\x9e\xa5\xa6\xa8\xae\xaf\xb4\xb6\xb7\xbc\xbf\xc5\xe7\xef\x09\x8e\x90\x91\x94\x9f\
    \xab\xce\xd7\xe1\xec\xed\xc7\xcf\xea\xeb\xc0\xc1\xc8\xc9\xca\xcd\xd2\xd5\xda\xdb\xee\xf0\
    \xf2\xf3\xff\xcb\xcc\xd3\xd4\xd6\xdd\xde\xdf\xf1\xf4\xf5\xf6\xf7\xf8\xfa\xfb\xfc\xfd\xfe\
    \x02\x03\x04\x05\x06\x07\x08\x0b\x0c\x0e\x0f\x10\x11\x12\x13\x14\x15\x17\x18\x19\x1a\x1b\
    \x1c\x1d\x1e\x1f\x7f\xdc\xf9\x0a\x0d\x16";

/// Appends as much of a coded text as there is room for; none when it is broken.
pub fn decode<const N: usize>(coded: &[u8], to: &mut Bytes<N>) -> Option<()> {
    let mut code = Code::default();
    for byte in coded {
        for bit in (0..8).rev() {
            if let Some(symbol) = code.take((byte >> bit) & 1)? {
                to.put_some(&[symbol]);
            }
        }
    }
    // The end is filled up with less than a byte of ones (5.2).
    (code.length < 8 && code.zeros == 0).then_some(())
}

/// A code that has begun.
#[derive(Default)]
struct Code {
    /// Its bits so far.
    bits: u32,
    /// How many these are.
    length: usize,
    /// How many of them are 0.
    zeros: u32,
    /// The first code of the next length.
    first: u32,
    /// How many codes are shorter.
    shorter: u32,
}

impl Code {
    /// Adds a bit; gives the symbol that it ends, if any. None when there is no such code.
    fn take(&mut self, bit: u8) -> Option<Option<u8>> {
        // At most 30 bits, so nothing is lost.
        self.bits = (self.bits << 1) | u32::from(bit);
        self.zeros = self.zeros.checked_add(u32::from(bit == 0))?;
        self.first <<= 1;
        let count = u32::from(*COUNTS.get(self.length)?);
        self.length = self.length.checked_add(1)?;
        let place = self.bits.checked_sub(self.first)?;
        if place >= count {
            self.first = self.first.checked_add(count)?;
            self.shorter = self.shorter.checked_add(count)?;
            return Some(None);
        }
        let symbol = SYMBOLS.get(usize::try_from(self.shorter.checked_add(place)?).ok()?)?;
        *self = Self::default();
        Some(Some(*symbol))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(hex: &str) -> Option<String> {
        let coded: Vec<u8> =
            (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect();
        let mut text = Bytes::<64>::new();
        decode(&coded, &mut text)?;
        Some(String::from_utf8(text.get().to_vec()).unwrap())
    }

    #[test]
    fn the_standards_own_examples_are_read() {
        // RFC 7541, C.4 and C.6.
        for (hex, text) in [
            ("f1e3c2e5f23a6ba0ab90f4ff", "www.example.com"),
            ("a8eb10649cbf", "no-cache"),
            ("25a849e95ba97d7f", "custom-key"),
            ("25a849e95bb8e8b4bf", "custom-value"),
            ("6402", "302"),
            ("d07abe941054d444a8200595040b8166e082a62d1bff", "Mon, 21 Oct 2013 20:13:21 GMT"),
            ("9d29ad171863c78f0b97c8e9ae82ae43d3", "https://www.example.com"),
            (
                "94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007",
                "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
            ),
            ("", ""),
        ] {
            assert_eq!(read(hex).as_deref(), Some(text));
        }
    }

    #[test]
    fn broken_codes_are_refused() {
        // No filling of zeros, no filling of a byte, no end of text.
        for hex in ["00f0", "f1e3c2e5f23a6ba0ab90f4ffff", "ffffffff", "fffffffc"] {
            assert_eq!(read(hex), None, "{hex}");
        }
    }

    #[test]
    fn the_code_is_complete_and_has_each_symbol_once() {
        let codes: u32 = COUNTS.iter().map(|count| u32::from(*count)).sum();
        assert_eq!(codes, 257);
        let used: u64 =
            COUNTS.iter().zip(1..).map(|(count, length)| u64::from(*count) << (30 - length)).sum();
        assert_eq!(used, 1 << 30);
        let mut symbols = SYMBOLS.to_vec();
        symbols.sort_unstable();
        assert_eq!(symbols, (0..=255).collect::<Vec<u8>>());
    }
}
