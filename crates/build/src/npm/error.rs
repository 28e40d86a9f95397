//! Why an npm build can't be prepared.

/// Why an npm build can't be prepared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A file that npm needs is not among the files that git tracks.
    #[error("`{file}` is not in the build's `path`, or git doesn't track it")]
    Missing {
        /// `package.json` or `package-lock.json`.
        file: String,
    },
    /// There is a lock file of another program only.
    #[error(
        "the build's `path` has `{found}` and no `package-lock.json`; only npm's own lock files are read"
    )]
    OtherLock {
        /// `yarn.lock`, `pnpm-lock.yaml` …
        found: String,
    },
    /// A file is not what npm writes.
    #[error("`{file}` can't be read: {problem}")]
    Malformed {
        /// Which.
        file: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A lock file of another form.
    #[error("`{file}` has `lockfileVersion` {form}; expected 2 or 3")]
    Form {
        /// Which.
        file: String,
        /// Its form.
        form: u64,
    },
    /// Something lies outside of the project.
    #[error("`{place}` lies outside of the build's `path`")]
    Outside {
        /// As the lock or the stack file has it.
        place: String,
    },
    /// The lock doesn't have what a manifest asks for.
    #[error("`{file}` is out of date: `{manifest}` asks for `{dependency}`, the lock has none")]
    Stale {
        /// The lock.
        file: String,
        /// The manifest.
        manifest: String,
        /// What it asks for.
        dependency: String,
    },
    /// A package comes from a git repository.
    #[error("`{package}` comes from a git repository, whose files no sum in the lock covers")]
    Git {
        /// Name and version.
        package: String,
    },
    /// A package's lock entry has no sum.
    #[error("`{package}` has no `integrity` in the lock, so nothing says what its file must be")]
    NoIntegrity {
        /// Name and version.
        package: String,
    },
    /// A package's lock entry has sums, but no SHA-512.
    #[error("the `integrity` of `{package}` has no SHA-512; older sums can be forged")]
    WeakIntegrity {
        /// Name and version.
        package: String,
    },
    /// A package has a part for each platform, and the lock lacks the build machine's.
    #[error("`{package}` needs `{variant}` to run on the machine that builds, and `{file}` doesn't have it")]
    NoVariant {
        /// The package.
        package: String,
        /// Its part for this platform.
        variant: String,
        /// The lock.
        file: String,
    },
    /// The fetch left out a package.
    #[error("`{package}` was not fetched with {integrity}, which the lock wants")]
    NotFetched {
        /// What was asked for.
        package: String,
        /// Its sum.
        integrity: String,
    },
    /// What npm's cache has under a sum has another one.
    #[error("checksum mismatch for `{package}`: expected {expected}, fetched {found}")]
    Checksum {
        /// What was asked for.
        package: String,
        /// What the lock has.
        expected: String,
        /// What came.
        found: String,
    },
    /// A registry doesn't have a package, or won't give it.
    #[error("the registry doesn't give all packages of the lock: {line}")]
    Unknown {
        /// What npm says.
        line: String,
    },
    /// A registry, or the way to it, doesn't answer.
    #[error("npm packages can't be fetched: {line}")]
    Unreachable {
        /// What npm says.
        line: String,
    },
    /// No script of that name.
    #[error("`{manifest}` has no script `{script}`; it has {}", list(known))]
    UnknownScript {
        /// The manifest.
        manifest: String,
        /// What was asked for.
        script: String,
        /// What there is.
        known: Vec<String>,
    },
    /// No workspace of that name.
    #[error("`workspace = \"{workspace}\"` is no workspace of the project, which has {}", list(known))]
    UnknownWorkspace {
        /// What was asked for.
        workspace: String,
        /// What there is.
        known: Vec<String>,
    },
    /// `install-scripts` names a package that has none.
    #[error(
        "`{package}` in `install-scripts` is no package with an install script; the lock has {}",
        list(known)
    )]
    NoInstallScript {
        /// What was asked for.
        package: String,
        /// What there is.
        known: Vec<String>,
    },
}

/// What is wrong with a fetch, where what npm printed says so.
pub(super) fn explain(error: crate::Error) -> crate::Error {
    let crate::Error::Failed(failed) = &error else { return error };
    // `npm ERR! code E404`, and in the object that may follow `code: 'E404',`.
    let ends = |line: &str, code: &str| line.trim_end_matches([',', '\'']).ends_with(code);
    let codes = |codes: &[&str]| failed.tail.iter().any(|line| codes.iter().any(|code| ends(line, code)));
    // The message stands somewhere below its code.
    let telling = |line: &&String| TELLING.iter().any(|words| line.contains(words));
    let line = failed.tail.iter().find(telling).map_or_else(String::new, |line| line.trim().to_owned());
    if codes(&["E401", "E403", "E404", "ETARGET"]) {
        Error::Unknown { line }.into()
    } else if codes(&[
        "EAI_AGAIN",
        "ECONNREFUSED",
        "ECONNRESET",
        "ENOTFOUND",
        "ETIMEDOUT",
        "_CERTIFICATE",
        "_CHAIN",
    ]) {
        Error::Unreachable { line }.into()
    } else {
        error
    }
}

/// What the line of an error's message has in it.
const TELLING: [&str; 5] = ["No matching version", "Not Found", "Forbidden", "Unauthorized", "reason:"];

fn list(names: &[String]) -> String {
    match names {
        [] => String::from("none"),
        names => names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
    }
}

/// Writes a whole lock anew.
const ANEW: &str =
    "remove `node_modules` and the lock file there, then run `npm install --package-lock-only`";

impl Error {
    /// What the user can do.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Missing { file } if file == "package.json" => {
                "set `path` to the folder of the project".to_owned()
            }
            Self::Missing { file } => {
                format!("run `npm install --package-lock-only` there, then `git add {file}`")
            }
            Self::OtherLock { .. } => {
                "run `npm install --package-lock-only` there, then `git add package-lock.json`".to_owned()
            }
            Self::Malformed { file, .. } if file.ends_with("package.json") => return None,
            Self::Malformed { file, .. } => format!("run `git checkout {file}` there to have it as it was"),
            Self::Form { file, .. } => format!(
                "run `npm install --package-lock-only --lockfile-version 3` there, then `git add {file}`"
            ),
            Self::Stale { file, .. } => {
                format!("run `npm install --package-lock-only` there, then `git add {file}`")
            }
            Self::Git { .. } => {
                "use a version that a registry has, or put the package's `npm pack` into the project".to_owned()
            }
            Self::NoIntegrity { .. } | Self::WeakIntegrity { .. } | Self::NoVariant { .. } => ANEW.to_owned(),
            Self::NotFetched { .. } | Self::Checksum { .. } => {
                "the registry or a mirror of it sent another file; run `longshore build` again, and ask its owner"
                    .to_owned()
            }
            Self::Unknown { .. } | Self::Unreachable { .. } => {
                "check the registry in the project's `.npmrc` and in your own and `HTTPS_PROXY`, then run `longshore build` again"
                    .to_owned()
            }
            Self::UnknownScript { .. } | Self::UnknownWorkspace { .. } | Self::NoInstallScript { .. } => {
                return None;
            }
            Self::Outside { .. } => "set `path` to a folder that holds all of the project".to_owned(),
        })
    }
}
