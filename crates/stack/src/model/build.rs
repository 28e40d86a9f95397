//! Hermetic builds and pinned archives, checked.

use std::collections::{BTreeMap, BTreeSet};

use longshore_oci::{Digest, Platform};
use serde::{Deserialize, Serialize};

use super::{ContentSpec, Destination, ImageSpec, PackageRequest};

/// A hermetic build: locked inputs in, a tree out, no network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildSpec {
    /// What is built, and how.
    pub kind: BuildKind,
    /// Where compilers come from.
    pub toolchain: Toolchain,
    /// Environment besides what longshore sets.
    pub env: BTreeMap<String, String>,
    /// What it may use up.
    pub limits: Limits,
}

/// What is built, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum BuildKind {
    /// A Go module.
    Go(GoBuild),
    /// A Cargo package.
    Cargo(CargoBuild),
    /// An npm package.
    Npm(NpmBuild),
    /// Any commands.
    Command(CommandBuild),
}

/// Where compilers come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Toolchain {
    /// Locked inputs, for the platform that builds.
    Locked {
        /// Packages of a source with their closures; the kind's usual ones unless said.
        packages: Vec<PackageRequest>,
        /// Trees whose programs come before those of the packages, in the order of the search path. No two have one name.
        tools: Vec<Tool>,
    },
    /// Whatever the machine has: `toolchain = "host"`. Said in the provenance, refused by `--hermetic`.
    Host,
}

/// A tree of programs that a build runs on besides packages.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Tool {
    /// What another build made, by its name.
    Build(String),
    /// A pinned archive, by its name in `[url.*]`.
    Url(String),
}

impl Tool {
    /// The name of the build or archive, under which builds see it.
    pub fn name(&self) -> &str {
        match self {
            Self::Build(name) | Self::Url(name) => name,
        }
    }
}

impl ImageSpec {
    /// The builds that it takes something from, by name.
    pub fn builds(&self) -> BTreeSet<&str> {
        let contents = self.contents.iter().filter_map(|content| match content {
            ContentSpec::Build(request) => Some(request.name.as_str()),
            _ => None,
        });
        contents.collect()
    }
}

impl BuildSpec {
    /// The trees of its toolchain, in the order of the search path.
    pub fn tools(&self) -> &[Tool] {
        match &self.toolchain {
            Toolchain::Locked { tools, .. } => tools,
            Toolchain::Host => &[],
        }
    }

    /// The builds that it takes as tools: made for the platform that builds, whatever it builds for.
    pub fn tool_builds(&self) -> impl Iterator<Item = &str> {
        self.tools().iter().filter_map(|tool| match tool {
            Tool::Build(name) => Some(name.as_str()),
            Tool::Url(_) => None,
        })
    }

    /// The builds whose output is among its inputs: made for the platform that it builds for.
    pub fn input_builds(&self) -> impl Iterator<Item = &str> {
        let inputs = match &self.kind {
            BuildKind::Command(command) => command.inputs.as_slice(),
            BuildKind::Go(_) | BuildKind::Cargo(_) | BuildKind::Npm(_) => &[],
        };
        inputs.iter().filter_map(|input| match input {
            BuildInput::Build { build, .. } => Some(build.as_str()),
            BuildInput::Path { .. } | BuildInput::Url { .. } => None,
        })
    }
}

/// What a build may use up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Seconds of wall time; an hour unless said.
    pub seconds: u64,
    /// Bytes of memory; none for no limit.
    pub memory: Option<u64>,
    /// Bytes that it may leave in its output; 8 GiB unless said.
    pub output: u64,
}

/// A Go module's programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoBuild {
    /// Which module.
    pub source: GoSource,
    /// Packages with a `main`, as `go build` takes them (`./cmd/loki`); `.` unless said.
    pub packages: Vec<String>,
    /// Build tags.
    pub tags: Vec<String>,
    /// More `-ldflags`: version stamps.
    pub ldflags: Vec<String>,
    /// Whether C is linked in; off unless said.
    pub cgo: Cgo,
}

/// Where a Go module is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum GoSource {
    /// A folder beside the stack file that holds `go.mod`.
    Path(String),
    /// A published module.
    Module {
        /// Its path.
        path: String,
        /// Its version, `v1.2.3`.
        version: String,
        /// The `h1:` sums of its zip and its `go.mod`, where the checksum database doesn't know it.
        sums: Option<GoSums>,
    },
}

/// The `h1:` sums of a module version (Go module reference, "go.sum files").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoSums {
    /// Of the zip.
    pub zip: String,
    /// Of `go.mod`.
    pub go_mod: String,
}

/// `CGO_ENABLED`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cgo {
    /// 0.
    Off,
    /// 1.
    On,
}

/// A Cargo package's programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CargoBuild {
    /// The folder beside the stack file that holds `Cargo.lock`.
    pub path: String,
    /// Which member of a workspace; the root package when not said.
    pub package: Option<String>,
    /// Binaries; all when empty.
    pub bins: Vec<String>,
    /// Features.
    pub features: Vec<String>,
    /// Whether the default features are on.
    pub default_features: DefaultFeatures,
    /// Profile; `release` unless said.
    pub profile: String,
    /// How C libraries are linked.
    pub linkage: Linkage,
}

/// Cargo's default features.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DefaultFeatures {
    /// Kept.
    On,
    /// `--no-default-features`.
    Off,
}

/// How C libraries are linked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Linkage {
    /// Against the C library of the image.
    Dynamic,
    /// Into the program (`+crt-static`).
    Static,
    /// Into the program, and the C library is musl: Rust's `*-linux-musl` targets.
    Musl,
}

/// An npm package's output folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NpmBuild {
    /// The folder beside the stack file that holds `package-lock.json`.
    pub path: String,
    /// The script that is run; `build` unless said.
    pub script: String,
    /// What it leaves, relative to the folder; `dist` unless said.
    pub output: String,
    /// Which workspace; the root package when not said.
    pub workspace: Option<String>,
    /// Packages whose install scripts are run; none unless said.
    pub install_scripts: Vec<String>,
}

/// Any commands; what they leave in `/out` is the output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandBuild {
    /// Commands in order, each a program with its arguments; they start in `/build`.
    pub run: Vec<Vec<String>>,
    /// What they find where.
    pub inputs: Vec<BuildInput>,
}

/// Something a command finds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum BuildInput {
    /// A folder or file beside the stack file.
    Path {
        /// Relative to the stack file's folder.
        path: String,
        /// Where it is in the sandbox.
        to: Destination,
    },
    /// Another build's output.
    Build {
        /// Its name.
        build: String,
        /// Where it is in the sandbox.
        to: Destination,
    },
    /// A pinned archive.
    Url {
        /// Its name in `[url.*]`.
        url: String,
        /// Where it is in the sandbox.
        to: Destination,
    },
}

/// An archive or file by digest: `[url.NAME]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UrlSpec {
    /// Where it is, by platform; one entry under none for all platforms.
    pub files: BTreeMap<Option<Platform>, UrlFile>,
    /// How many leading path components of an archive are dropped.
    pub strip: u32,
    /// Whether it is taken as an archive.
    pub form: UrlForm,
}

/// One file on the network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UrlFile {
    /// Its address.
    pub url: String,
    /// What it must be, where the stack file says so; else the lock does.
    pub sha256: Option<Digest>,
}

/// What a downloaded file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UrlForm {
    /// An archive by its name's ending: tar (gz, xz, zst, bz2) or zip.
    Archive,
    /// One file, under its own name.
    File,
}

/// Part of another build's output, or of a pinned archive, in an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputRequest {
    /// The build's or archive's name.
    pub name: String,
    /// A file or folder of it, relative; all of it when not said.
    pub from: Option<String>,
    /// Where it goes.
    pub to: Destination,
    /// Permission bits of files; as they are when not said.
    pub mode: Option<u16>,
    /// `(uid, gid)`; root when not said.
    pub owner: (u32, u32),
}

/// Debian's cross compiler and C library for `platform`, as packages of any other.
pub(super) fn cross_packages(platform: &Platform) -> [String; 2] {
    let architecture = platform.debian_architecture();
    let triplet = match architecture {
        "amd64" => "x86-64-linux-gnu",
        "i386" => "i686-linux-gnu",
        "armhf" => "arm-linux-gnueabihf",
        "arm64" => "aarch64-linux-gnu",
        "ppc64el" => "powerpc64le-linux-gnu",
        "riscv64" => "riscv64-linux-gnu",
        other => return [format!("gcc-{other}-linux-gnu"), format!("libc6-dev-{other}-cross")],
    };
    [format!("gcc-{triplet}"), format!("libc6-dev-{architecture}-cross")]
}
