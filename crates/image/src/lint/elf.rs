//! Lints on programs: their libraries, loaders and interpreters, and what machine they are for.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use longshore_oci::{Elf, FileFacts, Platform, TreePath};
use longshore_stack::model::ImageSpec;

use super::{Finding, Severity};
use crate::rootfs::{Arch, RootFs, links, runpath};

/// Reports what it finds. What the image's `program`, and what was asked for by name, needs to start is an error; for
/// everything else, which may never be run, a warning.
pub(super) fn check(
    rootfs: &RootFs,
    spec: &ImageSpec,
    platform: &Platform,
    program: Option<&TreePath>,
    findings: &mut Vec<Finding>,
) {
    let image = Image::new(rootfs, spec, Arch::of(platform));
    let starts = image.reachable(program.into_iter());
    let must_work = image.reachable(program.into_iter().chain(rootfs.roots()));

    // One finding for each thing that is missing, however many miss it.
    let mut libraries: BTreeMap<&[u8], Vec<&TreePath>> = BTreeMap::new();
    let mut interpreters: BTreeMap<String, Vec<&TreePath>> = BTreeMap::new();
    for (path, facts) in rootfs.facts() {
        match facts {
            FileFacts::Elf(elf) if !image.arch.runs(elf) => {
                if must_work.contains(path) {
                    findings.push(wrong_architecture(rootfs, path, platform));
                }
            }
            FileFacts::Elf(elf) => {
                if let Some(missing) = elf.interpreter.as_ref().filter(|i| image.interpreter(i).is_none()) {
                    interpreters.entry(String::from_utf8_lossy(missing).into_owned()).or_default().push(path);
                }
                for name in elf.needed.iter().filter(|name| image.library(path, elf, name).is_none()) {
                    libraries.entry(name).or_default().push(path);
                }
            }
            FileFacts::Script { interpreter, argument } => {
                let executable = rootfs.tree().get(path).is_some_and(|entry| entry.mode & 0o111 != 0);
                if let Some(missing) =
                    executable.then(|| image.script(interpreter, argument.as_deref())).flatten()
                {
                    interpreters.entry(missing).or_default().push(path);
                }
            }
        }
    }
    let elsewhere = places(rootfs, &libraries);
    for (name, users) in libraries {
        findings.push(image.missing_library(name, &users, elsewhere.get(name).copied(), &starts, &must_work));
    }
    for (interpreter, users) in interpreters {
        findings.push(missing_interpreter(rootfs, interpreter, &users, &must_work));
    }
}

/// Where things that are called like one of `names` are, the first of each.
fn places<'a, T>(rootfs: &'a RootFs, names: &BTreeMap<&[u8], T>) -> BTreeMap<&'a [u8], &'a TreePath> {
    let mut places = BTreeMap::new();
    if !names.is_empty() {
        for (path, _) in rootfs.tree().iter().filter(|(path, _)| names.contains_key(path.name())) {
            places.entry(path.name()).or_insert(path);
        }
    }
    places
}

struct Image<'a> {
    rootfs: &'a RootFs,
    arch: Arch,
    /// From the image's environment.
    library_path: Vec<TreePath>,
    /// Libraries by file name, wherever they are.
    names: BTreeSet<&'a [u8]>,
}

impl<'a> Image<'a> {
    fn new(rootfs: &'a RootFs, spec: &ImageSpec, arch: Arch) -> Self {
        let library_path = spec.env.get("LD_LIBRARY_PATH").map(String::as_str).unwrap_or_default();
        let library_path = library_path.split([':', ';']).filter(|folder| folder.starts_with('/'));
        Self {
            rootfs,
            arch,
            library_path: library_path.filter_map(|folder| TreePath::new(folder).ok()).collect(),
            names: rootfs.facts().keys().map(TreePath::name).collect(),
        }
    }

    /// `paths` and every object that the dynamic loader loads for them.
    fn reachable<'p>(&self, paths: impl Iterator<Item = &'p TreePath>) -> BTreeSet<TreePath> {
        let mut next: Vec<_> = paths.filter_map(|path| links::follow(self.rootfs.tree(), path)).collect();
        let mut all = BTreeSet::new();
        while let Some(path) = next.pop() {
            if !all.insert(path.clone()) {
                continue;
            }
            match self.rootfs.facts().get(&path) {
                Some(FileFacts::Elf(elf)) => {
                    next.extend(elf.needed.iter().filter_map(|name| self.library(&path, elf, name)));
                }
                Some(FileFacts::Script { interpreter, .. }) => next.extend(self.interpreter(interpreter)),
                None => {}
            }
        }
        all
    }

    /// Where an interpreter is.
    fn interpreter(&self, path: &[u8]) -> Option<TreePath> {
        links::follow(self.rootfs.tree(), &TreePath::new(path).ok()?)
    }

    /// The library `name` as the dynamic loader finds it for the object at `user`.
    fn library(&self, user: &TreePath, elf: &Elf, name: &[u8]) -> Option<TreePath> {
        if name.contains(&b'/') {
            return self.interpreter(name);
        }
        let own = runpath(user, elf);
        let folders = self.library_path.iter().chain(&own).chain(self.rootfs.library_folders());
        folders.filter_map(|folder| links::follow(self.rootfs.tree(), &folder.join(name).ok()?)).find(
            |path| matches!(self.rootfs.facts().get(path), Some(FileFacts::Elf(elf)) if self.arch.runs(elf)),
        )
    }

    /// What a script's first line names that is missing.
    fn script(&self, interpreter: &[u8], argument: Option<&[u8]>) -> Option<String> {
        if self.interpreter(interpreter).is_none() {
            return Some(String::from_utf8_lossy(interpreter).into_owned());
        }
        let words = argument.filter(|_| interpreter.ends_with(b"/env"))?.split(u8::is_ascii_whitespace);
        let program =
            words.filter(|word| !word.starts_with(b"-") && !word.contains(&b'=')).find(|w| !w.is_empty())?;
        let folders: [&[u8]; 4] = [b"/usr/local/bin/", b"/usr/bin/", b"/usr/sbin/", b"/usr/local/sbin/"];
        let found = folders.iter().any(|folder| self.interpreter(&[*folder, program].concat()).is_some());
        (!found).then(|| String::from_utf8_lossy(program).into_owned())
    }

    fn missing_library(
        &self,
        name: &[u8],
        users: &[&TreePath],
        elsewhere: Option<&TreePath>,
        starts: &BTreeSet<TreePath>,
        must_work: &BTreeSet<TreePath>,
    ) -> Finding {
        let at_start = users.iter().any(|path| starts.contains(*path));
        let (who, worst) = Users::of(users, if at_start { starts } else { must_work });
        // A launcher that loads it by its path, before these objects, makes that work; the image's own program has none.
        let by_path = !at_start && self.names.contains(name);
        let severity = if by_path { Severity::Note } else { worst };
        let name = String::from_utf8_lossy(name);
        let hint = match elsewhere {
            Some(place) if by_path => format!(
                "a program that loads `{place}` by its path makes it work; otherwise set LD_LIBRARY_PATH"
            ),
            // As the maintainer scripts of libblas3 and others do.
            Some(place) => {
                let folder =
                    self.arch.library_folders().first().map_or_else(String::new, ToString::to_string);
                format!("link it: `alternatives = {{ \"{folder}/{name}\" = \"{place}\" }}`")
            }
            None => format!("take `{name}` along (`extra = [...]`)"),
        };
        Finding {
            lint: "missing-library",
            severity,
            subject: name.clone().into_owned(),
            message: format!("{who} needs `{name}`, which is not where the dynamic loader looks"),
            hint,
            origin: who.first.and_then(|path| self.rootfs.origin(path)).cloned(),
        }
    }
}

/// Files that miss the same thing; prints as the first of them and how many more there are.
struct Users<'a> {
    first: Option<&'a TreePath>,
    more: usize,
}

impl<'a> Users<'a> {
    /// A file that must work comes first, and makes it an error.
    fn of(users: &[&'a TreePath], must_work: &BTreeSet<TreePath>) -> (Self, Severity) {
        let worst = users.iter().find(|path| must_work.contains(**path));
        let severity = if worst.is_some() { Severity::Error } else { Severity::Warning };
        (Self { first: worst.or(users.first()).copied(), more: users.len().saturating_sub(1) }, severity)
    }
}

impl fmt::Display for Users<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(first) = self.first {
            write!(f, "`{first}`")?;
        }
        if self.more > 0 { write!(f, " (and {} more)", self.more) } else { Ok(()) }
    }
}

fn missing_interpreter(
    rootfs: &RootFs,
    interpreter: String,
    users: &[&TreePath],
    must_work: &BTreeSet<TreePath>,
) -> Finding {
    let (who, severity) = Users::of(users, must_work);
    Finding {
        lint: "missing-interpreter",
        severity,
        message: format!("{who} can't start: `{interpreter}` is not in the image"),
        hint: "add the package that has it to `contents`".to_owned(),
        subject: interpreter,
        origin: who.first.and_then(|path| rootfs.origin(path)).cloned(),
    }
}

fn wrong_architecture(rootfs: &RootFs, path: &TreePath, platform: &Platform) -> Finding {
    Finding {
        lint: "wrong-architecture",
        severity: Severity::Error,
        subject: path.to_string(),
        message: format!("`{path}` is a program for another architecture than `{platform}`"),
        hint: format!("build it for `{platform}`, or leave that out of `platforms`"),
        origin: rootfs.origin(path).cloned(),
    }
}
