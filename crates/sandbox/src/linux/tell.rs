//! How a command's process says who it is: the kernel translates its number for the caller, which is in another pid
//! namespace, and a descriptor of it can't come to mean another process.

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::cmsg_space;
use rustix::io::Errno;
use rustix::net::sockopt::set_socket_passcred;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};
use rustix::process::{Pid, PidfdFlags, getpid, pidfd_open};

/// Who a process is.
pub(super) struct Who {
    /// Its number for the caller.
    pub(super) pid: Pid,
    /// Readable when it has ended; takes signals.
    pub(super) process: OwnedFd,
}

/// The end that listens and the end that speaks.
pub(super) fn pair() -> Result<(OwnedFd, OwnedFd), Errno> {
    let (listen, speak) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
    set_socket_passcred(&listen, true)?;
    Ok((listen, speak))
}

/// Says who this process is. Doesn't allocate.
pub(super) fn who(speak: BorrowedFd<'_>) -> Result<(), Errno> {
    let process = pidfd_open(getpid(), PidfdFlags::empty())?;
    let processes = [std::os::fd::AsFd::as_fd(&process)];
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    control.push(SendAncillaryMessage::ScmRights(&processes));
    sendmsg(speak, &[IoSlice::new(b"!")], &mut control, SendFlags::NOSIGNAL).map(|_| ())
}

/// Waits until the command is executed, or won't be: nothing when nobody said who it is.
pub(super) fn hear(listen: BorrowedFd<'_>) -> Result<Option<Who>, Errno> {
    let (mut pid, mut process) = (None, None);
    loop {
        let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(1), ScmCredentials(1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut bytes = [0; 1];
        match recvmsg(listen, &mut [IoSliceMut::new(&mut bytes)], &mut control, RecvFlags::CMSG_CLOEXEC) {
            Err(Errno::INTR) => continue,
            // All that could speak are gone.
            Ok(message) if message.bytes == 0 => break,
            message => message?,
        };
        for message in control.drain() {
            match message {
                RecvAncillaryMessage::ScmRights(mut fds) => process = fds.next(),
                RecvAncillaryMessage::ScmCredentials(it) => pid = Some(it.pid),
                _ => {}
            }
        }
    }
    Ok(pid.zip(process).map(|(pid, process)| Who { pid, process }))
}
