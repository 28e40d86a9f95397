//! How a member is compressed, and its decoder with every bound set: memory, window, output.

use std::fmt;
use std::io::{self, BufReader, Read};

use liblzma::stream::{CONCATENATED, MtStreamBuilder, Stream};

use super::{Limits, Problem};

/// How a member of a `.deb` is compressed (deb(5)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compression {
    None,
    Gzip,
    Xz,
    Zstd,
    /// Never in packages.
    Bzip2,
}

/// Compressed bytes read at once.
const BUFFER: usize = 128 * 1024;
/// From this many compressed bytes on, an xz stream may have several blocks and a second thread something to do.
const PARALLEL: u64 = 8 << 20;
/// Output below this is never called a bomb, whatever it came from.
pub(crate) const HARMLESS: u64 = 64 << 20;

impl Compression {
    /// By the extension after `control.tar` or `data.tar`.
    pub fn of(extension: &str) -> Result<Self, Problem> {
        match extension {
            "" => Ok(Self::None),
            ".gz" => Ok(Self::Gzip),
            ".xz" => Ok(Self::Xz),
            ".zst" => Ok(Self::Zstd),
            other => Err(Problem::Unsupported { extension: other.to_owned() }),
        }
    }

    /// By the first bytes of a file.
    pub fn sniff(start: &[u8]) -> Self {
        match start {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Xz,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => Self::Bzip2,
            _ => Self::None,
        }
    }

    /// Decodes `reader`, which holds `size` compressed bytes.
    pub fn decode<'a>(
        self,
        reader: impl Read + Send + 'a,
        size: u64,
        limits: &Limits,
        threads: u32,
    ) -> Result<Box<dyn Read + 'a>, Problem> {
        let input = BufReader::with_capacity(BUFFER, reader);
        let decoder: Box<dyn Read + 'a> = match self {
            Self::None => Box::new(input),
            Self::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(input)),
            Self::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(input)),
            Self::Xz => Box::new(liblzma::bufread::XzDecoder::new_stream(input, xz(size, limits, threads)?)),
            Self::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(input)?;
                decoder.window_log_max(limits.memory.max(1).ilog2())?;
                Box::new(decoder)
            }
        };
        let by_ratio = size.saturating_mul(limits.ratio).max(HARMLESS);
        Ok(Box::new(Bounded { inner: decoder, seen: 0, size, limit: limits.unpacked.min(by_ratio) }))
    }
}

fn xz(size: u64, limits: &Limits, threads: u32) -> Result<Stream, Problem> {
    let stream = if threads > 1 && size >= PARALLEL {
        // liblzma has no names for flags here and takes one stream, which is what every `.deb` has.
        MtStreamBuilder::new()
            .threads(threads)
            .memlimit_threading(limits.memory.saturating_mul(4))
            .memlimit_stop(limits.memory)
            .decoder()
    } else {
        Stream::new_stream_decoder(limits.memory, CONCATENATED)
    };
    stream.map_err(|error| Problem::Io(error.into()))
}

/// Output that stops where a bomb begins.
struct Bounded<R> {
    inner: R,
    seen: u64,
    size: u64,
    limit: u64,
}

/// Why the output was cut off; carried inside the [`io::Error`].
#[derive(Debug)]
struct Bomb {
    size: u64,
    limit: u64,
}

impl fmt::Display for Bomb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes unpack to more than {} bytes, the most allowed here", self.size, self.limit)
    }
}

impl std::error::Error for Bomb {}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.seen += read as u64;
        if self.seen > self.limit {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                Bomb { size: self.size, limit: self.limit },
            ));
        }
        Ok(read)
    }
}
