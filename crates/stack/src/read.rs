//! A path into a checked stack.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use toml::de::DeTable;

use crate::diagnostic::{Diagnostic, Diagnostics, Source};
use crate::file::File;
use crate::findings::{Findings, together};
use crate::model::Stack;
use crate::profile::{Profiles, ReadError};
use crate::{check, shape};

/// A stack file that can be worked with.
#[derive(Debug, Clone)]
pub struct Read {
    /// What it says for the profile that is active.
    pub stack: Stack,
    /// The profiles that there are.
    pub profiles: Profiles,
    /// What is worth a look, sorted by file and place.
    pub warnings: Vec<Diagnostic>,
    /// Where it says what.
    pub locations: Locations,
}

/// A stack file that can be worked with whichever profile is active.
#[derive(Debug, Clone)]
pub struct ReadAll {
    /// What it says for each profile, by name; for none, where there are none. Their own warnings are left out.
    pub reads: Vec<Read>,
    /// The warnings of all of them, each once, sorted by file and place.
    pub warnings: Vec<Diagnostic>,
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

/// Reads and checks the stack file at `path` for the profile called `profile`, or else its default one; templates it names
/// are read beside it. At most 1 MiB of each.
pub fn read(path: &Path, profile: Option<&str>) -> Result<Read, ReadError> {
    let written = Written::read(path)?;
    let active = written.profiles.active(profile)?;
    Ok(written.check(active)?)
}

/// The same for each of its profiles. Nothing of one that is wrong is hidden by another.
pub fn read_all(path: &Path) -> Result<ReadAll, Diagnostics> {
    let written = Written::read(path)?;
    let profiles = written.profiles.all.clone();
    if profiles.is_empty() {
        let mut read = written.check(None)?;
        let warnings = std::mem::take(&mut read.warnings);
        return Ok(ReadAll { reads: vec![read], warnings });
    }
    let own = written.findings.source.path.clone();
    let (mut reads, mut found, mut refused) = (Vec::new(), Vec::new(), false);
    for profile in profiles {
        let findings = match written.clone().check(Some(profile.name.clone())) {
            Ok(mut read) => {
                let warnings = std::mem::take(&mut read.warnings);
                reads.push(read);
                warnings
            }
            Err(Diagnostics(all)) => {
                refused = true;
                all
            }
        };
        found.push((profile.name, findings));
    }
    let all = together(&own, found);
    if refused { Err(Diagnostics(all)) } else { Ok(ReadAll { reads, warnings: all }) }
}

fn text(path: &Path) -> std::io::Result<String> {
    let bytes = longshore_oci::read_bounded(fs_err::File::open(path)?, MAX_BYTES)?;
    String::from_utf8(bytes).map_err(|_| std::io::Error::new(ErrorKind::InvalidData, "it is not UTF-8"))
}

/// A stack file that has the tables and keys that it may have; what they say is yet to be checked.
#[derive(Debug, Clone)]
struct Written {
    file: File,
    profiles: Profiles,
    /// Where the files are that it names.
    folder: PathBuf,
    /// What was wrong so far.
    findings: Findings,
    /// Whether anything was taken out of it that could not be read.
    whole: Wholeness,
}

/// Whether a file is looked at as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wholeness {
    Whole,
    /// Without what could not be read.
    Part,
}

impl Written {
    fn read(path: &Path) -> Result<Self, Diagnostics> {
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
        Self::parse(&text, name, folder)
    }

    fn parse(text: &str, name: String, folder: &Path) -> Result<Self, Diagnostics> {
        let mut findings = Findings::new(Source { path: name, text: text.into() });
        let (mut table, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            findings.error("stack::syntax", &error.span().unwrap_or(0..0), error.message().trim());
        }
        if findings.has_errors() {
            return Err(Diagnostics(findings.finish()));
        }
        shape::check(&mut table, &mut findings);
        let whole = if findings.has_errors() { Wholeness::Part } else { Wholeness::Whole };
        let file = match File::deserialize(toml::Deserializer::from(table)) {
            Ok(file) => file,
            Err(error) => {
                if whole == Wholeness::Whole {
                    findings.error("stack::wrong-type", &error.span().unwrap_or(0..0), error.message());
                }
                return Err(Diagnostics(findings.finish()));
            }
        };
        check::check_profiles(&file, &mut findings);
        Ok(Self { profiles: Profiles::of(&file), file, folder: folder.to_owned(), findings, whole })
    }

    /// Checks what it says for one profile, or for none.
    fn check(self, active: Option<String>) -> Result<Read, Diagnostics> {
        let Self { file, profiles, folder, mut findings, whole } = self;
        let file = match &active {
            // A wrong `default-profile`, which has been said; without its profile the rest would only mislead.
            Some(name) if !profiles.has(name) => return Err(Diagnostics(findings.finish())),
            Some(name) => file.with_profile(name),
            None => file,
        };
        let (stack, locations) = check::check(file, &folder, &mut findings);
        if whole == Wholeness::Part {
            // They may only come of what has been taken out.
            findings.drop_warnings();
        }
        match findings.has_errors() {
            true => Err(Diagnostics(findings.finish())),
            false => {
                let stack = Stack { profile: active, ..stack };
                Ok(Read { stack, profiles, warnings: findings.finish(), locations })
            }
        }
    }
}
