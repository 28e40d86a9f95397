//! Bits on their way out (RFC 1951, section 3.1.1: the lowest of a byte first).

/// Bytes that a block has room for: none takes more than it has stored, which is less than half of this.
pub(crate) const ROOM: usize = 1 << 17;

/// Bits of a block. It is handed on by value, so that a loop that writes keeps it in registers.
pub(crate) struct Bits<'a> {
    room: &'a mut [u8; ROOM + 8],
    len: usize,
    word: u64,
    /// Bits in `word`: after a flush less than 8.
    count: u32,
}

impl<'a> Bits<'a> {
    pub(crate) fn new(room: &'a mut [u8; ROOM + 8]) -> Self {
        Self { room, len: 0, word: 0, count: 0 }
    }

    /// Adds the lowest `count` bits of a value that has no others: 56 at most since the last flush.
    #[inline(always)]
    pub(crate) fn put(&mut self, value: u64, count: u32) {
        debug_assert!(self.count + count < 64 && value >> count == 0, "{value} has {count} bits");
        self.word |= value << self.count;
        self.count += count;
    }

    /// Moves whole bytes out of the word.
    #[inline(always)]
    pub(crate) fn flush(&mut self) {
        debug_assert!(self.len < ROOM, "blocks are smaller");
        // With the mask, the compiler sees that it is within the room.
        let at = self.len & (ROOM - 1);
        self.room[at..at + 8].copy_from_slice(&self.word.to_le_bytes());
        self.len += (self.count >> 3) as usize;
        self.word >>= self.count & 56;
        self.count &= 7;
    }

    /// Fills the last byte with zeros.
    pub(crate) fn align(&mut self) {
        self.flush();
        self.count = self.count.next_multiple_of(8);
        self.flush();
    }

    /// Adds whole bytes after an alignment.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.room[self.len..self.len + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }

    /// The bytes that are whole, which it has no longer.
    pub(crate) fn whole(&mut self) -> &[u8] {
        self.flush();
        &self.room[..std::mem::take(&mut self.len)]
    }
}
