//! Release files: what a repository says of itself, read only from bytes whose signature was verified.
//!
//! Fields as in Debian's wiki page "DebianRepository/Format".

pub mod date;

use std::collections::BTreeMap;

use longshore_oci::{Content, Digest};
use longshore_stack::model::Expired;

use super::control::Paragraphs;
use super::openpgp::{SKEW, Signed};

/// More files than this are no release.
const MAX_FILES: usize = 1 << 20;

/// A verified release file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    suite: String,
    codename: String,
    date: u64,
    valid_until: Option<u64>,
    by_hash: bool,
    all_apart: bool,
    files: BTreeMap<String, Content>,
    signed_by: Vec<String>,
}

/// Why a verified release file is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReleaseError {
    /// A field is missing or can't be read.
    #[error("its field `{field}` {problem}")]
    Field {
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// It is the release file of another suite.
    #[error("it is the release file of suite `{suite}`, codename `{codename}`; expected `{asked}`")]
    OtherSuite {
        /// What was asked for.
        asked: String,
        /// Its `Suite`.
        suite: String,
        /// Its `Codename`.
        codename: String,
    },
    /// `Valid-Until` is past.
    #[error("it expired on {} (it is of {}): the mirror is out of date, or someone withholds newer ones", date::print(*.until), date::print(*.date))]
    Expired {
        /// Its `Valid-Until`, in seconds since 1970.
        until: u64,
        /// Its `Date`.
        date: u64,
    },
    /// `Date` is in the future.
    #[error("it is of {}, which is in the future", date::print(*.date))]
    Future {
        /// Its `Date`, in seconds since 1970.
        date: u64,
    },
    /// It is older than the one in the lock.
    #[error("it is of {}, older than the one in the lock of {}: the mirror is out of date, or someone withholds newer ones", date::print(*.date), date::print(*.locked))]
    Rollback {
        /// Its `Date`, in seconds since 1970.
        date: u64,
        /// The lock's.
        locked: u64,
    },
}

/// What a release must be like to be taken.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// Its `Suite` or `Codename`.
    pub suite: &'a str,
    /// Whether it may be past its `Valid-Until`.
    pub expired: Expired,
    /// The `Date` of the one in the lock; an older one is refused.
    pub locked: Option<u64>,
    /// Seconds since 1970.
    pub now: u64,
}

impl Release {
    /// Reads a release file and checks that it is the one that is expected.
    pub fn parse(signed: &Signed, expected: &Expected) -> Result<Self, ReleaseError> {
        let release = Self::read(signed)?;
        if ![&release.suite, &release.codename].into_iter().any(|name| name == expected.suite) {
            return Err(ReleaseError::OtherSuite {
                asked: expected.suite.to_owned(),
                suite: release.suite,
                codename: release.codename,
            });
        }
        if release.date > expected.now + SKEW {
            return Err(ReleaseError::Future { date: release.date });
        }
        match (release.valid_until, expected.expired) {
            (Some(until), Expired::Refuse) if until < expected.now => {
                return Err(ReleaseError::Expired { until, date: release.date });
            }
            _ => {}
        }
        match expected.locked {
            Some(locked) if release.date < locked => {
                Err(ReleaseError::Rollback { date: release.date, locked })
            }
            _ => Ok(release),
        }
    }

    fn read(signed: &Signed) -> Result<Self, ReleaseError> {
        let field = |field, problem| ReleaseError::Field { field, problem };
        let text = std::str::from_utf8(signed.bytes())
            .map_err(|_| field("Suite", "can't be read: the file is not UTF-8"))?;
        let mut paragraphs = Paragraphs::new(text);
        let only = paragraphs.next().and_then(Result::ok).filter(|_| paragraphs.next().is_none());
        let only =
            only.ok_or_else(|| field("Suite", "can't be read: the file is not one paragraph of fields"))?;
        let get = |name| only.get(name);
        let time = |name| {
            get(name)
                .map(|text| date::parse(text).ok_or_else(|| field(name, "is no time in UTC")))
                .transpose()
        };
        Ok(Self {
            suite: get("Suite").unwrap_or_default().to_owned(),
            codename: get("Codename").or(get("Suite")).unwrap_or_default().to_owned(),
            date: time("Date")?.ok_or_else(|| field("Date", "is missing"))?,
            valid_until: time("Valid-Until")?,
            by_hash: get("Acquire-By-Hash").is_some_and(|value| value.eq_ignore_ascii_case("yes")),
            all_apart: get("Architectures")
                .is_some_and(|list| list.split_ascii_whitespace().any(|name| name == "all"))
                && get("No-Support-for-Architecture-all").is_none_or(|value| value != "Packages"),
            files: files(get("SHA256").ok_or_else(|| field("SHA256", "is missing"))?)
                .ok_or_else(|| field("SHA256", "is not a list of digest, size and name"))?,
            signed_by: signed.signed_by().to_vec(),
        })
    }

    /// Its codename; its suite where it has none.
    pub fn codename(&self) -> &str {
        &self.codename
    }

    /// When it was made, in seconds since 1970.
    pub fn date(&self) -> u64 {
        self.date
    }

    /// Whether its files can be fetched by their digest.
    pub fn has_by_hash(&self) -> bool {
        self.by_hash
    }

    /// Whether packages of architecture `all` are in a list of their own.
    pub fn has_all_apart(&self) -> bool {
        self.all_apart
    }

    /// The file `name`, relative to the suite's folder: `main/binary-amd64/Packages.xz`.
    pub fn file(&self, name: &str) -> Option<&Content> {
        self.files.get(name)
    }

    /// Fingerprints of the keys that signed it and were trusted, sorted.
    pub fn signed_by(&self) -> &[String] {
        &self.signed_by
    }
}

fn files(list: &str) -> Option<BTreeMap<String, Content>> {
    let mut files = BTreeMap::new();
    for line in list.lines().filter(|line| !line.trim().is_empty()) {
        let mut words = line.split_ascii_whitespace();
        let digest = Digest::from_hex(words.next()?).ok()?;
        let size = words.next()?.parse().ok()?;
        files.insert(words.next()?.to_owned(), Content { digest, size });
        if files.len() > MAX_FILES || words.next().is_some() {
            return None;
        }
    }
    Some(files)
}

impl ReleaseError {
    /// What the user can do.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Expired { .. } => {
                "try another mirror; to take it nevertheless, set `allow-expired = true` for the source in stack.toml".to_owned()
            }
            Self::Future { .. } => "check this machine's clock with `date`".to_owned(),
            Self::Rollback { .. } => "try another mirror, or wait until this one has caught up".to_owned(),
            Self::OtherSuite { codename, .. } => format!("write `{codename}` in the source's `suites`, if that is what you want"),
            Self::Field { .. } => return None,
        })
    }
}
