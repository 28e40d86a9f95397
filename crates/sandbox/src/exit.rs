//! How a command ended.

use std::fmt;
use std::time::Duration;

/// How a command ended, and what it used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exit {
    /// How it ended.
    pub status: Status,
    /// Wall time, the set-up of the sandbox included.
    pub time: Duration,
    /// Processor time of all its processes, user and system; zero when it was killed.
    pub cpu: Duration,
    /// Peak resident bytes of its largest process; never below what the caller itself had when it started the sandbox.
    /// Zero when it was killed.
    pub memory: u64,
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// By itself, with this exit code.
    Code(u8),
    /// By a signal, of this number: 9 also when the machine was out of memory, 25 when a file grew over
    /// [`Limits::file`](crate::Limits::file).
    Signal(i32),
    /// It was still running when [`Limits::time`](crate::Limits::time) was over, and was killed with all its processes.
    TimedOut,
    /// The kernel killed it when its [`Group`](crate::Group) had used up its memory.
    OutOfMemory,
}

impl Status {
    /// Whether it ended by itself with exit code 0.
    pub fn success(self) -> bool {
        self == Self::Code(0)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal(signal) => write!(f, "ended by signal {signal}"),
            Self::TimedOut => f.write_str("killed when its time was over"),
            Self::OutOfMemory => f.write_str("killed when it had used up its memory"),
        }
    }
}
