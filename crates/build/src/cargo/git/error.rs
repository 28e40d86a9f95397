//! Why a git source can't be taken.

/// Why a git source can't be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GitError {
    /// A lock entry says no whole revision.
    #[error(
        "`{package}` comes from `{from}`, which pins no revision: expected `#` and 40 hexadecimal digits at its end"
    )]
    NoRevision {
        /// Name and version.
        package: String,
        /// Its `source`.
        from: String,
    },
    /// Cargo is too old to be given a repository without its history.
    #[error("git dependencies need Cargo {needed} or newer; the toolchain has {found}")]
    OldToolchain {
        /// The first that can.
        needed: &'static str,
        /// The toolchain's.
        found: String,
    },
    /// A repository has no such revision.
    #[error("`{url}` doesn't have the revision that `Cargo.lock` pins: {line}")]
    Unknown {
        /// Where it is, with the revision as Cargo shows it.
        url: String,
        /// What Cargo says.
        line: String,
    },
    /// A repository, or the way to it, doesn't answer.
    #[error("`{url}` can't be fetched: {line}")]
    Unreachable {
        /// Where it is, with the revision as Cargo shows it.
        url: String,
        /// What Cargo says.
        line: String,
    },
    /// The project wants git's own program for fetching, which the toolchain lacks.
    #[error("the project's settings have `net.git-fetch-with-cli`, and the toolchain has no `git`")]
    NoGit,
    /// The fetch left out an object.
    #[error("revision {revision} of `{url}` was not fetched whole: {object} is missing")]
    Missing {
        /// The repository.
        url: String,
        /// The commit.
        revision: String,
        /// Kind and name.
        object: String,
    },
    /// The fetch left out a submodule.
    #[error(
        "revision {revision} of `{url}` has the submodule `{path}`, whose commit {commit} was not fetched"
    )]
    Submodule {
        /// The repository.
        url: String,
        /// The commit.
        revision: String,
        /// Where the submodule lies.
        path: String,
        /// Its commit.
        commit: String,
    },
    /// What was fetched is not what the revision names.
    #[error("what was fetched of `{url}` is not revision {revision}: what is called {object} {found}")]
    Content {
        /// The repository.
        url: String,
        /// The commit.
        revision: String,
        /// Kind and name.
        object: String,
        /// What it is instead.
        found: String,
    },
    /// An object was made so that another one has its name.
    #[error(
        "revision {revision} of `{url}`: {object} bears the marks of an attack on SHA-1; another file has its name"
    )]
    Collision {
        /// The repository.
        url: String,
        /// The commit.
        revision: String,
        /// Kind and name.
        object: String,
    },
    /// A revision holds what it may not.
    #[error("revision {revision} of `{url}` {problem}")]
    Refused {
        /// The repository.
        url: String,
        /// The commit.
        revision: String,
        /// What.
        problem: String,
    },
}

/// What is wrong with a fetch of git sources, where what Cargo printed (`log`) says so.
pub(crate) fn explain(log: &[String]) -> Option<GitError> {
    let find = |words: &[&str]| log.iter().rfind(|line| words.iter().any(|word| line.contains(word)));
    if find(&["could not execute process `git fetch"]).is_some() {
        return Some(GitError::NoGit);
    }
    let url = find(&["Unable to update "])?.trim().strip_prefix("Unable to update ")?;
    // `registry …` where it is one.
    if url.contains(' ') {
        return None;
    }
    let url = url.to_owned();
    if let Some(line) = find(&["revspec ", "no match for id", "failed to find branch", "failed to find tag"])
    {
        return Some(GitError::Unknown { url, line: line.trim().to_owned() });
    }
    // The innermost cause comes last.
    let line = log.iter().rfind(|line| !line.trim().is_empty())?.trim().to_owned();
    Some(GitError::Unreachable { url, line })
}

impl GitError {
    /// What the user can do.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoRevision { package, .. } => format!(
                "run `cargo update --package {}` there, then `git add Cargo.lock`",
                package.split(' ').next().unwrap_or_default()
            ),
            Self::OldToolchain { .. } => {
                "name a newer toolchain in the stack file, then run `longshore update`".to_owned()
            }
            Self::Unknown { .. } => {
                "its history was rewritten; run `cargo update` there, then `git add Cargo.lock`".to_owned()
            }
            Self::Unreachable { .. } => {
                "check its address in `Cargo.toml` and `HTTPS_PROXY`, then run `longshore build` again".to_owned()
            }
            Self::NoGit => {
                "add `git` to the build's `toolchain`, or take `git-fetch-with-cli` out of `.cargo/config.toml`".to_owned()
            }
            Self::Content { .. } | Self::Missing { .. } => {
                "the server or a mirror of it sent something else; run `longshore build` again, and ask its owner"
                    .to_owned()
            }
            Self::Submodule { .. } => {
                "run `longshore build` again; if that doesn't help, Cargo doesn't follow it: ask the repository's owner"
                    .to_owned()
            }
            Self::Collision { .. } => "don't use that revision; tell the repository's owner".to_owned(),
            Self::Refused { .. } => return None,
        })
    }
}
