//! Memory that is used again and again, since fresh memory costs more than copying into used memory.

use std::ops::Deref;

/// Bytes in memory that is neither given back nor cleared when they go.
#[derive(Default)]
pub(super) struct Buffer {
    memory: Vec<u8>,
    len: usize,
}

impl Buffer {
    /// Takes all bytes out.
    pub(super) fn clear(&mut self) {
        self.len = 0;
    }

    /// Room for `size` bytes behind the last; what is in it is old. [`grow`](Self::grow) makes them part of this.
    pub(super) fn room(&mut self, size: usize) -> &mut [u8] {
        let end = self.len + size;
        if self.memory.len() < end {
            match self.len {
                // Fresh zeros take no memory before something is written there.
                0 => self.memory = vec![0; end],
                _ => self.memory.resize(end, 0),
            }
        }
        &mut self.memory[self.len..end]
    }

    /// Takes in as many bytes of the room.
    pub(super) fn grow(&mut self, size: usize) {
        self.len = (self.len + size).min(self.memory.len());
    }

    /// Adds bytes.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.room(bytes.len()).copy_from_slice(bytes);
        self.grow(bytes.len());
    }

    /// Adds zeros.
    pub(super) fn zeros(&mut self, size: usize) {
        self.room(size).fill(0);
        self.grow(size);
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.memory[..self.len]
    }
}
