//! Bytes of bounded length, kept without an allocator.

/// At most `N` bytes.
#[derive(Debug, Clone, Copy)]
pub struct Bytes<const N: usize> {
    bytes: [u8; N],
    length: usize,
}

/// There is no room for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

impl<const N: usize> Bytes<N> {
    /// None yet.
    pub const fn new() -> Self {
        Self { bytes: [0; N], length: 0 }
    }

    /// What was put in.
    pub fn get(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    /// Appends all of `more`, or nothing.
    pub fn put(&mut self, more: &[u8]) -> Result<(), Full> {
        let end = self.length.checked_add(more.len()).ok_or(Full)?;
        self.bytes.get_mut(self.length..end).ok_or(Full)?.copy_from_slice(more);
        self.length = end;
        Ok(())
    }

    /// Appends as much of `more` as there is room for.
    pub fn put_some(&mut self, more: &[u8]) {
        for byte in more {
            if self.put(&[*byte]).is_err() {
                return;
            }
        }
    }

    /// Appends as much of a text as there is room for. It may be anybody's: what is no printable ASCII becomes `?`.
    pub fn say(&mut self, text: &[u8]) {
        for byte in text {
            let shown = if matches!(byte, b' '..=b'~') { *byte } else { b'?' };
            self.put_some(&[shown]);
        }
    }

    /// Appends a number in decimal.
    pub fn say_number(&mut self, number: u32) {
        let digit = |power: u32| number.checked_div(power).unwrap_or_default() % 10;
        let mut power = 1_000_000_000;
        let mut begun = false;
        while power > 0 {
            let digit = digit(power);
            begun |= digit > 0 || power == 1;
            if begun {
                // A digit of a number: at most 9.
                self.put_some(&[b'0'.saturating_add(u8::try_from(digit).unwrap_or_default())]);
            }
            power /= 10;
        }
    }

    /// Where more can be written; [`Bytes::grow`] then says how much was.
    pub fn room(&mut self) -> &mut [u8] {
        self.bytes.get_mut(self.length..).unwrap_or_default()
    }

    /// Takes in `count` bytes that were written to [`Bytes::room`].
    pub fn grow(&mut self, count: usize) {
        self.length = self.length.saturating_add(count).min(N);
    }

    /// Forgets the first `count` bytes.
    pub fn drop_front(&mut self, count: usize) {
        let count = count.min(self.length);
        self.bytes.copy_within(count..self.length, 0);
        self.length = self.length.saturating_sub(count);
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.length = 0;
    }
}

/// A number in decimal digits, nothing else.
pub fn decimal(text: &[u8]) -> Option<u32> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0u32, |number, byte| {
        let digit = byte.is_ascii_digit().then(|| byte.saturating_sub(b'0'))?;
        number.checked_mul(10)?.checked_add(u32::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_or_nothing_is_put() {
        let mut bytes = Bytes::<4>::new();
        assert_eq!(bytes.put(b"abc"), Ok(()));
        assert_eq!(bytes.put(b"de"), Err(Full));
        bytes.put_some(b"de");
        assert_eq!(bytes.get(), b"abcd");
        bytes.drop_front(1);
        assert_eq!(bytes.get(), b"bcd");
        bytes.room()[0] = b'e';
        bytes.grow(9);
        assert_eq!(bytes.get(), b"bcde");
        bytes.drop_front(9);
        assert_eq!(bytes.get(), b"");
    }

    #[test]
    fn terminals_are_safe_from_foreign_text() {
        let mut bytes = Bytes::<16>::new();
        bytes.say("a\x1b[1m\r\né".as_bytes());
        assert_eq!(bytes.get(), b"a?[1m????");
    }

    proptest::proptest! {
        #[test]
        fn numbers_are_written_and_read(number: u32) {
            let mut bytes = Bytes::<10>::new();
            bytes.say_number(number);
            let expected = number.to_string();
            proptest::prop_assert_eq!(bytes.get(), expected.as_bytes());
            proptest::prop_assert_eq!(decimal(bytes.get()), Some(number));
        }
    }

    #[test]
    fn only_digits_are_numbers() {
        for text in ["", "+1", "-1", " 1", "1a", "4294967296"] {
            assert_eq!(decimal(text.as_bytes()), None, "{text}");
        }
    }
}
