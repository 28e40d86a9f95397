//! Small packages made by hand, for tests of composition, lints and plans.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use longshore_oci::{
    Component, Content, Digest, Elf, ElfClass, Entry, FileFacts, ImageFiles, ImageLayer, Node, Origin,
    PackageId, PackageMeta, Platform, Store, StorePath, Tree, TreePath,
};
use longshore_stack::model::{
    ContentSpec, Destination, FileRequest, Fragment, FragmentKind, ImageSpec, Installable, NixLinks,
    NixRequest, OutputRequest, PackageRequest, SliceRequest, TextRequest, UserSpec,
};

use super::{ComposeError, Input, NixClosure, NixPath, Packages, RootFs, compose};

pub(crate) fn path(text: &str) -> TreePath {
    TreePath::new(text).unwrap()
}

pub(crate) fn amd64() -> Platform {
    "linux/amd64".parse().unwrap()
}

/// A component under construction; its files hold their own path unless told otherwise.
pub(crate) struct Parts {
    component: Component,
    depends: Vec<&'static str>,
    bytes: Vec<Vec<u8>>,
    md5sums: Vec<u8>,
}

fn parts(origin: Origin, package: Option<PackageMeta>) -> Parts {
    let component = Component { origin, tree: Tree::new(), facts: BTreeMap::new(), package };
    Parts { component, depends: Vec::new(), bytes: Vec::new(), md5sums: Vec::new() }
}

pub(crate) fn id(name: &str) -> PackageId {
    let [source, name, version, architecture] = ["debian", name, "1", "amd64"].map(str::to_owned);
    PackageId { source, name, version, architecture }
}

/// A package with a copyright file and a `md5sums` line for each file that is added by [`Parts::file`].
pub(crate) fn package(name: &str, depends: &[&'static str]) -> Parts {
    let meta = PackageMeta {
        control: format!("Package: {name}\nVersion: 1").into_bytes(),
        ..PackageMeta::default()
    };
    let mut parts = parts(Origin::Package(id(name)), Some(meta));
    parts.depends = depends.to_vec();
    parts.file(&format!("usr/share/doc/{name}/copyright"), 0o644)
}

pub(crate) fn local(name: &str) -> Parts {
    parts(Origin::Path(name.to_owned()), None)
}

/// What a build called `name` made.
pub(crate) fn built(name: &str) -> Parts {
    parts(Origin::Build(name.to_owned()), None)
}

/// A pinned archive called `name`.
pub(crate) fn archive(name: &str) -> Parts {
    parts(Origin::Url(name.to_owned()), None)
}

/// Somebody's image of one layer.
pub(crate) fn image(reference: &str) -> Parts {
    let manifest = Digest::of(reference.as_bytes());
    parts(Origin::Image(ImageLayer { reference: reference.to_owned(), manifest, layer: 1 }), None)
}

/// The store path that is called `name` in these tests.
pub(crate) fn named(name: &str) -> StorePath {
    format!("/nix/store/00000000000000000000000000000000-{name}").parse().unwrap()
}

/// A path of the Nix store that refers to others.
pub(crate) fn store_path(name: &str, references: &[&'static str]) -> Parts {
    let mut parts = parts(Origin::Nix(named(name)), None);
    parts.depends = references.to_vec();
    parts.folder(named(name).tree_path().to_string().as_str(), 0o555, 0)
}

/// A file below a store path, as tests name it.
pub(crate) fn below(name: &str, file: &str) -> String {
    format!("{}/{file}", named(name))
}

/// What `outputs` and all they refer to are, as `.#all`.
pub(crate) fn nix(links: NixLinks, exclude: &[&str]) -> ContentSpec {
    let exclude = exclude.iter().map(|name| (*name).to_owned()).collect();
    ContentSpec::Nix(NixRequest { installable: Installable::Flake(".#all".to_owned()), links, exclude })
}

impl Parts {
    fn entry(mut self, at: &str, entry: Entry) -> Self {
        self.component.tree.insert(path(at), entry);
        self
    }

    pub(crate) fn text(mut self, at: &str, mode: u16, text: &str) -> Self {
        self.bytes.push(text.as_bytes().to_vec());
        self.md5sums.extend(format!("{:032x}  {at}\n", text.len()).into_bytes());
        self.entry(at, Entry::file(mode, Content::of(text.as_bytes())))
    }

    pub(crate) fn file(self, at: &str, mode: u16) -> Self {
        self.text(at, mode, at)
    }

    /// A file of which only the size counts: nobody can read it.
    pub(crate) fn sized(self, at: &str, size: u64) -> Self {
        self.entry(at, Entry::file(0o644, Content { digest: Digest::of(at.as_bytes()), size }))
    }

    pub(crate) fn link(self, at: &str, to: &str) -> Self {
        self.entry(at, Entry::symlink(to))
    }

    pub(crate) fn hard(self, at: &str, to: &str) -> Self {
        self.entry(at, Entry { node: Node::Hardlink(path(to)), ..Entry::directory(0o755) })
    }

    pub(crate) fn folder(self, at: &str, mode: u16, uid: u32) -> Self {
        self.entry(at, Entry::directory(mode).owned_by(uid, uid))
    }

    pub(crate) fn elf(mut self, at: &str, needed: &[&str], change: impl FnOnce(&mut Elf)) -> Self {
        let mut elf = Elf {
            class: ElfClass::Bits64,
            machine: 62,
            interpreter: None,
            soname: None,
            needed: needed.iter().map(|name| name.as_bytes().to_vec()).collect(),
            runpath: Vec::new(),
            dlopen: Vec::new(),
        };
        change(&mut elf);
        self.component.facts.insert(path(at), FileFacts::Elf(elf));
        self.file(at, 0o755)
    }

    pub(crate) fn program(self, at: &str, needed: &[&str]) -> Self {
        self.elf(at, needed, |elf| elf.interpreter = Some(b"/lib64/ld-linux-x86-64.so.2".to_vec()))
    }

    pub(crate) fn library(self, at: &str, needed: &[&str]) -> Self {
        let name = path(at).name().to_vec();
        self.elf(at, needed, |elf| elf.soname = Some(name))
    }

    pub(crate) fn script(mut self, at: &str, interpreter: &str) -> Self {
        let facts = FileFacts::Script { interpreter: interpreter.as_bytes().to_vec(), argument: None };
        self.component.facts.insert(path(at), facts);
        self.file(at, 0o755)
    }

    pub(crate) fn replaces(mut self, name: &str) -> Self {
        if let Some(meta) = &mut self.component.package {
            meta.replaces.push(name.to_owned());
        }
        self
    }
}

/// glibc as far as composition cares.
pub(crate) fn libc() -> Parts {
    package("libc6", &["libgcc-s1"])
        .library("usr/lib/x86_64-linux-gnu/libc.so.6", &["ld-linux-x86-64.so.2"])
        .library("usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2", &[])
        .link("usr/lib64/ld-linux-x86-64.so.2", "../lib/x86_64-linux-gnu/ld-linux-x86-64.so.2")
}

pub(crate) fn libgcc() -> Parts {
    package("libgcc-s1", &["libc6"]).library("usr/lib/x86_64-linux-gnu/libgcc_s.so.1", &["libc.so.6"])
}

/// Packages and local files, and which packages composition asked for.
pub(crate) struct World {
    _folder: tempfile::TempDir,
    store: Store,
    closure: Vec<PackageId>,
    packages: BTreeMap<PackageId, (Arc<Component>, Vec<PackageId>)>,
    locals: BTreeMap<String, Arc<Component>>,
    others: BTreeMap<String, Arc<ImageFiles>>,
    nix: NixClosure,
    loaded: Mutex<Vec<Vec<String>>>,
}

impl World {
    pub(crate) fn new(parts: impl IntoIterator<Item = Parts>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let (mut packages, mut locals) = (BTreeMap::new(), BTreeMap::new());
        let mut others = BTreeMap::new();
        let mut nix = NixClosure::default();
        for mut part in parts {
            for bytes in &part.bytes {
                store.put(bytes).unwrap();
            }
            if let Some(meta) = &mut part.component.package {
                meta.md5sums = Some(store.put(&part.md5sums).unwrap());
            }
            let references: Vec<_> = part.depends.iter().map(|name| named(name)).collect();
            let depends = part.depends.iter().map(|name| id(name)).collect();
            let component = Arc::new(part.component);
            match component.origin.clone() {
                Origin::Package(id) => drop(packages.insert(id, (component, depends))),
                Origin::Path(name) => drop(locals.insert(name, component)),
                Origin::Build(name) => drop(locals.insert(format!("build:{name}"), component)),
                Origin::Url(name) => drop(locals.insert(format!("url:{name}"), component)),
                Origin::Image(layer) => {
                    let Component { mut tree, facts, .. } = (*component).clone();
                    let parents: Vec<_> = tree.iter().flat_map(|(path, _)| path.ancestors()).collect();
                    for parent in parents {
                        if tree.get(&parent).is_none() {
                            tree.insert(parent, Entry::directory(0o755));
                        }
                    }
                    let layers = tree.iter().map(|(path, _)| (path.clone(), layer.layer)).collect();
                    let ImageLayer { reference, manifest, .. } = layer;
                    let files = ImageFiles { reference: reference.clone(), manifest, tree, facts, layers };
                    others.insert(reference, Arc::new(files));
                }
                Origin::Nix(path) => {
                    // The first is what is asked for.
                    if nix.outputs.is_empty() {
                        nix.outputs.push(path.clone());
                    }
                    nix.paths.insert(path, NixPath { references, component });
                }
                other => panic!("{other}"),
            }
        }
        let closure = packages.keys().cloned().collect();
        Self { _folder: folder, store, closure, packages, locals, others, nix, loaded: Mutex::default() }
    }

    pub(crate) fn compose(&self, spec: &ImageSpec) -> Result<RootFs, ComposeError> {
        compose(&Input {
            spec,
            image: "test",
            platform: &amd64(),
            packages: self,
            locals: &self.locals,
            others: &self.others,
            nix: &BTreeMap::from([(".#all".to_owned(), self.nix.clone())]),
            store: &self.store,
        })
    }

    /// Names of packages by the call that had them.
    pub(crate) fn loaded(&self) -> Vec<Vec<String>> {
        self.loaded.lock().unwrap().clone()
    }

    pub(crate) fn read(&self, rootfs: &RootFs, at: &str) -> Vec<u8> {
        match rootfs.tree().get(&path(at)).map(|entry| &entry.node) {
            Some(Node::File(content)) => self.store.read_blob(content).unwrap(),
            other => panic!("{at}: {other:?}"),
        }
    }
}

impl Packages for World {
    fn closure(&self) -> &[PackageId] {
        &self.closure
    }

    fn depends(&self, id: &PackageId) -> Vec<PackageId> {
        self.packages[id].1.iter().filter(|id| self.packages.contains_key(id)).cloned().collect()
    }

    fn codename(&self, _source: &str) -> Option<String> {
        Some("trixie-security".to_owned())
    }

    fn load(
        &self,
        ids: &[PackageId],
    ) -> Result<Vec<Arc<Component>>, Box<dyn std::error::Error + Send + Sync>> {
        self.loaded.lock().unwrap().push(ids.iter().map(|id| id.name.clone()).collect());
        Ok(ids.iter().map(|id| Arc::clone(&self.packages[id].0)).collect())
    }
}

pub(crate) fn spec(contents: impl IntoIterator<Item = ContentSpec>) -> ImageSpec {
    ImageSpec {
        base: None,
        contents: contents.into_iter().collect(),
        user: user("app", 10001),
        users: Vec::new(),
        entrypoint: Vec::new(),
        command: Vec::new(),
        env: BTreeMap::new(),
        workdir: None,
        labels: BTreeMap::new(),
        ports: BTreeMap::new(),
        stop_signal: None,
        writable: Vec::new(),
        alternatives: BTreeMap::new(),
        certificates: Vec::new(),
        keep: Vec::new(),
        allow: Vec::new(),
        max_layers: 40,
        healthcheck: None,
    }
}

pub(crate) fn user(name: &str, uid: u32) -> UserSpec {
    let shell = "/usr/sbin/nologin".to_owned();
    UserSpec { name: name.to_owned(), uid, gid: uid, home: "/".to_owned(), shell }
}

fn request(package: &str) -> PackageRequest {
    PackageRequest { source: "debian".to_owned(), package: package.to_owned() }
}

pub(crate) fn whole(name: &str) -> ContentSpec {
    ContentSpec::Package(request(name))
}

pub(crate) fn slice(name: &str, from: &[&str], to: Option<&str>) -> SliceRequest {
    let from = from.iter().map(|from| path(from)).collect();
    SliceRequest { package: request(name), from, to: to.map(destination), extra: Vec::new() }
}

pub(crate) fn sliced(name: &str, from: &[&str], to: Option<&str>) -> ContentSpec {
    ContentSpec::Slice(slice(name, from, to))
}

pub(crate) fn authorities() -> ContentSpec {
    ContentSpec::Fragment(Fragment {
        kind: FragmentKind::CaCertificates,
        package: request("ca-certificates"),
    })
}

pub(crate) fn zones() -> ContentSpec {
    ContentSpec::Fragment(Fragment { kind: FragmentKind::Tzdata, package: request("tzdata") })
}

fn destination(to: &str) -> Destination {
    if to.ends_with('/') { Destination::Into(path(to)) } else { Destination::Exactly(path(to)) }
}

pub(crate) fn place(from: &str, to: &str) -> FileRequest {
    FileRequest { path: from.to_owned(), to: destination(to), mode: None, owner: (0, 0) }
}

/// A part of a build or archive, or all of it.
pub(crate) fn output(name: &str, from: Option<&str>, to: &str) -> OutputRequest {
    let from = from.map(str::to_owned);
    OutputRequest { name: name.to_owned(), from, to: destination(to), mode: None, owner: (0, 0) }
}

pub(crate) fn text(to: &str, text: &str) -> ContentSpec {
    let text = text.to_owned();
    ContentSpec::Text(TextRequest { template: None, text, to: destination(to), mode: 0o644, owner: (0, 0) })
}
