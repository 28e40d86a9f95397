//! `go.mod` files (Go modules reference, "go.mod files").
//!
//! Only what decides a build is kept; `retract`, `tool`, `ignore` and directives of later Go versions are passed over.

use super::module::ModuleVersion;

/// Most bytes a `go.mod` may have; Go's own limit.
pub(super) const MAX_SIZE: u64 = 16 << 20;

/// A `go.mod` file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GoMod {
    /// The module's path.
    pub module: String,
    /// The least Go version, `1.24.3`.
    pub go: Option<String>,
    /// The Go release that its authors want, `go1.26.5`.
    pub toolchain: Option<String>,
    /// Settings of the run time that only a main module's file may make, `default=go1.21`.
    pub godebug: Vec<String>,
    /// Modules that it needs.
    pub require: Vec<Require>,
    /// Modules that others stand in for.
    pub replace: Vec<Replace>,
    /// Versions that are never taken.
    pub exclude: Vec<ModuleVersion>,
}

/// A module that is needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Require {
    /// Which.
    pub module: ModuleVersion,
    /// Whether the module's own packages import it, or only its dependencies do.
    pub relation: Relation,
}

/// How a requirement comes about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// Imported.
    Direct,
    /// Marked `// indirect`.
    Indirect,
}

/// A module that another stands in for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replace {
    /// The path that is replaced.
    pub old: String,
    /// The only version that is; all when none is said.
    pub version: Option<String>,
    /// What stands in.
    pub new: Replacement,
}

/// What stands in for a module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replacement {
    /// A published module.
    Module(ModuleVersion),
    /// A folder: begins with `./`, `../` or `/`.
    Folder(String),
}

/// A line that no `go.mod` has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: expected {expected}, found `{found}`")]
pub struct GoModError {
    /// Its number from one.
    pub line: usize,
    /// What should be there.
    pub expected: &'static str,
    /// What is, shortened.
    pub found: String,
}

impl GoMod {
    /// Reads the text of a file.
    pub fn parse(text: &str) -> Result<Self, GoModError> {
        let mut file = Self::default();
        let mut block: Option<String> = None;
        for (number, line) in text.lines().enumerate() {
            let error = |expected| GoModError {
                line: number + 1,
                expected,
                found: line.trim().chars().take(100).collect(),
            };
            let (words, comment) = words(line).ok_or_else(|| error("closed quotes"))?;
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            match (block.as_deref(), words.as_slice()) {
                (_, []) => {}
                (Some(_), [")"]) => block = None,
                (Some(verb), words) => file.directive(verb, words, comment).map_err(error)?,
                (None, [verb, "("]) => block = Some((*verb).to_owned()),
                (None, [_, "(", ")"]) => {}
                (None, [verb, rest @ ..]) => file.directive(verb, rest, comment).map_err(error)?,
            }
        }
        let end =
            GoModError { line: text.lines().count(), expected: "", found: "the end of the file".to_owned() };
        match (block, file.module.as_str()) {
            (Some(_), _) => Err(GoModError { expected: "`)`", ..end }),
            (None, "") => Err(GoModError { expected: "a `module` line", ..end }),
            (None, _) => Ok(file),
        }
    }

    fn directive(&mut self, verb: &str, words: &[&str], comment: &str) -> Result<(), &'static str> {
        let module = |path: &str, version: &str| {
            ModuleVersion::new(path, version).map_err(|_| "a module's path and its version")
        };
        match (verb, words) {
            ("module", [path]) => self.module = (*path).to_owned(),
            ("go", [version]) => self.go = Some((*version).to_owned()),
            ("toolchain", [name]) => self.toolchain = Some((*name).to_owned()),
            ("godebug", [setting]) => self.godebug.push((*setting).to_owned()),
            ("require", [path, version]) => {
                let comment = comment.trim();
                let relation = match comment == "indirect" || comment.starts_with("indirect;") {
                    true => Relation::Indirect,
                    false => Relation::Direct,
                };
                self.require.push(Require { module: module(path, version)?, relation });
            }
            ("exclude", [path, version]) => self.exclude.push(module(path, version)?),
            ("replace", [old, rest @ ..]) => {
                let (version, new) = match rest {
                    ["=>", new @ ..] => (None, new),
                    [version, "=>", new @ ..] => (Some((*version).to_owned()), new),
                    _ => return Err("`replace OLD [VERSION] => NEW [VERSION]`"),
                };
                let new = match new {
                    [folder] if is_folder(folder) => Replacement::Folder((*folder).to_owned()),
                    [path, version] if !is_folder(path) => Replacement::Module(module(path, version)?),
                    _ => return Err("a replacement: a module with its version, or a folder with none"),
                };
                self.replace.push(Replace { old: (*old).to_owned(), version, new });
            }
            ("module", _) => return Err("`module PATH`"),
            ("go", _) => return Err("`go VERSION`"),
            ("require" | "exclude", _) => return Err("a module's path and its version"),
            _ => {}
        }
        Ok(())
    }

    /// The module that stands in for `module`; none where nothing does.
    pub fn replacement(&self, module: &ModuleVersion) -> Option<&Replacement> {
        // One of a version goes before one of all versions.
        let of = |version: Option<&str>| {
            self.replace.iter().find(|r| r.old == module.path() && r.version.as_deref() == version)
        };
        of(Some(module.version())).or_else(|| of(None)).map(|replace| &replace.new)
    }
}

/// Whether a replacement is a folder rather than a module (Go modules reference, "replace directive").
fn is_folder(text: &str) -> bool {
    text == "." || text == ".." || text.starts_with("./") || text.starts_with("../") || text.starts_with('/')
}

/// The words of a line, and its comment without the slashes. None where a quote is not closed.
fn words(line: &str) -> Option<(Vec<String>, &str)> {
    let (mut words, mut rest) = (Vec::new(), line.trim_start());
    while let Some(first) = rest.chars().next() {
        if let Some(comment) = rest.strip_prefix("//") {
            return Some((words, comment));
        }
        let (word, after) = match first {
            '"' | '`' => rest[1..].split_once(first)?,
            '(' | ')' => rest.split_at(1),
            _ => {
                let end = rest.char_indices().find(|&(at, c)| {
                    c.is_whitespace() || c == '(' || c == ')' || rest[at..].starts_with("//")
                });
                rest.split_at(end.map_or(rest.len(), |(at, _)| at))
            }
        };
        words.push(word.to_owned());
        rest = after.trim_start();
    }
    Some((words, ""))
}
