//! How layers are compressed.

use clap::ValueEnum;
use longshore_publish::Codec;

/// How layers are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Compression {
    /// gzip, as small as level 6 gets
    Default,
    /// gzip, more than twice as fast and an eighth larger
    Fast,
    /// zstd, twice as fast and a little smaller; not for Docker before 23
    Zstd,
}

impl Compression {
    /// Its word on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Fast => "fast",
            Self::Zstd => "zstd",
        }
    }

    /// What the packer calls it.
    pub fn codec(self) -> Codec {
        match self {
            Self::Default => Codec::Gzip,
            Self::Fast => Codec::GzipFast,
            Self::Zstd => Codec::Zstd,
        }
    }
}
