//! How a cache compresses archives.

use std::io::{self, Read};

use brotli_decompressor::{BrotliDecoderParameter, Decompressor};

use crate::deb::archive::compression::Compression as Common;
use crate::deb::archive::{Limits, Problem};

/// What stands behind `Compression:`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// `none`.
    None,
    /// `xz`.
    Xz,
    /// `zstd`.
    Zstd,
    /// `gzip`.
    Gzip,
    /// `bzip2`.
    Bzip2,
    /// `br`.
    Brotli,
}

/// Compressed bytes read at once.
const BUFFER: usize = 128 * 1024;

impl Compression {
    /// By its name.
    pub fn of(name: &str) -> Option<Self> {
        Some(match name {
            // Nothing said is as Nix once did it.
            "" | "bzip2" => Self::Bzip2,
            "none" => Self::None,
            "xz" => Self::Xz,
            "zstd" => Self::Zstd,
            "gzip" => Self::Gzip,
            "br" => Self::Brotli,
            _ => return None,
        })
    }

    /// Decodes `reader`, which holds `size` compressed bytes, to hardly more than `most` bytes.
    pub(super) fn decode<'a>(
        self,
        reader: impl Read + Send + 'a,
        size: u64,
        most: u64,
    ) -> io::Result<Box<dyn Read + 'a>> {
        // How much it may be is signed or locked, so that no ratio is too good to be true.
        let limits = Limits { unpacked: most.saturating_add(1), ratio: u64::MAX, ..Limits::default() };
        let common = match self {
            Self::None => Common::None,
            Self::Xz => Common::Xz,
            Self::Zstd => Common::Zstd,
            Self::Gzip => Common::Gzip,
            Self::Bzip2 => Common::Bzip2,
            Self::Brotli => {
                let mut decoder = Decompressor::new(reader, BUFFER);
                // Windows of more than 16 MiB are another format.
                decoder.set_parameter(BrotliDecoderParameter::BROTLI_DECODER_PARAM_LARGE_WINDOW, 0);
                return Ok(Box::new(decoder));
            }
        };
        common.decode(reader, size, &limits, 1).map_err(|problem| match problem {
            Problem::Io(error) => error,
            other => io::Error::other(other.to_string()),
        })
    }
}
