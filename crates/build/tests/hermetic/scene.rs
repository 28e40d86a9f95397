//! A store, and a toolchain that is Debian's static busybox under all its names.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;

use fs_err as fs;
use longshore_build::{
    Executor, HostToolchain, Leftovers, Recipe, Root, SANDBOX_VERSION, Settings, Step, Toolchains,
};
use longshore_net::Access;
use longshore_oci::{Component, Digest, Entry, Facts, Origin, PackageId, Silent, Store, Tree, TreePath};
use tempfile::TempDir;

/// The commands that tests use.
const APPLETS: [&str; 28] = [
    "cat", "chmod", "cp", "echo", "env", "grep", "head", "hostname", "id", "ln", "ls", "mkdir", "mkfifo",
    "nc", "pwd", "rm", "sh", "sleep", "sort", "stat", "test", "touch", "true", "uname", "wc", "[", "mv",
    "which",
];

/// What a test builds on.
pub struct Machine {
    pub folder: TempDir,
    pub store: Store,
    busybox: Busybox,
}

struct Busybox(Arc<Component>);

impl Toolchains for Busybox {
    fn components(
        &self,
        packages: &BTreeMap<PackageId, Digest>,
    ) -> Result<Vec<Arc<Component>>, Box<dyn Error + Send + Sync>> {
        Ok(packages.keys().map(|_| Arc::clone(&self.0)).collect())
    }
}

impl Machine {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("store")).unwrap();
        let bytes = ["/usr/bin/busybox", "/bin/busybox"].iter().find_map(|path| fs::read(path).ok());
        let bytes = bytes.expect("this test needs a static busybox: `apt-get install busybox-static`");
        let mut tree = Tree::new();
        let busybox = Entry::file(0o4755, store.put(&bytes).unwrap());
        tree.insert(TreePath::new("usr/bin/busybox").unwrap(), busybox);
        for name in APPLETS {
            tree.insert(TreePath::new(format!("usr/bin/{name}")).unwrap(), Entry::symlink("busybox"));
        }
        let component = Component { origin: Origin::Package(id()), tree, facts: Facts::new(), package: None };
        Self { folder, store, busybox: Busybox(Arc::new(component)) }
    }

    pub fn settings(&self) -> Settings<'_> {
        Settings {
            store: self.store.clone(),
            stack: String::from("/stack"),
            jobs: 2,
            progress: &Silent,
            toolchains: &self.busybox,
            access: Access::Online,
            network: BTreeMap::new(),
            files: BTreeMap::new(),
            certificates: None,
            leftovers: Leftovers::Removed,
            host: HostToolchain::Refused,
            witness: None,
            supply: None,
            shared: None,
        }
    }

    pub fn executor(&self) -> Executor<'_> {
        Executor::new(self.settings())
    }
}

fn id() -> PackageId {
    let [source, name, version, architecture] = ["debian", "busybox-static", "1", "amd64"].map(String::from);
    PackageId { source, name, version, architecture }
}

/// A root of the one package.
pub fn root() -> Root {
    Root::Packages([(id(), Digest::of(b"busybox"))].into())
}

/// A recipe of one shell script.
pub fn sh(script: &str) -> Recipe {
    let step = Step {
        what: String::from("sh"),
        argv: ["/bin/sh", "-c", script].map(String::from).to_vec(),
        env: BTreeMap::new(),
        cwd: String::from("/build"),
    };
    Recipe {
        name: String::from("test"),
        sandbox: SANDBOX_VERSION,
        platform: "linux/amd64".parse().unwrap(),
        root: root(),
        mounts: BTreeMap::new(),
        steps: vec![step],
        output: String::from("/out"),
        caches: BTreeMap::new(),
    }
}

/// A tree of text files.
pub fn tree(store: &Store, files: &[(&str, &str)]) -> Tree {
    let entry = |(path, text): &(&str, &str)| {
        (TreePath::new(path).unwrap(), Entry::file(0o644, store.put(text.as_bytes()).unwrap()))
    };
    files.iter().map(entry).collect()
}
