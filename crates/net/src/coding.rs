//! Content codings (RFC 9110, 8.4): what a server did to a file's bytes for the way, undone.
//!
//! None is ever asked for. Some files are kept in one, and then it is sent whoever asks.

use std::io::Read;

use brotli_decompressor::{BrotliDecoderParameter, Decompressor};

use crate::Failure;

/// Bytes read at once.
const BUFFER: usize = 1 << 16;
/// The base-2 logarithm of the largest window that zstd may use, in bytes: 128 MiB, which is twice what its strongest levels take.
const WINDOW: u32 = 27;

/// What a server makes of the bytes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    /// What is sent is the file, whatever it says: archives are often called encoded with what they are compressed with.
    Kept,
    /// It is undone.
    Undone,
}

/// The bytes before the server coded them.
///
/// # Errors
/// When the coding is not known.
pub(crate) fn undone(coding: &str, body: Box<dyn Read>) -> Result<Box<dyn Read>, Failure> {
    match coding {
        "" | "identity" => Ok(body),
        "gzip" | "x-gzip" => Ok(Box::new(flate2::read::MultiGzDecoder::new(body))),
        "br" => {
            let mut decoder = Decompressor::new(body, BUFFER);
            // Windows of more than 16 MiB are another format.
            decoder.set_parameter(BrotliDecoderParameter::BROTLI_DECODER_PARAM_LARGE_WINDOW, 0);
            Ok(Box::new(decoder))
        }
        "zstd" => {
            let failed = |error| crate::http::broken(&error);
            let mut decoder = zstd::stream::read::Decoder::new(body).map_err(failed)?;
            decoder.window_log_max(WINDOW).map_err(failed)?;
            Ok(Box::new(decoder))
        }
        other => Err(Failure::Coding { coding: other.chars().take(100).collect() }),
    }
}
