//! Who asks sources for which packages: what a lock has to answer.

use std::fmt;

use longshore_oci::Platform;
use serde::{Deserialize, Serialize};

use super::build::cross_packages;
use super::{BuildKind, BuildSpec, ContentSpec, ImageSpec, PackageRequest, Stack, Toolchain};

/// Who asks for packages.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Consumer {
    /// An image, by name.
    Image(String),
    /// The toolchain of a build, by the build's name.
    Build(String),
}

impl fmt::Display for Consumer {
    /// ``image `web` ``.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image(name) => write!(f, "image `{name}`"),
            Self::Build(name) => write!(f, "build `{name}`"),
        }
    }
}

/// What an image or a build asks of a source, for the lock: the roots of its package closure.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Requirement {
    /// The source's name.
    pub source: String,
    /// The package's name.
    pub package: String,
    /// Whether its dependencies come along.
    pub scope: Scope,
}

/// How much a requirement brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// The package alone (fragments).
    Alone,
    /// The package and its dependency closure. For a slice the closure is what its needs are searched in.
    Closure,
}

impl ImageSpec {
    /// What it asks of sources, sorted, without doubles.
    pub fn requirements(&self) -> Vec<Requirement> {
        let request = |package: &PackageRequest, scope| Requirement {
            source: package.source.clone(),
            package: package.package.clone(),
            scope,
        };
        let mut all: Vec<_> = self
            .contents
            .iter()
            .filter_map(|content| match content {
                ContentSpec::Package(package) => Some(request(package, Scope::Closure)),
                ContentSpec::Slice(slice) => Some(request(&slice.package, Scope::Closure)),
                ContentSpec::Fragment(fragment) => Some(request(&fragment.package, Scope::Alone)),
                ContentSpec::File(_)
                | ContentSpec::Directory(_)
                | ContentSpec::Text(_)
                | ContentSpec::Symlink { .. }
                | ContentSpec::Build(_)
                | ContentSpec::Url(_)
                | ContentSpec::Image(_)
                | ContentSpec::Nix(_)
                | ContentSpec::Probe => None,
            })
            .collect();
        all.sort();
        all.dedup();
        all
    }
}

impl BuildSpec {
    /// What its toolchain asks of sources, sorted, without doubles.
    pub fn requirements(&self) -> Vec<Requirement> {
        let Toolchain::Locked { packages, .. } = &self.toolchain else { return Vec::new() };
        let request = |package: &PackageRequest| Requirement {
            source: package.source.clone(),
            package: package.package.clone(),
            scope: Scope::Closure,
        };
        let mut all: Vec<_> = packages.iter().map(request).collect();
        all.sort();
        all.dedup();
        all
    }

    /// What it needs besides to build for `foreign`: tools of the platform that builds, and libraries of `foreign` itself,
    /// each without its dependencies. Go brings all of it along; so does npm, whose output knows no platform. A Rust that is
    /// no package has its own libraries, or none.
    fn cross_requirements(&self, foreign: &Platform) -> (Vec<Requirement>, Vec<Requirement>) {
        let (BuildKind::Cargo(_), Toolchain::Locked { packages, .. }) = (&self.kind, &self.toolchain) else {
            return (Vec::new(), Vec::new());
        };
        let Some(source) = packages.first().map(|package| &package.source) else {
            return (Vec::new(), Vec::new());
        };
        let requirement = |package: String, scope| Requirement { source: source.clone(), package, scope };
        let tools = cross_packages(foreign).map(|package| requirement(package, Scope::Closure));
        let rustc = packages.iter().any(|package| package.package == "rustc");
        let library = rustc.then(|| requirement(String::from("libstd-rust-dev"), Scope::Alone));
        (tools.into_iter().collect(), library.into_iter().collect())
    }
}

/// See [`Stack::build_platform`].
pub(crate) fn build_platform(platforms: &[Platform]) -> Platform {
    let usual = |platform: &&Platform| platform.os == "linux" && platform.architecture == "amd64";
    let found = platforms.iter().find(usual).or(platforms.first());
    // A checked stack has at least one platform.
    let fallback = || Platform { architecture: "amd64".to_owned(), os: "linux".to_owned(), variant: None };
    found.cloned().unwrap_or_else(fallback)
}

impl Stack {
    /// The platform that builds run on, whatever they build for: `linux/amd64` where the stack has it, else its first.
    pub fn build_platform(&self) -> Platform {
        build_platform(&self.platforms)
    }

    /// Everyone who asks for packages, on each platform where they are needed, with what they ask for; sorted by consumer
    /// and platform. A build asks for its toolchain on the platform that builds, and, where it builds for another, for
    /// that one's standard library on it.
    pub fn requirements(&self) -> Vec<(Consumer, Platform, Vec<Requirement>)> {
        let mut all = Vec::new();
        for (name, image) in &self.images {
            for platform in &self.platforms {
                all.push((Consumer::Image(name.clone()), platform.clone(), image.requirements()));
            }
        }
        let host = self.build_platform();
        for (name, build) in &self.builds {
            let consumer = Consumer::Build(name.clone());
            let mut own = build.requirements();
            for foreign in self.platforms.iter().filter(|platform| **platform != host) {
                let (tools, libraries) = build.cross_requirements(foreign);
                own.extend(tools);
                if !libraries.is_empty() {
                    all.push((consumer.clone(), foreign.clone(), libraries));
                }
            }
            own.sort();
            own.dedup();
            all.push((consumer, host.clone(), own));
        }
        all.sort_by_cached_key(|(consumer, platform, _)| (consumer.clone(), platform.to_string()));
        all
    }
}
