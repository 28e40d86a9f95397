//! Why nothing came back.

use super::answer::Answer;
use super::timeout::Timeout;

/// Why a connection was not made, or ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The time was over.
    Late,
    /// The kernel says no, by an error number (`errno(3)`).
    System(i32),
}

/// What was waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// A connection.
    Connect,
    /// An answer.
    Answer,
}

/// Error numbers as they are met, in words; the same on both architectures.
const WORDS: [(i32, &str); 8] = [
    (13, "permission denied"),
    (97, "this machine has no such addresses"),
    (99, "no such address here"),
    (101, "network is unreachable"),
    (104, "connection reset"),
    (110, "connection timed out"),
    (111, "connection refused"),
    (113, "no route to host"),
];

impl Failure {
    /// In words.
    pub fn answer(self, stage: Stage, timeout: Timeout) -> Answer {
        match self {
            Self::Late => {
                let what: &[u8] = match stage {
                    Stage::Connect => b"no connection within ",
                    Stage::Answer => b"no answer within ",
                };
                let mut answer = Answer::unhealthy(&[what]);
                timeout.say(&mut answer.line);
                answer
            }
            Self::System(number) => match WORDS.iter().find(|(known, _)| *known == number) {
                Some((_, words)) => Answer::unhealthy(&[words.as_bytes()]),
                None => Answer::unhealthy(&[b"system error "]).and_number(number.unsigned_abs()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::answer::Health;
    use crate::probe::timeout::DEFAULT;

    #[test]
    fn failures_have_words() {
        let check = |failure: Failure, stage, expected: &str| {
            assert_eq!(failure.answer(stage, DEFAULT).shown(), (Health::Unhealthy, expected));
        };
        check(Failure::Late, Stage::Connect, "no connection within 3s");
        check(Failure::Late, Stage::Answer, "no answer within 3s");
        check(Failure::System(111), Stage::Connect, "connection refused");
        check(Failure::System(24), Stage::Connect, "system error 24");
    }
}
