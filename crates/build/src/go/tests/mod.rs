//! Go builds, against what Go itself says.

mod collected;
mod end_to_end;
mod files;
mod sums;
mod supplied;
mod versions;
mod wrapped;

use std::io::{Cursor, Write as _};

use super::ModuleVersion;

fn module(path: &str, version: &str) -> ModuleVersion {
    ModuleVersion::new(path, version).unwrap()
}

/// A zip with these files.
fn zip(files: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (number, (name, text)) in files.iter().enumerate() {
        let method = match number % 2 {
            0 => zip::CompressionMethod::Deflated,
            _ => zip::CompressionMethod::Stored,
        };
        let options = zip::write::SimpleFileOptions::default().compression_method(method);
        writer.start_file(*name, options).unwrap();
        writer.write_all(text.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}
