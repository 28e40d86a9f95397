//! How long something may take: `3`, `0.5`, `3s`, `500ms`, `10m`, `24h`.

use super::bytes::{Bytes, decimal};

/// A time of at least 1 ms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timeout {
    /// Milliseconds.
    pub milliseconds: u32,
}

/// How long a check may take when nobody says.
pub const DEFAULT: Timeout = Timeout { milliseconds: 3_000 };

/// An hour, the longest that a check may take.
pub const LONGEST: Timeout = Timeout { milliseconds: HOUR };
/// A thousand hours, the longest that a service is waited for.
pub const LONGEST_WAIT: Timeout = Timeout { milliseconds: 1_000 * HOUR };

const MINUTE: u32 = 60_000;
const HOUR: u32 = 60 * MINUTE;

impl Timeout {
    /// Reads seconds, with a fraction of up to three digits and an `s` if one likes, or whole `ms`, `m` or `h`.
    pub fn parse(text: &[u8], longest: Self) -> Option<Self> {
        let whole = |number, unit| decimal(number)?.checked_mul(unit);
        let milliseconds = match text {
            [number @ .., b'm', b's'] => whole(number, 1)?,
            [number @ .., b'm'] => whole(number, MINUTE)?,
            [number @ .., b'h'] => whole(number, HOUR)?,
            [number @ .., b's'] => seconds(number)?,
            number => seconds(number)?,
        };
        (1..=longest.milliseconds).contains(&milliseconds).then_some(Self { milliseconds })
    }

    /// Says it in whole hours or seconds where it is some, else in milliseconds.
    pub fn say<const N: usize>(self, line: &mut Bytes<N>) {
        let units: [(u32, &[u8]); 3] = [(HOUR, b"h"), (1_000, b"s"), (1, b"ms")];
        let whole = |(unit, name)| Some((self.milliseconds.checked_div(unit)?, name));
        let fits = |(unit, _): &(u32, &[u8])| self.milliseconds.checked_rem(*unit) == Some(0);
        if let Some((number, name)) = units.into_iter().find(fits).and_then(whole) {
            line.say_number(number);
            line.say(name);
        }
    }

    /// How long the first of several is waited for that have this time together: not long, since it may be the wrong one.
    pub fn first_of_several(self) -> Self {
        Self { milliseconds: (self.milliseconds / 8).clamp(1, 1_000) }
    }

    /// Twice as long.
    pub fn doubled(self) -> Self {
        Self { milliseconds: self.milliseconds.saturating_mul(2) }
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
        Timeout::parse(text.as_bytes(), LONGEST_WAIT)?.say(&mut line);
        Some(String::from_utf8(line.get().to_vec()).unwrap())
    }

    #[test]
    fn times_are_read() {
        for (text, expected) in [
            ("3", "3s"),
            ("3s", "3s"),
            ("0.5", "500ms"),
            ("0.25s", "250ms"),
            ("1.001", "1001ms"),
            ("500ms", "500ms"),
            ("2000ms", "2s"),
            ("60s", "60s"),
            ("1m", "60s"),
            ("90m", "5400s"),
            ("3600", "1h"),
            ("24h", "24h"),
            ("1000h", "1000h"),
        ] {
            assert_eq!(shown(text).as_deref(), Some(expected), "{text}");
        }
        for text in [
            "",
            "0",
            "0.0",
            "0h",
            "s",
            "ms",
            "m",
            "h",
            ".5",
            "1.",
            "1.2345",
            "-1",
            "1001h",
            "1d",
            "4294967297",
            "1.5ms",
            "1.5h",
            "1h30m",
            "1 s",
        ] {
            assert_eq!(shown(text), None, "{text}");
        }
    }

    #[test]
    fn the_longest_is_longest() {
        let parse = |text: &str| Timeout::parse(text.as_bytes(), LONGEST);
        assert_eq!(parse("1h"), Some(LONGEST));
        assert_eq!(parse("3601"), None);
    }

    #[test]
    fn time_is_shared() {
        let first = |milliseconds| Timeout { milliseconds }.first_of_several().doubled().milliseconds;
        assert_eq!([1, 400, 3_000, 3_600_000].map(first), [2, 100, 750, 2_000]);
    }
}
