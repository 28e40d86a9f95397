//! Go's own versions and their order (Go toolchains reference, "Go versions").

use std::cmp::Ordering;

/// A Go version: `1.24`, `1.24rc1`, `1.24.4`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoVersion {
    minor: u32,
    /// Language versions (`1.24`), then betas and candidates, then releases.
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Language,
    Beta(u32),
    Candidate(u32),
    Release(u32),
}

impl GoVersion {
    /// Reads a version as in a `go` line. None for what is none, and for suffixes of other distributions.
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("1.")?;
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (minor, rest) = rest.split_at(digits);
        let minor = number(minor)?;
        let stage = if rest.is_empty() {
            // Before 1.21 the first release of a language version had its name.
            if minor < 21 { Stage::Release(0) } else { Stage::Language }
        } else if let Some(patch) = rest.strip_prefix('.') {
            Stage::Release(number(patch)?)
        } else if let Some(candidate) = rest.strip_prefix("rc") {
            Stage::Candidate(number(candidate)?)
        } else {
            Stage::Beta(number(rest.strip_prefix("beta")?)?)
        };
        Some(Self { minor, stage })
    }

    /// Reads the name of a release as in a `toolchain` line, `go1.26.5`; none for `default` and names of one's own.
    pub fn of_toolchain(name: &str) -> Option<Self> {
        Self::parse(name.strip_prefix("go")?)
    }

    /// The release that is had for it: `go1.26.5`; a language version's first.
    pub fn release(&self) -> String {
        let minor = self.minor;
        match self.stage {
            Stage::Language => format!("go1.{minor}.0"),
            Stage::Beta(n) => format!("go1.{minor}beta{n}"),
            Stage::Candidate(n) => format!("go1.{minor}rc{n}"),
            Stage::Release(0) if minor < 21 => format!("go1.{minor}"),
            Stage::Release(n) => format!("go1.{minor}.{n}"),
        }
    }
}

impl PartialOrd for GoVersion {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for GoVersion {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.minor, self.stage).cmp(&(other.minor, other.stage))
    }
}

fn number(text: &str) -> Option<u32> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}
