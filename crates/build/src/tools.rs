//! Trees of programs that a build runs on besides its root: other builds' outputs and pinned archives.
//!
//! ```text
//! /deps/tools/NAME           the tree, read-only
//! /deps/tools/NAME/bin       on the search path before the root's own folders, in the order of the stack file;
//! /deps/tools/NAME           instead, where it has no `bin`
//! ```
//!
//! They are mounts and a variable `PATH` like any other, so they are part of a recipe's key without more.

use std::collections::BTreeMap;

use longshore_oci::{Entry, Node, Platform, Tree, TreePath};

use crate::exec::SEARCH_PATH;
use crate::{Error, Fetch, Input, Mounted, Recipe, Root, SANDBOX_VERSION, Step};

/// Where they are.
const PLACE: &str = "/deps/tools";
/// The folder above, which may be a mount itself.
const DEPS: &str = "/deps";
/// Bytes of a file that says a version.
const MAX_VERSION: u64 = 4096;

/// A tree of programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tool {
    /// Its name: that of the build or archive.
    pub name: String,
    /// What is in it.
    pub tree: Tree,
}

impl Tool {
    /// Whether it has a file, link or folder `path`.
    pub(crate) fn has(&self, path: &str) -> bool {
        TreePath::new(path).is_ok_and(|path| self.tree.under(&path).next().is_some())
    }

    fn place(&self) -> String {
        format!("{PLACE}/{}", self.name)
    }

    /// The folder that is searched for programs.
    fn folder(&self) -> String {
        if self.has("bin") { format!("{}/bin", self.place()) } else { self.place() }
    }

    /// Where the program `name` is, if it has it.
    fn program(&self, name: &str) -> Option<String> {
        let path = if self.has("bin") { format!("bin/{name}") } else { name.to_owned() };
        let entry = self.tree.get(&TreePath::new(path).ok()?)?;
        (entry.node != Node::Directory).then(|| format!("{}/{name}", self.folder()))
    }
}

impl Input<'_> {
    /// The first tool that has the program `name`, and where builds find it.
    pub(crate) fn tool_with(&self, name: &str) -> Option<(&Tool, String)> {
        self.tools.iter().find_map(|tool| Some((tool, tool.program(name)?)))
    }

    /// How a step begins that runs the program `name` of its kind: a tool's, or that of the root.
    pub(crate) fn command(&self, name: &str) -> Vec<String> {
        match (self.tool_with(name), &self.root) {
            (Some((_, path)), _) => vec![path],
            (None, Root::Packages(_)) => vec![format!("/usr/bin/{name}")],
            // The machine's own may be anywhere on its search path.
            (None, Root::Host) => vec![String::from("/usr/bin/env"), name.to_owned()],
        }
    }

    /// The first line of the text file `path` of a tool.
    pub(crate) fn line(&self, tool: &Tool, path: &str) -> Option<String> {
        let entry = tool.tree.get(&TreePath::new(path).ok()?)?;
        let Node::File(content) = &entry.node else { return None };
        let bytes = self.executor.store().read_blob(content).ok().filter(|_| content.size <= MAX_VERSION)?;
        Some(String::from_utf8_lossy(&bytes).lines().next()?.trim().to_owned())
    }

    /// The recipe of the build called `name`, whose steps leave their output in `/out`.
    pub(crate) fn recipe(
        &self,
        name: &str,
        platform: &Platform,
        mounts: BTreeMap<String, Mounted>,
        steps: Vec<Step>,
    ) -> Result<Recipe, Error> {
        Ok(Recipe {
            name: name.to_owned(),
            sandbox: SANDBOX_VERSION,
            platform: platform.clone(),
            root: self.root.clone(),
            mounts: self.mounts(name, mounts)?,
            steps: self.steps(steps),
            output: String::from("/out"),
            caches: BTreeMap::new(),
        })
    }

    /// What is run with network for the build called `name`, with the same tools.
    pub(crate) fn fetch(
        &self,
        name: &str,
        mounts: BTreeMap<String, Mounted>,
        steps: Vec<Step>,
    ) -> Result<Fetch, Error> {
        Ok(Fetch {
            name: name.to_owned(),
            root: self.root.clone(),
            mounts: self.mounts(name, mounts)?,
            known: BTreeMap::new(),
            steps: self.steps(steps),
        })
    }

    /// `mounts` and the tools. A tree at `/deps` gets the folders that they are mounted on.
    fn mounts(
        &self,
        build: &str,
        mut mounts: BTreeMap<String, Mounted>,
    ) -> Result<BTreeMap<String, Mounted>, Error> {
        if self.tools.is_empty() {
            return Ok(mounts);
        }
        if let Some(deps) = mounts.get_mut(DEPS) {
            let mut tree = self.executor.tree(&deps.tree)?;
            for tool in &self.tools {
                let collision = || Error::Collision { build: build.to_owned(), path: tool.place() };
                let point = TreePath::new(format!("tools/{}", tool.name)).map_err(|_| collision())?;
                if tree.under(&point).next().is_some() {
                    return Err(collision());
                }
                tree.insert(point, Entry::directory(0o755));
                tree.check().map_err(|_| collision())?;
            }
            deps.tree = self.executor.put_tree(&tree)?;
        }
        for tool in &self.tools {
            let tree = self.executor.put_tree(&tool.tree)?;
            mounts.insert(tool.place(), Mounted { what: format!("tool {}", tool.name), tree });
        }
        Ok(mounts)
    }

    /// `steps` with a search path that begins with the tools, but where they have one of their own.
    fn steps(&self, mut steps: Vec<Step>) -> Vec<Step> {
        if self.tools.is_empty() {
            return steps;
        }
        let folders = self.tools.iter().map(Tool::folder).chain([SEARCH_PATH.to_owned()]);
        let path = folders.collect::<Vec<_>>().join(":");
        for step in &mut steps {
            step.env.entry(String::from("PATH")).or_insert_with(|| path.clone());
        }
        steps
    }
}
