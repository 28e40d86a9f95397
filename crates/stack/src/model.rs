//! The checked stack: what the rest of longshore works on. Only [`crate::read`] and [`crate::read_all`] make one.

mod build;
mod inherit;
mod nix;
mod others;
mod publish;
mod requirements;
mod service;
mod text;

use std::collections::BTreeMap;
use std::fmt;

use longshore_oci::{Epoch, Platform, TreePath};
use serde::{Deserialize, Serialize};

pub use build::{
    BuildInput, BuildKind, BuildSpec, CargoBuild, Cgo, CommandBuild, DefaultFeatures, GoBuild, GoSource,
    GoSums, Limits, Linkage, NpmBuild, OutputRequest, Tool, Toolchain, UrlFile, UrlForm, UrlSpec,
};

pub use inherit::{Account, AdoptError, InheritError};
pub use nix::{Installable, NixKey, NixLinks, NixRequest, NixSpec};
pub use others::{BaseSpec, ImageRequest, Inherit};
pub use publish::{CacheSpec, PublishSpec, Retention};
pub(crate) use requirements::build_platform;
pub use requirements::{Consumer, Requirement, Scope};
pub use service::{
    Condition, HealthCheck, HealthSpec, Published, Resources, Restart, Scale, SecretFormat, SecretOrigin,
    SecretSpec, ServiceFile, ServiceKind, ServiceSpec, Stop, VolumeSpec,
};
pub use text::{Part, Text};

/// A checked stack file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stack {
    /// Its name.
    pub name: String,
    /// The profile that it was read for; none where the file has no profiles.
    pub profile: Option<String>,
    /// Images are named `<repository>/<image>`; the stack's name when not said.
    pub repository: String,
    /// Released version, for the label; none when not said.
    pub version: Option<String>,
    /// The one time in every image.
    pub epoch: Epoch,
    /// Platforms, sorted.
    pub platforms: Vec<Platform>,
    /// Where packages come from, by name.
    pub sources: BTreeMap<String, SourceSpec>,
    /// Hermetic builds, by name.
    pub builds: BTreeMap<String, BuildSpec>,
    /// Pinned archives and files, by name.
    pub urls: BTreeMap<String, UrlSpec>,
    /// Where paths of the Nix store come from without Nix.
    pub nix: NixSpec,
    /// The images, by name, defaults merged in.
    pub images: BTreeMap<String, ImageSpec>,
    /// How they run, by name.
    pub services: BTreeMap<String, ServiceSpec>,
    /// Where the services' secrets come from, by name.
    pub secrets: BTreeMap<String, SecretSpec>,
    /// Components that are kept together in layers of their own, by the layer's name: names, or what stands before a `*`.
    pub layers: BTreeMap<String, Vec<String>>,
    /// How images are called in a registry, and which are kept there.
    pub publish: PublishSpec,
    /// Where machines share what they make.
    pub cache: Option<CacheSpec>,
}

/// Where packages come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum SourceSpec {
    /// An apt repository.
    Apt(AptSource),
}

/// An apt repository and the suites taken from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AptSource {
    /// `debian`: the mirror is the machine's; or an address in the stack file.
    pub location: AptLocation,
    /// Suites, in order of mention.
    pub suites: Vec<String>,
    /// Components (`main`), in order of mention.
    pub components: Vec<String>,
    /// Who must have signed it.
    pub keyring: Keyring,
    /// Fingerprints of the only keys accepted from the keyring; empty for all of it.
    pub signed_by: Vec<String>,
    /// `awk` → `mawk`: whom to take where several packages provide a name.
    pub prefer: BTreeMap<String, String>,
    /// Addresses of archives that keep old versions, tried when the mirror dropped a pinned package.
    /// `{timestamp}` stands for the lock's time of the release (`YYYYMMDDTHHMMSSZ`).
    pub snapshots: Vec<String>,
    /// Whether an expired `Valid-Until` is accepted.
    pub expired: Expired,
}

/// Where an apt repository is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AptLocation {
    /// A distribution known by name; its mirror is a setting of the machine.
    Distribution(String),
    /// An address.
    Url(String),
}

/// Where public keys come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Keyring {
    /// One shipped with longshore.
    Shipped(String),
    /// A file beside the stack file, binary or armoured.
    Path(String),
}

/// What to do with release files past their `Valid-Until`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Expired {
    /// Refuse them.
    Refuse,
    /// Take them: `allow-expired = true`.
    Accept,
}

/// One image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageSpec {
    /// The image that it builds on.
    pub base: Option<BaseSpec>,
    /// What is in it, defaults first.
    pub contents: Vec<ContentSpec>,
    /// Who runs it.
    pub user: UserSpec,
    /// Users and groups besides, sorted by name.
    pub users: Vec<UserSpec>,
    /// Program and fixed arguments.
    pub entrypoint: Vec<String>,
    /// Program, or the entrypoint's default arguments.
    pub command: Vec<String>,
    /// Environment.
    pub env: BTreeMap<String, String>,
    /// Where it starts.
    pub workdir: Option<TreePath>,
    /// OCI labels: the stack's own (`org.opencontainers.image.*`) with the stack file's on top.
    pub labels: BTreeMap<String, String>,
    /// Ports by name.
    pub ports: BTreeMap<String, PortSpec>,
    /// `SIGTERM` unless said.
    pub stop_signal: Option<String>,
    /// Empty directories that the service may write.
    pub writable: Vec<WritableSpec>,
    /// `awk` → `/usr/bin/mawk`: links that a package's scripts would have made.
    pub alternatives: BTreeMap<TreePath, String>,
    /// Certificates (PEM files beside the stack file) that are added to the CA bundle.
    pub certificates: Vec<String>,
    /// Documentation, manual pages and translations that are kept.
    pub keep: Vec<Keep>,
    /// Lint findings that are accepted.
    pub allow: Vec<Allow>,
    /// At most this many layers.
    pub max_layers: usize,
    /// The health check that is written into its configuration, for Docker.
    pub healthcheck: Option<HealthSpec>,
}

/// A user with a group of the same name and, unless said, the same number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserSpec {
    /// Name in `/etc/passwd`.
    pub name: String,
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
    /// Home directory; `/` unless said.
    pub home: String,
    /// Login shell; `/usr/sbin/nologin` unless said.
    pub shell: String,
}

/// A port the program listens on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PortSpec {
    /// Its number.
    pub number: u16,
    /// TCP unless said.
    pub protocol: Protocol,
}

impl fmt::Display for PortSpec {
    /// `8080/tcp`, as OCI's `ExposedPorts` has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let protocol = match self.protocol {
            Protocol::Tcp => "tcp",
            Protocol::Udp => "udp",
        };
        write!(f, "{}/{protocol}", self.number)
    }
}

/// Transport protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

/// An empty directory that the service may write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WritableSpec {
    /// Where.
    pub path: TreePath,
    /// Whose: a name from `user` or `users`, already resolved to `(uid, gid)`.
    pub owner: (u32, u32),
    /// Permission bits; 0750 unless said.
    pub mode: u16,
}

/// What an image keeps that is dropped by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Keep {
    /// `/usr/share/doc` beyond copyright files, `/usr/share/info`.
    Docs,
    /// `/usr/share/man`.
    Man,
    /// `/usr/share/locale`.
    Locales,
}

/// An accepted lint finding: `setuid:/usr/bin/su`, or `compiler` for all of a kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Allow {
    /// The lint's name.
    pub lint: String,
    /// What it found, exactly; none for all.
    pub subject: Option<String>,
}

/// The names of checks whose findings can be accepted with `allow`, sorted.
pub const LINTS: [&str; 16] = [
    "command",
    "compiler",
    "development",
    "flox-hook",
    "missing-interpreter",
    "missing-library",
    "override",
    "package-manager",
    "root-user",
    "secret",
    "setuid",
    "shell",
    "workdir",
    "world-writable",
    "writable",
    "wrong-architecture",
];

/// One thing in an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ContentSpec {
    /// A package with its dependency closure.
    Package(PackageRequest),
    /// Files or folders of a package and what they need.
    Slice(SliceRequest),
    /// One of longshore's fragments: `ca-certificates` (the bundle), `tzdata` (the zone database).
    Fragment(Fragment),
    /// A file beside the stack file.
    File(FileRequest),
    /// The git-tracked files of a folder beside the stack file.
    Directory(FileRequest),
    /// A file rendered with the stack's values; `text` is the result.
    Text(TextRequest),
    /// A symbolic link.
    Symlink {
        /// Its target, as written into it.
        target: String,
        /// Where it is.
        to: Destination,
    },
    /// What a build of the stack made, or a part of it.
    Build(OutputRequest),
    /// A pinned archive or file, or a part of it.
    Url(OutputRequest),
    /// Files of somebody's image, or all of them.
    Image(ImageRequest),
    /// Paths of the Nix store, with all they refer to.
    Nix(NixRequest),
    /// longshore's health probe, where a service of the image is asked over the network whether it works, or waits for one that
    /// is. No entry of the stack file: comes last.
    Probe,
}

/// A package from a source.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PackageRequest {
    /// The source's name.
    pub source: String,
    /// The package's name.
    pub package: String,
}

/// Part of a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SliceRequest {
    /// The package.
    pub package: PackageRequest,
    /// Files or folders of it, at least one.
    pub from: Vec<TreePath>,
    /// Where they go; where they were when not said.
    pub to: Option<Destination>,
    /// Files or folders of any package of the closure that are needed besides.
    pub extra: Vec<TreePath>,
}

/// What longshore makes from a package by its own rules; only that package is locked, without dependencies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fragment {
    /// Which.
    pub kind: FragmentKind,
    /// The package it is made from.
    pub package: PackageRequest,
}

/// longshore's fragments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FragmentKind {
    /// `/etc/ssl/certs/ca-certificates.crt`.
    CaCertificates,
    /// `/usr/share/zoneinfo`.
    Tzdata,
}

/// A file or folder beside the stack file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRequest {
    /// Relative to the stack file's folder.
    pub path: String,
    /// Where it goes.
    pub to: Destination,
    /// Permission bits of files; what git knows of (0755 or 0644) when not said.
    pub mode: Option<u16>,
    /// `(uid, gid)`; root when not said.
    pub owner: (u32, u32),
}

/// A file whose text is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextRequest {
    /// The template's path, for its origin; none for text written in the stack file.
    pub template: Option<String>,
    /// The bytes.
    pub text: String,
    /// Where it goes.
    pub to: Destination,
    /// Permission bits; 0644 when not said.
    pub mode: u16,
    /// `(uid, gid)`; root when not said.
    pub owner: (u32, u32),
}

/// Where something goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Destination {
    /// Under its own name into this folder: written with a trailing slash.
    Into(TreePath),
    /// To exactly this path.
    Exactly(TreePath),
}

impl Destination {
    /// The path of something called `name`.
    pub fn path(&self, name: &[u8]) -> TreePath {
        match self {
            // A name that comes from a tree path is a clean component, so joining can't fail.
            Self::Into(folder) => folder.join(name).unwrap_or_else(|_| folder.clone()),
            Self::Exactly(path) => path.clone(),
        }
    }
}
