//! One package in the index, read from its record when asked.

use longshore_oci::{Content, Digest, PackageId};

use super::{Index, NONE, NameId, PACKAGES, PackageIndex, RELATIONS, SUITES};
use crate::deb::relation::Comparison;

// Words of a record.
pub(super) const NAME: u32 = 0;
pub(super) const VERSION: u32 = 1;
pub(super) const ARCHITECTURE: u32 = 2;
pub(super) const FLAGS: u32 = 3;
pub(super) const SECTION: u32 = 4;
pub(super) const SOURCE_NAME: u32 = 5;
pub(super) const SOURCE_VERSION: u32 = 6;
pub(super) const FOLDER: u32 = 7;
pub(super) const FILE: u32 = 8;
pub(super) const SIZE: u32 = 9;
pub(super) const INSTALLED_SIZE: u32 = 11;
pub(super) const SUITE: u32 = 12;
pub(super) const PRE_DEPENDS: u32 = 13;
pub(super) const DEPENDS: u32 = 14;
pub(super) const CONFLICTS: u32 = 15;
pub(super) const BREAKS: u32 = 16;
pub(super) const RELATIONS_END: u32 = 17;
pub(super) const SHA256: u32 = 18;
pub(super) const RECORD: u32 = 26;

// Bits of the flags.
pub(super) const ESSENTIAL: u32 = 1;
pub(super) const PROTECTED: u32 = 2;
pub(super) const MULTI_ARCH_SHIFT: u32 = 2;
pub(super) const PRIORITY_SHIFT: u32 = 4;

// The low bits of an alternative's word; the name is above them.
pub(super) const LAST: u32 = 1;
pub(super) const COMPARISON_SHIFT: u32 = 1;
pub(super) const OTHER_ARCHITECTURE: u32 = 6;
pub(super) const NAME_SHIFT: u32 = 4;

/// The comparisons, by their code less one; zero stands for any version.
pub(super) const COMPARISONS: [Comparison; 5] = [
    Comparison::Earlier,
    Comparison::EarlierOrEqual,
    Comparison::Exactly,
    Comparison::LaterOrEqual,
    Comparison::Later,
];

/// One package of an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Package<'i> {
    index: &'i Index,
    at: PackageIndex,
}

/// One alternative of a relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alternative<'i> {
    /// The name.
    pub name: NameId,
    /// What of it.
    pub wanted: Wanted<'i>,
}

/// What an alternative takes of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted<'i> {
    /// Any version.
    Any,
    /// Some versions.
    Version(Comparison, &'i str),
    /// A package of another architecture, which is never there.
    OtherArchitecture,
}

/// The field `Multi-Arch`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MultiArch {
    /// `no`, or nothing.
    No,
    /// `same`
    Same,
    /// `foreign`
    Foreign,
    /// `allowed`
    Allowed,
}

/// The field `Priority`; the more important ones are smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// `required`
    Required,
    /// `important`
    Important,
    /// `standard`
    Standard,
    /// `optional`
    Optional,
    /// `extra`
    Extra,
    /// Nothing, or something else.
    Unknown,
}

impl<'i> Package<'i> {
    pub(super) fn new(index: &'i Index, at: PackageIndex) -> Self {
        Self { index, at }
    }

    fn word(&self, field: u32) -> u32 {
        self.index.word(PACKAGES, self.at.0.saturating_mul(RECORD).saturating_add(field))
    }

    fn string(&self, field: u32) -> &'i str {
        self.index.string(self.word(field))
    }

    /// Its place in the index.
    pub fn at(&self) -> PackageIndex {
        self.at
    }

    /// The id of its name.
    pub fn name_id(&self) -> NameId {
        NameId(self.word(NAME))
    }

    /// Its name.
    pub fn name(&self) -> &'i str {
        self.string(NAME)
    }

    /// Its version.
    pub fn version(&self) -> &'i str {
        self.string(VERSION)
    }

    /// Its architecture, `all` included.
    pub fn architecture(&self) -> &'i str {
        self.string(ARCHITECTURE)
    }

    /// The source, by the stack file's name of it.
    pub fn source(&self) -> &'i str {
        self.index.string(self.index.word(SUITES, self.word(SUITE).saturating_mul(2)))
    }

    /// The suite; where several have the same package, the first.
    pub fn suite(&self) -> &'i str {
        self.index.string(self.index.word(SUITES, self.word(SUITE).saturating_mul(2).saturating_add(1)))
    }

    /// The field `Section`, empty where there is none.
    pub fn section(&self) -> &'i str {
        self.string(SECTION)
    }

    /// The name of the source package.
    pub fn source_package(&self) -> &'i str {
        self.string(SOURCE_NAME)
    }

    /// The version of the source package.
    pub fn source_version(&self) -> &'i str {
        self.string(SOURCE_VERSION)
    }

    /// Whether a system is thought not to work without it: `Essential: yes`.
    pub fn is_essential(&self) -> bool {
        self.word(FLAGS) & ESSENTIAL != 0
    }

    /// Whether it is `Protected: yes` or `Important: yes`.
    pub fn is_protected(&self) -> bool {
        self.word(FLAGS) & PROTECTED != 0
    }

    /// The field `Multi-Arch`.
    pub fn multi_arch(&self) -> MultiArch {
        match self.word(FLAGS) >> MULTI_ARCH_SHIFT & 3 {
            0 => MultiArch::No,
            1 => MultiArch::Same,
            2 => MultiArch::Foreign,
            _ => MultiArch::Allowed,
        }
    }

    /// The field `Priority`.
    pub fn priority(&self) -> Priority {
        match self.word(FLAGS) >> PRIORITY_SHIFT {
            0 => Priority::Required,
            1 => Priority::Important,
            2 => Priority::Standard,
            3 => Priority::Optional,
            4 => Priority::Extra,
            _ => Priority::Unknown,
        }
    }

    /// Where its file is, relative to the archive's address.
    pub fn path(&self) -> String {
        match self.index.optional_string(self.word(FILE)) {
            Some(path) => path.to_owned(),
            None => {
                format!(
                    "{}/{}",
                    self.string(FOLDER),
                    file_name(self.name(), self.version(), self.architecture())
                )
            }
        }
    }

    /// Its file's bytes.
    pub fn content(&self) -> Content {
        let mut digest = [0; 32];
        for (bytes, field) in digest.chunks_exact_mut(4).zip(SHA256..) {
            bytes.copy_from_slice(&self.word(field).to_le_bytes());
        }
        let size = u64::from(self.word(SIZE)) | u64::from(self.word(SIZE + 1)) << 32;
        Content { digest: Digest::from_bytes(digest), size }
    }

    /// The field `Installed-Size` in KiB, zero where there is none.
    pub fn installed_kib(&self) -> u32 {
        self.word(INSTALLED_SIZE)
    }

    /// Its identity in locks.
    pub fn id(&self) -> PackageId {
        PackageId {
            source: self.source().to_owned(),
            name: self.name().to_owned(),
            version: self.version().to_owned(),
            architecture: self.architecture().to_owned(),
        }
    }

    /// The groups of `Pre-Depends`, then of `Depends`; in each, one alternative is needed.
    pub fn depends(&self) -> Groups<'i> {
        self.groups(PRE_DEPENDS, CONFLICTS)
    }

    /// What can't be installed beside it: `Conflicts`, then `Breaks`, each a group of one.
    pub fn conflicts(&self) -> impl Iterator<Item = Alternative<'i>> + use<'i> {
        self.groups(CONFLICTS, RELATIONS_END).flatten()
    }

    /// The part of [`Package::conflicts`] that is `Breaks`.
    pub fn breaks(&self) -> impl Iterator<Item = Alternative<'i>> + use<'i> {
        self.groups(BREAKS, RELATIONS_END).flatten()
    }

    fn groups(&self, from: u32, to: u32) -> Groups<'i> {
        let words = (self.index.section(RELATIONS).len() / 4) as u32;
        Groups { index: self.index, at: self.word(from), end: self.word(to).min(words) }
    }
}

/// The file name that archives give a package: its version without epoch.
pub(super) fn file_name(name: &str, version: &str, architecture: &str) -> String {
    let version = version.split_once(':').map_or(version, |(_, rest)| rest);
    format!("{name}_{version}_{architecture}.deb")
}

/// Groups of alternatives.
#[derive(Debug, Clone)]
pub struct Groups<'i> {
    index: &'i Index,
    at: u32,
    end: u32,
}

impl<'i> Iterator for Groups<'i> {
    type Item = Vec<Alternative<'i>>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut group = Vec::new();
        while self.at < self.end {
            let word = self.index.word(RELATIONS, self.at);
            self.at += 1;
            let wanted = match word >> COMPARISON_SHIFT & 7 {
                0 => Wanted::Any,
                code => match COMPARISONS.get(code as usize - 1) {
                    None => Wanted::OtherArchitecture,
                    Some(comparison) => {
                        let version = self.index.word(RELATIONS, self.at);
                        self.at += 1;
                        Wanted::Version(*comparison, self.index.string(version))
                    }
                },
            };
            let name = NameId((word >> NAME_SHIFT).min(self.index.name_count().saturating_sub(1)));
            group.push(Alternative { name, wanted });
            if word & LAST != 0 {
                break;
            }
        }
        (!group.is_empty()).then_some(group)
    }
}

const _: () = assert!(NONE as u64 > (super::build::LIMIT as u64));
