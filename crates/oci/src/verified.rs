//! One reader for size and digest at every trust border.

use std::io::{self, Read};

use crate::{Content, Sha256};

/// Why bytes are not what was promised.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Verify {
    /// More bytes came than the promised size; reading stopped there.
    #[error("expected {} bytes, got more", .expected.size)]
    TooLong {
        /// What was promised.
        expected: Content,
    },
    /// The bytes differ.
    #[error("expected {}, {} bytes; got {}, {} bytes", .expected.digest, .expected.size, .found.digest, .found.size)]
    Mismatch {
        /// What was promised.
        expected: Content,
        /// What came.
        found: Content,
    },
}

/// Passes bytes through while counting and hashing them. Reading past the promised size fails, and so does the end
/// of the stream when size or digest differ, so a consumer that reads to the end has read verified bytes.
pub struct VerifiedReader<R> {
    inner: R,
    expected: Content,
    hash: Option<Sha256>,
    seen: u64,
}

impl<R: Read> VerifiedReader<R> {
    /// Reads `inner`, which must be exactly `expected`.
    pub fn new(inner: R, expected: Content) -> Self {
        Self { inner, expected, hash: Some(Sha256::new()), seen: 0 }
    }
}

impl<R: Read> Read for VerifiedReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let Some(hash) = &mut self.hash else { return Ok(0) };
        let read = self.inner.read(buffer)?;
        if read == 0 {
            let found = self.hash.take().unwrap_or_default().finish();
            if found != self.expected {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    Verify::Mismatch { expected: self.expected, found },
                ));
            }
            return Ok(0);
        }
        self.seen += read as u64;
        if self.seen > self.expected.size {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                Verify::TooLong { expected: self.expected },
            ));
        }
        hash.update(&buffer[..read]);
        Ok(read)
    }
}

/// Passes bytes through while hashing them, where what they are is not known before.
pub struct HashingReader<R> {
    inner: R,
    hash: Sha256,
}

impl<R: Read> HashingReader<R> {
    /// Reads `inner`.
    pub fn new(inner: R) -> Self {
        Self { inner, hash: Sha256::new() }
    }

    /// What was read.
    pub fn finish(self) -> Content {
        self.hash.finish()
    }
}

impl<R: Read> Read for HashingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.hash.update(&buffer[..read]);
        Ok(read)
    }
}

/// Reads all of `reader`, or fails when it holds more than `limit` bytes.
pub fn read_bounded(reader: impl Read, limit: u64) -> io::Result<Vec<u8>> {
    // Most documents fit, and are read at once.
    let mut bytes = Vec::with_capacity(usize::try_from(limit.min(8 << 10)).unwrap_or_default());
    reader.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("more than the {limit} bytes allowed here"),
        ));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], expected: &[u8]) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        VerifiedReader::new(bytes, Content::of(expected)).read_to_end(&mut out).map(|_| out)
    }

    #[test]
    fn passes_what_was_promised_and_nothing_else() {
        assert_eq!(read(b"abc", b"abc").unwrap(), b"abc");
        for bytes in [&b"abd"[..], b"ab", b"abcd", b""] {
            let error = read(bytes, b"abc").unwrap_err();
            assert!(error.get_ref().unwrap().is::<Verify>());
        }
    }

    #[test]
    fn bounded_read_stops() {
        assert_eq!(read_bounded(&b"abc"[..], 3).unwrap(), b"abc");
        assert!(read_bounded(io::repeat(0), 10).is_err());
    }
}
