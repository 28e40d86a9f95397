//! Text into a lock. A lock may come from a pull request, so nothing in it is trusted: names, paths and digests are
//! checked, and every error points at its line.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;

use longshore_oci::{Content, Digest, PackageId, Platform};
use serde::Deserialize;
use toml::Spanned;

use super::images::{self, RawImage};
use super::layout::{self, RawChanges, RawLayer};
use super::nix::{self, RawNix, RawStorePath};
use super::pins::{self, RawGo, RawUrl};
use super::{Lock, LockError, LockedClosure, LockedPackage, LockedRelease, VERSION};
use crate::check::{is_name, is_package};
use crate::diagnostic::{Diagnostic, Severity, Source};
use crate::model::{Consumer, Requirement, Scope};

/// Read alone first, so that a future lock is refused for what it is, whatever else is in it.
#[derive(Deserialize)]
struct Header {
    version: Spanned<u32>,
}

// Unknown keys are passed over: they are what a higher revision adds. Every known key is required.
#[derive(Deserialize)]
struct Raw {
    assembler: u32,
    profile: Option<Spanned<String>>,
    #[serde(default)]
    source: Vec<RawSource>,
    #[serde(default)]
    release: Vec<RawRelease>,
    #[serde(default)]
    package: Vec<RawPackage>,
    #[serde(default)]
    closure: Vec<RawClosure>,
    #[serde(default)]
    url: Vec<RawUrl>,
    #[serde(default)]
    image: Vec<RawImage>,
    #[serde(default)]
    nix: Vec<RawNix>,
    #[serde(default, rename = "store-path")]
    store_path: Vec<RawStorePath>,
    #[serde(default)]
    go: RawGo,
    #[serde(default)]
    changes: RawChanges,
    #[serde(default)]
    layer: Vec<RawLayer>,
}

#[derive(Deserialize)]
struct RawSource {
    name: Spanned<String>,
    definition: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct RawRelease {
    source: Spanned<String>,
    suite: String,
    codename: String,
    date: u64,
    size: u64,
    sha256: Spanned<String>,
    signed_by: Vec<String>,
}

#[derive(Deserialize)]
struct RawPackage {
    name: Spanned<String>,
    version: String,
    architecture: String,
    source: Spanned<String>,
    path: Spanned<String>,
    size: u64,
    sha256: Spanned<String>,
    depends: Vec<String>,
}

#[derive(Deserialize)]
struct RawClosure {
    image: Option<Spanned<String>>,
    build: Option<Spanned<String>>,
    platform: Spanned<String>,
    requires: Vec<Spanned<String>>,
    packages: Vec<Spanned<String>>,
}

/// Reads a lock's text; `path` is for messages.
pub fn parse(text: &str, path: &Path) -> Result<Lock, LockError> {
    let file = File { source: Source { path: path.display().to_string(), text: text.into() } };
    let header: Header = toml::from_str(text).map_err(|error| file.toml(&error))?;
    match *header.version.get_ref() {
        VERSION => {}
        found if found > VERSION => return Err(LockError::Future { path: file.source.path, found }),
        found => {
            return Err(
                file.damaged(header.version.span(), format!("there is no lock format version {found}"))
            );
        }
    }
    let raw: Raw = toml::from_str(text).map_err(|error| file.toml(&error))?;
    let mut lock = Lock { assembler: raw.assembler, ..Lock::default() };
    if let Some(name) = raw.profile {
        // It becomes part of a file's name.
        if !is_name(name.get_ref()) {
            return Err(
                file.damaged(name.span(), format!("`{}` can't be the name of a profile", name.get_ref()))
            );
        }
        lock.profile = Some(name.into_inner());
    }
    for source in raw.source {
        let span = source.name.span();
        let name = source.name.into_inner();
        if lock.sources.contains_key(&name) {
            return Err(file.damaged(span, format!("source `{name}` is locked twice")));
        }
        lock.sources.insert(name, source.definition);
    }
    for release in raw.release {
        file.known_source(&lock.sources, &release.source)?;
        lock.releases.push(LockedRelease {
            release: Content { digest: file.digest(&release.sha256)?, size: release.size },
            source: release.source.into_inner(),
            suite: release.suite,
            codename: release.codename,
            date: release.date,
            signed_by: release.signed_by,
        });
    }
    lock.releases.sort();
    for package in raw.package {
        file.package(&mut lock, package)?;
    }
    for closure in raw.closure {
        file.closure(&mut lock, closure)?;
    }
    lock.closures.sort_by(|a, b| (&a.consumer, &a.platform).cmp(&(&b.consumer, &b.platform)));
    lock.urls = pins::urls(&file, raw.url)?;
    lock.images = images::images(&file, raw.image)?;
    lock.store_paths = nix::store_paths(&file, raw.store_path)?;
    lock.nix = nix::nix(&file, raw.nix, &lock.store_paths)?;
    lock.go_sums = pins::go_sums(&file, raw.go)?;
    lock.changes = layout::changes(&file, raw.changes)?;
    lock.layouts = layout::layouts(&file, raw.layer)?;
    Ok(lock)
}

/// The text that errors point into.
pub(super) struct File {
    source: Source,
}

impl File {
    pub(super) fn damaged(&self, span: Range<usize>, message: String) -> LockError {
        LockError::Damaged(Box::new(Diagnostic {
            severity: Severity::Error,
            code: "lock::damaged",
            message,
            source: self.source.clone(),
            span,
            label: String::new(),
            profiles: Vec::new(),
            help: Some(
                "take the file back from version control, or delete it and run `longshore lock`".to_owned(),
            ),
        }))
    }

    fn toml(&self, error: &toml::de::Error) -> LockError {
        self.damaged(error.span().unwrap_or(0..0), error.message().to_owned())
    }

    pub(super) fn digest(&self, hex: &Spanned<String>) -> Result<Digest, LockError> {
        Digest::from_hex(hex.get_ref())
            .map_err(|_| self.damaged(hex.span(), format!("`{hex}` is not 64 lower-case hex digits")))
    }

    fn known_source(
        &self,
        sources: &BTreeMap<String, Vec<String>>,
        name: &Spanned<String>,
    ) -> Result<(), LockError> {
        match sources.contains_key(name.get_ref()) {
            true => Ok(()),
            false => Err(self.damaged(name.span(), format!("no [[source]] of this lock is called `{name}`"))),
        }
    }

    fn package(&self, lock: &mut Lock, raw: RawPackage) -> Result<(), LockError> {
        self.known_source(&lock.sources, &raw.source)?;
        let path = raw.path.get_ref();
        let odd = |part: &str| matches!(part, "" | "." | "..");
        if path.split('/').any(odd)
            || path.contains(|c: char| c.is_control() || c == '\\' || c == '?' || c == '#')
        {
            return Err(self.damaged(raw.path.span(), format!("`{path}` is not a path inside an archive")));
        }
        let content = Content { digest: self.digest(&raw.sha256)?, size: raw.size };
        let span = raw.name.span();
        let (version, architecture) = (&raw.version, &raw.architecture);
        let plain = |text: &str| {
            !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "+-.~:".contains(c))
        };
        if !is_package(raw.name.get_ref())
            || !plain(version)
            || !plain(architecture)
            || architecture.contains(':')
        {
            let message = format!("`{}={version}:{architecture}` can't be a package", raw.name);
            return Err(self.damaged(span, message));
        }
        let id = PackageId {
            source: raw.source.into_inner(),
            name: raw.name.into_inner(),
            version: raw.version,
            architecture: raw.architecture,
        };
        let package = LockedPackage { path: raw.path.into_inner(), content, depends: raw.depends };
        match lock.packages.insert(id.clone(), package) {
            Some(_) => Err(self.damaged(span, format!("package `{id}` is locked twice"))),
            None => Ok(()),
        }
    }

    fn closure(&self, lock: &mut Lock, raw: RawClosure) -> Result<(), LockError> {
        let platform = raw.platform.get_ref();
        let (consumer, span) = match (raw.image, raw.build) {
            (Some(image), None) => (Consumer::Image(image.get_ref().clone()), image.span()),
            (None, Some(build)) => (Consumer::Build(build.get_ref().clone()), build.span()),
            _ => {
                let message = "a [[closure]] is of one `image` or of one `build`".to_owned();
                return Err(self.damaged(raw.platform.span(), message));
            }
        };
        if lock.closures.iter().any(|closure| closure.consumer == consumer && closure.platform == *platform) {
            return Err(self.damaged(span, format!("{consumer} is locked twice for `{platform}`")));
        }
        self.platform(&raw.platform)?;
        let requires =
            raw.requires.iter().map(|text| self.requirement(text)).collect::<Result<BTreeSet<_>, _>>()?;
        let mut packages = BTreeSet::new();
        for text in &raw.packages {
            let id = self.package_id(text)?;
            if !lock.packages.contains_key(&id) {
                return Err(self.damaged(text.span(), format!("no [[package]] of this lock is `{id}`")));
            }
            packages.insert(id);
        }
        lock.closures.push(LockedClosure {
            requires: requires.into_iter().collect(),
            packages: packages.into_iter().collect(),
            consumer,
            platform: raw.platform.into_inner(),
        });
        Ok(())
    }

    pub(super) fn platform(&self, text: &Spanned<String>) -> Result<(), LockError> {
        match text.get_ref().parse::<Platform>() {
            Ok(_) => Ok(()),
            Err(error) => Err(self.damaged(text.span(), error.to_string())),
        }
    }

    /// The opposite of [`super::write::requirement`].
    fn requirement(&self, text: &Spanned<String>) -> Result<Requirement, LockError> {
        let (rest, scope) = match text.get_ref().strip_suffix(" alone") {
            Some(rest) => (rest, Scope::Alone),
            None => (text.get_ref().as_str(), Scope::Closure),
        };
        match rest.split_once('/') {
            Some((source, package)) if !package.is_empty() && !package.contains([' ', '/']) => {
                Ok(Requirement { source: source.to_owned(), package: package.to_owned(), scope })
            }
            _ => Err(self.damaged(text.span(), format!("`{text}` is not of the form `source/package`"))),
        }
    }

    /// The opposite of `PackageId`'s text; a version may hold colons, an architecture may not.
    fn package_id(&self, text: &Spanned<String>) -> Result<PackageId, LockError> {
        let parts = || {
            let (source, rest) = text.get_ref().split_once('/')?;
            let (name, rest) = rest.split_once('=')?;
            let (version, architecture) = rest.rsplit_once(':')?;
            Some([source, name, version, architecture].map(str::to_owned))
        };
        match parts() {
            Some([source, name, version, architecture]) => {
                Ok(PackageId { source, name, version, architecture })
            }
            None => Err(self.damaged(
                text.span(),
                format!("`{text}` is not of the form `source/name=version:architecture`"),
            )),
        }
    }
}
