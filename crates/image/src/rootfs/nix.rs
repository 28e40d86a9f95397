//! Paths of the Nix store: where they were, with all they refer to, and links to what of them is wanted elsewhere.
//!
//! What a path refers to is known by its lock, not found by looking. `exclude` cuts references; what is cut off must not be
//! needed by what stays, as far as that can be seen: links, interpreters, and libraries by their names in run paths.

use std::collections::BTreeMap;
use std::sync::Arc;

use longshore_oci::{Component, Entry, FileFacts, Node, Origin, StorePath, Tree, TreePath};
use longshore_stack::model::{NixLinks, NixRequest};

use super::builder::Builder;
use super::contents::Part;
use super::similar::similar;
use super::{ComposeError, links, runpath};

/// What an installable came to: paths of the store, and all they refer to.
#[derive(Debug, Clone, Default)]
pub struct NixClosure {
    /// What was asked for.
    pub outputs: Vec<StorePath>,
    /// That, and all it refers to.
    pub paths: BTreeMap<StorePath, NixPath>,
}

/// A path of the store.
#[derive(Debug, Clone)]
pub struct NixPath {
    /// What it refers to, sorted.
    pub references: Vec<StorePath>,
    /// What it holds, by its place in an image.
    pub component: Arc<Component>,
}

/// How a path of the store came into an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorePathUse {
    /// What was asked for, as the stack file has it.
    pub installable: String,
    /// The shortest way from an output of it: each refers to the next, and the last is the path itself.
    pub chain: Vec<StorePath>,
}

impl StorePathUse {
    /// `backend-1.0 → tool-0.3 → gcc-13.2.0`.
    pub fn way(&self) -> String {
        let names: Vec<_> = self.chain.iter().map(StorePath::name).collect();
        names.join(" → ")
    }
}

/// Places all that the image takes from the store.
pub(super) fn place(build: &mut Builder<'_>) -> Result<(), ComposeError> {
    let mut left_out: BTreeMap<StorePath, Arc<Component>> = BTreeMap::new();
    for request in build.input.spec.nix() {
        let closure = find(build, request)?;
        let ways = ways(build, request, closure)?;
        let cut = closure.paths.iter().filter(|(path, _)| !ways.contains_key(path));
        left_out.extend(cut.map(|(path, held)| (path.clone(), held.component.clone())));
        for (path, chain) in ways {
            if build.store_paths.contains_key(&path) {
                continue;
            }
            let held = closure.paths.get(&path).map(|held| held.component.clone());
            let held = held.ok_or_else(|| unread(build, &path.to_string()))?;
            whole(build, &path, &held)?;
            let installable = request.installable.to_string();
            build.store_paths.insert(path, StorePathUse { installable, chain });
        }
    }
    left_out.retain(|path, _| !build.store_paths.contains_key(path));
    refuse_needed(build, &left_out)?;
    for request in build.input.spec.nix() {
        let outputs = find(build, request)?.outputs.clone();
        link(build, request, &outputs)?;
    }
    Ok(())
}

fn find<'a>(build: &Builder<'a>, request: &NixRequest) -> Result<&'a NixClosure, ComposeError> {
    let name = request.installable.to_string();
    build.input.nix.get(&name).ok_or_else(|| unread(build, &name))
}

fn unread(build: &Builder<'_>, path: &str) -> ComposeError {
    ComposeError::NoLocal { image: build.input.image.to_owned(), path: path.to_owned() }
}

/// The shortest way to every path that stays.
fn ways(
    build: &Builder<'_>,
    request: &NixRequest,
    closure: &NixClosure,
) -> Result<BTreeMap<StorePath, Vec<StorePath>>, ComposeError> {
    for pattern in &request.exclude {
        if !closure.paths.keys().any(|path| matches(pattern, path)) {
            return Err(ComposeError::ExcludesNothing {
                image: build.input.image.to_owned(),
                installable: request.installable.to_string(),
                exclude: pattern.clone(),
            });
        }
    }
    let stays = |path: &StorePath| !request.exclude.iter().any(|pattern| matches(pattern, path));
    let mut found: BTreeMap<StorePath, Vec<StorePath>> = BTreeMap::new();
    let mut next: Vec<Vec<StorePath>> = closure.outputs.iter().map(|path| vec![path.clone()]).collect();
    while !next.is_empty() {
        let mut further = Vec::new();
        for chain in next {
            let Some(path) = chain.last().filter(|path| stays(path) && !found.contains_key(*path)) else {
                continue;
            };
            let references = closure.paths.get(path).map(|held| held.references.as_slice());
            let longer = |to: &StorePath| chain.iter().chain([to]).cloned().collect();
            further.extend(references.unwrap_or_default().iter().map(longer));
            found.insert(path.clone(), chain);
        }
        next = further;
    }
    Ok(found)
}

/// Whether `pattern` (`gcc-13.2.0`, `gcc-*`) is the name of `path`, or its base name.
fn matches(pattern: &str, path: &StorePath) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => path.name().starts_with(start),
        None => path.name() == pattern || path.base_name() == pattern || path.to_string() == pattern,
    }
}

fn whole(build: &mut Builder<'_>, path: &StorePath, component: &Component) -> Result<(), ComposeError> {
    let origin = Origin::Nix(path.clone());
    let part = Part {
        tree: &component.tree,
        facts: &component.facts,
        origin: &|_| origin.clone(),
        from: &TreePath::root(),
        to: TreePath::root(),
        mode: None,
        owner: None,
    };
    // What is only referred to need not work: only what is linked is asked for.
    let roots = std::mem::take(&mut build.roots);
    part.place(build)?;
    build.roots = roots;
    Ok(())
}

/// Fails where something that stays can be seen to need what was left out.
fn refuse_needed(
    build: &Builder<'_>,
    left_out: &BTreeMap<StorePath, Arc<Component>>,
) -> Result<(), ComposeError> {
    let mut gone = Tree::new();
    for component in left_out.values() {
        component.tree.iter().for_each(|(path, entry)| drop(gone.insert(path.clone(), entry.clone())));
    }
    if gone.is_empty() {
        return Ok(());
    }
    let was = |path: &TreePath| StorePath::holding(path).filter(|_| gone.get(path).is_some());
    for path in build.store_paths.keys() {
        for (at, entry) in build.tree.under(&path.tree_path()) {
            let needs = match (&entry.node, build.facts.get(at)) {
                (Node::Symlink(to), _) => links::target(at, to).as_ref().and_then(was),
                (_, Some(FileFacts::Script { interpreter, .. })) => {
                    TreePath::new(interpreter).ok().as_ref().and_then(was)
                }
                (_, Some(FileFacts::Elf(elf))) => {
                    let interpreter = elf.interpreter.iter().filter_map(|path| TreePath::new(path).ok());
                    let folders = runpath(at, elf);
                    let library = |name: &Vec<u8>| {
                        let places = || folders.iter().filter_map(|folder| folder.join(name).ok());
                        places()
                            .find(|place| build.has(place))
                            .map_or_else(|| places().find_map(|p| was(&p)), |_| None)
                    };
                    interpreter
                        .clone()
                        .find_map(|path| was(&path))
                        .or_else(|| elf.needed.iter().find_map(library))
                }
                _ => None,
            };
            if let Some(needed) = needs {
                return Err(ComposeError::Excluded {
                    image: build.input.image.to_owned(),
                    needed: Box::new(needed),
                    by: at.clone(),
                });
            }
        }
    }
    Ok(())
}

/// Makes the links of one request.
fn link(build: &mut Builder<'_>, request: &NixRequest, outputs: &[StorePath]) -> Result<(), ComposeError> {
    match &request.links {
        NixLinks::Nothing => {}
        NixLinks::Programs => {
            let (bin, to) = (TreePath::new("bin")?, TreePath::new("bin")?);
            for output in outputs {
                below(build, outputs, output, &output.tree_path().join(bin.as_bytes())?, &to)?;
            }
        }
        NixLinks::Everything(to) => {
            for output in outputs {
                below(build, outputs, output, &output.tree_path(), to)?;
            }
        }
        NixLinks::Parts { from, to } => {
            for part in from {
                one(build, request, outputs, part, to.path(part.name()))?;
            }
        }
    }
    Ok(())
}

/// Links one part of the outputs, whichever has it; a folder entry by entry.
fn one(
    build: &mut Builder<'_>,
    request: &NixRequest,
    outputs: &[StorePath],
    part: &TreePath,
    to: TreePath,
) -> Result<(), ComposeError> {
    let mut found = false;
    for output in outputs {
        let at = output.tree_path().join(part.as_bytes())?;
        let Some(end) = links::follow(&build.tree, &at) else { continue };
        found = true;
        match build.tree.get(&end).map(|entry| &entry.node) {
            Some(Node::Directory) => below(build, outputs, output, &at, &to)?,
            _ => leaf(build, outputs, output, &at, &to)?,
        }
    }
    if found {
        return Ok(());
    }
    let similar = outputs.iter().find_map(|output| {
        let root = output.tree_path();
        let same = similar(&root.join(part.as_bytes()).ok()?, build.tree.under(&root).map(|(path, _)| path))?;
        TreePath::new(&same.as_bytes()[root.as_bytes().len()..]).ok()
    });
    Err(ComposeError::NotInStorePath {
        image: build.input.image.to_owned(),
        installable: request.installable.to_string(),
        path: super::contents::relative(part),
        similar: similar.map(|path| super::contents::relative(&path)),
    })
}

/// Links each entry of the folder at `from`, links to it followed, below `to`: folders become folders, all else links. Nothing
/// where there is no such folder.
fn below(
    build: &mut Builder<'_>,
    outputs: &[StorePath],
    output: &StorePath,
    from: &TreePath,
    to: &TreePath,
) -> Result<(), ComposeError> {
    let Some(folder) = links::follow(&build.tree, from) else { return Ok(()) };
    if build.tree.get(&folder).is_none_or(|entry| entry.node != Node::Directory) {
        // A store path that is one file goes in under its own name.
        return leaf(build, outputs, output, from, &to.join(output.name())?);
    }
    let entries: Vec<(TreePath, Node)> = build
        .tree
        .under(&folder)
        .filter(|(path, _)| **path != folder)
        .map(|(path, entry)| (path.clone(), entry.node.clone()))
        .collect();
    for (path, node) in entries {
        let rest = &path.as_bytes()[folder.as_bytes().len() + 1..];
        let at = to.join(rest)?;
        match node {
            Node::Directory => {
                build.put(&at, Entry::directory(0o755), &Origin::Nix(output.clone()))?;
            }
            // At the root `bin` and its like may be links to folders of other store paths, as environments have them.
            Node::Symlink(_) if to.is_root() && is_folder(build, &path) => {
                below(build, outputs, output, &path, &at)?
            }
            _ => leaf(build, outputs, output, &from.join(rest)?, &at)?,
        }
    }
    Ok(())
}

fn is_folder(build: &Builder<'_>, path: &TreePath) -> bool {
    let end = links::follow(&build.tree, path).and_then(|end| build.tree.get(&end));
    end.is_some_and(|entry| entry.node == Node::Directory)
}

/// One link; what it names must work.
fn leaf(
    build: &mut Builder<'_>,
    outputs: &[StorePath],
    output: &StorePath,
    from: &TreePath,
    to: &TreePath,
) -> Result<(), ComposeError> {
    let target = from.to_string();
    // The first output that has something of this name is the one: the order is theirs.
    let ours = |origin: Option<&Origin>| matches!(origin, Some(Origin::Nix(other)) if other != output && outputs.contains(other));
    if let links::Walk::At(at) = links::parents(&build.tree, to)
        && build.tree.get(&at).is_some_and(|entry| matches!(entry.node, Node::Symlink(_)))
        && ours(build.origins.get(&at))
    {
        return Ok(());
    }
    let origin = Origin::Nix(output.clone());
    build.put(to, Entry::symlink(target), &origin)?;
    let Some(end) = links::follow(&build.tree, from) else { return Ok(()) };
    let runs = match build.facts.get(&end) {
        Some(FileFacts::Elf(elf)) => elf.interpreter.is_some(),
        Some(FileFacts::Script { .. }) => build.tree.get(&end).is_some_and(|entry| entry.mode & 0o111 != 0),
        None => false,
    };
    if runs {
        build.roots.insert(end);
    }
    Ok(())
}
