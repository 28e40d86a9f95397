//! From a verified `.deb` to a [`Component`]: file bytes into the store, names and modes into a tree.
//!
//! A package is decoded once in its life. What came of it is a record of the store, keyed by the package file's
//! digest, so the same build again reads one small file per package and no blob at all. Blobs that were lost since
//! show up as [`StoreError::Missing`] when they are opened; [`unpack_again`] then makes them anew.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use longshore_net::each;
use longshore_oci::{
    Component, Content, Entry, Facts, FileFacts, Node, Origin, PackageId, PackageMeta, Progress, Step, Store,
    StoreError, Tree, TreeError, TreePath, Xattrs,
};
use serde::{Deserialize, Serialize};

use super::archive::{ArchiveError, Data, Deb, Limits, Member, MemberKind};
use super::control::Paragraphs;
use super::fetch::Fetched;
use super::merged_usr::merged;
use super::scripts;
use crate::intake;

/// Kind of the store's records; a new number whenever the same package would give another component.
const RECORD: &str = "deb-tree-2";

/// Why a package can't be unpacked.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// The file is not a package that is taken.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// Its paths contradict each other.
    #[error("package `{package}`: {error}")]
    Tree {
        /// The package.
        package: Box<PackageId>,
        /// Which paths.
        error: TreeError,
    },
    /// Two of its files have one path once `/usr` is merged.
    #[error(
        "package `{package}`: two of its files are `{path}` once `/bin`, `/sbin` and `/lib` are those of `/usr`"
    )]
    Merge {
        /// The package.
        package: Box<PackageId>,
        /// The path.
        path: TreePath,
    },
    /// It holds no readable control paragraph.
    #[error("package `{package}`: its `control` file {problem}")]
    Control {
        /// The package.
        package: Box<PackageId>,
        /// What is wrong.
        problem: String,
    },
    /// It is another package than the lock says.
    #[error("package `{expected}`: the file calls itself {field} `{found}`")]
    Identity {
        /// What the lock says.
        expected: Box<PackageId>,
        /// The field that differs.
        field: &'static str,
        /// What the file says.
        found: String,
    },
    /// The store can't.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl UnpackError {
    /// The name of the package that it is about.
    pub fn package(&self) -> Option<&str> {
        match self {
            Self::Tree { package, .. } | Self::Merge { package, .. } | Self::Control { package, .. } => {
                Some(&package.name)
            }
            Self::Identity { expected, .. } => Some(&expected.name),
            Self::Archive(_) | Self::Store(_) => None,
        }
    }

    /// What the user can do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Archive(error) => error.hint(),
            Self::Store(error) => error.hint(),
            Self::Identity { expected, .. } => Some(format!(
                "the lock and the archive disagree; run `longshore update {}` to lock it anew",
                expected.name
            )),
            _ => None,
        }
    }
}

/// What a record holds: a component without its origin, which depends on the stack's name for the source.
#[derive(Serialize, Deserialize)]
struct Unpacked {
    tree: Tree,
    facts: Facts,
    package: PackageMeta,
}

/// The component of a package whose file is in the store. Decodes it the first time only.
pub fn unpack(fetched: &Fetched, store: &Store) -> Result<Component, UnpackError> {
    match recorded(fetched.id(), fetched.content(), store)? {
        Some(component) => Ok(component),
        None => decode(fetched.id(), fetched.content(), store, 1),
    }
}

/// The same, decoding even where a record says it was done: for when a blob of it is gone.
pub fn unpack_again(fetched: &Fetched, store: &Store) -> Result<Component, UnpackError> {
    decode(fetched.id(), fetched.content(), store, 1)
}

/// The components of many packages in the order given, decoding what was never decoded with `jobs` threads.
pub fn unpack_all(
    packages: &[Fetched],
    jobs: usize,
    store: &Store,
    progress: &dyn Progress,
) -> Result<Vec<Component>, UnpackError> {
    let packages: Vec<_> = packages.iter().map(|fetched| (fetched.id(), fetched.content())).collect();
    all(&packages, jobs, store, progress)
}

fn all(
    packages: &[(&PackageId, &Content)],
    jobs: usize,
    store: &Store,
    progress: &dyn Progress,
) -> Result<Vec<Component>, UnpackError> {
    let jobs = jobs.clamp(1, 64);
    let mut components = each(jobs, packages, |(id, deb)| recorded(id, deb, store))?;
    // The largest first, so that no thread is left with one at the end.
    let mut todo: Vec<usize> = (0..packages.len()).filter(|&i| components[i].is_none()).collect();
    todo.sort_by_key(|&i| (Reverse(packages[i].1.size), i));
    let decoded = each(jobs, &todo, |&i| {
        let (id, deb) = packages[i];
        let what = format!("{} {}", id.name, id.version);
        // At most 64.
        let decode = |_: &dyn Step| decode(id, deb, store, jobs as u32);
        progress.during("Unpacking", &what, Some(deb.size), decode)
    })?;
    for (i, component) in todo.into_iter().zip(decoded) {
        components[i] = Some(component);
    }
    Ok(components.into_iter().flatten().collect())
}

fn recorded(id: &PackageId, deb: &Content, store: &Store) -> Result<Option<Component>, UnpackError> {
    let Some(bytes) = store.record(RECORD, &deb.digest)? else { return Ok(None) };
    let Ok(unpacked) = postcard::from_bytes::<Unpacked>(&bytes) else { return Ok(None) };
    identity(id, &unpacked.package.control)?;
    Ok(Some(component(id, unpacked)))
}

fn component(id: &PackageId, unpacked: Unpacked) -> Component {
    let Unpacked { tree, facts, package } = unpacked;
    Component { origin: Origin::Package(id.clone()), tree, facts, package: Some(package) }
}

fn decode(id: &PackageId, deb: &Content, store: &Store, threads: u32) -> Result<Component, UnpackError> {
    let name = format!("{}_{}_{}.deb", id.name, id.version, id.architecture);
    let mut archive = Deb::open(&name, store.open_blob(deb)?, Limits::default())?;
    let mut control = archive.control()?;
    let package = meta(id, &mut control, store)?;
    let mut files = Files { id, store, tree: Tree::new(), facts: Facts::new(), buffer: Vec::new() };
    let mut data = archive.data(threads)?;
    while let Some(member) = data.next_entry()? {
        files.add(member, &mut data)?;
    }
    files.tree.check().map_err(|error| UnpackError::Tree { package: Box::new(id.clone()), error })?;
    let unpacked = Unpacked { tree: files.tree, facts: files.facts, package };
    // Serializing to memory can only fail where a type can't be serialized.
    if let Ok(bytes) = postcard::to_stdvec(&unpacked) {
        let names = unpacked.tree.contents().chain(unpacked.package.md5sums);
        store.put_record(RECORD, &deb.digest, &bytes, names)?;
    }
    Ok(component(id, unpacked))
}

/// The tree as it grows.
struct Files<'a> {
    id: &'a PackageId,
    store: &'a Store,
    tree: Tree,
    facts: Facts,
    buffer: Vec<u8>,
}

impl Files<'_> {
    fn add(&mut self, member: Member, data: &mut Data<'_>) -> Result<(), UnpackError> {
        let Some(path) = merged(&member) else { return Ok(()) };
        if path.is_root() {
            return Ok(());
        }
        let node = match member.kind {
            MemberKind::Directory => Node::Directory,
            MemberKind::File(size) => {
                let (content, facts) = self.file(size, data)?;
                // Only what the kernel would run has needs: a script without the bit is a document.
                let runs = !matches!(facts, Some(FileFacts::Script { .. })) || member.mode & 0o111 != 0;
                self.facts.extend(facts.filter(|_| runs).map(|facts| (path.clone(), facts)));
                Node::File(content)
            }
            MemberKind::Symlink(target) => Node::Symlink(target),
            MemberKind::Hardlink(target) => Node::Hardlink(super::merged_usr::merged_path(&target)),
        };
        let entry =
            Entry { mode: member.mode, uid: member.uid, gid: member.gid, xattrs: Xattrs::default(), node };
        match self.tree.insert(path.clone(), entry) {
            Some(first) if first.node != Node::Directory => {
                Err(UnpackError::Merge { package: Box::new(self.id.clone()), path })
            }
            Some(_) if self.tree.get(&path).is_some_and(|entry| entry.node != Node::Directory) => {
                Err(UnpackError::Merge { package: Box::new(self.id.clone()), path })
            }
            _ => Ok(()),
        }
    }

    fn file(&mut self, size: u64, data: &mut Data<'_>) -> Result<(Content, Option<FileFacts>), UnpackError> {
        if size > intake::SMALL {
            return intake::streamed(|buffer| Ok(data.read(buffer)?), self.store);
        }
        // At most 4 MiB.
        self.buffer.resize(size as usize, 0);
        data.read(&mut self.buffer)?;
        Ok(intake::whole(&self.buffer, self.store)?)
    }
}

fn meta(
    id: &PackageId,
    control: &mut BTreeMap<String, Vec<u8>>,
    store: &Store,
) -> Result<PackageMeta, UnpackError> {
    let Some(paragraph) = control.remove("control") else {
        return Err(UnpackError::Control {
            package: Box::new(id.clone()),
            problem: "is not there".to_owned(),
        });
    };
    let replaces = identity(id, &paragraph)?;
    let lines = control.remove("conffiles").unwrap_or_default();
    let lines = lines.split(|&b| b == b'\n').map(<[u8]>::trim_ascii);
    // `remove-on-upgrade /etc/x` names a file that the package does not hold (deb-conffiles(5)).
    let conffiles = lines.filter(|line| line.starts_with(b"/")).map(<[u8]>::to_vec).collect();
    Ok(PackageMeta {
        skipped: scripts::skipped(control),
        md5sums: control.remove("md5sums").map(|sums| store.put(&sums)).transpose()?,
        control: paragraph,
        conffiles,
        replaces,
    })
}

/// Checks that the control paragraph is that of `id`; the names in its `Replaces`.
fn identity(id: &PackageId, control: &[u8]) -> Result<Vec<String>, UnpackError> {
    let broken = |problem: String| UnpackError::Control { package: Box::new(id.clone()), problem };
    let text = std::str::from_utf8(control).map_err(|_| broken("is not UTF-8".to_owned()))?;
    let mut paragraphs = Paragraphs::new(text);
    let paragraph = paragraphs.next().ok_or_else(|| broken("is empty".to_owned()))?;
    let paragraph = paragraph.map_err(|error| broken(format!("is broken: {error}")))?;
    if paragraphs.next().is_some() {
        return Err(broken("has more than one paragraph".to_owned()));
    }
    for (field, expected) in
        [("Package", &id.name), ("Version", &id.version), ("Architecture", &id.architecture)]
    {
        let found = paragraph.get(field).unwrap_or_default();
        if found != expected {
            let found = found.chars().take(100).collect();
            return Err(UnpackError::Identity { expected: Box::new(id.clone()), field, found });
        }
    }
    let replaces = paragraph.get("Replaces").unwrap_or_default().split([',', '|']);
    let names = replaces.filter_map(|one| one.trim().split([' ', '\t', '\n', '(', ':']).next());
    Ok(names.filter(|name| !name.is_empty()).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests;
