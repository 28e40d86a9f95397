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
    /// The answer of a name server.
    Name,
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
                    Stage::Name => b"no answer from a name server within ",
                    Stage::Connect => b"no connection within ",
                    Stage::Answer => b"no answer within ",
                };
                let mut answer = Answer::unhealthy(&[what]);
                timeout.say(&mut answer.line);
                answer
            }
            Self::System(number) => {
                let whose: &[u8] = match stage {
                    Stage::Name => b"name server: ",
                    Stage::Connect | Stage::Answer => b"",
                };
                match WORDS.iter().find(|(known, _)| *known == number) {
                    Some((_, words)) => Answer::unhealthy(&[whose, words.as_bytes()]),
                    None => Answer::unhealthy(&[whose, b"system error "]).and_number(number.unsigned_abs()),
                }
            }
        }
    }
}

/// What a name server says instead of an answer about `endpoint`, by its code (RFC 1035, 4.1.1).
pub fn code(code: u8, endpoint: &[u8]) -> Answer {
    let name: &[u8] = match code {
        1 => b"FORMERR",
        2 => b"SERVFAIL",
        4 => b"NOTIMP",
        5 => b"REFUSED",
        _ => {
            return Answer::unhealthy(&[b"name server: code "])
                .and_number(u32::from(code))
                .and(b" for ")
                .and(endpoint);
        }
    };
    Answer::unhealthy(&[b"name server: ", name, b" for ", endpoint])
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
        check(Failure::Late, Stage::Name, "no answer from a name server within 3s");
        check(Failure::System(111), Stage::Name, "name server: connection refused");
        check(Failure::System(24), Stage::Name, "name server: system error 24");
        assert_eq!(code(2, b"db:80").shown(), (Health::Unhealthy, "name server: SERVFAIL for db:80"));
        assert_eq!(code(9, b"db:80").shown(), (Health::Unhealthy, "name server: code 9 for db:80"));
    }
}
