//! The Linux kernel, asked without a C library: as little of it as the probe needs.
//!
//! All `unsafe` of the program is here, and but for [`memory`] and [`process`] only to hand the kernel pointers to what is
//! borrowed for the time of one call. These are exposed, so that the compiler knows that somebody else reads and writes there.

pub mod clock;
pub mod file;
mod memory;
pub mod process;
pub mod random;
pub mod signal;
pub mod socket;

#[cfg(target_arch = "x86_64")]
#[path = "x86_64.rs"]
mod machine;
#[cfg(target_arch = "aarch64")]
#[path = "aarch64.rs"]
mod machine;

use machine::Call;

/// An error number (`errno(3)`).
#[derive(Clone, Copy, PartialEq, Eq)]
struct Errno(i32);

/// A signal came in between.
const INTERRUPTED: Errno = Errno(4);
/// Nothing can be read or written just now.
const AGAIN: Errno = Errno(11);
/// A connection is being made.
const IN_PROGRESS: Errno = Errno(115);
/// A connection was refused.
const REFUSED: Errno = Errno(111);

/// Makes a system call; of fewer than six arguments the rest is not looked at.
///
/// # Safety
/// What the kernel does with the arguments, it may: pointers among them are to memory that it may read or write as long as the
/// call lasts.
unsafe fn call(call: Call, arguments: [usize; 6]) -> Result<usize, Errno> {
    // SAFETY: as the caller promises.
    let answer = unsafe { machine::call(call as usize, arguments) };
    // The last 4,095 numbers are errors (Linux `syscall(2)`); they fit.
    match isize::try_from(answer) {
        Ok(_) => Ok(answer),
        Err(_) => Err(Errno(i32::try_from(answer.wrapping_neg()).unwrap_or(i32::MAX))),
    }
}

/// A file descriptor as an argument of a call.
fn number(descriptor: i32) -> usize {
    usize::try_from(descriptor).unwrap_or(usize::MAX)
}
