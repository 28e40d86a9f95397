//! `stack.lock`: every input by digest. See `docs/concepts/lock.md` for the goals of its format.

mod compare;
mod images;
mod layout;
mod nix;
mod parse;
mod pins;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use longshore_oci::{Content, PackageId, Platform, StorePath};

use crate::diagnostic::Diagnostic;
use crate::model::{AptLocation, Consumer, Keyring, Requirement, SourceSpec, Stack};

pub use compare::Change;
pub use images::{LockedImage, LockedLayer, LockedManifest};
pub use layout::{Changes, LayoutLayer};
pub use nix::{AboutStorePath, LockedNix, LockedStorePath};
pub use parse::parse;

/// The breaking version of the format that this longshore reads and writes.
pub const VERSION: u32 = 1;
/// The highest compatible revision of the format that this longshore writes; higher ones are read, what is new in them
/// ignored. A lock is written in the lowest revision that has all it says: 2 has `profile`, 3 has `[[image]]`, 4 has `[[nix]]`, 5 has
/// `[[layer]]`.
pub const REVISION: u32 = 5;
/// Most bytes of a lock file that are read.
pub const MAX_BYTES: u64 = 64 << 20;

/// The lock of a stack.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lock {
    /// The rules by which bytes of images are made; another number may give other digests from the same inputs.
    pub assembler: u32,
    /// The profile of the stack file that it was made for; none where there are no profiles.
    pub profile: Option<String>,
    /// What each source of the stack file said when locked, by its name: see [`SourceSpec::definition`].
    pub sources: BTreeMap<String, Vec<String>>,
    /// Releases of apt sources, sorted by source and suite.
    pub releases: Vec<LockedRelease>,
    /// Packages by identity.
    pub packages: BTreeMap<PackageId, LockedPackage>,
    /// Closures, sorted by consumer and platform.
    pub closures: Vec<LockedClosure>,
    /// Files of `[url.*]`, sorted by name and platform.
    pub urls: Vec<LockedUrl>,
    /// Images of others, by their name as the stack file writes it.
    pub images: BTreeMap<String, LockedImage>,
    /// What was asked of Nix, sorted by installable and platform.
    pub nix: Vec<LockedNix>,
    /// Paths of the Nix store, closed: what any of them refers to is here too.
    pub store_paths: BTreeMap<StorePath, LockedStorePath>,
    /// Lines that no `go.sum` of the stack has: published modules that are built, Go releases (Go modules reference,
    /// "go.sum files").
    pub go_sums: BTreeSet<String>,
    /// How the images were cut into layers last, by platform (`linux/amd64`); each sorted.
    pub layouts: BTreeMap<String, Vec<LayoutLayer>>,
    /// How often inputs changed.
    pub changes: Changes,
}

impl Lock {
    /// The lock as far as it is about `platforms`, with nothing of what Nix said.
    pub fn without_nix_on(self, platforms: &[Platform]) -> Self {
        let asked: BTreeSet<String> = platforms.iter().map(ToString::to_string).collect();
        let mut lock = Self { nix: Vec::new(), store_paths: BTreeMap::new(), ..self };
        lock.closures.retain(|closure| asked.contains(&closure.platform));
        for image in lock.images.values_mut() {
            image.platforms.retain(|platform, _| asked.contains(platform));
        }
        lock
    }
}

/// One file of `[url.*]`, as it was when locked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedUrl {
    /// The table's name in the stack file.
    pub name: String,
    /// `linux/amd64`; none where one file is for all platforms.
    pub platform: Option<String>,
    /// The address that the stack file gave; another one makes the pin stale.
    pub url: String,
    /// Its bytes.
    pub content: Content,
}

/// One suite of an apt source, as it was when locked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LockedRelease {
    /// The source's name in the stack file.
    pub source: String,
    /// The suite as asked for.
    pub suite: String,
    /// Its codename, from the release file.
    pub codename: String,
    /// Seconds since 1970, from its `Date`.
    pub date: u64,
    /// The signed release file.
    pub release: Content,
    /// Fingerprints of the keys that signed it and were trusted, sorted.
    pub signed_by: Vec<String>,
}

/// One package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedPackage {
    /// Relative to the archive's address.
    pub path: String,
    /// Its bytes.
    pub content: Content,
    /// Names of packages it brought with it, in any closure, sorted.
    pub depends: Vec<String>,
}

/// The packages of one image, or of one build's toolchain, on one platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedClosure {
    /// Whose they are.
    pub consumer: Consumer,
    /// `linux/amd64`.
    pub platform: String,
    /// What it was resolved for; when the stack file asks for something else, the closure is stale.
    pub requires: Vec<Requirement>,
    /// What it came to, sorted.
    pub packages: Vec<PackageId>,
}

/// Why a lock can't be used.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// It can't be read.
    #[error("can't read the lock")]
    Unreadable(#[source] std::io::Error),
    /// Its format is of a later, breaking version.
    #[error("`{path}` has format version {found}; this longshore knows versions up to {VERSION}")]
    Future {
        /// The lock file.
        path: String,
        /// Its version.
        found: u32,
    },
    /// It was made for another profile of the stack file.
    #[error("`{}` {}, and {} is wanted", file_name(wanted.as_deref()), made_for(found.as_deref()), named(wanted.as_deref()))]
    OtherProfile {
        /// The profile that it was made for.
        found: Option<String>,
        /// The one that it is read for.
        wanted: Option<String>,
    },
    /// It is not what longshore wrote.
    #[error("the lock is damaged")]
    Damaged(#[source] Box<Diagnostic>),
}

impl LockError {
    /// What to do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unreadable(_) => None,
            Self::Future { .. } => Some(
                "it was written by a newer longshore: update longshore; or delete the lock and run `longshore lock`, \
                 which takes today's versions of everything"
                    .to_owned(),
            ),
            Self::OtherProfile { wanted, .. } => {
                let keep = match wanted {
                    Some(name) => format!("write `profile = \"{name}\"` below its `assembler`"),
                    None => "take the line `profile = …` out of it".to_owned(),
                };
                Some(format!("delete it, or keep what it pins: {keep}; then run `longshore lock`"))
            }
            Self::Damaged(diagnostic) => diagnostic.help.clone(),
        }
    }
}

/// What the lock of a profile is called, beside the stack file; `stack.lock` without one.
pub fn file_name(profile: Option<&str>) -> String {
    match profile {
        Some(name) => format!("stack.{name}.lock"),
        None => "stack.lock".to_owned(),
    }
}

fn named(profile: Option<&str>) -> String {
    profile.map_or_else(|| "one without a profile".to_owned(), |name| format!("that of profile `{name}`"))
}

fn made_for(profile: Option<&str>) -> String {
    profile.map_or_else(
        || "holds the lock of a stack without profiles".to_owned(),
        |name| format!("holds the lock of profile `{name}`"),
    )
}

impl Lock {
    /// The lock, if it was made for `profile`.
    pub fn for_profile(self, profile: Option<&str>) -> Result<Self, LockError> {
        match self.profile.as_deref() == profile {
            true => Ok(self),
            false => {
                let wanted = profile.map(str::to_owned);
                Err(LockError::OtherProfile { found: self.profile, wanted })
            }
        }
    }

    /// What the file is called that it belongs into.
    pub fn file_name(&self) -> String {
        file_name(self.profile.as_deref())
    }

    /// The lowest revision of the format that has all that this lock says, so that what is as it was is written as it was.
    fn revision(&self) -> u32 {
        match (self.nix.is_empty(), self.images.is_empty(), &self.profile) {
            _ if !self.layouts.is_empty() || self.changes.updates > 0 => REVISION,
            (false, ..) => 4,
            (true, false, _) => 3,
            (true, true, Some(_)) => 2,
            (true, true, None) => 1,
        }
    }
}

/// Reads the lock at `path`, at most [`MAX_BYTES`]; none when there is no such file.
pub fn read(path: &Path) -> Result<Option<Lock>, LockError> {
    let file = match fs_err::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(LockError::Unreadable(error)),
    };
    let bytes = longshore_oci::read_bounded(file, MAX_BYTES).map_err(LockError::Unreadable)?;
    let text = String::from_utf8(bytes).map_err(|error| {
        LockError::Unreadable(std::io::Error::new(std::io::ErrorKind::InvalidData, error))
    })?;
    parse(&text, path).map(Some)
}

impl SourceSpec {
    /// What of it decides which packages are taken and who must have signed them, a fact a line: `suite trixie`.
    /// Written into the lock, so that a changed source makes the lock stale.
    pub fn definition(&self) -> Vec<String> {
        let Self::Apt(apt) = self;
        let mut facts = vec![match &apt.location {
            AptLocation::Distribution(name) => format!("distribution {name}"),
            AptLocation::Url(url) => format!("url {url}"),
        }];
        facts.extend(apt.suites.iter().map(|suite| format!("suite {suite}")));
        facts.extend(apt.components.iter().map(|component| format!("component {component}")));
        facts.push(match &apt.keyring {
            Keyring::Shipped(name) => format!("keyring {name}"),
            Keyring::Path(path) => format!("keyring-file {path}"),
        });
        facts.extend(apt.signed_by.iter().map(|fingerprint| format!("signed-by {fingerprint}")));
        facts.extend(apt.prefer.iter().map(|(name, package)| format!("prefer {name} = {package}")));
        facts
    }
}

impl Stack {
    /// What [`Lock::sources`] holds for this stack.
    pub fn source_definitions(&self) -> BTreeMap<String, Vec<String>> {
        self.sources.iter().map(|(name, source)| (name.clone(), source.definition())).collect()
    }
}
