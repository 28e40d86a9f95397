//! What compilers expect of every C library. Byte by byte, and by volatile access: of a plain loop the compiler would make a call
//! of the function that the loop is in.

/// Copies to where nothing of the source is.
///
/// # Safety
/// As in C: `count` bytes can be read from `from` and written to `to`.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, count: usize) -> *mut u8 {
    let mut at = 0;
    while at < count {
        // SAFETY: `at` is less than the `count` that the caller answers for.
        unsafe { to.wrapping_add(at).write_volatile(from.wrapping_add(at).read_volatile()) };
        at = at.wrapping_add(1);
    }
    to
}

/// Copies, also to where the source is.
///
/// # Safety
/// As in C: `count` bytes can be read from `from` and written to `to`.
#[unsafe(no_mangle)]
unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, count: usize) -> *mut u8 {
    if to.addr() <= from.addr() {
        // SAFETY: from the front, no byte is written before it was read.
        return unsafe { memcpy(to, from, count) };
    }
    let mut at = count;
    while at > 0 {
        at = at.wrapping_sub(1);
        // SAFETY: `at` is less than the `count` that the caller answers for.
        unsafe { to.wrapping_add(at).write_volatile(from.wrapping_add(at).read_volatile()) };
    }
    to
}

/// Fills with a byte.
///
/// # Safety
/// As in C: `count` bytes can be written to `to`.
#[unsafe(no_mangle)]
unsafe extern "C" fn memset(to: *mut u8, byte: i32, count: usize) -> *mut u8 {
    let [byte, ..] = byte.to_le_bytes();
    let mut at = 0;
    while at < count {
        // SAFETY: `at` is less than the `count` that the caller answers for.
        unsafe { to.wrapping_add(at).write_volatile(byte) };
        at = at.wrapping_add(1);
    }
    to
}

/// Compares.
///
/// # Safety
/// As in C: `count` bytes can be read from both.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcmp(one: *const u8, other: *const u8, count: usize) -> i32 {
    let mut at = 0;
    while at < count {
        // SAFETY: `at` is less than the `count` that the caller answers for.
        let (one, other) =
            unsafe { (one.wrapping_add(at).read_volatile(), other.wrapping_add(at).read_volatile()) };
        if one != other {
            return i32::from(one).wrapping_sub(i32::from(other));
        }
        at = at.wrapping_add(1);
    }
    0
}

/// Compares for being the same.
///
/// # Safety
/// As in C: `count` bytes can be read from both.
#[unsafe(no_mangle)]
unsafe extern "C" fn bcmp(one: *const u8, other: *const u8, count: usize) -> i32 {
    // SAFETY: as the caller promises.
    unsafe { memcmp(one, other, count) }
}
