//! The compiled index: every package of every source of a stack, ready for resolution.
//!
//! One flat table of little-endian 32-bit words, read by arithmetic: nothing is decoded when it is opened, and a lookup
//! is a binary search. `build` makes it from `Packages` files, `cache` keeps it in a file.
//!
//! | section | holds |
//! | --- | --- |
//! | offsets, text | strings, the names of packages first and sorted: a name's id is its place |
//! | names | for each name its first package; packages are sorted by name, later versions first |
//! | provided | for each name its first provider |
//! | ranks | for each name when it was first mentioned, in apt's reading order |
//! | providers | package and version, or none |
//! | packages | records of fixed size |
//! | relations | for each alternative a word (name, comparison, whether it ends its group) and maybe a version |
//! | suites | names of source and suite |

mod build;
mod cache;
mod package;

use std::path::PathBuf;

use super::control::ControlError;
use super::relation::RelationError;
use super::version::VersionError;

pub use package::{Alternative, MultiArch, Package, Priority, Wanted};

/// The `Packages` file of one component of a suite.
#[derive(Debug, Clone, Copy)]
pub struct Packages<'a> {
    /// The source's name in the stack file.
    pub source: &'a str,
    /// The suite.
    pub suite: &'a str,
    /// The verified bytes, decompressed.
    pub text: &'a [u8],
}

/// All packages of one architecture (and of architecture `all`) in all sources of a stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    body: Vec<u8>,
    sections: [Section; SECTIONS],
}

/// A place in the body, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Section {
    start: usize,
    end: usize,
}

const SECTIONS: usize = 9;
const OFFSETS: usize = 0;
const TEXT: usize = 1;
const NAMES: usize = 2;
const PROVIDED: usize = 3;
const RANKS: usize = 4;
const PROVIDERS: usize = 5;
const PACKAGES: usize = 6;
const RELATIONS: usize = 7;
const SUITES: usize = 8;

/// Stands for "no string".
const NONE: u32 = u32::MAX;

/// The id of a name that is mentioned in an index; names sort as their ids do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct NameId(pub(crate) u32);

/// The id of a package in an index: one version of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PackageIndex(pub(crate) u32);

/// Why no index could be made or kept.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// A `Packages` file is no UTF-8.
    #[error(
        "the package list of suite `{suite}` of source `{archive}` is not UTF-8 text after {valid} bytes"
    )]
    Encoding {
        /// The source.
        archive: String,
        /// Its suite.
        suite: String,
        /// How many bytes are good.
        valid: usize,
    },
    /// A `Packages` file is not of the form expected.
    #[error("the package list of suite `{suite}` of source `{archive}` is damaged")]
    Syntax {
        /// The source.
        archive: String,
        /// Its suite.
        suite: String,
        /// Where and how.
        #[source]
        error: ControlError,
    },
    /// A package lacks a field, or has it in a form that is not understood.
    #[error(transparent)]
    Field(Box<FieldError>),
    /// Package lists larger than any archive's.
    #[error("the package lists have {size} bytes, more than the {limit} that are read")]
    TooLarge {
        /// Bytes given.
        size: usize,
        /// Bytes taken.
        limit: usize,
    },
    /// The cache file can't be written.
    #[error("the compiled package index can't be written to `{}`", path.display())]
    Write {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        error: std::io::Error,
    },
}

/// A field that is missing or not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "package `{package}` (line {line} of the package list of suite `{suite}` of source `{archive}`): \
     expected `{field}` as {expected}, found `{found}`"
)]
pub struct FieldError {
    /// The source.
    pub archive: String,
    /// Its suite.
    pub suite: String,
    /// The line where its paragraph starts.
    pub line: usize,
    /// Its name, empty where that is what is missing.
    pub package: String,
    /// The field.
    pub field: &'static str,
    /// What should be there.
    pub expected: &'static str,
    /// What is there, shortened to 100 characters; empty for nothing.
    pub found: String,
}

impl IndexError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Encoding { archive, .. } | Self::Syntax { archive, .. } => Some(source_hint(archive)),
            Self::Field(error) => Some(source_hint(&error.archive)),
            Self::TooLarge { .. } => {
                Some("name fewer suites or components in `[sources.…]` and run `longshore lock`".to_owned())
            }
            Self::Write { path, .. } => path
                .parent()
                .map(|folder| format!("see what is left on the disk with `df -h {}`", folder.display())),
        }
    }
}

fn source_hint(archive: &str) -> String {
    format!(
        "the list is as its archive signed it; tell the archive's owners, or take source `{archive}` out of the stack file and run `longshore lock`"
    )
}

/// What is wrong with a field; `build` adds where.
enum FieldProblem {
    Relation(RelationError),
    Version(VersionError),
}

impl Index {
    /// The id of a name that is a package, is provided, or is depended upon.
    pub fn name(&self, name: &str) -> Option<NameId> {
        let (mut low, mut high) = (0, self.name_count());
        while low < high {
            let middle = low + (high - low) / 2;
            match self.string(middle).cmp(name) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return Some(NameId(middle)),
            }
        }
        None
    }

    /// All names, sorted.
    pub fn names(&self) -> impl Iterator<Item = NameId> + use<> {
        (0..self.name_count()).map(NameId)
    }

    /// The text of a name.
    pub fn name_text(&self, name: NameId) -> &str {
        self.string(name.0)
    }

    /// The packages of that name: later versions first, equal versions in the order of the lists.
    pub fn packages(&self, name: NameId) -> impl Iterator<Item = Package<'_>> {
        let range = self.word(NAMES, name.0)..self.word(NAMES, name.0 + 1).min(self.package_count());
        range.map(|at| self.package(PackageIndex(at)))
    }

    /// The packages that provide a name, with the version that they provide.
    pub fn providers(&self, name: NameId) -> impl Iterator<Item = (Package<'_>, Option<&str>)> {
        let end = (self.section(PROVIDERS).len() / 8) as u32;
        let range = self.word(PROVIDED, name.0)..self.word(PROVIDED, name.0 + 1).min(end);
        range.filter_map(|at| {
            let (package, version) = (self.word(PROVIDERS, at * 2), self.word(PROVIDERS, at * 2 + 1));
            (package < self.package_count())
                .then(|| (self.package(PackageIndex(package)), self.optional_string(version)))
        })
    }

    /// When apt, reading the same lists in the same order, would have met that name first: only the order counts.
    pub fn rank(&self, name: NameId) -> u32 {
        self.word(RANKS, name.0)
    }

    /// One package.
    pub fn package(&self, at: PackageIndex) -> Package<'_> {
        Package::new(self, at)
    }

    /// How many packages there are; their indexes are the numbers below.
    pub fn package_count(&self) -> u32 {
        (self.section(PACKAGES).len() / (package::RECORD as usize * 4)) as u32
    }

    /// How many names there are.
    pub fn name_count(&self) -> u32 {
        (self.section(RANKS).len() / 4) as u32
    }

    /// The sections of a body, or none where they do not lie in it.
    fn from_body(body: Vec<u8>) -> Option<Self> {
        let mut sections = [Section::default(); SECTIONS];
        let mut start = SECTIONS * 4;
        for (at, section) in sections.iter_mut().enumerate() {
            let length = u32::from_le_bytes(body.get(at * 4..at * 4 + 4)?.try_into().ok()?) as usize;
            let end = start.checked_add(length)?;
            *section = Section { start, end };
            start = end;
        }
        (start == body.len()).then_some(Self { body, sections })
    }

    fn section(&self, section: usize) -> &[u8] {
        let Section { start, end } = self.sections[section];
        self.body.get(start..end).unwrap_or_default()
    }

    /// Zero where there is none: a checked file has no such place.
    fn word(&self, section: usize, at: u32) -> u32 {
        let at = at as usize * 4;
        let bytes = self.section(section).get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
        bytes.map_or(0, u32::from_le_bytes)
    }

    fn string(&self, id: u32) -> &str {
        let range = self.word(OFFSETS, id) as usize..self.word(OFFSETS, id.saturating_add(1)) as usize;
        let bytes = self.section(TEXT).get(range).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }

    fn optional_string(&self, id: u32) -> Option<&str> {
        (id != NONE).then(|| self.string(id))
    }
}

#[cfg(test)]
mod tests;
