//! What the first process inside tells the caller, over a pipe.

use std::time::Duration;

use rustix::io::Errno;

use crate::Stage;

/// One message: shorter than `PIPE_BUF`, so it arrives whole.
#[derive(Debug)]
pub(super) enum Report {
    /// A step failed.
    Failed(Failure),
    /// The program could not be started.
    NotStarted(Errno),
    /// The command took too long, and was killed.
    TooLong,
    /// The command ended with this status, as `wait` says it.
    Ended { status: i32, cpu: Duration, memory: u64 },
}

/// A step that failed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Failure {
    pub(super) stage: Stage,
    /// What it was about, see `Plan::path`.
    pub(super) index: usize,
    pub(super) errno: Errno,
}

/// Says which step an error belongs to.
pub(super) trait During<T> {
    /// A step that is about one of several things.
    fn at(self, stage: Stage, index: usize) -> Result<T, Failure>;
    /// A step of its own.
    fn during(self, stage: Stage) -> Result<T, Failure>;
}

impl<T> During<T> for Result<T, Errno> {
    fn at(self, stage: Stage, index: usize) -> Result<T, Failure> {
        self.map_err(|errno| Failure { stage, index, errno })
    }

    fn during(self, stage: Stage) -> Result<T, Failure> {
        self.at(stage, usize::MAX)
    }
}

/// Bytes of a message: five numbers.
pub(super) const SIZE: usize = 5 * 8;

impl Report {
    pub(super) fn to_bytes(&self) -> [u8; SIZE] {
        let numbers = match self {
            Self::Failed(it) => [0, it.stage as u64, it.index as u64, number(it.errno), 0],
            Self::TooLong => [3, 0, 0, 0, 0],
            Self::NotStarted(errno) => [1, number(*errno), 0, 0, 0],
            Self::Ended { status, cpu, memory } => {
                [2, u64::from(status.cast_unsigned()), cpu.as_secs(), u64::from(cpu.subsec_nanos()), *memory]
            }
        };
        let mut bytes = [0; SIZE];
        for (to, number) in bytes.chunks_exact_mut(8).zip(numbers) {
            to.copy_from_slice(&number.to_ne_bytes());
        }
        bytes
    }

    /// Nothing when the bytes are no message.
    pub(super) fn from_bytes(bytes: &[u8; SIZE]) -> Option<Self> {
        let mut numbers = [0; 5];
        for (number, from) in numbers.iter_mut().zip(bytes.as_chunks().0) {
            *number = u64::from_ne_bytes(*from);
        }
        match numbers {
            [0, stage, index, errno, _] => {
                let stage = *Stage::ALL.get(stage as usize)?;
                Some(Self::Failed(Failure { stage, index: index as usize, errno: from_number(errno) }))
            }
            [3, ..] => Some(Self::TooLong),
            [1, errno, ..] => Some(Self::NotStarted(from_number(errno))),
            [2, status, seconds, nanoseconds, memory] => {
                let cpu = Duration::new(seconds, nanoseconds as u32);
                Some(Self::Ended { status: (status as u32).cast_signed(), cpu, memory })
            }
            _ => None,
        }
    }
}

fn number(errno: Errno) -> u64 {
    u64::from(errno.raw_os_error().cast_unsigned())
}

fn from_number(number: u64) -> Errno {
    // Linux numbers its errors from 1 to 4095.
    Errno::from_raw_os_error((number as i32).clamp(1, 4095))
}

#[cfg(test)]
mod tests {
    use super::{During, Errno, Report, Stage};

    #[test]
    fn every_stage_arrives_as_itself() {
        for stage in Stage::ALL {
            let failure = Err::<(), _>(Errno::PERM).at(stage, 7).unwrap_err();
            let Some(Report::Failed(got)) = Report::from_bytes(&Report::Failed(failure).to_bytes()) else {
                panic!("{stage:?} did not arrive");
            };
            assert_eq!((got.stage, got.index, got.errno), (stage, 7, Errno::PERM));
        }
    }
}
