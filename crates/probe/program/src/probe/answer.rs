//! What the probe says in the end: a verdict and one line.

use super::bytes::Bytes;

/// Whether the service does its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// Exit code 0.
    Healthy,
    /// Exit code 1.
    Unhealthy,
}

/// A verdict and what was seen.
#[derive(Debug, Clone, Copy)]
pub struct Answer {
    /// Whether the service does its work.
    pub health: Health,
    /// What was seen, without a newline; cut where it is too long.
    pub line: Bytes<240>,
}

impl Answer {
    /// The service does its work, says this, in pieces.
    pub fn healthy(pieces: &[&[u8]]) -> Self {
        Self::new(Health::Healthy, pieces)
    }

    /// The service does not do its work, says this, in pieces.
    pub fn unhealthy(pieces: &[&[u8]]) -> Self {
        Self::new(Health::Unhealthy, pieces)
    }

    fn new(health: Health, pieces: &[&[u8]]) -> Self {
        let mut line = Bytes::new();
        for piece in pieces {
            line.say(piece);
        }
        Self { health, line }
    }

    /// With a number after it.
    pub fn and_number(mut self, number: u32) -> Self {
        self.line.say_number(number);
        self
    }

    /// With how long it was so, after at most this much of what was seen.
    pub fn lasting(self, how_long: &[&[u8]]) -> Self {
        const MOST: usize = 200;
        let seen = self.line.get();
        let mut line = Bytes::new();
        line.put_some(seen.get(..MOST).unwrap_or(seen));
        how_long.iter().for_each(|piece| line.say(piece));
        Self { line, ..self }
    }

    /// With more text after it.
    pub fn and(mut self, text: &[u8]) -> Self {
        self.line.say(text);
        self
    }
}

/// The line of an answer that has to be unhealthy, or healthy: for tests.
#[cfg(test)]
impl Answer {
    /// The verdict and the line.
    pub fn shown(&self) -> (Health, &str) {
        (self.health, std::str::from_utf8(self.line.get()).unwrap())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_is_never_cut() {
        let check = |seen: &str, expected: &str| {
            let answer = Answer::unhealthy(&[seen.as_bytes()]).lasting(&[b", for ", b"1000h"]);
            assert_eq!(answer.shown(), (Health::Unhealthy, expected));
        };
        check("connection refused", "connection refused, for 1000h");
        check(&"a".repeat(300), &format!("{}, for 1000h", "a".repeat(200)));
    }
}
