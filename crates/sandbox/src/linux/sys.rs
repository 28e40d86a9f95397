//! System calls that no safe wrapper exists for.
//!
//! All of these may be called in a process that [`clone`] made: they allocate nothing, take no lock and don't unwind.

use std::ffi::{CStr, c_char};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::time::Duration;

use rustix::io::Errno;

/// `struct clone_args` of `linux/sched.h`, its first version.
#[repr(C, align(8))]
#[derive(Default)]
struct CloneArgs {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
}

/// `struct mount_attr` of `linux/mount.h`.
#[repr(C)]
struct MountAttr {
    set: u64,
    clear: u64,
    propagation: u64,
    userns: u64,
}

/// In this and all later threads' children, what a handler was set for does what it does by default.
const CLONE_CLEAR_SIGHAND: u64 = 0x1_0000_0000;
const CLONE_PIDFD: u64 = 0x1000;
const AT_RECURSIVE: libc::c_uint = 0x8000;

/// Which of the two processes this is after [`clone`].
pub(super) enum Clone {
    /// The caller's, with the child's pid and a descriptor that becomes readable when the child ends.
    Parent(i32, OwnedFd),
    /// The new one.
    Child,
}

/// Makes a child process in the namespaces of `flags`, with a copy of the memory and all signal handlers unset.
///
/// # Safety
/// The child is a copy of one thread: any lock may be held for ever by a thread that it doesn't have. Until it calls
/// [`exec`] or [`exit`], it may only do what a signal handler may, and it must not return to code that does more.
pub(super) unsafe fn clone(namespaces: i32) -> Result<Clone, Errno> {
    let mut pidfd: RawFd = -1;
    let arguments = CloneArgs {
        flags: u64::from(namespaces.cast_unsigned()) | CLONE_CLEAR_SIGHAND | CLONE_PIDFD,
        pidfd: std::ptr::from_mut(&mut pidfd) as u64,
        exit_signal: libc::SIGCHLD as u64,
        ..CloneArgs::default()
    };
    // SAFETY: the arguments are initialised, of the size said, and outlive the call; without CLONE_VM, the child has its own
    // copy of the stack that it goes on with. What the child may do is the caller's promise.
    let pid = unsafe { libc::syscall(libc::SYS_clone3, &raw const arguments, size_of::<CloneArgs>()) };
    match pid {
        0 => Ok(Clone::Child),
        1.. => {
            // SAFETY: with CLONE_PIDFD, a successful call has stored a new descriptor that nobody else owns. Pids are ints.
            let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
            Ok(Clone::Parent(pid as i32, pidfd))
        }
        _ => Err(errno()),
    }
}

/// Ends this process, and nothing else: no handler, no destructor, no buffer.
pub(super) fn exit(code: i32) -> ! {
    // SAFETY: it has no preconditions.
    unsafe { libc::_exit(code) }
}

/// Becomes another program; only returns when that fails.
///
/// # Safety
/// `argv` and `env` end with a null pointer, and everything before it points to a C string.
pub(super) unsafe fn exec(program: &CStr, argv: &[*const c_char], env: &[*const c_char]) -> Errno {
    // SAFETY: the program is a C string, and the rest is the caller's promise.
    unsafe { libc::execve(program.as_ptr(), argv.as_ptr(), env.as_ptr()) };
    errno()
}

/// What ended, as `wait4` says it.
pub(super) struct Waited {
    pub(super) pid: i32,
    pub(super) status: i32,
    /// User and system time, of it and of all that it waited for.
    pub(super) cpu: Duration,
    /// Peak resident bytes, of it or of what it waited for, whichever is more.
    pub(super) memory: u64,
}

/// Any child that has ended; none when none has.
pub(super) fn wait() -> Result<Option<Waited>, Errno> {
    let mut status = 0;
    // SAFETY: `rusage` is plain numbers, for which zero is a value.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are to initialised values that outlive the call.
    let pid = unsafe { libc::wait4(-1, &raw mut status, libc::WNOHANG, &raw mut usage) };
    match pid {
        0 => return Ok(None),
        1.. => {}
        _ => return Err(errno()),
    }
    let time = |of: libc::timeval| Duration::new(of.tv_sec as u64, (of.tv_usec as u32).wrapping_mul(1000));
    let cpu = time(usage.ru_utime).saturating_add(time(usage.ru_stime));
    Ok(Some(Waited { pid, status, cpu, memory: (usage.ru_maxrss as u64).saturating_mul(1024) }))
}

/// Kills a process that this one made and has not waited for.
pub(super) fn kill(pid: i32) {
    // SAFETY: it takes numbers only.
    unsafe { libc::kill(pid, libc::SIGKILL) };
}

/// Kills the process group of one that this one made and has not waited for, if it has one of its own.
pub(super) fn kill_group(pid: i32) {
    kill(pid.saturating_neg());
}

/// Sends a signal, of any number, to a process.
pub(super) fn signal(process: BorrowedFd<'_>, number: i32) -> Result<(), Errno> {
    let none = std::ptr::null::<libc::siginfo_t>();
    // SAFETY: it takes numbers, and a null pointer for what the kernel fills in then.
    done(unsafe { libc::syscall(libc::SYS_pidfd_send_signal, process.as_raw_fd(), number, none, 0) })
}

/// Sets attributes of a mount, and of all below it when `AT_RECURSIVE`.
pub(super) fn mount_setattr(mount: BorrowedFd<'_>, reach: Reach, attributes: u64) -> Result<(), Errno> {
    let value = MountAttr { set: attributes, clear: 0, propagation: 0, userns: 0 };
    let recursive = match reach {
        Reach::One => 0,
        Reach::Below => AT_RECURSIVE,
    };
    // SAFETY: the path is a C string, and the attributes are initialised, of the size said, and outlive the call.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_EMPTY_PATH as libc::c_uint | recursive,
            &raw const value,
            size_of::<MountAttr>(),
        )
    };
    done(result)
}

/// How far an attribute reaches.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// One mount.
    One,
    /// It and all mounts below it.
    Below,
}

/// Makes `to` another name of what `from` is open on, and kept by `exec`.
pub(super) fn dup2(from: RawFd, to: RawFd) -> Result<(), Errno> {
    // SAFETY: it takes numbers only. What `to` was is closed: only for 0 to 2 in a process that will exec or exit, where no
    // `OwnedFd` is used for them.
    done(unsafe { libc::dup2(from, to) }.into())
}

/// Closes every descriptor from 3 on but `kept`.
///
/// # Safety
/// No other `OwnedFd` made before this call may be used or dropped after it.
pub(super) unsafe fn close_all_but<const N: usize>(mut kept: [RawFd; N]) -> Result<(), Errno> {
    kept.sort_unstable();
    let mut next = 3;
    for kept in kept.into_iter().filter(|kept| *kept >= 3).map(RawFd::cast_unsigned) {
        if next < kept {
            // SAFETY: it takes numbers only; that nobody relies on them is the caller's promise.
            done(unsafe { libc::syscall(libc::SYS_close_range, next, kept - 1, 0) })?;
        }
        next = kept.saturating_add(1);
    }
    // SAFETY: as above.
    done(unsafe { libc::syscall(libc::SYS_close_range, next, libc::c_uint::MAX, 0) })
}

/// Closes a descriptor.
///
/// # Safety
/// What owns it may not be used or dropped after this.
pub(super) unsafe fn close(fd: RawFd) {
    // SAFETY: it takes a number only; that nobody relies on it is the caller's promise.
    unsafe { libc::close(fd) };
}

/// Takes a capability out of what can ever be had again; `false` when the kernel knows none of that number.
pub(super) fn drop_bounding(capability: libc::c_ulong) -> Result<bool, Errno> {
    // SAFETY: it takes numbers only.
    match done(unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) }.into()) {
        Err(Errno::INVAL) => Ok(false),
        result => result.map(|()| true),
    }
}

/// Leaves the caller's session keyring for an empty one. Kernels without keyrings have nothing to leave, and a filter that
/// refuses this call refuses those that would read the keys as well.
pub(super) fn leave_keyring() {
    const JOIN_SESSION_KEYRING: libc::c_int = 1;
    // SAFETY: a null name asks for a keyring without one.
    unsafe { libc::syscall(libc::SYS_keyctl, JOIN_SESSION_KEYRING, std::ptr::null::<c_char>()) };
}

/// Has every system call from here on judged by this program too.
pub(super) fn filter(program: &[seccompiler::sock_filter]) -> Result<(), Errno> {
    /// `struct sock_fprog` of `linux/filter.h`.
    #[repr(C)]
    struct Program {
        length: libc::c_ushort,
        instructions: *const seccompiler::sock_filter,
    }
    let length = libc::c_ushort::try_from(program.len()).map_err(|_| Errno::INVAL)?;
    let program = Program { length, instructions: program.as_ptr() };
    // SAFETY: the program is of the kernel's form, and as many instructions are readable as it says.
    done(unsafe {
        libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0_usize, &raw const program)
    })
}

/// Lets every signal do what it does by default, and blocks none.
pub(super) fn reset_signals() {
    /// The kernel's `struct sigaction`, on no architecture larger; all-zero is the default action without flags.
    static DEFAULT: [u64; 4] = [0; 4];
    /// The kernel's set of signals, one bit each.
    static NONE: u64 = 0;
    for signal in 1..=64 {
        // The C library's own function leaves out the signals that it uses itself.
        // SAFETY: the action is readable for as many bytes as the kernel takes; no old one is asked for. Signals that can't
        // be set are refused, which changes nothing.
        unsafe {
            libc::syscall(libc::SYS_rt_sigaction, signal, &raw const DEFAULT, 0_usize, size_of_val(&NONE))
        };
    }
    // SAFETY: the set is readable, of the size said; no old one is asked for.
    unsafe {
        libc::syscall(
            libc::SYS_rt_sigprocmask,
            libc::SIG_SETMASK,
            &raw const NONE,
            0_usize,
            size_of_val(&NONE),
        );
    }
}

/// A descriptor that is readable when a child has ended. Until [`reset_signals`], all signals are blocked.
pub(super) fn child_ends() -> Result<OwnedFd, Errno> {
    let (set, all): (u64, u64) = (1 << (libc::SIGCHLD - 1), u64::MAX);
    // SAFETY: the set is readable, of the size said; no old one is asked for.
    done(unsafe {
        libc::syscall(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK, &raw const all, 0_usize, size_of_val(&all))
    })?;
    // SAFETY: as above; -1 asks for a new descriptor.
    let fd = unsafe {
        libc::syscall(
            libc::SYS_signalfd4,
            -1,
            &raw const set,
            size_of_val(&set),
            libc::SFD_CLOEXEC | libc::SFD_NONBLOCK,
        )
    };
    done(fd)?;
    // SAFETY: the call has just made it, so nobody else owns it. Descriptors are ints.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as RawFd) })
}

/// Signals that this process ignores until this is dropped.
pub(super) struct Ignored(Vec<(i32, libc::sigaction)>);

impl Ignored {
    pub(super) fn new(signals: &[i32]) -> Self {
        let ignored = signals.iter().filter_map(|signal| {
            // SAFETY: all-zero is an action; it is set to one that ignores, which needs no handler to live on.
            let (mut action, mut before): (libc::sigaction, libc::sigaction) =
                unsafe { (std::mem::zeroed(), std::mem::zeroed()) };
            action.sa_sigaction = libc::SIG_IGN;
            // SAFETY: both actions are initialised and outlive the call.
            let result = unsafe { libc::sigaction(*signal, &raw const action, &raw mut before) };
            (result == 0).then_some((*signal, before))
        });
        Self(ignored.collect())
    }
}

impl Drop for Ignored {
    fn drop(&mut self) {
        for (signal, before) in &self.0 {
            // SAFETY: this action was in force before, so its handler is still there.
            unsafe { libc::sigaction(*signal, std::ptr::from_ref(before), std::ptr::null_mut()) };
        }
    }
}

fn done(result: libc::c_long) -> Result<(), Errno> {
    if result < 0 { Err(errno()) } else { Ok(()) }
}

fn errno() -> Errno {
    // SAFETY: it points to this thread's own number.
    Errno::from_raw_os_error(unsafe { *libc::__errno_location() })
}
