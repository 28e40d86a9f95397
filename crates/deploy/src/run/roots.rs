//! Root filesystems as folders: an image's tree with the mount points that one service needs, written once.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use longshore_image::rootfs::RootFs;
use longshore_oci::folder::Files;
pub use longshore_oci::folder::Owners;
use longshore_oci::{Content, Digest, Entry, Node, Progress, Store, Tree, TreePath, folder};

use super::Error;
use super::place::Place;
use super::plan::Planned;

/// Where services see their secrets, unless one is said to be elsewhere.
pub(super) const SECRETS: &str = "/run/secrets";
/// Files of every service's own.
pub(super) const FILES: [&str; 2] = ["/etc/hosts", "/etc/resolv.conf"];
/// Folders that every service has.
const FOLDERS: [&str; 3] = ["/proc", "/dev", "/tmp"];

/// The root of one service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    tree: Tree,
    key: Digest,
}

/// What is mounted somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Folder,
    File,
}

impl Root {
    /// That of `service`, which runs as `planned`, from its image.
    pub(super) fn of(service: &str, planned: &Planned, rootfs: &RootFs) -> Result<Self, Error> {
        let mut tree = rootfs.tree().clone();
        for (path, kind) in points(planned) {
            let at = TreePath::new(path.as_os_str().as_bytes())?;
            let missing = |found| Error::MountPoint { service: service.to_owned(), path: at.clone(), found };
            if let Some(there) = rootfs.follow(&at) {
                let folder = rootfs.tree().get(&there).is_some_and(|entry| entry.node == Node::Directory);
                match (folder, kind) {
                    (true, Kind::Folder) | (false, Kind::File) => continue,
                    (true, Kind::File) => return Err(missing("a folder")),
                    (false, Kind::Folder) => return Err(missing("a file")),
                }
            }
            let resolved = rootfs.resolve(&at).ok_or_else(|| missing("something below a file"))?;
            if rootfs.tree().get(&resolved).is_some() {
                return Err(missing("a link to nothing"));
            }
            let entry = match kind {
                Kind::Folder => Entry::directory(0o755),
                Kind::File => Entry::file(0o644, Content::of(b"")),
            };
            tree.insert(resolved, entry);
        }
        // A tree has no form that can't be written.
        let bytes = postcard::to_stdvec(&tree).unwrap_or_default();
        Ok(Self { tree, key: Digest::of(&bytes) })
    }
}

/// What has to be there to be mounted on.
fn points(planned: &Planned) -> Vec<(PathBuf, Kind)> {
    let folders = FOLDERS.iter().map(|path| PathBuf::from(*path));
    let volumes = planned.volumes.values().map(|volume| volume.path.clone());
    let folders = folders.chain(volumes).chain(planned.scratch.iter().map(|scratch| scratch.path.clone()));
    // Those in the usual place lie in memory, where mount points are made.
    let usual = planned.secrets.values().any(|path| path.starts_with(SECRETS));
    let folders = folders.chain(usual.then(|| PathBuf::from(SECRETS)));
    let files = FILES.iter().map(|path| PathBuf::from(*path)).chain(planned.files.keys().cloned());
    let files = files.chain(planned.secrets.values().filter(|path| !path.starts_with(SECRETS)).cloned());
    let in_memory =
        |path: &Path| planned.scratch.iter().any(|it| path != it.path && path.starts_with(&it.path));
    let all = folders.map(|path| (path, Kind::Folder)).chain(files.map(|path| (path, Kind::File)));
    all.filter(|(path, _)| !in_memory(path)).collect()
}

/// The roots of all services.
#[derive(Debug)]
pub struct Roots {
    owners: Owners,
    all: BTreeMap<(&'static str, Digest), (Files, Tree)>,
}

impl Roots {
    pub(super) fn new(owners: Owners) -> Self {
        Self { owners, all: BTreeMap::new() }
    }

    /// Takes in one that is only read, and shared by all that have the same; says where it will be.
    pub(super) fn add(&mut self, root: Root, store: &Store) -> PathBuf {
        let kind = match self.owners {
            Owners::Caller => "services",
            Owners::Tree => "services-owned",
        };
        self.put(kind, root.key, Files::Shared(self.owners), root.tree, store)
    }

    /// Takes in one that nobody else has, since a service without a container can write there.
    pub(super) fn add_own(&mut self, root: Root, place: &Place, service: &str, store: &Store) -> PathBuf {
        let key = Digest::of(format!("{} {} {service}", root.key, place.mark()).as_bytes());
        self.put("services-native", key, Files::Copies, root.tree, store)
    }

    fn put(&mut self, kind: &'static str, key: Digest, files: Files, tree: Tree, store: &Store) -> PathBuf {
        self.all.insert((kind, key), (files, tree));
        store.root().join(kind).join(key.hex()).join("tree")
    }

    /// Writes those that are not there yet.
    ///
    /// # Errors
    /// When the store lacks bytes or the disk takes no more.
    pub fn write(self, store: &Store, jobs: usize, progress: &dyn Progress) -> Result<(), Error> {
        // What files to mount on hold.
        store.put(b"").map_err(folder::FolderError::from)?;
        for ((kind, key), (files, tree)) in self.all {
            folder::shared(store, kind, &key, files, jobs, || {
                let _step = progress.begin("Unpacking", "root folder", Some(tree.size()));
                Ok::<_, Error>(tree)
            })?;
        }
        Ok(())
    }
}
