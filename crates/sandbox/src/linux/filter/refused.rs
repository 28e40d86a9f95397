//! The system calls that are there and not for services. What is in neither list is answered as if the kernel didn't have
//! it.
//!
//! Made from the kernel's tables (`arch/x86/entry/syscalls/syscall_64.tbl`, `scripts/syscall.tbl`) up to Linux 6.14.

use libc::*;

use super::numbers as new;

/// See the module.
pub(super) const REFUSED: &[&[i64]] = &[MOUNTS, SPACES, SPYING, KERNEL, MACHINE, OLD_REFUSED];

/// Mounts and roots.
const MOUNTS: &[i64] = &[
    SYS_chroot,
    SYS_fsconfig,
    SYS_fsmount,
    SYS_fsopen,
    SYS_fspick,
    new::LISTMOUNT,
    SYS_mount,
    SYS_mount_setattr,
    SYS_move_mount,
    SYS_open_by_handle_at,
    SYS_open_tree,
    SYS_pivot_root,
    SYS_quotactl,
    SYS_quotactl_fd,
    new::STATMOUNT,
    SYS_umount2,
];

/// Namespaces.
const SPACES: &[i64] = &[SYS_setdomainname, SYS_sethostname, SYS_setns, SYS_unshare];

/// Other processes' memory and files.
const SPYING: &[i64] = &[
    SYS_kcmp,
    SYS_perf_event_open,
    SYS_pidfd_getfd,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_ptrace,
    SYS_userfaultfd,
];

/// Code and keys in the kernel. `io_uring` is a way around filters.
const KERNEL: &[i64] = &[
    SYS_add_key,
    SYS_bpf,
    SYS_delete_module,
    SYS_finit_module,
    SYS_init_module,
    SYS_io_uring_enter,
    SYS_io_uring_register,
    SYS_io_uring_setup,
    new::KEXEC_FILE_LOAD,
    SYS_kexec_load,
    SYS_keyctl,
    SYS_request_key,
];

/// The machine.
const MACHINE: &[i64] = &[
    SYS_acct,
    SYS_clock_settime,
    SYS_fanotify_init,
    SYS_fanotify_mark,
    SYS_get_mempolicy,
    SYS_lookup_dcookie,
    SYS_mbind,
    SYS_migrate_pages,
    SYS_move_pages,
    SYS_nfsservctl,
    SYS_reboot,
    SYS_set_mempolicy,
    SYS_set_mempolicy_home_node,
    SYS_settimeofday,
    SYS_swapoff,
    SYS_swapon,
    SYS_syslog,
    SYS_vhangup,
];

/// What only x86 has.
#[cfg(target_arch = "x86_64")]
const OLD_REFUSED: &[i64] =
    &[SYS__sysctl, SYS_ioperm, SYS_iopl, SYS_modify_ldt, SYS_sysfs, SYS_uselib, SYS_ustat];
#[cfg(not(target_arch = "x86_64"))]
const OLD_REFUSED: &[i64] = &[];
