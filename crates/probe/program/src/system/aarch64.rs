//! System calls and the first instructions on AArch64 (Linux `syscall(2)`; the stack is that of every ELF program).

use core::arch::{asm, global_asm};

/// Numbers of system calls (Linux, `include/uapi/asm-generic/unistd.h`).
#[derive(Clone, Copy)]
#[repr(usize)]
pub enum Call {
    OpenAt = 56,
    Close = 57,
    Read = 63,
    Write = 64,
    Poll = 73,
    ExitGroup = 94,
    ClockGetTime = 113,
    SignalMask = 135,
    SignalWait = 137,
    Socket = 198,
    Connect = 203,
    GetSocketName = 204,
    SendTo = 206,
    ReceiveFrom = 207,
    GetSocketOption = 209,
    GetRandom = 278,
}

// The stack pointer as it is, which is aligned: what it points to are the arguments.
global_asm!(
    ".globl _start",
    "_start:",
    "mov x29, xzr",
    "mov x30, xzr",
    "mov x0, sp",
    "bl {begin}",
    "brk #1",
    begin = sym super::process::begin,
);

/// Makes a system call.
///
/// # Safety
/// As for [`super::call`].
pub unsafe fn call(number: usize, arguments: [usize; 6]) -> usize {
    let [a, b, c, d, e, f] = arguments;
    let answer;
    // SAFETY: the caller answers for the arguments; `svc` changes no register but `x0`.
    unsafe {
        asm!(
            "svc #0",
            inlateout("x0") a => answer,
            in("x1") b, in("x2") c, in("x3") d, in("x4") e, in("x5") f, in("x8") number,
            options(nostack),
        );
    }
    answer
}
