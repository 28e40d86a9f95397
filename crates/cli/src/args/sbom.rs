//! What `sbom` takes.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};
use longshore_sbom::Format;

use super::Selection;

#[derive(Debug, Args)]
pub struct Sbom {
    #[command(flatten)]
    pub selection: Selection,
    /// One document about all images of the stack; with `-o DIR`, besides those of each
    #[arg(long)]
    pub stack: bool,
    /// Also every file of the images, with its digest and with what brought it
    #[arg(long)]
    pub files: bool,
    /// How documents are written
    #[arg(long, value_enum, default_value_t = BillFormat::Spdx)]
    pub format: BillFormat,
    /// The file that the document is written to; into a folder, or a name that ends with a slash, go the documents of every image, for
    /// each platform and for all [default: standard output]
    #[arg(short, long, value_name = "FILE|DIR", value_hint = ValueHint::AnyPath)]
    pub output: Option<PathBuf>,
}

/// Formats of documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BillFormat {
    /// SPDX 2.3 as JSON
    Spdx,
    /// CycloneDX 1.6 as JSON
    Cyclonedx,
    /// OpenVEX 0.2.0: which vulnerabilities are patched in what they are made of, as far as that is known
    Openvex,
}

impl From<BillFormat> for Format {
    fn from(format: BillFormat) -> Self {
        match format {
            BillFormat::Spdx => Self::Spdx,
            BillFormat::Cyclonedx => Self::CycloneDx,
            BillFormat::Openvex => Self::OpenVex,
        }
    }
}
