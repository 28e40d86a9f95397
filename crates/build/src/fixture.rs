//! A project in a store of its own, for tests of what comes before a build.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;

use longshore_net::Access;
use longshore_oci::{Component, Content, Digest, Entry, PackageId, Platform, Silent, Store, Tree, TreePath};

use crate::{Executor, HostToolchain, Input, Leftovers, Root, Settings, Supply, Tool, Toolchains, Wanted};

struct NoToolchains;

impl Toolchains for NoToolchains {
    fn components(
        &self,
        _packages: &BTreeMap<PackageId, Digest>,
    ) -> Result<Vec<Arc<Component>>, Box<dyn Error + Send + Sync>> {
        Err("tests of this kind run nothing".into())
    }
}

/// A supply of files in memory, by id; what it gives for `any` it gives for every other id of that kind.
pub(crate) struct Files {
    pub store: std::sync::OnceLock<Store>,
    pub files: std::sync::Mutex<BTreeMap<String, Vec<u8>>>,
    pub any: Option<(crate::Kind, Vec<u8>)>,
}

impl Files {
    /// One that lives as long as the process, and a store that it fills.
    pub fn fixture(any: Option<(crate::Kind, Vec<u8>)>) -> (Fixture, &'static Self) {
        let files: &'static Self =
            Box::leak(Box::new(Self { store: Default::default(), files: Default::default(), any }));
        let fixture = Fixture::supplied(Some(files));
        files.store.set(fixture.executor.store().clone()).unwrap_or_else(|_| panic!("it is new"));
        (fixture, files)
    }

    /// Has it give `bytes` for `id`.
    pub fn give(&self, id: &str, bytes: &[u8]) {
        self.files.lock().unwrap().insert(id.to_owned(), bytes.to_owned());
    }
}

impl Supply for Files {
    fn find(&self, wanted: &Wanted) -> Result<Option<Content>, Box<dyn Error + Send + Sync>> {
        let files = self.files.lock().unwrap();
        let any = self.any.as_ref().filter(|(kind, _)| *kind == wanted.kind).map(|(_, bytes)| bytes);
        let store = self.store.get().unwrap();
        Ok(files.get(&wanted.id).or(any).map(|bytes| store.put(bytes).unwrap()))
    }
}

/// A store and what runs in it: the machine's own toolchain at most.
pub(crate) struct Fixture {
    pub executor: Executor<'static>,
    _folder: tempfile::TempDir,
}

impl Fixture {
    pub fn new() -> Self {
        Self::supplied(None)
    }

    /// One that takes files from `supply` instead of the network.
    pub fn supplied(supply: Option<&'static dyn Supply>) -> Self {
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
            supply,
            shared: None,
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
