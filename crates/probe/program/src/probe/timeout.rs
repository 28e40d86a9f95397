//! How long everything may take together: `3`, `0.5`, `3s`, `500ms`.

use super::bytes::{Bytes, decimal};

/// A time of 1 ms to an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeout {
    /// Milliseconds.
    pub milliseconds: u32,
}

/// What it is when nobody says.
pub const DEFAULT: Timeout = Timeout { milliseconds: 3_000 };

const LONGEST: u32 = 3_600_000;

impl Timeout {
    /// Reads seconds, with a fraction of up to three digits and an `s` if one likes, or milliseconds with `ms`.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let milliseconds = match text.strip_suffix(b"ms") {
            Some(number) => decimal(number)?,
            None => seconds(text.strip_suffix(b"s").unwrap_or(text))?,
        };
        (1..=LONGEST).contains(&milliseconds).then_some(Self { milliseconds })
    }

    /// Says it in whole seconds where it is some, else in milliseconds.
    pub fn say<const N: usize>(self, line: &mut Bytes<N>) {
        let (number, unit): (u32, &[u8]) = match (self.milliseconds / 1_000, self.milliseconds % 1_000) {
            (seconds, 0) => (seconds, b"s"),
            _ => (self.milliseconds, b"ms"),
        };
        line.say_number(number);
        line.say(unit);
    }
}

fn seconds(text: &[u8]) -> Option<u32> {
    let dot = text.iter().position(|byte| *byte == b'.');
    let (whole, fraction) = match dot {
        None => (text, &b"0"[..]),
        Some(dot) => (text.get(..dot)?, text.get(dot.checked_add(1)?..)?),
    };
    let scale = match fraction.len() {
        1 => 100,
        2 => 10,
        3 => 1,
        _ => return None,
    };
    let fraction = decimal(fraction)?.checked_mul(scale)?;
    decimal(whole)?.checked_mul(1_000)?.checked_add(fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Option<String> {
        let mut line = Bytes::<20>::new();
        Timeout::parse(text.as_bytes())?.say(&mut line);
        Some(String::from_utf8(line.get().to_vec()).unwrap())
    }

    #[test]
    fn seconds_and_milliseconds_are_read() {
        for (text, expected) in [
            ("3", "3s"),
            ("3s", "3s"),
            ("0.5", "500ms"),
            ("0.25s", "250ms"),
            ("1.001", "1001ms"),
            ("500ms", "500ms"),
            ("2000ms", "2s"),
            ("3600", "3600s"),
        ] {
            assert_eq!(shown(text).as_deref(), Some(expected), "{text}");
        }
        for text in
            ["", "0", "0.0", "s", "ms", ".5", "1.", "1.2345", "-1", "3601", "1m", "4294967297", "1.5ms"]
        {
            assert_eq!(shown(text), None, "{text}");
        }
    }
}
