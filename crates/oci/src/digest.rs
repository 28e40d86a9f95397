//! Digests are types, never strings.

use std::fmt;
use std::io::{self, Write};
use std::str::FromStr;

use longshore_lanes::{Block, Lane, State};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::Digest as _;
use sha2::digest::common::hazmat;

/// A SHA-256 digest, written `sha256:<64 hex digits>` (OCI image specification, "Digests").
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

/// Text that is no digest longshore takes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a digest of the form `sha256:<64 lower-case hex digits>`")]
pub struct DigestError {
    /// What was read, shortened to 100 characters.
    pub text: String,
}

impl Digest {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(sha2::Sha256::digest(bytes).into())
    }

    /// From the 32 raw bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 raw bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Parses the 64 hex digits alone, as Debian's indexes write them.
    pub fn from_hex(text: &str) -> Result<Self, DigestError> {
        let error = || DigestError { text: text.chars().take(100).collect() };
        let hex = text.as_bytes();
        if hex.len() != 64 {
            return Err(error());
        }
        let nibble = |c: u8| match c {
            b'0'..=b'9' => Ok(c - b'0'),
            b'a'..=b'f' => Ok(c - b'a' + 10),
            _ => Err(error()),
        };
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(hex.chunks_exact(2)) {
            *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
        }
        Ok(Self(bytes))
    }

    /// The 64 hex digits, without the algorithm.
    pub fn hex(&self) -> String {
        // Digits are ASCII.
        std::str::from_utf8(&self.digits()).unwrap_or_default().to_owned()
    }

    /// The same, as bytes.
    pub(crate) fn digits(&self) -> [u8; 64] {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut digits = [0; 64];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(self.0) {
            pair.copy_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
        }
        digits
    }

    /// The first 12 hex digits, for people.
    pub fn short(&self) -> String {
        self.hex()[..12].to_owned()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        match text.strip_prefix("sha256:") {
            Some(hex) => Self::from_hex(hex),
            None => Err(DigestError { text: text.chars().take(100).collect() }),
        }
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            self.0.serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = String::deserialize(deserializer)?;
            text.parse().map_err(serde::de::Error::custom)
        } else {
            <[u8; 32]>::deserialize(deserializer).map(Self)
        }
    }
}

/// The digest of a layer's *uncompressed* tar (OCI image configuration, `rootfs.diff_ids`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DiffId(pub Digest);

impl fmt::Display for DiffId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Bytes named by what they are: digest and size in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Content {
    /// SHA-256 of the bytes.
    pub digest: Digest,
    /// Their number.
    pub size: u64,
}

impl Content {
    /// The name of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self { digest: Digest::of(bytes), size: bytes.len() as u64 }
    }
}

/// Hashes and counts what is written to it.
#[derive(Clone, Default)]
pub struct Sha256 {
    hasher: sha2::Sha256,
    size: u64,
}

impl Sha256 {
    /// Nothing written yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        self.size += bytes.len() as u64;
    }

    /// How many hashes take the least time for each, if their bytes come together.
    pub fn at_once() -> usize {
        longshore_lanes::at_once()
    }

    /// Adds to each hash its bytes, in less time than one after the other where the processor can hash.
    pub fn update_each<'a>(hashes: &mut [(&mut Self, &'a [u8])]) {
        for (hash, bytes) in &mut *hashes {
            *bytes = hash.fill_block(bytes);
        }
        let lane =
            |(hash, bytes): &(&mut Self, &'a [u8])| Lane { state: hash.words(), blocks: bytes.as_chunks().0 };
        let mut lanes: Vec<_> = hashes.iter().map(lane).collect();
        longshore_lanes::compress(&mut lanes);
        for ((hash, bytes), Lane { state, .. }) in hashes.iter_mut().zip(lanes) {
            let (blocks, _) = bytes.as_chunks::<{ size_of::<Block>() }>();
            let done = if hash.skip(blocks.len(), state) { blocks.as_flattened().len() } else { 0 };
            hash.update(&bytes[done..]);
        }
    }

    /// Adds as many bytes as end the block that was begun, and gives the others.
    fn fill_block<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let missing = self.size.next_multiple_of(size_of::<Block>() as u64) - self.size;
        // Less than a block.
        let (those, others) = bytes.split_at(bytes.len().min(missing as usize));
        self.update(those);
        others
    }

    /// The words between two blocks, which are the first of a serialized state.
    fn words(&self) -> State {
        let state = hazmat::SerializableState::serialize(&self.hasher);
        let (words, _) = state.as_chunks();
        std::array::from_fn(|at| u32::from_le_bytes(words[at]))
    }

    /// Goes on behind `count` blocks more, with which the words are these; or not at all, and tells which.
    fn skip(&mut self, count: usize, words: State) -> bool {
        let mut state = hazmat::SerializableState::serialize(&self.hasher);
        let (blocks, size) = (count as u64, (count * size_of::<Block>()) as u64);
        let total = self.size / size_of::<Block>() as u64 + blocks;
        for (to, word) in state.as_chunks_mut().0.iter_mut().zip(words) {
            *to = word.to_le_bytes();
        }
        state[32..40].copy_from_slice(&total.to_le_bytes());
        let skipped = hazmat::SerializableState::deserialize(&state);
        match skipped {
            Ok(hasher) => (self.hasher, self.size) = (hasher, self.size + size),
            Err(_) => return false,
        }
        true
    }

    /// The name of all that was written.
    pub fn finish(self) -> Content {
        Content { digest: Digest(self.hasher.finalize().into()), size: self.size }
    }

    /// How many bytes were written.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// All that is to be kept to go on from here later: 112 bytes, readable by the same 0.x version of `sha2`.
    pub fn state(&self) -> Vec<u8> {
        [&self.size.to_le_bytes()[..], &hazmat::SerializableState::serialize(&self.hasher)].concat()
    }

    /// Goes on from a [`state`](Self::state); none when it is no such thing. That it is the state of the bytes that it is taken
    /// for is the caller's to know: nothing in it tells.
    pub fn from_state(state: &[u8]) -> Option<Self> {
        let (size, state) = state.split_first_chunk()?;
        let size = u64::from_le_bytes(*size);
        let state = hazmat::SerializedState::<sha2::Sha256>::try_from(state).ok()?;
        // The number of whole blocks lies behind the eight words.
        let blocks = u64::from_le_bytes(*state[32..].first_chunk()?);
        let hasher: sha2::Sha256 = hazmat::SerializableState::deserialize(&state).ok()?;
        (size / 64 == blocks).then_some(Self { hasher, size })
    }
}

impl Write for Sha256 {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_digest_round_trips() {
        let empty = Digest::of(b"");
        let text = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(empty.to_string(), text);
        assert_eq!(text.parse::<Digest>(), Ok(empty));
    }

    #[test]
    fn hashing_goes_on_where_it_was() {
        let bytes: Vec<u8> = (0..1000_u32).map(|i| (i * 7) as u8).collect();
        for cut in [0, 1, 63, 64, 65, 512, 1000] {
            let mut hash = Sha256::new();
            hash.update(&bytes[..cut]);
            let state = hash.state();
            assert_eq!(state.len(), 112);
            let mut resumed = Sha256::from_state(&state).unwrap();
            assert_eq!(resumed.size(), cut as u64);
            resumed.update(&bytes[cut..]);
            assert_eq!(resumed.finish(), Content::of(&bytes));
            assert!(Sha256::from_state(&state[1..]).is_none());
            let mut other = state.clone();
            other[1] ^= 1;
            assert!(Sha256::from_state(&other).is_none(), "256 bytes more or less");
        }
    }

    #[test]
    fn several_are_hashed_as_each_alone() {
        let bytes: Vec<u8> = (0..3000_u32).map(|i| ((i * 11) >> 3) as u8).collect();
        let sizes = [0, 1, 63, 64, 65, 127, 128, 129, 640, 1000];
        for count in [1, 2, 3, 9, 10, 16, 17, 40] {
            for turn in 0..sizes.len() {
                // What each hash has already, and what it is given.
                let begun = |n: usize| &bytes[n..n + sizes[(n * 3 + turn) % sizes.len()]];
                let more = |n: usize| &bytes[n * 7..][..sizes[(n + turn * 7) % sizes.len()] + n % 2 * 700];
                let mut hashes: Vec<_> = (0..count)
                    .map(begun)
                    .map(|bytes| {
                        let mut hash = Sha256::new();
                        hash.update(bytes);
                        hash
                    })
                    .collect();
                let mut each: Vec<_> = hashes.iter_mut().zip((0..count).map(more)).collect();
                Sha256::update_each(&mut each);
                for (n, mut hash) in hashes.into_iter().enumerate() {
                    hash.update(b"end");
                    assert_eq!(
                        hash.finish(),
                        Content::of(&[begun(n), more(n), b"end"].concat()),
                        "{n} of {count}"
                    );
                }
            }
        }
    }

    #[test]
    fn refuses_what_is_no_digest() {
        for text in [
            "",
            "sha256:",
            "sha512:00",
            "sha256:E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855",
            "é",
        ] {
            assert!(text.parse::<Digest>().is_err(), "{text}");
        }
    }
}
