//! Numbers of system calls that the C library's bindings don't have on every architecture. Those from 424 on are the same on
//! all.

pub(super) const CACHESTAT: i64 = 451;
pub(super) const FCHMODAT2: i64 = 452;
pub(super) const MAP_SHADOW_STACK: i64 = 453;
pub(super) const FUTEX_WAKE: i64 = 454;
pub(super) const FUTEX_WAIT: i64 = 455;
pub(super) const FUTEX_REQUEUE: i64 = 456;
pub(super) const STATMOUNT: i64 = 457;
pub(super) const LISTMOUNT: i64 = 458;
pub(super) const MSEAL: i64 = 462;
pub(super) const SETXATTRAT: i64 = 463;
pub(super) const GETXATTRAT: i64 = 464;
pub(super) const LISTXATTRAT: i64 = 465;
pub(super) const REMOVEXATTRAT: i64 = 466;

#[cfg(target_arch = "x86_64")]
pub(super) use x86_64::*;
#[cfg(target_arch = "x86_64")]
mod x86_64 {
    pub(in super::super) const SYNC_FILE_RANGE: i64 = 277;
    pub(in super::super) const RENAMEAT: i64 = 264;
    pub(in super::super) const GETRLIMIT: i64 = 97;
    pub(in super::super) const SETRLIMIT: i64 = 160;
    pub(in super::super) const IO_PGETEVENTS: i64 = 333;
    pub(in super::super) const KEXEC_FILE_LOAD: i64 = 320;
}

#[cfg(target_arch = "aarch64")]
pub(super) use aarch64::*;
#[cfg(target_arch = "aarch64")]
mod aarch64 {
    pub(in super::super) const SYNC_FILE_RANGE: i64 = 84;
    pub(in super::super) const RENAMEAT: i64 = 38;
    pub(in super::super) const GETRLIMIT: i64 = 163;
    pub(in super::super) const SETRLIMIT: i64 = 164;
    pub(in super::super) const IO_PGETEVENTS: i64 = 292;
    pub(in super::super) const KEXEC_FILE_LOAD: i64 = 294;
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use libc::*;

    use super::*;

    #[test]
    fn numbers_are_the_kernel_s() {
        assert_eq!(
            [SYNC_FILE_RANGE, RENAMEAT, GETRLIMIT, SETRLIMIT, FCHMODAT2],
            [SYS_sync_file_range, SYS_renameat, SYS_getrlimit, SYS_setrlimit, SYS_fchmodat2]
        );
    }
}
