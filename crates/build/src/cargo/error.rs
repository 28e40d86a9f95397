//! Why a Cargo build can't be prepared.

use longshore_oci::Digest;

use super::git::{self, GitError};

/// Why a Cargo build can't be prepared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A file that Cargo needs is not among the files that git tracks.
    #[error("`{file}` is not in the build's `path`{}", if file == "Cargo.lock" { ", or git doesn't track it" } else { "" })]
    Missing {
        /// `Cargo.lock` or `Cargo.toml`.
        file: String,
    },
    /// A file is not what Cargo writes.
    #[error("`{file}` can't be read: {problem}")]
    Malformed {
        /// Which.
        file: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A lock file of a form that is not known yet.
    #[error("`Cargo.lock` has form {form}; this longshore reads up to {newest}")]
    Future {
        /// Its form.
        form: u32,
        /// The newest one known.
        newest: u32,
    },
    /// A lock file that the locked toolchain is too old for.
    #[error("`Cargo.lock` has form {form}, which Cargo reads from {needed} on; the toolchain has {found}")]
    OldToolchain {
        /// The lock's form.
        form: u32,
        /// The first Cargo that reads it.
        needed: &'static str,
        /// The toolchain's.
        found: String,
    },
    /// The lock doesn't pin what a manifest asks for.
    #[error("`Cargo.lock` is out of date: `{manifest}` asks for `{dependency}`, the lock has {found}")]
    Stale {
        /// The manifest.
        manifest: String,
        /// What it asks for, `serde ^1.0.200`.
        dependency: String,
        /// `none`, or the locked versions.
        found: String,
    },
    /// A git source can't be taken.
    #[error(transparent)]
    Git(#[from] GitError),
    /// A package comes from something that is neither a registry nor the project.
    #[error("`{package}` comes from `{from}`, expected a registry or a folder of the project")]
    Source {
        /// Name and version.
        package: String,
        /// Where it comes from.
        from: String,
    },
    /// A package's lock entry has no SHA-256.
    #[error("`{package}` has no `checksum` in `Cargo.lock`, so nothing says what its file must be")]
    NoChecksum {
        /// Name and version.
        package: String,
    },
    /// Two registries have a package of one name and version.
    #[error("`{package}` comes from two registries; one folder can't hold both")]
    TwoSources {
        /// `NAME-VERSION`.
        package: String,
    },
    /// A package of the project is not in the build's folder.
    #[error("`{package}` is a package of the project that is not in the build's `path`")]
    Outside {
        /// Its name.
        package: String,
    },
    /// A manifest leads out of the build's folder.
    #[error("`{manifest}` has `{dependency}` at `{path}`, outside of the build's `path`")]
    OutsidePath {
        /// The dependency.
        dependency: String,
        /// Where it is, relative to the manifest.
        path: String,
        /// The manifest.
        manifest: String,
    },
    /// What was fetched is not what the lock pins.
    #[error("checksum mismatch for crate `{package}`: expected {expected}, fetched {found}")]
    Checksum {
        /// `NAME-VERSION`.
        package: String,
        /// What `Cargo.lock` has.
        expected: Digest,
        /// What came.
        found: Digest,
    },
    /// The fetch left out a package.
    #[error("crate `{package}` was not fetched")]
    NotFetched {
        /// `NAME-VERSION`.
        package: String,
    },
    /// Cargo would change the lock.
    #[error("`Cargo.lock` is out of date: {line}")]
    OutOfDate {
        /// What Cargo says.
        line: String,
    },
    /// A registry, or the way to it, doesn't answer.
    #[error("crates can't be fetched: {line}")]
    Unreachable {
        /// What Cargo says.
        line: String,
    },
    /// Rust's standard library for another platform is not in the toolchain.
    #[error("the toolchain has no Rust standard library for `{platform}`")]
    NoStd {
        /// The platform.
        platform: String,
    },
    /// A tool that brings `rustc` has no standard library for what is built.
    #[error("the tool `{tool}` has no Rust standard library for `{triple}`")]
    NoStdInTool {
        /// The tool.
        tool: String,
        /// Rust's target triple.
        triple: String,
    },
    /// musl is wanted of packages.
    #[error(
        "`linkage = \"musl\"` needs Rust's standard library for `{triple}`, which none of the toolchain's packages has"
    )]
    NoMusl {
        /// Rust's target triple.
        triple: String,
    },
    /// A `.crate` file holds what it may not.
    #[error("crate `{package}` can't be unpacked: {problem}")]
    Archive {
        /// `NAME-VERSION`.
        package: String,
        /// What, with its path.
        problem: String,
    },
    /// No package of that name is in the project.
    #[error("`package = \"{package}\"` is no package of the project, which has {}", list(known))]
    UnknownPackage {
        /// What was asked for.
        package: String,
        /// What there is.
        known: Vec<String>,
    },
    /// There is nothing to build.
    #[error("{of} has no programs")]
    NoBins {
        /// Of which package.
        of: String,
    },
    /// No program of that name.
    #[error("`{bin}` is no program of the project's, which has {}", list(known))]
    UnknownBin {
        /// What was asked for.
        bin: String,
        /// What there is.
        known: Vec<String>,
    },
    /// Rust isn't built for that platform.
    #[error("Rust has no target for `{platform}`")]
    Platform {
        /// The platform.
        platform: String,
    },
}

/// What is wrong with a fetch, where what Cargo printed says so.
pub(super) fn explain(error: crate::Error) -> crate::Error {
    let crate::Error::Failed(failed) = &error else { return error };
    let line = |words: &[&str]| {
        let found = failed.tail.iter().find(|line| words.iter().any(|word| line.contains(word)));
        found.map(|line| line.trim().to_owned())
    };
    if let Some(line) = line(&["needs to be updated", "cannot update the lock file"]) {
        return Error::OutOfDate { line }.into();
    }
    if let Some(error) = git::explain(&failed.tail) {
        return Error::Git(error).into();
    }
    // In this order: libcurl's own words say more than Cargo's.
    match line(&OF_CURL).or_else(|| line(&["failed to download", "failed to get successful HTTP"])) {
        Some(line) => Error::Unreachable { line }.into(),
        None => error,
    }
}

/// How libcurl says that something doesn't answer as it should.
const OF_CURL: [&str; 7] = [
    "Could not resolve",
    "Couldn't connect",
    "Could not connect",
    "Failed to connect",
    "Timeout was reached",
    "SSL",
    "CONNECT tunnel failed",
];

fn list(names: &[String]) -> String {
    match names {
        [] => String::from("none"),
        names => names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
    }
}

impl Error {
    /// What the user can do.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Git(error) => return error.hint(),
            Self::Missing { file } if file == "Cargo.lock" => {
                "run `cargo generate-lockfile` there, then `git add Cargo.lock`".to_owned()
            }
            Self::Missing { .. } => "set `path` to the folder of the workspace".to_owned(),
            Self::Malformed { file, .. } if file == "Cargo.lock" => {
                "run `git checkout Cargo.lock` there, or `cargo generate-lockfile` to make a new one".to_owned()
            }
            Self::Future { .. } => {
                "update longshore, or make the lock again with `cargo generate-lockfile` of an older Cargo".to_owned()
            }
            Self::OldToolchain { .. } => {
                "name a newer toolchain in the stack file, then run `longshore update`".to_owned()
            }
            Self::Unreachable { .. } => {
                "check the registry in the project's `.cargo/config.toml`, in your own, and `HTTPS_PROXY`, then run `longshore build` \
                 again"
                    .to_owned()
            }
            Self::NoStd { platform } => {
                format!("take `{platform}` out of `platforms`, or run `longshore build` on a machine of that platform")
            }
            Self::NoStdInTool { tool, triple } => {
                format!("put Rust's `rust-std` for it into `{tool}`, so that it has `lib/rustlib/{triple}`")
            }
            Self::NoMusl { triple } => format!(
                "add a tool to `toolchain` that has `bin/cargo`, `bin/rustc` and `lib/rustlib/{triple}`, or take \
                 `linkage = \"static\"`"
            ),
            Self::Stale { .. } | Self::OutOfDate { .. } => "run `cargo update --workspace` there, then `git add Cargo.lock`".to_owned(),
            Self::NoChecksum { .. } => "run `cargo generate-lockfile` with a current Cargo".to_owned(),
            Self::TwoSources { package } => format!("run `cargo tree --invert {package}` to see who asks for which"),
            Self::Outside { .. } | Self::OutsidePath { .. } => {
                "set `path` to a folder that holds all of it, and name the one to build with `package`".to_owned()
            }
            Self::Checksum { .. } => {
                "the registry or a mirror of it sent another file; run `longshore build` again, and ask its owner"
                    .to_owned()
            }
            Self::NoBins { .. } => "name a package that has some with `package` in the stack file".to_owned(),
            _ => return None,
        })
    }
}
