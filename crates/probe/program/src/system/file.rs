//! Reading a small file.

use core::ffi::CStr;

use super::machine::Call;
use super::{INTERRUPTED, call};

/// `O_RDONLY | O_NONBLOCK | O_CLOEXEC`: not even a pipe of that name is waited for.
const READ: usize = 0o2_004_000;
/// `AT_FDCWD`: -100.
const HERE: usize = usize::MAX.wrapping_sub(99);

/// As much of the file as `to` has room for; nothing where it can't be read.
pub fn read<'a>(path: &CStr, to: &'a mut [u8]) -> &'a [u8] {
    let mut length = 0usize;
    // SAFETY: the kernel reads `path`, which ends in a 0 and is borrowed.
    let opened = unsafe { call(Call::OpenAt, [HERE, path.as_ptr().expose_provenance(), READ, 0, 0, 0]) };
    let Ok(file) = opened else { return &[] };
    loop {
        let room = to.get_mut(length..).unwrap_or_default();
        // SAFETY: the kernel writes to `room`, which is borrowed, no more than its length.
        let count =
            unsafe { call(Call::Read, [file, room.as_mut_ptr().expose_provenance(), room.len(), 0, 0, 0]) };
        match count {
            Ok(count) if count > 0 => length = length.saturating_add(count),
            Err(INTERRUPTED) => {}
            _ => break,
        }
    }
    // SAFETY: no memory is handed over, and the file is this function's.
    let _ = unsafe { call(Call::Close, [file, 0, 0, 0, 0, 0]) };
    to.get(..length).unwrap_or_default()
}
