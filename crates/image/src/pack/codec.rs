//! How chunks are compressed: each is whole by itself, so that its bytes depend on nothing around it.

use std::io;

use libdeflater::{CompressionLvl, Compressor, crc32};
use longshore_deflate::Deflater;
use longshore_oci::media_type;

use super::ASSEMBLER;
use super::buffer::Buffer;

/// The level of libdeflate.
const GZIP_LEVEL: i32 = 6;
/// The header of a member (RFC 1952, section 2.3): DEFLATE, no flags, no time, compressed fast, an operating system that is not told.
const MEMBER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 255];
/// The level of zstd.
const ZSTD_LEVEL: i32 = 3;

/// How a layer is compressed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Codec {
    /// gzip at libdeflate's level 6: smaller than `gzip -6`.
    #[default]
    Gzip,
    /// gzip by [`longshore_deflate`]: more than twice as fast, an eighth larger.
    GzipFast,
    /// zstd at level 3: twice as fast and a little smaller, for engines that know it.
    Zstd,
}

impl Codec {
    /// What a manifest calls layers of this codec.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Gzip | Self::GzipFast => media_type::LAYER_GZIP,
            Self::Zstd => media_type::LAYER_ZSTD,
        }
    }

    /// Names everything besides the tar that decides the compressed bytes.
    pub(super) fn id(self) -> String {
        let name = match self {
            Self::Gzip => "gzip-6",
            Self::GzipFast => "gzip-fast",
            Self::Zstd => "zstd-3",
        };
        format!("longshore {ASSEMBLER} {name}")
    }
}

/// Compresses chunks. What it did before changes nothing.
pub(super) enum Encoder {
    /// A chunk is a gzip member (RFC 1952, section 2.2: a file is a series of members) without name and time.
    Gzip(Compressor),
    /// The same, made faster.
    GzipFast(Deflater),
    /// A chunk is a frame (RFC 8878, section 3.1) that says how long it is uncompressed, and holds no checksum: digests check
    /// both sides of a layer. Frames are made by this thread alone, since what zstd's own threads make is cut otherwise.
    Zstd(zstd::bulk::Compressor<'static>),
}

impl Encoder {
    /// # Errors
    /// When there is no memory for it.
    pub(super) fn new(codec: Codec) -> io::Result<Self> {
        Ok(match codec {
            Codec::Gzip => Self::Gzip(Compressor::new(CompressionLvl::new(GZIP_LEVEL).unwrap_or_default())),
            Codec::GzipFast => Self::GzipFast(Deflater::new()),
            Codec::Zstd => {
                let mut encoder = zstd::bulk::Compressor::new(ZSTD_LEVEL)?;
                encoder.include_contentsize(true)?;
                encoder.include_checksum(false)?;
                encoder.include_dictid(false)?;
                Self::Zstd(encoder)
            }
        })
    }

    /// Replaces `packed` with the compressed form of `plain`.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub(super) fn encode(&mut self, plain: &[u8], packed: &mut Buffer) -> io::Result<()> {
        packed.clear();
        let size = match self {
            Self::Gzip(encoder) => {
                let room = packed.room(encoder.gzip_compress_bound(plain.len()));
                encoder.gzip_compress(plain, room).map_err(|error| io::Error::other(error.to_string()))?
            }
            Self::GzipFast(encoder) => {
                // Of all of it at once, since room that grows is twice what is needed.
                packed.room(MEMBER.len() + Deflater::bound(plain.len()) + 8);
                packed.push(&MEMBER);
                encoder.compress(plain, |piece| packed.push(piece));
                packed.push(&crc32(plain).to_le_bytes());
                // Modulo 2^32, says the specification.
                packed.push(&(plain.len() as u32).to_le_bytes());
                return Ok(());
            }
            Self::Zstd(encoder) => {
                let room = packed.room(zstd::zstd_safe::compress_bound(plain.len()));
                encoder.compress_to_buffer(plain, room)?
            }
        };
        packed.grow(size);
        Ok(())
    }
}
