//! System calls and the first instructions on x86-64 (System V ABI, AMD64 supplement, 3.4 and A.2.1).

use core::arch::{asm, global_asm};

/// Numbers of system calls (Linux, `arch/x86/entry/syscalls/syscall_64.tbl`).
#[derive(Clone, Copy)]
#[repr(usize)]
pub enum Call {
    Read = 0,
    Write = 1,
    Close = 3,
    SignalMask = 14,
    Socket = 41,
    Connect = 42,
    SendTo = 44,
    ReceiveFrom = 45,
    GetSocketName = 51,
    GetSocketOption = 55,
    SignalWait = 128,
    ClockGetTime = 228,
    ExitGroup = 231,
    OpenAt = 257,
    Poll = 271,
    GetRandom = 318,
}

// The stack pointer as it is: what it points to are the arguments.
global_asm!(
    ".globl _start",
    "_start:",
    "xor ebp, ebp",
    "mov rdi, rsp",
    "and rsp, -16",
    "call {begin}",
    "ud2",
    begin = sym super::process::begin,
);

/// Makes a system call.
///
/// # Safety
/// As for [`super::call`].
pub unsafe fn call(number: usize, arguments: [usize; 6]) -> usize {
    let [a, b, c, d, e, f] = arguments;
    let answer;
    // SAFETY: the caller answers for the arguments; `syscall` changes no more than is said here.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number => answer,
            in("rdi") a, in("rsi") b, in("rdx") c, in("r10") d, in("r8") e, in("r9") f,
            lateout("rcx") _, lateout("r11") _,
            options(nostack),
        );
    }
    answer
}
