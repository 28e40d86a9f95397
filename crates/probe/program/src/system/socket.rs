//! A TCP connection, or datagrams from and to one address, never waited for longer than that may take.

use core::net::IpAddr;

use super::clock::Deadline;
use super::machine::Call;
use super::{AGAIN, Errno, IN_PROGRESS, INTERRUPTED, REFUSED, call, number};
use crate::probe::address::socket_address;
use crate::probe::failure::Failure;

/// `SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC`.
const STREAM: usize = 0o2_004_001;
/// `SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC`.
const DATAGRAMS: usize = 0o2_004_002;
/// `MSG_NOSIGNAL`: a connection that is closed is no reason to die.
const NO_SIGNAL: usize = 0x4000;
/// `SOL_SOCKET` and its `SO_ERROR`.
const SOCKET_ERROR: (usize, usize) = (1, 4);
/// Bytes of a signal mask, of which there is none.
const MASK: usize = 8;

/// What is waited for: `POLLIN`, `POLLOUT`.
#[derive(Clone, Copy)]
enum Event {
    In = 1,
    Out = 4,
}

/// The kernel's `pollfd`.
#[repr(C)]
struct Poll {
    descriptor: i32,
    events: i16,
    found: i16,
}

/// A connection, and until when it is waited for.
pub struct Socket {
    descriptor: i32,
    deadline: Deadline,
}

impl Socket {
    /// Connects.
    pub fn connect(address: IpAddr, port: u16, deadline: Deadline) -> Result<Self, Failure> {
        Self::open(STREAM, address, port, deadline)
    }

    /// Sends to this address over UDP, and receives of it alone (Linux `udp(7)`), from a port that the kernel chooses.
    pub fn datagrams(address: IpAddr, port: u16, deadline: Deadline) -> Result<Self, Failure> {
        Self::open(DATAGRAMS, address, port, deadline)
    }

    fn open(kind: usize, address: IpAddr, port: u16, deadline: Deadline) -> Result<Self, Failure> {
        let (bytes, length) = socket_address(address, port);
        let [low, high, ..] = bytes;
        let family = usize::from(u16::from_ne_bytes([low, high]));
        // SAFETY: no memory is handed over.
        let opened = unsafe { call(Call::Socket, [family, kind, 0, 0, 0, 0]) }?;
        let socket = Self { descriptor: i32::try_from(opened).unwrap_or(-1), deadline };
        // SAFETY: the kernel reads `length` of `bytes`, which has as many and is borrowed.
        let connected = unsafe {
            call(
                Call::Connect,
                [number(socket.descriptor), bytes.as_ptr().expose_provenance(), length, 0, 0, 0],
            )
        };
        match connected {
            Ok(_) => {}
            Err(IN_PROGRESS | INTERRUPTED) => {
                socket.wait(Event::Out)?;
                socket.error()?;
            }
            Err(error) => return Err(error.into()),
        }
        if socket.is_its_own_peer(&bytes, length)? {
            return Err(REFUSED.into());
        }
        Ok(socket)
    }

    /// Sends all of it.
    pub fn send(&self, bytes: &[u8]) -> Result<(), Failure> {
        let mut rest = bytes;
        while !rest.is_empty() {
            // SAFETY: the kernel reads `rest`, which is borrowed; without an address to send to.
            let sent = unsafe {
                call(
                    Call::SendTo,
                    [number(self.descriptor), rest.as_ptr().expose_provenance(), rest.len(), NO_SIGNAL, 0, 0],
                )
            };
            match sent {
                Ok(count) => rest = rest.get(count..).unwrap_or_default(),
                Err(AGAIN) => self.wait(Event::Out)?,
                Err(INTERRUPTED) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Receives something, a whole datagram of those; 0 bytes when the peer has closed the connection.
    pub fn receive(&self, room: &mut [u8]) -> Result<usize, Failure> {
        loop {
            // Also of a peer that is never at a loss for words.
            self.deadline.left()?;
            // SAFETY: the kernel writes to `room`, which is borrowed, no more than its length; it wants no sender's address.
            let received = unsafe {
                call(
                    Call::ReceiveFrom,
                    [number(self.descriptor), room.as_mut_ptr().expose_provenance(), room.len(), 0, 0, 0],
                )
            };
            match received {
                Ok(count) => return Ok(count),
                Err(AGAIN) => self.wait(Event::In)?,
                Err(INTERRUPTED) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Waits until it can be read or written, or is broken, which the next call then says.
    fn wait(&self, event: Event) -> Result<(), Failure> {
        loop {
            let mut left = self.deadline.left()?;
            let mut poll = Poll { descriptor: self.descriptor, events: event as i16, found: 0 };
            // SAFETY: the kernel reads and writes one `pollfd` and one `timespec`, both borrowed; there is no signal mask.
            let ready = unsafe {
                call(
                    Call::Poll,
                    [
                        (&raw mut poll).expose_provenance(),
                        1,
                        left.as_mut_ptr().expose_provenance(),
                        0,
                        MASK,
                        0,
                    ],
                )
            };
            match ready {
                Ok(0) | Err(INTERRUPTED) => {}
                Ok(_) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// How a connection that was waited for went.
    fn error(&self) -> Result<(), Failure> {
        let (mut error, mut length) = (0i32, 4u32);
        let (level, name) = SOCKET_ERROR;
        // SAFETY: the kernel writes four bytes to `error` and reads and writes `length`, both borrowed.
        unsafe {
            call(
                Call::GetSocketOption,
                [
                    number(self.descriptor),
                    level,
                    name,
                    (&raw mut error).expose_provenance(),
                    (&raw mut length).expose_provenance(),
                    0,
                ],
            )
        }?;
        if error == 0 { Ok(()) } else { Err(Failure::System(error)) }
    }

    /// Whether it is connected to itself: on loopback, where nobody listens, the kernel may choose the port that is asked for as
    /// the one to ask from, and the two ends of one socket meet (RFC 9293, 3.5, simultaneous open).
    fn is_its_own_peer(&self, peer: &[u8; 28], length: usize) -> Result<bool, Failure> {
        let mut own = [0u8; 28];
        let mut room = 28u32;
        // SAFETY: the kernel writes at most `room` bytes to `own`, and reads and writes `room`; both are borrowed.
        unsafe {
            call(
                Call::GetSocketName,
                [
                    number(self.descriptor),
                    own.as_mut_ptr().expose_provenance(),
                    (&raw mut room).expose_provenance(),
                    0,
                    0,
                    0,
                ],
            )
        }?;
        Ok(own.get(..length) == peer.get(..length))
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // SAFETY: no memory is handed over, and the descriptor is this socket's.
        let _ = unsafe { call(Call::Close, [number(self.descriptor), 0, 0, 0, 0, 0]) };
    }
}

impl From<Errno> for Failure {
    fn from(error: Errno) -> Self {
        Self::System(error.0)
    }
}
