//! `kind = "command"`: any commands. They start in `/build`, which is empty; what they leave in `/out` is the output.
//!
//! Inputs are seen at the places that the stack file gives them, below `/src` or `/deps`, read-only: a command that
//! wants to change a source copies it to `/build` first. A place that ends with `/` is a folder that the input is put
//! into; any other is what the input becomes, so that a single file gets that name. Inputs may share folders but no file.

use std::collections::BTreeMap;
use std::sync::Arc;

use longshore_oci::{Node, Platform, Tree, TreeError, TreePath};
use longshore_stack::model::{BuildInput, CommandBuild, Destination};

use crate::{Error, Input, Loaded, Mounted, Recipe, Step};

/// The folders that inputs may be in.
const PLACES: [&str; 2] = ["src", "deps"];

/// The recipe of the build called `name`.
pub fn prepare(
    name: &str,
    spec: &CommandBuild,
    platform: &Platform,
    input: &Input<'_>,
) -> Result<Recipe, Error> {
    let mut trees: BTreeMap<&str, (Tree, Vec<String>)> = BTreeMap::new();
    for wanted in &spec.inputs {
        let found = find(name, wanted, input)?;
        let (top, at) = place(name, found.to)?;
        let (whole, names) = trees.entry(top).or_default();
        put(name, whole, top, &found, &at)?;
        names.push(found.what);
    }
    let mut mounts = BTreeMap::new();
    for (top, (tree, mut names)) in trees {
        tree.check().map_err(|error| match error {
            TreeError::NotADirectory { parent, .. } => {
                Error::Collision { build: name.to_owned(), path: format!("/{top}{parent}") }
            }
            error => Error::Tree { what: format!("build `{name}`: its inputs"), error },
        })?;
        names.sort();
        let mounted = Mounted { what: names.join(", "), tree: input.executor.put_tree(&tree)? };
        mounts.insert(format!("/{top}"), mounted);
    }
    let step = |argv: &Vec<String>| Step {
        // On one line, whatever a script has.
        what: argv.join(" ").split_whitespace().collect::<Vec<_>>().join(" ").chars().take(80).collect(),
        argv: found(argv, input),
        env: input.env.clone(),
        cwd: String::from("/build"),
    };
    input.recipe(name, platform, mounts, spec.run.iter().map(step).collect())
}

/// An input, what it is called, and where it goes.
struct Found<'a> {
    what: String,
    tree: &'a Tree,
    form: Form,
    to: &'a Destination,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    File,
    Folder,
}

/// `argv` with its program where a tool or Debian has it, if it is a bare name: nothing searches a path in a sandbox.
fn found(argv: &[String], input: &Input<'_>) -> Vec<String> {
    let mut argv = argv.to_vec();
    if let Some(program) = argv.first_mut().filter(|program| !program.contains('/')) {
        *program = match input.tool_with(program) {
            Some((_, path)) => path,
            None => format!("/usr/bin/{program}"),
        };
    }
    argv
}

fn find<'a>(name: &str, wanted: &'a BuildInput, input: &'a Input<'_>) -> Result<Found<'a>, Error> {
    let loaded = |loaded: &'a Loaded| match loaded {
        Loaded::File(tree) => (tree, Form::File),
        Loaded::Folder(tree) => (tree, Form::Folder),
    };
    let (what, found, to) = match wanted {
        BuildInput::Path { path, to } => (format!("path {path}"), input.paths.get(path).map(loaded), to),
        BuildInput::Url { url, to } => (format!("url {url}"), input.urls.get(url).map(loaded), to),
        BuildInput::Build { build, to } => {
            let tree = input.builds.get(build).map(|tree| (tree, Form::Folder));
            (format!("build {build}"), tree, to)
        }
    };
    let (tree, form) =
        found.ok_or_else(|| Error::NotLoaded { build: name.to_owned(), input: what.clone() })?;
    Ok(Found { what, tree, form, to })
}

/// The top folder of a destination and the path below it.
fn place(name: &str, to: &Destination) -> Result<(&'static str, TreePath), Error> {
    let (Destination::Into(path) | Destination::Exactly(path)) = to;
    let place = PLACES.into_iter().find_map(|top| {
        let bytes = path.as_bytes().strip_prefix(top.as_bytes())?;
        let below = bytes.strip_prefix(b"/").or_else(|| bytes.is_empty().then_some(bytes))?;
        Some((top, TreePath::new(below).ok()?))
    });
    place.ok_or_else(|| Error::Place { build: name.to_owned(), to: path.to_string() })
}

/// Puts an input into `whole` at `at`.
fn put(name: &str, whole: &mut Tree, top: &str, found: &Found<'_>, at: &TreePath) -> Result<(), Error> {
    let unsafe_path = |error| Error::Tree { what: format!("build `{name}`: its inputs"), error };
    // `to = "/src/config"` names the file itself, `to = "/src/"` the folder that it is put into.
    let named = found.form == Form::File && matches!(found.to, Destination::Exactly(_));
    if named && at.is_root() {
        return Err(Error::Place { build: name.to_owned(), to: format!("/{top}") });
    }
    for (path, entry) in found.tree.iter() {
        let place = match named {
            true => at.clone(),
            false => at.join(path.as_bytes()).map_err(unsafe_path)?,
        };
        let mut entry = entry.clone();
        if let Node::Hardlink(target) = &entry.node {
            let node = Node::Hardlink(at.join(target.as_bytes()).map_err(unsafe_path)?);
            Arc::make_mut(&mut entry).node = node;
        }
        let folder = entry.node == Node::Directory;
        if let Some(before) = whole.insert(place.clone(), entry)
            && !(folder && before.node == Node::Directory)
        {
            return Err(Error::Collision { build: name.to_owned(), path: format!("/{top}{place}") });
        }
    }
    Ok(())
}
