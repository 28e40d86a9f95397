//! From composed and packed images to one bill of the stack.

mod foreign;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use longshore_image::Image;
use longshore_image::plan::PlannedLayer;
use longshore_image::rootfs::{Brought, Held, RootFs};
use longshore_oci::{self as oci, DiffId, Digest, Node, Origin, PackageId, Store, Tree};
use longshore_stack::lock::Lock;
use longshore_stack::model::{BuildInput, BuildKind, GoSource, ImageSpec, Stack};

use crate::Error;
use crate::bill::{Bill, Component, Edge, Id, Kind, Part, Party, Place, Relation, image_id, index_id};
use crate::debian;
use crate::document::VERSION;
use crate::module::Module;
use crate::purl::Purl;

/// The label that says who hands out an image (OCI image specification, "Pre-Defined Annotation Keys").
const VENDOR: &str = "org.opencontainers.image.vendor";
/// Most files of a build's output whose digests are told one by one.
const MAX_FILES: usize = 40;

/// One image, as it was composed and packed.
#[derive(Debug, Clone)]
pub struct Made<'a> {
    /// The image.
    pub image: &'a Image,
    /// What the stack file declares.
    pub spec: &'a ImageSpec,
    /// What is in it.
    pub rootfs: &'a RootFs,
    /// Its own layers as they were planned, lowest first: those of `image` above its base's.
    pub layers: Vec<&'a PlannedLayer>,
    /// Its manifest, where that is known.
    pub manifest: Option<Digest>,
}

/// What images of one platform are made of.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    /// Packages by identity, at least those that are used.
    pub packages: &'a BTreeMap<PackageId, Arc<oci::Component>>,
    /// Files and folders beside the stack file by their path as written there.
    pub locals: &'a BTreeMap<String, Arc<oci::Component>>,
    /// What builds made, by name: those that images take something from, and those among their inputs.
    pub builds: &'a BTreeMap<String, Built>,
    /// Where files of packages are read.
    pub store: &'a Store,
}

/// What a build made, and of what.
#[derive(Debug, Clone)]
pub struct Built {
    /// What it left.
    pub output: Tree,
    /// Modules that it took.
    pub modules: BTreeSet<Module>,
    /// Packages of its toolchain that are inside of what it left: of a static C library.
    pub linked: Vec<PackageId>,
    /// What it ran on, for people: `host`, or what the stack file asks for with the locked versions.
    pub toolchain: String,
    /// Files and folders beside the stack file that it took, by their path, as [`tree_digest`] has them.
    pub sources: BTreeMap<String, Digest>,
}

/// How much is told one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// What images are made of.
    Components,
    /// Every file of every image, too.
    Files,
}

/// A bill of a stack as it grows.
#[derive(Debug, Clone)]
pub struct Gathering<'a> {
    stack: &'a Stack,
    lock: &'a Lock,
    detail: Detail,
    bill: Bill,
}

impl<'a> Gathering<'a> {
    /// A stack of no images. What it makes itself comes from who its images' `org.opencontainers.image.vendor` names, else
    /// from a party that is called like the stack.
    pub fn new(stack: &'a Stack, lock: &'a Lock, detail: Detail) -> Self {
        let vendor = stack.images.values().find_map(|spec| spec.labels.get(VENDOR));
        let author = Party::Organisation(vendor.unwrap_or(&stack.name).clone(), None);
        let root = Id(format!("stack:{}", stack.name));
        let inputs = || Digest::of(lock.to_string().as_bytes()).to_string();
        let version = stack.version.clone().unwrap_or_else(inputs);
        let mut component = Component::new(Kind::Stack, &stack.name, version);
        component.supplier = Some(author.clone());
        component.properties.extend(stack.profile.clone().map(|profile| ("profile".to_owned(), profile)));
        let bill = Bill {
            name: stack.name.clone(),
            created: stack.epoch,
            author,
            components: BTreeMap::from([(root.clone(), component)]),
            root,
            edges: BTreeSet::new(),
        };
        Self { stack, lock, detail, bill }
    }

    /// The bill of all that was added.
    pub fn finish(mut self) -> Bill {
        // An index has no digest before its manifests have; what its images are is as good a version.
        let images = self.bill.components.values().filter(|component| component.kind == Kind::Image);
        let mut all: BTreeMap<String, String> = BTreeMap::new();
        for Component { name, hashes, .. } in images {
            all.entry(name.clone()).or_default().extend(hashes.iter().map(|hash| format!("{}\n", hash.hex)));
        }
        for component in self.bill.components.values_mut().filter(|component| component.version.is_empty()) {
            let images = all.get(&component.name).map(String::as_str).unwrap_or_default();
            component.version = Digest::of(images.as_bytes()).to_string();
        }
        self.bill
    }

    /// Adds an image.
    pub fn image(&mut self, made: &Made<'_>, inputs: &Inputs<'_>) -> Result<(), Error> {
        let at = self.itself(made);
        let own = made.image.layers.len().saturating_sub(made.layers.len());
        let mut layers: BTreeMap<&Origin, Vec<DiffId>> = BTreeMap::new();
        for (planned, packed) in made.layers.iter().zip(made.image.layers.iter().skip(own)) {
            for origin in &planned.origins {
                layers.entry(origin).or_default().push(packed.diff_id);
            }
        }
        let below: Vec<DiffId> = made.image.layers.iter().take(own).map(|layer| layer.diff_id).collect();
        let scene = Scene { made, inputs, image: at, layers };
        self.packages(&scene)?;
        if self.detail == Detail::Files {
            self.every_file(&scene, &below);
        }
        for (origin, held) in made.rootfs.components() {
            match origin {
                Origin::Package(_) => {}
                Origin::Longshore(name) => self.longshore(&scene, name, &held),
                Origin::Path(path) => self.path(&scene, origin, path),
                Origin::Inline(path) => self.inline(&scene, origin, path, &held),
                Origin::Build(name) => {
                    let id = self.build(&scene, name, scene.layers(origin), &mut BTreeSet::new())?;
                    self.edge(&scene.image, Relation::Contains, &id);
                }
                Origin::Url(name) => {
                    if let Some(id) = self.url(&scene, name, scene.place(origin, Part::Whole)) {
                        self.edge(&scene.image, Relation::Contains, &id);
                    }
                }
                Origin::Image(layer) => {
                    let id = self.other(&scene, layer, scene.place(origin, files(&held)));
                    self.edge(&scene.image, Relation::Contains, &id);
                }
                Origin::Base(layer) => {
                    let id = self.other(&scene, layer, scene.at(below.clone(), Part::Whole));
                    self.edge(&scene.image, Relation::BuiltOn, &id);
                }
                Origin::Nix(path) => self.store_path(&scene, path),
            }
        }
        Ok(())
    }

    /// The image, and the index and the stack above it.
    fn itself(&mut self, made: &Made<'_>) -> Id {
        let Image { name, platform, .. } = made.image;
        let published = format!("{}/{name}", self.stack.repository);
        let config = made.image.id();
        let version = self.stack.version.clone().unwrap_or_else(|| config.to_string());
        let supplier = made.spec.labels.get(VENDOR).map(|vendor| Party::Organisation(vendor.clone(), None));
        let supplier = supplier.or_else(|| Some(self.bill.author.clone()));
        let place =
            |layers| Place { image: name.clone(), platform: platform.clone(), layers, part: Part::Whole };
        let purl = Purl::new("oci", name).with("repository_url", &published);

        let (id, index) = (image_id(name, platform), index_id(name));
        let mut image = Component::new(Kind::Image, &published, version);
        let pinned =
            made.manifest.map_or_else(|| purl.clone(), |digest| purl.clone().version(&digest.to_string()));
        image.purl = Some(pinned.with("arch", &platform.architecture).with("os", &platform.os).text());
        image.supplier = supplier.clone();
        image.hashes.insert(config.into());
        image.properties.insert("platform".to_owned(), platform.to_string());
        image.places.insert(place(made.image.layers.iter().map(|layer| layer.diff_id).collect()));
        self.add(&id, image);

        let version = self.stack.version.clone().unwrap_or_default();
        let mut all = Component::new(Kind::Index, &published, version);
        all.purl = Some(purl.text());
        all.supplier = supplier;
        all.places.insert(place(Vec::new()));
        self.add(&index, all);
        self.edge(&index, Relation::Contains, &id);
        let root = self.bill.root.clone();
        self.edge(&root, Relation::Contains, &index);
        id
    }

    /// Every file, with its digest and with who brought it. `below` are the layers of a base.
    fn every_file(&mut self, scene: &Scene<'_>, below: &[DiffId]) {
        let rootfs = scene.made.rootfs;
        for (path, entry) in rootfs.tree().iter() {
            let content = match &entry.node {
                Node::File(content) => *content,
                Node::Hardlink(target) => match rootfs.tree().get(target).map(|entry| &entry.node) {
                    Some(Node::File(content)) => *content,
                    _ => continue,
                },
                Node::Directory | Node::Symlink(_) => continue,
            };
            let Some(origin) = rootfs.origin(path) else { continue };
            let place = match origin {
                Origin::Base(_) => scene.at(below.to_vec(), Part::Whole),
                _ => scene.place(origin, Part::Whole),
            };
            let mut component = Component::new(Kind::File, path.to_string(), content.digest.to_string());
            component.supplier = Some(self.bill.author.clone());
            component.hashes.insert(content.into());
            component.properties.insert("from".to_owned(), origin.to_string());
            component.properties.insert("mode".to_owned(), format!("{:o}", entry.mode));
            component.places.insert(place);
            let Image { name, platform, .. } = scene.made.image;
            let id = Id(format!("file:{name}:{platform}:{path}"));
            self.add(&id, component);
            self.edge(&scene.image, Relation::Contains, &id);
        }
    }

    fn packages(&mut self, scene: &Scene<'_>) -> Result<(), Error> {
        let Image { name, platform, .. } = scene.made.image;
        let components = scene.made.rootfs.components();
        let used: BTreeSet<_> = scene.made.rootfs.packages().iter().map(|package| &package.id).collect();
        let closure = self.lock.closure(name, &platform.to_string());
        for package in scene.made.rootfs.packages() {
            let origin = Origin::Package(package.id.clone());
            let held = components.get(&origin).map(Vec::as_slice).unwrap_or_default();
            let place = match package.brought {
                Brought::Whole => scene.place(&origin, Part::Whole),
                _ if !held.is_empty() => scene.place(&origin, files(held)),
                // Fragments are called like the package that they are made from.
                _ => scene.place(&Origin::Longshore(package.id.name.clone()), Part::Made),
            };
            let Inputs { packages, store, .. } = scene.inputs;
            let mut component = debian::component(&package.id, packages, self.stack, self.lock, store)?;
            component.places.insert(place);
            let id = debian::id(&package.id);
            self.add(&id, component);
            self.edge(&scene.image, Relation::Contains, &id);
            let depends = self.lock.packages.get(&package.id).map(|locked| locked.depends.as_slice());
            for needed in depends.unwrap_or_default() {
                let mut found = closure.iter().flat_map(|closure| &closure.packages);
                if let Some(other) =
                    found.find(|other| other.name == *needed).filter(|other| used.contains(other))
                {
                    self.edge(&id, Relation::DependsOn, &debian::id(other));
                }
            }
        }
        Ok(())
    }

    /// What longshore makes: its probe is a program, all else is settings.
    fn longshore(&mut self, scene: &Scene<'_>, name: &str, held: &[Held<'_>]) {
        let origin = Origin::Longshore(name.to_owned());
        let (kind, what, summary) = match name {
            "probe" => (Kind::Program, "longshore-probe", "Asks a service whether it works"),
            _ => (Kind::File, "longshore", "Files, links and folders that longshore makes for an image"),
        };
        // Folders are nobody's work.
        let Part::Files(files) = files(held) else { return };
        if files.is_empty() {
            return;
        }
        let mut component = Component::new(kind, what, VERSION);
        component.purl = Some(Purl::new("generic", what).version(VERSION).text());
        component.supplier = Some(Party::Organisation("longshore".to_owned(), None));
        component.summary = Some(summary.to_owned());
        if kind == Kind::Program {
            let contents = held.iter().filter_map(|(_, entry)| match entry.node {
                Node::File(content) => Some(content.into()),
                _ => None,
            });
            component.hashes.extend(contents);
        }
        component.places.insert(scene.place(&origin, Part::Files(files)));
        let id = Id(match kind {
            // One binary for each platform.
            Kind::Program => format!("generic:{what}@{VERSION}:{}", scene.made.image.platform),
            _ => format!("generic:{what}@{VERSION}"),
        });
        self.add(&id, component);
        self.edge(&scene.image, Relation::Contains, &id);
    }

    fn path(&mut self, scene: &Scene<'_>, origin: &Origin, path: &str) {
        let Some(local) = scene.inputs.locals.get(path) else { return };
        let id =
            self.local(path, tree_digest(&local.tree), Some(&local.tree), scene.place(origin, Part::Whole));
        self.edge(&scene.image, Relation::Contains, &id);
    }

    /// A file or a folder of the stack's own.
    fn local(&mut self, path: &str, digest: Digest, tree: Option<&Tree>, place: Place) -> Id {
        let only =
            tree.and_then(|tree| match tree.iter().map(|(_, entry)| &entry.node).collect::<Vec<_>>()[..] {
                [Node::File(content)] => Some(content.digest),
                _ => None,
            });
        let mut component = Component::new(Kind::File, path, only.unwrap_or(digest).to_string());
        component.supplier = Some(self.bill.author.clone());
        match only {
            Some(file) => drop(component.hashes.insert(file.into())),
            None => drop(component.properties.insert("tree-digest".to_owned(), digest.to_string())),
        }
        component.places.insert(place);
        let id = Id(format!("path:{path}@{}", component.version));
        self.add(&id, component);
        id
    }

    /// Text, links and folders of the stack file. Only text is a thing.
    fn inline(&mut self, scene: &Scene<'_>, origin: &Origin, path: &str, held: &[Held<'_>]) {
        let mut found = held.iter().filter_map(|(_, entry)| match entry.node {
            Node::File(content) => Some(content.digest),
            _ => None,
        });
        let Some(digest) = found.next() else { return };
        let mut component = Component::new(Kind::File, path, digest.to_string());
        component.supplier = Some(self.bill.author.clone());
        component.hashes.insert(digest.into());
        component.places.insert(scene.place(origin, Part::Whole));
        let id = Id(format!("text:{path}@{digest}"));
        self.add(&id, component);
        self.edge(&scene.image, Relation::Contains, &id);
    }

    /// What a build made, its modules, and what it was made from. `above` are the builds that take it in.
    fn build(
        &mut self,
        scene: &Scene<'_>,
        name: &str,
        layers: Vec<DiffId>,
        above: &mut BTreeSet<String>,
    ) -> Result<Id, Error> {
        let platform = &scene.made.image.platform;
        let id = Id(format!("build:{name}:{platform}"));
        let (Some(built), Some(spec)) = (scene.inputs.builds.get(name), self.stack.builds.get(name)) else {
            return Ok(id);
        };
        if !above.insert(name.to_owned()) {
            return Ok(id);
        }
        let digest = tree_digest(&built.output);
        let mut component = Component::new(Kind::Program, name, digest.to_string());
        component.supplier = Some(self.bill.author.clone());
        if let BuildKind::Go(go) = &spec.kind
            && let GoSource::Module { path, version, .. } = &go.source
        {
            component.name.clone_from(path);
            component.version.clone_from(version);
            component.purl = Some(Purl::new("golang", path).version(version).text());
            let owner = built.modules.iter().find(|module| module.name == *path);
            component.supplier = owner.and_then(|module| module.component().supplier).or(component.supplier);
        }
        component.properties.insert("build".to_owned(), name.to_owned());
        component.properties.insert("toolchain".to_owned(), built.toolchain.clone());
        component.properties.insert("tree-digest".to_owned(), digest.to_string());
        let programs = built.output.iter().filter_map(|(path, entry)| match entry.node {
            Node::File(content) => Some((format!("file:{path}"), content.digest.to_string())),
            _ => None,
        });
        component.properties.extend(programs.take(MAX_FILES));
        let inside = match above.len() {
            1 => Part::Whole,
            _ => Part::Source,
        };
        component.places.insert(scene.at(layers.clone(), inside));
        self.add(&id, component);
        for module in &built.modules {
            let mut component = module.component();
            component.places.insert(scene.at(layers.clone(), Part::Linked));
            self.add(&module.id(), component);
            self.edge(&id, module.relation(), &module.id());
        }
        for package in &built.linked {
            let Inputs { packages, store, .. } = scene.inputs;
            let mut component = debian::component(package, packages, self.stack, self.lock, store)?;
            component.places.insert(scene.at(layers.clone(), Part::Linked));
            self.add(&debian::id(package), component);
            self.edge(&id, Relation::Links, &debian::id(package));
        }
        for (path, digest) in &built.sources {
            let source = self.local(path, *digest, None, scene.at(Vec::new(), Part::Source));
            self.edge(&id, Relation::MadeFrom, &source);
        }
        if let BuildKind::Command(command) = &spec.kind {
            for input in &command.inputs {
                let made_from = match input {
                    BuildInput::Path { .. } => None,
                    BuildInput::Url { url, .. } => self.url(scene, url, scene.at(Vec::new(), Part::Source)),
                    BuildInput::Build { build, .. } => {
                        Some(self.build(scene, build, layers.clone(), above)?)
                    }
                };
                if let Some(input) = made_from {
                    self.edge(&id, Relation::MadeFrom, &input);
                }
            }
        }
        Ok(id)
    }

    /// Adds a component, or what is new of it.
    fn add(&mut self, id: &Id, component: Component) {
        match self.bill.components.get_mut(id) {
            None => drop(self.bill.components.insert(id.clone(), component)),
            Some(known) => {
                known.places.extend(component.places);
                known.hashes.extend(component.hashes);
                known.properties.extend(component.properties);
            }
        }
    }

    fn edge(&mut self, from: &Id, relation: Relation, to: &Id) {
        self.bill.edges.insert(Edge { from: from.clone(), relation, to: to.clone() });
    }
}

/// The image that is being added.
struct Scene<'a> {
    made: &'a Made<'a>,
    inputs: &'a Inputs<'a>,
    image: Id,
    layers: BTreeMap<&'a Origin, Vec<DiffId>>,
}

impl Scene<'_> {
    fn layers(&self, origin: &Origin) -> Vec<DiffId> {
        self.layers.get(origin).cloned().unwrap_or_default()
    }

    fn at(&self, layers: Vec<DiffId>, part: Part) -> Place {
        let Image { name, platform, .. } = self.made.image;
        Place { image: name.clone(), platform: platform.clone(), layers, part }
    }

    fn place(&self, origin: &Origin, part: Part) -> Place {
        self.at(self.layers(origin), part)
    }
}

/// An address without who asks.
pub(crate) fn bare(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..end].rfind('@') {
        Some(at) => format!("{scheme}://{}", &rest[at + 1..]),
        None => url.to_owned(),
    }
}

/// The paths that are no folders.
fn files(held: &[Held<'_>]) -> Part {
    let files = held.iter().filter(|(_, entry)| entry.node != Node::Directory);
    Part::Files(files.map(|(path, _)| path.to_string()).collect())
}

/// One digest of a whole tree: SHA-256 of a line for each entry but folders, in the order of paths:
/// `f MODE SHA256 /PATH`, `l TARGET /PATH`, `h /TARGET /PATH`, mode in octal.
pub fn tree_digest(tree: &Tree) -> Digest {
    let mut text = String::new();
    for (path, entry) in tree.iter() {
        // Writing to a `String` can't fail.
        let _ = match &entry.node {
            Node::Directory => Ok(()),
            Node::File(content) => writeln!(text, "f {:o} {} {path}", entry.mode, content.digest.hex()),
            Node::Symlink(target) => writeln!(text, "l {} {path}", String::from_utf8_lossy(target)),
            Node::Hardlink(target) => writeln!(text, "h {target} {path}"),
        };
    }
    Digest::of(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use longshore_oci::TreePath;

    use super::*;

    #[test]
    fn addresses_hold_no_credentials() {
        for (url, expected) in [
            ("https://me:secret@host.example/a@b", "https://host.example/a@b"),
            ("https://host.example/a@b", "https://host.example/a@b"),
            ("https://me@host.example", "https://host.example"),
            ("nothing", "nothing"),
        ] {
            assert_eq!(bare(url), expected);
        }
    }

    #[test]
    fn digests_of_trees_see_all_but_folders() {
        let path = |text: &str| TreePath::new(text).unwrap();
        let file = oci::Entry::file(0o644, oci::Content::of(b"x"));
        let tree: Tree =
            [(path("a/b"), file.clone()), (path("l"), oci::Entry::symlink("b"))].into_iter().collect();
        let mut other = tree.clone();
        other.insert(path("a"), oci::Entry::directory(0o755));
        assert_eq!(tree_digest(&tree), tree_digest(&other));
        other.insert(path("a/b"), oci::Entry { mode: 0o755, ..file });
        assert_ne!(tree_digest(&tree), tree_digest(&other));
    }
}
