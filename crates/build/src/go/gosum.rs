//! `go.sum` files (Go modules reference, "go.sum files"): what each module's zip and `go.mod` must be.

use std::collections::BTreeMap;
use std::fmt;

use longshore_oci::{Tree, TreePath};
use serde::{Deserialize, Serialize};

use super::module::ModuleVersion;

/// Most bytes of a `go.sum` that are read.
pub(super) const MAX_SIZE: u64 = 64 << 20;

/// The `h1:` sums of module zips and of `go.mod` files. Also the form of a build's pins in the lock file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GoSum {
    /// By `PATH VERSION` of a zip and `PATH VERSION/go.mod`, as in the file.
    sums: BTreeMap<String, String>,
}

/// A line that no `go.sum` has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: expected `MODULE VERSION h1:SUM`, found `{found}`")]
pub struct GoSumError {
    /// Its number from one.
    pub line: usize,
    /// What is there, shortened.
    pub found: String,
}

/// One of the two files of a module that have a sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// All its files.
    Zip,
    /// `go.mod`.
    GoMod,
}

impl Part {
    /// How its file's name ends in a module cache.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Zip => "zip",
            Self::GoMod => "mod",
        }
    }
}

impl GoSum {
    /// Reads the text of a file. Sums of kinds other than `h1:` are passed over, as Go does.
    pub fn parse(text: &str) -> Result<Self, GoSumError> {
        let mut sums = BTreeMap::new();
        for (number, line) in text.lines().enumerate() {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words.as_slice() {
                [] => {}
                [path, version, sum] if !sum.starts_with("h1:") || sum.len() == 47 => {
                    if sum.starts_with("h1:") {
                        sums.insert(format!("{path} {version}"), (*sum).to_owned());
                    }
                }
                _ => return Err(GoSumError { line: number + 1, found: line.chars().take(100).collect() }),
            }
        }
        Ok(Self { sums })
    }

    /// The sum of a module's part.
    pub fn get(&self, module: &ModuleVersion, part: Part) -> Option<&str> {
        self.sums.get(&key(module, part)).map(String::as_str)
    }

    /// Says what a part must be.
    pub fn insert(&mut self, module: &ModuleVersion, part: Part, sum: String) {
        self.sums.insert(key(module, part), sum);
    }

    /// Adds the lines of `other`; where both say something, `other` is right.
    pub fn extend(&mut self, other: &Self) {
        self.sums.extend(other.sums.iter().map(|(name, sum)| (name.clone(), sum.clone())));
    }

    /// The lines that `other` does not have.
    pub fn without(&self, other: &Self) -> Self {
        let new = self.sums.iter().filter(|(name, sum)| other.sums.get(*name) != Some(sum));
        Self { sums: new.map(|(name, sum)| (name.clone(), sum.clone())).collect() }
    }

    /// Whether `other` says nothing else of what it speaks of.
    pub fn agrees(&self, other: &Self) -> bool {
        self.sums.iter().all(|(name, sum)| other.sums.get(name).is_none_or(|said| said == sum))
    }

    /// The lines for `path` at any version alone, or all others.
    pub fn split(&self, path: &str) -> (Self, Self) {
        let of = |name: &String| name.strip_prefix(path).is_some_and(|rest| rest.starts_with(' '));
        let (own, others) = self.sums.clone().into_iter().partition(|(name, _)| of(name));
        (Self { sums: own }, Self { sums: others })
    }

    /// The lines for files that `tree`, a module proxy's, has.
    pub fn within(&self, tree: &Tree) -> Self {
        let mut within = Self::default();
        for (module, part, sum) in self.iter() {
            let path = TreePath::new(format!("{}.{}", module.cached(), part.ending()));
            if path.is_ok_and(|path| tree.get(&path).is_some()) {
                within.insert(&module, part, sum.to_owned());
            }
        }
        within
    }

    /// Every line whose name a module can have.
    pub fn iter(&self) -> impl Iterator<Item = (ModuleVersion, Part, &str)> {
        self.sums.iter().filter_map(|(name, sum)| {
            let (path, version) = name.split_once(' ')?;
            let (version, part) = match version.strip_suffix("/go.mod") {
                Some(version) => (version, Part::GoMod),
                None => (version, Part::Zip),
            };
            Some((ModuleVersion::new(path, version).ok()?, part, sum.as_str()))
        })
    }

    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        self.sums.is_empty()
    }
}

impl fmt::Display for GoSum {
    /// The text of a file, sorted.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.sums.iter().try_for_each(|(name, sum)| writeln!(f, "{name} {sum}"))
    }
}

fn key(module: &ModuleVersion, part: Part) -> String {
    let ending = match part {
        Part::Zip => "",
        Part::GoMod => "/go.mod",
    };
    format!("{} {}{ending}", module.path(), module.version())
}
