//! Parts of packages: what was asked for, and what that needs to run.
//!
//! Needs are found in rounds: all files that were new in the last one say what they need (`NEEDED`, dynamic loader,
//! `.note.dlopen`, `#!`, companions), the packages that probably have it are had in one go, and what is found there is new
//! in the next. What is found nowhere is left to the lints, which know what is in the image for other reasons.

use std::collections::{BTreeMap, BTreeSet};

use longshore_oci::{FileFacts, Node, PackageId, TreePath};
use longshore_stack::model::{ContentSpec, SliceRequest};

use super::builder::Builder;
use super::companions::{self, Companion};
use super::search::{Hit, Reach, runpath};
use super::similar::similar;
use super::view::View;
use super::{Brought, ComposeError, links, others};

/// Places every slice that the image asks for.
pub(super) fn slices(build: &mut Builder<'_>, view: &mut View<'_>) -> Result<(), ComposeError> {
    let mut requests = Vec::new();
    for content in &build.input.spec.contents {
        if let ContentSpec::Slice(slice) = content {
            requests.push((view.requested(&slice.package)?, slice));
        }
    }
    view.load(requests.iter().map(|(id, _)| id.clone()))?;

    let mut slicer = Slicer::default();
    for (id, slice) in &requests {
        slicer.asked(build, view, id, slice)?;
    }
    while !slicer.new.is_empty() {
        slicer.round(build, view)?;
    }
    for (hit, to) in &slicer.places {
        view.used.entry(hit.id.clone()).or_insert(Brought::Slice);
        if let Some(at) = view.place(build, &hit.id, &hit.path, to)?
            && slicer.roots.contains(to)
        {
            build.roots.insert(at);
        }
    }
    Ok(())
}

#[derive(Default)]
struct Slicer {
    /// What goes where, in the order of being found; links before what they lead to.
    places: Vec<(Hit, TreePath)>,
    seen: BTreeSet<(Hit, TreePath)>,
    /// Files whose needs were not looked at yet.
    new: Vec<Hit>,
    examined: BTreeSet<Hit>,
    companions: BTreeSet<Companion>,
    /// Places of files that were asked for by name.
    roots: BTreeSet<TreePath>,
}

impl Slicer {
    fn take(&mut self, hit: Hit, to: TreePath) {
        if self.examined.insert(hit.clone()) {
            self.new.push(hit.clone());
        }
        if self.seen.insert((hit.clone(), to.clone())) {
            self.places.push((hit, to));
        }
    }

    /// Takes `hits`, each to its own path, and all that is below the last if that is a folder.
    fn take_chain(&mut self, view: &View<'_>, hits: Vec<Hit>) {
        let Some(last) = hits.last().cloned() else { return };
        for hit in hits {
            let to = hit.path.clone();
            self.take(hit, to);
        }
        self.take_below(view, &last, &last.path);
    }

    /// Takes what package has below a folder to below `to`.
    fn take_below(&mut self, view: &View<'_>, folder: &Hit, to: &TreePath) {
        let Some(component) = view.loaded.get(&folder.id).cloned() else { return };
        for (path, _) in component.tree.under(&folder.path).filter(|(path, _)| **path != folder.path) {
            let rest = &path.as_bytes()[folder.path.as_bytes().len()..];
            // Paths that would get too long to exist are of no use to anyone.
            if let Ok(to) = to.join(rest) {
                self.take(Hit { id: folder.id.clone(), path: path.clone() }, to);
            }
        }
    }

    fn asked(
        &mut self,
        build: &Builder<'_>,
        view: &mut View<'_>,
        id: &PackageId,
        slice: &SliceRequest,
    ) -> Result<(), ComposeError> {
        for from in &slice.from {
            let mut hits =
                view.chain(id, from, Reach::Near)?.ok_or_else(|| missing(build, view, id, from))?;
            let Some(end) = hits.last().cloned() else { continue };
            let folder = is_folder(view, &end);
            match &slice.to {
                None => {
                    if !folder {
                        self.roots.insert(end.path.clone());
                    }
                    self.take_chain(view, hits);
                }
                // What moves is the thing itself, under the name it was asked for by.
                Some(to) => {
                    let to = to.path(from.name());
                    hits.clear();
                    self.take(end.clone(), to.clone());
                    if folder {
                        self.take_below(view, &end, &to);
                    } else {
                        self.roots.insert(to);
                    }
                }
            }
        }
        for extra in &slice.extra {
            let hits = view.chain(id, extra, Reach::Far)?.ok_or_else(|| missing(build, view, id, extra))?;
            self.take_chain(view, hits);
        }
        Ok(())
    }

    /// Looks at what the files that are new need.
    fn round(&mut self, build: &Builder<'_>, view: &mut View<'_>) -> Result<(), ComposeError> {
        let new = std::mem::take(&mut self.new);
        let mut needs = Vec::new();
        for hit in &new {
            for companion in companions::of(hit, view.arch) {
                if self.companions.insert(companion.clone()) {
                    needs.push(Need::Companion(companion));
                }
            }
            match facts(view, hit) {
                Some(FileFacts::Elf(elf)) if view.arch.runs(&elf) => {
                    let interpreter =
                        elf.interpreter.iter().map(|path| Need::Path(hit.id.clone(), path.clone()));
                    needs.extend(interpreter);
                    needs.push(Need::Libraries(hit.clone(), elf));
                }
                Some(FileFacts::Elf(_)) | None => {}
                Some(FileFacts::Script { interpreter, argument }) => {
                    needs.extend(
                        interpreters(&interpreter, argument.as_deref())
                            .map(|p| Need::Path(hit.id.clone(), p)),
                    );
                }
            }
        }
        needs.retain_mut(|need| !need.is_met(build, view));
        let likely: Vec<_> = needs.iter().flat_map(|need| need.likely(view)).collect();
        view.load(likely)?;
        let mut looked_up = BTreeMap::new();
        for need in needs {
            self.satisfy(view, need, &mut looked_up)?;
        }
        Ok(())
    }

    fn satisfy(
        &mut self,
        view: &mut View<'_>,
        need: Need,
        looked_up: &mut BTreeMap<(PackageId, Vec<u8>), ()>,
    ) -> Result<(), ComposeError> {
        match need {
            Need::Path(near, path) => {
                if looked_up.insert((near.clone(), path.clone()), ()).is_none()
                    && let Ok(path) = TreePath::new(&path)
                    && let Some(hits) = view.chain(&near, &path, Reach::Near)?
                {
                    self.take_chain(view, hits);
                }
            }
            Need::Libraries(user, elf) => {
                let needed = elf.needed.iter().map(|name| (name, Reach::Far));
                for (name, reach) in needed.chain(elf.dlopen.iter().map(|name| (name, Reach::Near))) {
                    // Without a run path of its own, a package's objects all find the same library.
                    let once = elf.runpath.is_empty()
                        && looked_up
                            .insert((user.id.clone(), [b"lib:", name.as_slice()].concat()), ())
                            .is_some();
                    if !once && let Some(hits) = view.library(&user, &elf, name, reach)? {
                        self.take_chain(view, hits);
                    }
                }
            }
            Need::Companion(companion) => {
                for id in companion.packages(view.closure()) {
                    let component = view.load_one(&id)?;
                    for (path, _) in component.tree.under(&companion.path) {
                        self.take(Hit { id: id.clone(), path: path.clone() }, path.clone());
                    }
                }
            }
        }
        Ok(())
    }
}

enum Need {
    Path(PackageId, Vec<u8>),
    Libraries(Hit, longshore_oci::Elf),
    Companion(Companion),
}

impl Need {
    /// Whether the base has it, all of it.
    fn is_met(&mut self, build: &Builder<'_>, view: &View<'_>) -> bool {
        if build.input.spec.base.is_none() {
            return false;
        }
        match self {
            Self::Path(_, path) => TreePath::new(path).is_ok_and(|path| others::base_has(build, &path)),
            Self::Libraries(user, elf) => {
                let mut folders = runpath(&user.path, elf);
                folders.extend(view.arch.library_folders());
                folders
                    .extend(["lib64", "usr/lib64", "lib"].into_iter().filter_map(|f| TreePath::new(f).ok()));
                let runs = |path: &TreePath| {
                    let end = links::follow(&build.tree, path);
                    matches!(end.and_then(|end| build.facts.get(&end)), Some(FileFacts::Elf(elf)) if view.arch.runs(elf))
                };
                let held = |name: &Vec<u8>| {
                    let mut places = folders.iter().filter_map(|folder| folder.join(name).ok());
                    places.any(|path| others::base_has(build, &path) && runs(&path))
                };
                elf.needed.retain(|name| !held(name));
                elf.dlopen.retain(|name| !held(name));
                elf.needed.is_empty() && elf.dlopen.is_empty()
            }
            Self::Companion(_) => false,
        }
    }

    /// The packages that probably have it.
    fn likely(&self, view: &View<'_>) -> Vec<PackageId> {
        match self {
            Self::Path(_, path) => {
                let name = path.rsplit(|&b| b == b'/').next().unwrap_or_default();
                let mut names = vec![String::from_utf8_lossy(name).into_owned()];
                names.extend(
                    match name {
                        b"sh" => Some("dash"),
                        b"perl" => Some("perl-base"),
                        b"python3" => Some("python3-minimal"),
                        b"env" => Some("coreutils"),
                        name if name.starts_with(b"ld") => Some("libc6"),
                        _ => None,
                    }
                    .map(str::to_owned),
                );
                view.named(&names)
            }
            Self::Libraries(_, elf) => elf.needed.iter().flat_map(|name| view.likely(name)).collect(),
            Self::Companion(companion) => companion.packages(view.closure()).collect(),
        }
    }
}

/// Paths that a `#!` line needs; `env` looks for its argument among programs.
fn interpreters(interpreter: &[u8], argument: Option<&[u8]>) -> impl Iterator<Item = Vec<u8>> {
    let mut paths = vec![interpreter.to_vec()];
    if interpreter.ends_with(b"/env") {
        let mut words = argument.unwrap_or_default().split(u8::is_ascii_whitespace);
        let program = words.find(|word| !word.is_empty() && !word.starts_with(b"-") && !word.contains(&b'='));
        paths.extend(program.map(|program| [b"/usr/bin/", program].concat()));
    }
    paths.into_iter()
}

/// What a file needs; scripts only where they can be executed.
fn facts(view: &View<'_>, hit: &Hit) -> Option<FileFacts> {
    let component = view.loaded.get(&hit.id)?;
    let entry = component.tree.get(&hit.path)?;
    match component.facts.get(&hit.path)? {
        FileFacts::Script { .. } if entry.mode & 0o111 == 0 => None,
        facts => Some(facts.clone()),
    }
}

fn is_folder(view: &View<'_>, hit: &Hit) -> bool {
    let entry = view.loaded.get(&hit.id).and_then(|component| component.tree.get(&hit.path));
    entry.is_none_or(|entry| entry.node == Node::Directory)
}

fn missing(build: &Builder<'_>, view: &View<'_>, id: &PackageId, path: &TreePath) -> ComposeError {
    let component = view.loaded.get(id);
    let paths = component.into_iter().flat_map(|component| component.tree.iter()).map(|(path, _)| path);
    ComposeError::NotInPackage {
        image: build.input.image.to_owned(),
        package: id.name.clone(),
        path: path.clone(),
        similar: similar(&links::merged(path), paths).cloned(),
    }
}
