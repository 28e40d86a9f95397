//! A project in a store of its own, for tests of what comes before a build.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;

use longshore_net::Access;
use longshore_oci::{Component, Digest, Entry, PackageId, Platform, Silent, Store, Tree, TreePath};

use crate::{Executor, HostToolchain, Input, Leftovers, Root, Settings, Tool, Toolchains};

struct NoToolchains;

impl Toolchains for NoToolchains {
    fn components(
        &self,
        _packages: &BTreeMap<PackageId, Digest>,
    ) -> Result<Vec<Arc<Component>>, Box<dyn Error + Send + Sync>> {
        Err("tests of this kind run nothing".into())
    }
}

/// A store and what runs in it: the machine's own toolchain at most.
pub(crate) struct Fixture {
    pub executor: Executor<'static>,
    _folder: tempfile::TempDir,
}

impl Fixture {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings {
            store: Store::open(folder.path()).unwrap(),
            stack: String::from("/stack"),
            jobs: 1,
            progress: &Silent,
            toolchains: &NoToolchains,
            access: Access::Online,
            network: BTreeMap::new(),
            files: BTreeMap::new(),
            certificates: None,
            leftovers: Leftovers::Removed,
            host: HostToolchain::Allowed,
            witness: None,
            supply: None,
        };
        Self { executor: Executor::new(settings), _folder: folder }
    }

    /// A project of `files`, with Debian's packages `tools` as the toolchain.
    pub fn input(&self, files: &[(&str, &str)], tools: &[(&str, &str)]) -> Input<'_> {
        let mut tree = Tree::new();
        for (path, text) in files {
            let content = self.executor.store().put(text.as_bytes()).unwrap();
            tree.insert(TreePath::new(path).unwrap(), Entry::file(0o644, content));
        }
        let root = tools.iter().map(|(name, version)| (package(name, version), Digest::of(b"deb")));
        Input {
            executor: &self.executor,
            root: Root::Packages(root.collect()),
            tools: Vec::new(),
            host: platform("linux/amd64"),
            source: Some(self.executor.put_tree(&tree).unwrap()),
            env: BTreeMap::new(),
            paths: BTreeMap::new(),
            builds: BTreeMap::new(),
            urls: BTreeMap::new(),
        }
    }
}

impl Fixture {
    /// A tool of text files.
    pub fn tool(&self, name: &str, files: &[(&str, &str)]) -> Tool {
        let file = |(path, text): &(&str, &str)| {
            let content = self.executor.store().put(text.as_bytes()).unwrap();
            (TreePath::new(path).unwrap(), Entry::file(0o755, content))
        };
        Tool { name: name.to_owned(), tree: files.iter().map(file).collect() }
    }
}

fn package(name: &str, version: &str) -> PackageId {
    let [source, name, version, architecture] = ["debian", name, version, "amd64"].map(str::to_owned);
    PackageId { source, name, version, architecture }
}

pub(crate) fn platform(name: &str) -> Platform {
    name.parse().unwrap()
}
