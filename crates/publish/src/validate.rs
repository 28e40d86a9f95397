//! The validator with the codecs that longshore writes, and those of images that it builds on.

use std::io::{self, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use longshore_oci::media_type;
use longshore_oci::validate::Problem;

/// Checks everything in the layout at `root`; no problems, a sound layout.
pub fn validate(root: &Path) -> Vec<Problem> {
    longshore_oci::validate::validate(root, &decode)
}

/// The uncompressed bytes of a layer's blob, by its media type.
pub fn decode(media_type: &str, blob: Box<dyn Read>) -> io::Result<Box<dyn Read>> {
    match media_type {
        media_type::LAYER_TAR => Ok(blob),
        media_type::LAYER_GZIP => Ok(Box::new(MultiGzDecoder::new(BufReader::with_capacity(1 << 16, blob)))),
        media_type::LAYER_ZSTD => Ok(Box::new(zstd::stream::read::Decoder::new(blob)?)),
        _ => Err(io::Error::new(io::ErrorKind::Unsupported, format!("`{media_type}` can't be decompressed"))),
    }
}
