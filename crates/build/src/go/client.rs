//! The Go command: where it is, and what it is run with.

use std::collections::BTreeMap;

use longshore_oci::Platform;
use longshore_stack::model::Cgo;

use super::error::GoError;
use super::version::GoVersion;
use crate::{Error, Input, Mounted, Root, Step};

/// Where the module cache is, as a proxy.
pub(super) const MODULES: &str = "/deps/modules";
/// Where a fetch finds, as a proxy, what was fetched before.
pub(super) const KNOWN: &str = "/deps/known";
/// Where a toolchain from the module proxy is.
pub(super) const TOOLCHAIN: &str = "/deps/go";
/// Where a fetch leaves modules, below `/out`.
pub(super) const FETCHED: &str = "gm";
/// Where compiled packages are.
const CACHE: &str = "/build/gc";
/// Where the main module is.
pub(super) const SOURCE: &str = "/src";

/// A Go command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// The program and its first arguments.
    argv: Vec<String>,
    /// The variable `PATH`, where the sandbox's usual one does not do.
    path: Option<&'static str>,
    /// Its version; none for the machine's own, which nobody has asked, and where a tool doesn't say it.
    pub version: Option<GoVersion>,
    /// The toolchain's tree, where it is not in the root.
    pub mount: Option<Mounted>,
}

impl Client {
    /// The one of the toolchain: that of the first tool that has one, or else of the root.
    pub fn of(input: &Input<'_>, build: &str) -> Result<Self, GoError> {
        match input.tool_with("go") {
            Some((tool, program)) => Ok(Self {
                argv: vec![program],
                path: None,
                // As every release has it at its root.
                version: input.line(tool, "VERSION").and_then(|line| GoVersion::of_toolchain(&line)),
                mount: None,
            }),
            None => Self::of_root(&input.root, build),
        }
    }

    /// The one in `root`.
    pub fn of_root(root: &Root, build: &str) -> Result<Self, GoError> {
        let packages = match root {
            Root::Host => {
                // Where Go's own installer and distributions put it.
                return Ok(Self {
                    argv: vec!["/usr/bin/env".to_owned(), "go".to_owned()],
                    path: Some("/usr/local/go/bin:/usr/local/bin:/usr/bin:/bin"),
                    version: None,
                    mount: None,
                });
            }
            Root::Packages(packages) => packages,
        };
        let named = |name: &str| packages.keys().any(|id| id.name == name);
        let versioned = packages.keys().filter_map(|id| {
            let number = id.name.strip_prefix("golang-")?.strip_suffix("-go")?;
            Some((GoVersion::parse(number)?, number, release(&id.version)))
        });
        // Without the package that links the default one, the newest there is.
        let (_, number, version) = versioned
            .max_by(|a, b| a.0.cmp(&b.0))
            .ok_or_else(|| GoError::NoGo { build: build.to_owned() })?;
        let program = match named("golang-go") {
            true => "/usr/bin/go".to_owned(),
            false => format!("/usr/lib/go-{number}/bin/go"),
        };
        Ok(Self { argv: vec![program], path: None, version, mount: None })
    }

    /// One whose tree is mounted at [`TOOLCHAIN`].
    pub fn mounted(version: GoVersion, mount: Mounted) -> Self {
        Self {
            argv: vec![format!("{TOOLCHAIN}/bin/go")],
            path: None,
            version: Some(version),
            mount: Some(mount),
        }
    }

    /// The same, run as `sh` runs it.
    pub fn shell(&self) -> String {
        self.argv.join(" ")
    }

    /// A step that runs it.
    pub fn step(
        &self,
        what: String,
        arguments: Vec<String>,
        env: BTreeMap<String, String>,
        cwd: &str,
    ) -> Step {
        let argv = self.argv.iter().cloned().chain(arguments).collect();
        Step { what, argv, env: self.with_path(env), cwd: cwd.to_owned() }
    }

    /// A step that runs a script of `sh`.
    pub fn script(&self, what: String, script: String, env: BTreeMap<String, String>, cwd: &str) -> Step {
        let argv = vec!["/bin/sh".to_owned(), "-euc".to_owned(), script];
        Step { what, argv, env: self.with_path(env), cwd: cwd.to_owned() }
    }

    fn with_path(&self, mut env: BTreeMap<String, String>) -> BTreeMap<String, String> {
        env.extend(self.path.map(|path| ("PATH".to_owned(), path.to_owned())));
        env
    }
}

/// `1.24.4` of `1.24.4-1+b2`.
fn release(version: &str) -> Option<GoVersion> {
    let upstream = version.rsplit_once('-').map_or(version, |(upstream, _)| upstream);
    let upstream = upstream.split_once(':').map_or(upstream, |(_, upstream)| upstream);
    GoVersion::parse(&upstream.replace('~', ""))
}

/// What every Go command gets, with network or without.
fn common() -> BTreeMap<String, String> {
    variables(&[
        // Never another toolchain than the locked one, never a workspace around.
        ("GOTOOLCHAIN", "local"),
        ("GOWORK", "off"),
        ("GOTELEMETRY", "off"),
        ("GOCACHE", CACHE),
        // `/tmp` is in memory, and a linked program is large.
        ("GOTMPDIR", "/build"),
    ])
}

/// The cache of compiled packages, which Go keys by all that goes into each and trims by itself (`go help cache`). What
/// the machine's own Go would leave there is of unknown make.
pub fn caches(root: &Root) -> BTreeMap<String, String> {
    match root {
        Root::Packages(_) => variables(&[(CACHE, "go-build")]),
        Root::Host => BTreeMap::new(),
    }
}

/// What decides which files of a module take part.
fn target(platform: &Platform, cgo: Cgo) -> BTreeMap<String, String> {
    let mut env = variables(&[
        ("GOOS", &platform.os),
        ("GOARCH", &platform.architecture),
        ("CGO_ENABLED", if cgo == Cgo::On { "1" } else { "0" }),
    ]);
    if let ("arm", Some(variant)) = (platform.architecture.as_str(), &platform.variant) {
        env.insert("GOARM".to_owned(), variant.trim_start_matches('v').to_owned());
    }
    env
}

/// The environment of a fetch; addresses and credentials come from the machine's settings.
pub fn fetch_env(platform: &Platform, cgo: Cgo, flags: &str) -> BTreeMap<String, String> {
    let mut env = common();
    env.extend(target(platform, cgo));
    env.insert("GOMODCACHE".to_owned(), format!("/out/{FETCHED}"));
    // The user's own settings, where the sandbox shows them.
    env.insert("GOENV".to_owned(), "/homeless/.config/go/env".to_owned());
    // What was seen of the checksum database is kept there.
    env.insert("GOPATH".to_owned(), "/build/gopath".to_owned());
    // What is fetched must be possible to remove.
    env.insert("GOFLAGS".to_owned(), format!("-modcacherw {flags}").trim_end().to_owned());
    env
}

/// The environment of a build.
pub fn build_env(platform: &Platform, cgo: Cgo) -> BTreeMap<String, String> {
    let mut env = common();
    env.extend(target(platform, cgo));
    env.extend(variables(&[
        ("GOENV", "off"),
        ("GOMODCACHE", "/build/gm"),
        ("GOPROXY", &format!("file://{MODULES}")),
        // `go.sum` says all, and there is no network to ask.
        ("GOSUMDB", "off"),
        ("GOFLAGS", "-mod=readonly"),
    ]));
    env
}

fn variables(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// What is wrong, where what Go printed says so.
pub fn explain(error: Error, of: &str) -> Error {
    let Error::Failed(failed) = &error else { return error };
    let tail = &failed.tail;
    let find = |words: &[&str]| {
        tail.iter()
            .find(|line| words.iter().any(|word| line.contains(word)))
            .map(|line| line.trim().to_owned())
    };
    let of = of.to_owned();
    // In this order: a proxy that does not know a module says so in words of its own.
    let found = if let Some(line) = find(&["checksum mismatch", "SECURITY ERROR"]) {
        GoError::Tampered { of, line }
    } else if let Some(line) =
        find(&["missing go.sum entry", "updates to go.mod needed", "no required module provides"])
    {
        GoError::Untidy { of, problem: line }
    } else if let Some(line) = find(&[
        "dial tcp",
        "no such host",
        "connection refused",
        "i/o timeout",
        "proxyconnect",
        "x509:",
        "TLS handshake",
        "network is unreachable",
        "module lookup disabled",
    ]) {
        GoError::Unreachable { of, line }
    } else if let Some(line) = find(&["verifying module", "/lookup/", "sumdb"]) {
        GoError::Unvouched { of, line }
    } else if let Some(line) = find(&[
        "404 Not Found",
        "410 Gone",
        "unknown revision",
        "invalid version",
        "not found",
        "no matching versions",
        "unrecognized import path",
    ]) {
        GoError::NotFound { of, line }
    } else {
        return error;
    };
    found.into()
}
