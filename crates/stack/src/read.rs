//! A path into a checked stack.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;
use toml::de::DeTable;

use crate::diagnostic::{Diagnostic, Diagnostics, Source};
use crate::file::File;
use crate::findings::Findings;
use crate::model::Stack;
use crate::schema::schema;
use crate::{check, shape};

/// A stack file that can be worked with.
#[derive(Debug, Clone)]
pub struct Read {
    /// What it says.
    pub stack: Stack,
    /// What is worth a look, sorted by file and place.
    pub warnings: Vec<Diagnostic>,
    /// Where it says what.
    pub locations: Locations,
}

/// Where the stack file says what, for errors that later stages find.
#[derive(Debug, Clone, Default)]
pub struct Locations {
    /// The stack file.
    pub source: Source,
    /// Byte ranges of the entries of `contents` by image, in the order of [`crate::model::ImageSpec::contents`].
    pub contents: BTreeMap<String, Vec<Range<usize>>>,
}

impl Locations {
    /// The entry of the stack file that became `images[image].contents[index]`.
    pub fn content(&self, image: &str, index: usize) -> Option<Range<usize>> {
        self.contents.get(image)?.get(index).cloned()
    }
}

/// Most bytes of a stack file.
const MAX_BYTES: u64 = 1 << 20;

/// Reads and checks the stack file at `path`; templates it names are read beside it. At most 1 MiB of each.
pub fn read(path: &Path) -> Result<Read, Diagnostics> {
    let name = path.display().to_string();
    let text = match text(path) {
        Ok(text) => text,
        Err(error) => {
            let mut findings = Findings::new(Source { path: name, text: Arc::default() });
            let message = format!("can't read the stack file: {}", error);
            let help = (error.kind() == ErrorKind::NotFound)
                .then(|| "`longshore init` writes one to begin with".to_owned());
            findings.error("stack::unreadable", &(0..0), message).help(help);
            return Err(Diagnostics(findings.finish()));
        }
    };
    // `stack.toml` alone has the empty path as its parent.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    parse(&text, name, folder)
}

fn text(path: &Path) -> std::io::Result<String> {
    let bytes = longshore_oci::read_bounded(fs_err::File::open(path)?, MAX_BYTES)?;
    String::from_utf8(bytes).map_err(|_| std::io::Error::new(ErrorKind::InvalidData, "it is not UTF-8"))
}

/// Checks a stack file's text; the files it names are in `folder`.
pub(crate) fn parse(text: &str, name: String, folder: &Path) -> Result<Read, Diagnostics> {
    let mut findings = Findings::new(Source { path: name, text: text.into() });
    let (mut table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        findings.error("stack::syntax", &error.span().unwrap_or(0..0), error.message().trim());
    }
    if findings.has_errors() {
        return Err(Diagnostics(findings.finish()));
    }
    shape::check(&schema(), &mut table, &mut findings);
    let well_formed = !findings.has_errors();
    let file = match File::deserialize(toml::Deserializer::from(table)) {
        Ok(file) => file,
        Err(error) => {
            if well_formed {
                findings.error("stack::wrong-type", &error.span().unwrap_or(0..0), error.message());
            }
            return Err(Diagnostics(findings.finish()));
        }
    };
    let (stack, locations) = check::check(file, folder, &mut findings);
    if !well_formed {
        // They may only come of what has been taken out.
        findings.drop_warnings();
    }
    match findings.has_errors() {
        true => Err(Diagnostics(findings.finish())),
        false => Ok(Read { stack, warnings: findings.finish(), locations }),
    }
}
