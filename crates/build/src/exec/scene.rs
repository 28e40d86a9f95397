//! What one build sees: the sandbox with its folders, the same paths and values wherever it runs.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use fs_err as fs;
use longshore_oci::folder::{self, Files};
use longshore_sandbox::{Access, Filter, Identity, Mount, Network, Sandbox, Tmpfs};

use super::{Executor, HostToolchain, Limits, host};
use crate::{Error, Mounted, Root, root};

/// What decides nothing about an output, and which `rebuild` changes to prove it.
#[derive(Debug, Clone)]
pub(crate) struct Conditions {
    /// User and group inside.
    pub ids: (u32, u32),
    /// CPUs that it sees; none for all.
    pub cpus: Option<NonZeroUsize>,
    /// Where, in the store's scratch space, its folders are.
    pub folder: PathBuf,
    /// What becomes of the recipe's caches.
    pub caches: Caches,
}

/// What becomes of a recipe's caches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caches {
    /// They are as earlier builds left them.
    Kept,
    /// There are none.
    Cold,
}

impl Conditions {
    /// The usual ones.
    pub fn usual(executor: &Executor<'_>) -> Self {
        Self { ids: (1000, 1000), cpus: None, folder: executor.store().scratch(), caches: Caches::Kept }
    }
}

/// A sandbox ready to run a build's commands; its folders go with it unless they are kept.
pub(crate) struct Scene {
    pub sandbox: Sandbox,
    folder: PathBuf,
    /// Whether they are to be found again by whoever tries next.
    ends: Ends,
}

/// What becomes of a scene's folders when it is given up.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    Removed,
    Left,
}

impl Drop for Scene {
    fn drop(&mut self) {
        if self.ends == Ends::Left {
            return;
        }
        if fs::remove_dir_all(&self.folder).is_err() {
            // Some tools leave folders that nobody may write.
            open_up(&self.folder);
            // What can't be removed now is swept with the store's scratch space.
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// Makes all folders in `folder` writable, as far as they are the caller's.
fn open_up(folder: &Path) {
    let _ = fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700));
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
        open_up(&entry.path());
    }
}

impl Scene {
    /// Sets up what the build called `build` sees.
    pub fn new(
        executor: &Executor<'_>,
        build: &str,
        root: &Root,
        mounts: &BTreeMap<String, Mounted>,
        limits: &Limits,
        conditions: &Conditions,
    ) -> Result<Self, Error> {
        let folder = conditions.folder.clone();
        let mut all = vec![
            mount(folder::open(&folder, "build")?, "/build", Access::Write),
            mount(folder::open(&folder, "out")?, "/out", Access::Write),
        ];
        let root = match root {
            Root::Packages(packages) => root::packages(executor, packages)?,
            Root::Host if executor.settings.host == HostToolchain::Refused => {
                return Err(Error::NotHermetic { build: build.to_owned() });
            }
            Root::Host => {
                let root = folder.join("root");
                // What an earlier try made of it.
                if root.exists() {
                    fs::remove_dir_all(&root)?;
                }
                host::root(&root, &mut all)?
            }
        };
        trees(executor, mounts, &folder.join("points"), &mut all)?;
        let sandbox = Sandbox {
            root,
            mounts: all,
            tmpfs: vec![Tmpfs::tmp()],
            network: Network::None,
            hostname: String::from("longshore"),
            ids: conditions.ids,
            identity: Identity::Caller,
            filter: Filter::None,
            limits: longshore_sandbox::Limits {
                time: Some(limits.time),
                memory: limits.memory,
                file: Some(limits.output),
                cpus: conditions.cpus,
            },
        };
        Ok(Self { sandbox, folder, ends: Ends::Removed })
    }

    /// With folders that stay until it is [`done`](Self::done).
    pub fn staying(mut self) -> Self {
        self.ends = Ends::Left;
        self
    }

    /// Its folders have served.
    pub fn done(mut self) {
        self.ends = Ends::Removed;
    }

    /// With caches, by their places inside and their names on this machine.
    pub fn with_caches(
        mut self,
        executor: &Executor<'_>,
        caches: &BTreeMap<String, String>,
    ) -> Result<Self, Error> {
        for (to, name) in caches {
            let from = executor.store().root().join("caches").join(name);
            fs::create_dir_all(&from)?;
            executor.store().uses(&from);
            if let Some(below) = Path::new(to).strip_prefix("/build").ok().filter(|_| to != "/build") {
                // The place to mount it on.
                fs::create_dir_all(self.folder.join("build").join(below))?;
            }
            self.sandbox.mounts.push(mount(from, to, Access::Write));
        }
        Ok(self)
    }

    /// With the machine's network, names and certificates, and the user's settings of clients.
    pub fn with_network(mut self, executor: &Executor<'_>, root: &Root) -> Result<Self, Error> {
        self.sandbox.network = Network::Host;
        let certificates = host::certificates(executor.settings.certificates.as_deref());
        let certificates = certificates.map(|path| (path, format!("/{}", root::CERTIFICATES)));
        let names =
            ["/etc/resolv.conf", "/etc/hosts"].map(|path| Some((PathBuf::from(path), path.to_owned())));
        // The machine's own root has its own certificates.
        let certificates = certificates.filter(|_| *root != Root::Host);
        for (from, to) in names.into_iter().chain([certificates]).flatten() {
            if from.exists() {
                self.sandbox.mounts.push(mount(from, to, Access::Read));
            }
        }
        let home = self.folder.join("home");
        fs::create_dir_all(&home)?;
        for (to, from) in executor.settings.files.iter().filter(|(_, from)| from.is_file()) {
            let below = |top: &str| Path::new(to).strip_prefix(top).ok().map(Path::to_owned);
            let place = below("/homeless").map(|below| home.join(below));
            let Some(place) = place.or_else(|| Some(self.folder.join("out").join(below("/out")?))) else {
                continue;
            };
            // The place to mount it on.
            fs::create_dir_all(place.parent().unwrap_or(&home))?;
            fs::write(place, b"")?;
            self.sandbox.mounts.push(mount(from.clone(), to, Access::Read));
        }
        self.sandbox.mounts.push(mount(home, "/homeless", Access::Read));
        Ok(self)
    }

    /// Where a path below `/build` or `/out` is on the machine; none when it is nowhere there, or links lead out.
    pub fn on_machine(&self, inside: &str) -> Option<PathBuf> {
        let inside = Path::new(inside);
        let writable = self.sandbox.mounts.iter().filter(|mount| mount.access == Access::Write);
        let (from, below) =
            writable.filter_map(|mount| Some((&mount.from, inside.strip_prefix(&mount.to).ok()?))).next()?;
        let (from, found) = (fs::canonicalize(from).ok()?, fs::canonicalize(from.join(below)).ok()?);
        found.starts_with(&from).then_some(found)
    }

    /// Moves the writable folder `inside` to `to`.
    pub fn take(&self, inside: &str, to: &Path) -> Result<(), Error> {
        match self.on_machine(inside) {
            Some(folder) => Ok(fs::rename(folder, to)?),
            None => Ok(()),
        }
    }

    /// Moves its folders to `to`, where they stay.
    pub fn keep(self, to: &Path) -> Result<(), Error> {
        if to.exists() {
            fs::remove_dir_all(to)?;
        }
        fs::create_dir_all(to.parent().unwrap_or(to))?;
        Ok(fs::rename(&self.folder, to)?)
    }
}

/// Mounts trees at their places. Below `/src` and `/deps`, folders to mount on are made at will.
fn trees(
    executor: &Executor<'_>,
    mounts: &BTreeMap<String, Mounted>,
    points: &Path,
    all: &mut Vec<Mount>,
) -> Result<(), Error> {
    let mut made = BTreeSet::new();
    for (to, mounted) in mounts {
        let tree = || executor.tree(&mounted.tree).map_err(|error| error.about(&mounted.what));
        let from =
            folder::shared(executor.store(), "trees", &mounted.tree, Files::Copies, executor.jobs(), tree)?;
        for top in ["/src", "/deps"] {
            let Some(below) = to.strip_prefix(top).and_then(|rest| rest.strip_prefix('/')) else { continue };
            if mounts.contains_key(top) {
                continue;
            }
            let place = points.join(&top[1..]);
            folder::open(&place, below)?;
            if made.insert(top) {
                all.push(mount(place, top, Access::Read));
            }
        }
        all.push(mount(from, to, Access::Read));
    }
    Ok(())
}

pub(super) fn mount(from: PathBuf, to: impl Into<PathBuf>, access: Access) -> Mount {
    Mount { from, to: to.into(), access }
}
