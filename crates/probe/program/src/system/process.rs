//! The process itself: its arguments, what it says, and its end.

use core::slice;

use super::machine::Call;
use super::{INTERRUPTED, call, number};

/// The arguments, the program's own name first.
pub struct Arguments {
    next: *const *const u8,
    left: usize,
}

impl Iterator for Arguments {
    type Item = &'static [u8];

    fn next(&mut self) -> Option<&'static [u8]> {
        self.left = self.left.checked_sub(1)?;
        // SAFETY: there is one left, so this is a pointer that the kernel put there.
        let text = unsafe { *self.next };
        self.next = self.next.wrapping_add(1);
        let mut length = 0usize;
        // SAFETY: every argument ends in a 0, and `length` has not passed it. Volatile, since the compiler would make a call of
        // `strlen` of it.
        while unsafe { text.wrapping_add(length).read_volatile() } != 0 {
            length = length.wrapping_add(1);
        }
        // SAFETY: these bytes were just read, and nobody ever writes to arguments.
        Some(unsafe { slice::from_raw_parts(text, length) })
    }
}

/// Called by the first instructions with what the kernel left on the stack: how many arguments there are, and pointers to them
/// (System V ABI, "Process Initialization").
///
/// # Safety
/// `stack` is that place.
pub unsafe extern "C" fn begin(stack: *const usize) -> ! {
    // SAFETY: the kernel put the count there.
    let left = unsafe { *stack };
    crate::main(Arguments { next: stack.wrapping_add(1).cast(), left })
}

/// Writes all of it, if that can be done.
pub fn write(descriptor: i32, bytes: &[u8]) {
    let mut rest = bytes;
    while !rest.is_empty() {
        // SAFETY: the kernel reads `rest`, which is borrowed.
        let wrote = unsafe {
            call(Call::Write, [number(descriptor), rest.as_ptr().expose_provenance(), rest.len(), 0, 0, 0])
        };
        match wrote {
            Ok(count) if count > 0 => rest = rest.get(count..).unwrap_or_default(),
            Err(INTERRUPTED) => {}
            // Nobody listens; the exit code says what matters.
            _ => return,
        }
    }
}

/// Ends the process.
pub fn exit(code: usize) -> ! {
    loop {
        // SAFETY: nothing is left to be done, and no memory is handed over.
        let _ = unsafe { call(Call::ExitGroup, [code, 0, 0, 0, 0, 0]) };
    }
}

/// Not reached: the lints of this program refuse what could panic.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    write(2, b"longshore-probe: internal error\n");
    exit(1)
}
