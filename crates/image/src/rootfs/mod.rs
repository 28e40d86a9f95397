//! Composition: packages whole or sliced, fragments and files become one tree in which every path has an owner.
//!
//! Ranks decide who wins a path: what the stack file itself contributes replaces a package's file (and says so), a
//! package's file replaces longshore's own, that replaces the base's, and two of one rank that differ are a conflict. See
//! `docs/design/compose-reads-the-store.md` for what composition takes from the store.

mod accounts;
mod arch;
mod base;
mod builder;
mod certificates;
mod companions;
mod contents;
mod dpkg;
mod error;
mod fragments;
mod java;
mod ldcache;
mod leave;
pub(crate) mod links;
mod nix;
mod origins;
mod others;
mod package;
mod report;
mod search;
mod similar;
mod slice;
mod soname;
mod view;

#[cfg(test)]
mod bases;
#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod outputs;
#[cfg(test)]
mod store_paths;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use longshore_oci::{
    Component, Entry, Facts, ImageFiles, Origin, PackageId, Platform, Store, StorePath, Tree, TreePath,
};
use longshore_stack::model::ImageSpec;

pub use arch::{Arch, Endian};
pub use base::distribution;
pub use error::ComposeError;
pub use leave::LeftOut;
pub use nix::{NixClosure, NixPath, StorePathUse};
pub use report::{Brought, PackageUse};
pub(crate) use search::runpath;

use crate::lint::Finding;
use origins::Origins;

/// The locked packages of one image and platform, and the way to have them. The binary implements it over sources.
pub trait Packages: Sync {
    /// All locked packages of this image and platform, sorted.
    fn closure(&self) -> &[PackageId];
    /// The packages that `id` brought with it, inside the closure.
    fn depends(&self, id: &PackageId) -> Vec<PackageId>;
    /// Codename of the release that `source` follows (`trixie`); none when it is not known.
    fn codename(&self, source: &str) -> Option<String>;
    /// Fetches and unpacks `ids`, in parallel where it can; the result has their order.
    fn load(
        &self,
        ids: &[PackageId],
    ) -> Result<Vec<Arc<Component>>, Box<dyn std::error::Error + Send + Sync>>;
}

/// A path, and what is there.
pub type Held<'a> = (&'a TreePath, &'a Arc<Entry>);

/// What one image on one platform is composed of.
pub struct Input<'a> {
    /// What the stack file declares.
    pub spec: &'a ImageSpec,
    /// The image's name in the stack file.
    pub image: &'a str,
    /// What it runs on.
    pub platform: &'a Platform,
    /// Its packages.
    pub packages: &'a dyn Packages,
    /// Files and folders beside the stack file by their path as written there, certificates included. A file's tree
    /// holds its one name; a folder's tree what is below it. Outputs of builds are at `build:NAME`, pinned archives at
    /// `url:NAME`.
    pub locals: &'a BTreeMap<String, Arc<Component>>,
    /// Images of others by their name as the stack file writes it: the one that this one builds on, and those that it takes
    /// files of.
    pub others: &'a BTreeMap<String, Arc<ImageFiles>>,
    /// Paths of the Nix store by the installable that they came of, as the stack file names it.
    pub nix: &'a BTreeMap<String, NixClosure>,
    /// Where generated files go, and where the few that are transformed are read.
    pub store: &'a Store,
}

/// A composed root filesystem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootFs {
    tree: Tree,
    origins: Origins,
    facts: Facts,
    roots: BTreeSet<TreePath>,
    library_folders: Vec<TreePath>,
    findings: Vec<Finding>,
    packages: Vec<PackageUse>,
    store_paths: BTreeMap<StorePath, StorePathUse>,
}

impl RootFs {
    /// That of an image that is there already, on `platform`: as it is, nothing added and nothing checked.
    pub fn of_image(files: ImageFiles, platform: &Platform) -> Self {
        let mut origins = Origins::default();
        for (path, _) in files.tree.iter() {
            origins.insert(path.clone(), &Origin::Image(files.layer(path)));
        }
        Self {
            origins,
            library_folders: ldcache::standard_of_others(&files.tree, Arch::of(platform)),
            tree: files.tree,
            facts: files.facts,
            roots: BTreeSet::new(),
            findings: Vec::new(),
            packages: Vec::new(),
            store_paths: BTreeMap::new(),
        }
    }

    /// Every entry.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// Who put an entry there; every entry has an origin.
    pub fn origin(&self, path: &TreePath) -> Option<&Origin> {
        self.origins.get(path)
    }

    /// The entry at `path` after the links above it, and who put it there: `/bin/x` is found at `/usr/bin/x`.
    pub fn locate(&self, path: &TreePath) -> Option<(TreePath, &Origin)> {
        match links::parents(&self.tree, path) {
            links::Walk::At(found) => self.origins.get(&found).map(|origin| (found, origin)),
            links::Walk::Blocked(_) | links::Walk::Loop => None,
        }
    }

    /// `path` after the links above it, whether anything is there or not: `/bin/x` is `/usr/bin/x`. None where a file or a
    /// circle of links is in the way.
    pub fn resolve(&self, path: &TreePath) -> Option<TreePath> {
        match links::parents(&self.tree, path) {
            links::Walk::At(found) => Some(found),
            links::Walk::Blocked(_) | links::Walk::Loop => None,
        }
    }

    /// The file or folder that `path` names after every link, if there is one.
    pub fn follow(&self, path: &TreePath) -> Option<TreePath> {
        links::follow(&self.tree, path)
    }

    /// What the programs in it need, by their path in the image.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Files that were asked for by name, and so must work.
    pub fn roots(&self) -> &BTreeSet<TreePath> {
        &self.roots
    }

    /// Folders in which the dynamic loader finds libraries without being told, in its order.
    pub fn library_folders(&self) -> &[TreePath] {
        &self.library_folders
    }

    /// What composition noticed; [`crate::lint::check`] adds its own.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The packages that are in it, whole or in part, sorted.
    pub fn packages(&self) -> &[PackageUse] {
        &self.packages
    }

    /// The paths of the Nix store that are in it, and how they came in.
    pub fn store_paths(&self) -> &BTreeMap<StorePath, StorePathUse> {
        &self.store_paths
    }

    /// What every origin has in it, sorted, directories included.
    pub fn components(&self) -> BTreeMap<&Origin, Vec<Held<'_>>> {
        self.origins.components(&self.tree)
    }

    /// One line an entry, as [`Tree::dump`] has it, with its origin behind two spaces and `<`.
    pub fn dump(&self) -> String {
        let line = |(path, entry): Held<'_>| {
            let one: Tree = [(path.clone(), entry.clone())].into_iter().collect();
            let origin = self.origins.get(path).map(ToString::to_string).unwrap_or_default();
            format!("{}  < {origin}\n", one.dump().trim_end_matches('\n'))
        };
        self.tree.iter().map(line).collect()
    }
}

/// Composes the root filesystem of one image on one platform.
pub fn compose(input: &Input) -> Result<RootFs, ComposeError> {
    let arch = Arch::of(input.platform);
    let mut view = view::View::new(input, arch);
    let mut build = builder::Builder::new(input);
    others::lay(&mut build)?;
    base::skeleton(&mut build, arch)?;
    package::whole(&mut build, &mut view)?;
    slice::slices(&mut build, &mut view)?;
    nix::place(&mut build)?;
    fragments::place(&mut build, &mut view)?;
    contents::place(&mut build)?;
    accounts::place(&mut build)?;
    base::release(&mut build, &mut view)?;
    dpkg::record(&mut build, &mut view)?;
    contents::finish(&mut build)?;
    let library_folders = ldcache::place(&mut build, arch)?;
    let packages = report::packages(&build, &view);
    build.finish(library_folders, packages)
}
