//! Where on the machine that is what a service sees at a path.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

use longshore_image::rootfs::RootFs;
use longshore_oci::{Node, TreePath};

use super::Unsound;
use crate::run::place::Place;
use crate::run::plan::Planned;
use crate::run::roots::FILES;
use crate::run::stage::Staged;

/// What the machine has itself, with all below, as every container has it.
const SAME: [&str; 3] = ["/dev", "/proc", "/sys"];
/// Folders of the machine that are its own where nothing below them is named.
const USUAL: [&str; 14] = [
    "/bin", "/boot", "/etc", "/home", "/lib", "/lib64", "/media", "/mnt", "/opt", "/root", "/run", "/sbin",
    "/usr", "/var",
];

/// What one service sees.
pub(super) struct Paths<'a> {
    /// What is made for it, by where it sees that.
    made: BTreeMap<PathBuf, PathBuf>,
    /// Folders in which only a part is made for it, or that are not in one place on the machine.
    parts: BTreeSet<PathBuf>,
    image: &'a RootFs,
    /// The image's folder.
    root: PathBuf,
}

impl<'a> Paths<'a> {
    pub(super) fn of(
        name: &str,
        planned: &Planned,
        image: &'a RootFs,
        place: &Place,
    ) -> Result<Self, Unsound> {
        let staged = Staged::of(place, name);
        let mut paths =
            Self { made: BTreeMap::new(), parts: BTreeSet::new(), image, root: planned.root.clone() };
        let volumes = planned.volumes.iter();
        let volumes: BTreeMap<_, _> =
            volumes.map(|(volume, spec)| (spec.path.clone(), place.volume(name, volume))).collect();
        let scratch = planned.scratch.iter().map(|it| &it.path).filter(|path| *path != Path::new("/tmp"));
        let folders: BTreeMap<PathBuf, PathBuf> =
            scratch.map(|path| (path.clone(), staged.seen(path))).chain(volumes.clone()).collect();
        let files: Vec<&PathBuf> = planned.files.keys().chain(planned.secrets.values()).collect();
        for path in folders.keys().chain(files.iter().copied()) {
            if let Some(folder) = path.ancestors().skip(1).find(|above| folders.contains_key(*above)) {
                return Err(Unsound::Below { path: path.clone(), folder: folder.to_owned() });
            }
        }
        for path in volumes.keys() {
            paths.parts.extend(above(path).map(Path::to_owned));
        }
        for path in files.into_iter().chain(folders.keys().filter(|path| !volumes.contains_key(*path))) {
            for above in above(path) {
                match paths.image_has(above) {
                    true => drop(paths.parts.insert(above.to_owned())),
                    false => drop(paths.made.insert(above.to_owned(), staged.seen(above))),
                }
            }
            paths.made.insert(path.clone(), staged.seen(path));
        }
        paths.made.extend(volumes);
        Ok(paths)
    }

    /// The file or folder of the machine that is seen at `path`; none where that is the same, or nothing that is known.
    pub(super) fn find(&self, path: &Path) -> Result<Option<PathBuf>, Unsound> {
        let plain = |part: Component| matches!(part, Component::RootDir | Component::Normal(_));
        if !path.components().all(plain) {
            return Ok(None);
        }
        if self.parts.contains(path) {
            return Err(Unsound::Part { path: path.to_owned() });
        }
        let made = path.ancestors().find_map(|above| Some((above, self.made.get(above)?)));
        if let Some((above, to)) = made {
            let below = path.strip_prefix(above).unwrap_or(Path::new(""));
            return Ok(Some(if below.as_os_str().is_empty() { to.clone() } else { to.join(below) }));
        }
        Ok(if is_same(path) { None } else { self.in_image(path) })
    }

    /// Where the image's own file or folder is that is at `path`, if there is one.
    pub(super) fn in_image(&self, path: &Path) -> Option<PathBuf> {
        let at = tree_path(path)?;
        let (end, at) = (self.image.follow(&at)?, self.image.resolve(&at)?);
        // A link keeps its name, by which some programs know what they are; one that is absolute would lead elsewhere here.
        let at = match self.image.tree().get(&at).map(|entry| &entry.node) {
            Some(Node::Symlink(to)) if to.starts_with(b"/") => end,
            _ => at,
        };
        Some(self.root.join(OsStr::from_bytes(at.as_bytes())))
    }

    /// The image's folder.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    fn image_has(&self, path: &Path) -> bool {
        tree_path(path).is_some_and(|at| self.image.follow(&at).is_some())
    }
}

/// The folders above `path` that aren't the machine's own.
fn above(path: &Path) -> impl Iterator<Item = &Path> {
    path.ancestors().skip(1).filter(|above| !is_same(above))
}

/// Whether it is on the machine what it is in a container, as far as anybody can tell.
fn is_same(path: &Path) -> bool {
    let exactly = USUAL.iter().chain(&FILES).chain(&["/", "/tmp"]).any(|same| path == Path::new(same));
    exactly || SAME.iter().any(|same| path.starts_with(same))
}

pub(super) fn tree_path(path: &Path) -> Option<TreePath> {
    TreePath::new(path.as_os_str().as_bytes()).ok()
}
