//! The time that is left.

use super::call;
use super::machine::Call;
use crate::probe::failure::Failure;
use crate::probe::timeout::Timeout;

/// Nanoseconds in a second.
const SECOND: u64 = 1_000_000_000;
const MILLISECOND: u64 = 1_000_000;

/// `CLOCK_MONOTONIC`.
const MONOTONIC: usize = 1;

/// The kernel's `timespec`: seconds and nanoseconds.
pub type Span = [u64; 2];

/// A moment after which nothing is waited for.
#[derive(Clone, Copy)]
pub struct Deadline {
    /// Nanoseconds on the monotonic clock.
    at: u64,
}

impl Deadline {
    /// In this time from now.
    pub fn after(timeout: Timeout) -> Self {
        let span = u64::from(timeout.milliseconds).saturating_mul(MILLISECOND);
        Self { at: now().saturating_add(span) }
    }

    /// The earlier of the two.
    pub fn or(self, other: Self) -> Self {
        Self { at: self.at.min(other.at) }
    }

    /// How long that is still.
    pub fn left(self) -> Result<Span, Failure> {
        match self.at.saturating_sub(now()) {
            0 => Err(Failure::Late),
            left => Ok([left / SECOND, left % SECOND]),
        }
    }
}

fn now() -> u64 {
    let mut span: Span = [0; 2];
    // SAFETY: the kernel writes a `timespec` to `span`, which is one and borrowed. It can't fail: every Linux has this clock.
    let _ =
        unsafe { call(Call::ClockGetTime, [MONOTONIC, span.as_mut_ptr().expose_provenance(), 0, 0, 0, 0]) };
    let [seconds, nanoseconds] = span;
    seconds.saturating_mul(SECOND).saturating_add(nanoseconds)
}
