//! Pauses, which end early when the process is to end: as the first process of a container it would else not, since the kernel
//! keeps from that one every signal that it does not wait for (`pid_namespaces(7)`).

use super::clock::Deadline;
use super::machine::Call;
use super::{AGAIN, INTERRUPTED, call};

/// `SIGINT` and `SIGTERM` as a mask.
static STOP: u64 = 1 << 1 | 1 << 14;
/// `SIG_BLOCK`.
const BLOCK: usize = 0;
/// Bytes of a mask.
const MASK: usize = 8;

/// How a pause went.
pub enum Pause {
    /// To its end.
    Over,
    /// A signal says that the process is to end.
    Stopped,
}

/// From now on, signals to end wait for the next pause.
pub fn hold() {
    // SAFETY: the kernel reads a mask, which is borrowed for that; it wants to write none. It can't fail.
    let _ = unsafe { call(Call::SignalMask, [BLOCK, (&raw const STOP).expose_provenance(), 0, MASK, 0, 0]) };
}

/// Waits, after [`hold`].
pub fn pause(deadline: Deadline) -> Pause {
    while let Ok(left) = deadline.left() {
        // SAFETY: the kernel reads a mask and a `timespec`, both borrowed; it wants to write nothing about the signal.
        let signal = unsafe {
            call(
                Call::SignalWait,
                [(&raw const STOP).expose_provenance(), 0, left.as_ptr().expose_provenance(), MASK, 0, 0],
            )
        };
        match signal {
            Err(AGAIN | INTERRUPTED) => {}
            // A kernel that can't wait for signals: no pause is better than no end.
            Err(_) => return Pause::Over,
            Ok(_) => return Pause::Stopped,
        }
    }
    Pause::Over
}
