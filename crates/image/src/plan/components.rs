//! From root filesystems to parts that layers are made of, and from parts to the plan.

use std::collections::{BTreeMap, BTreeSet};

use longshore_oci::{Digest, Entry, ImageLayer, Node, Origin, TreePath};

use super::{ImageInput, ImageKey, LayerPlan, PlannedLayer};
use crate::pack::with_parents;
use crate::rootfs::RootFs;

/// Where in the order of layers something belongs: what changes least is lowest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// Links and folders that every image has.
    Base,
    /// Parts of others' images.
    Image,
    /// Packages, and paths of the Nix store.
    Package,
    /// What longshore makes from packages.
    Fragment,
    /// Pinned archives and files.
    Url,
    /// What builds made.
    Build,
    /// Files beside the stack file.
    Files,
    /// Texts, links and directories of the stack file, accounts.
    Settings,
}

/// One or several inputs' entries, the same in a set of images.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Part {
    pub(super) rank: Rank,
    pub(super) origins: BTreeSet<Origin>,
    pub(super) paths: BTreeSet<TreePath>,
    pub(super) bytes: u64,
    pub(super) images: BTreeSet<ImageKey>,
}

/// What goes together into one layer to begin with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Group {
    rank: Rank,
    /// The input, where a rank has a layer for each.
    origin: Option<Origin>,
}

/// None for what is in a layer already.
fn group(origin: &Origin) -> Option<Group> {
    let (rank, origin) = match origin {
        Origin::Longshore(name) if name == "base" => (Rank::Base, None),
        Origin::Longshore(name) if name == "accounts" || name == "workdir" => (Rank::Settings, None),
        Origin::Longshore(_) => (Rank::Fragment, Some(origin.clone())),
        Origin::Package(_) | Origin::Nix(_) => (Rank::Package, Some(origin.clone())),
        Origin::Url(_) => (Rank::Url, Some(origin.clone())),
        Origin::Build(_) => (Rank::Build, Some(origin.clone())),
        Origin::Path(_) => (Rank::Files, None),
        Origin::Inline(_) => (Rank::Settings, None),
        Origin::Image(layer) => {
            // What is taken of one image is one layer, whichever of its layers had it.
            (Rank::Image, Some(Origin::Image(ImageLayer { layer: 0, ..layer.clone() })))
        }
        // Stays where it is.
        Origin::Base(_) => return None,
    };
    Some(Group { rank, origin })
}

/// The parts of all images; equal ones of several images are one.
pub(super) fn split(images: &BTreeMap<ImageKey, ImageInput<'_>>) -> Vec<Part> {
    let mut parts: BTreeMap<(Group, Digest), Part> = BTreeMap::new();
    for (image, input) in images {
        for (group, paths) in groups(input.rootfs) {
            let key = (group, digest(input.rootfs, &paths));
            if let Some(part) = parts.get_mut(&key) {
                part.images.insert(image.clone());
                continue;
            }
            let part = Part {
                rank: key.0.rank,
                origins: paths.iter().filter_map(|path| input.rootfs.origin(path)).cloned().collect(),
                bytes: paths.iter().filter_map(|path| input.rootfs.tree().get(path)).map(size).sum(),
                paths,
                images: BTreeSet::from([image.clone()]),
            };
            parts.insert(key, part);
        }
    }
    let mut parts: Vec<_> = parts.into_values().collect();
    parts.sort();
    parts
}

fn size(entry: &Entry) -> u64 {
    if let Node::File(content) = entry.node { content.size } else { 0 }
}

/// The entries of one image by group. Directories with something in them travel with that; only empty ones count.
fn groups(rootfs: &RootFs) -> BTreeMap<Group, BTreeSet<TreePath>> {
    let components = rootfs.components().into_iter();
    let ours: Vec<_> = components.filter_map(|(origin, paths)| Some((group(origin)?, paths))).collect();
    let parents: BTreeSet<_> =
        ours.iter().flat_map(|(_, paths)| paths).filter_map(|path| path.parent()).collect();
    let mut groups: BTreeMap<Group, BTreeSet<TreePath>> = BTreeMap::new();
    for (own, paths) in ours {
        let mut stay = BTreeSet::new();
        for path in paths {
            let node = rootfs.tree().get(path).map(|entry| &entry.node);
            match node {
                Some(Node::Directory) if parents.contains(path) => continue,
                // A hard link is in the layer of its file, or tar could not say it; where that one is the base's, it becomes a file.
                Some(Node::Hardlink(target)) => {
                    let group = rootfs.origin(target).and_then(group).unwrap_or_else(|| own.clone());
                    groups.entry(group).or_default().insert(path.clone());
                }
                _ => drop(stay.insert(path.clone())),
            }
        }
        if !stay.is_empty() {
            groups.entry(own).or_default().extend(stay);
        }
    }
    groups
}

/// What a layer of these paths would hold: the entries and the directories above them.
fn digest(rootfs: &RootFs, paths: &BTreeSet<TreePath>) -> Digest {
    let all = with_parents(paths);
    let entries: Vec<_> = all.iter().map(|path| (path, rootfs.tree().get(path))).collect();
    // Serialising plain data to memory can't fail; an empty answer would only keep equal parts of images apart.
    Digest::of(&postcard::to_stdvec(&entries).unwrap_or_default())
}

/// The plan: layers in order of rank, then name.
pub(super) fn finish<'a>(mut parts: Vec<Part>, images: impl Iterator<Item = &'a ImageKey>) -> LayerPlan {
    parts.sort();
    let indices = |image: &ImageKey| -> Vec<usize> {
        parts.iter().enumerate().filter(|(_, part)| part.images.contains(image)).map(|(n, _)| n).collect()
    };
    let images = images.map(|image| (image.clone(), indices(image))).collect();
    let layers = parts.into_iter().map(|part| PlannedLayer {
        name: name(&part),
        origins: part.origins.into_iter().collect(),
        paths: part.paths.into_iter().collect(),
        bytes: part.bytes,
        images: part.images.into_iter().collect(),
    });
    LayerPlan { layers: layers.collect(), images }
}

/// A name for people: up to three inputs, then how many more.
fn name(part: &Part) -> String {
    let short = |origin: &Origin| match origin {
        Origin::Package(id) => format!("{} {}", id.name, id.version),
        Origin::Longshore(name) => name.clone(),
        Origin::Path(path) | Origin::Inline(path) | Origin::Build(path) | Origin::Url(path) => path.clone(),
        Origin::Image(layer) | Origin::Base(layer) => layer.reference.clone(),
        Origin::Nix(path) => path.name().to_owned(),
    };
    let names: Vec<_> = part.origins.iter().take(3).map(short).collect();
    let more = part.origins.len() - names.len();
    names.join(", ") + &if more > 0 { format!(" and {more} more") } else { String::new() }
}
