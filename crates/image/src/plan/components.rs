//! From root filesystems to the components that layers are made of, and from groups of components to the plan.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use longshore_oci::{Digest, ImageLayer, Node, Origin, StorePath, TreePath};

use super::problem::{Budget, Class, Component, Group, Problem, Rate};
use super::{ImageInput, ImageSet, Known, LayerPlan, Pins, PlannedLayer, joint};
use crate::pack::with_parents;
use crate::rootfs::{Held, RootFs};

/// How many times smaller files are at a guess once they are compressed.
const COMPRESSION: u64 = 3;

/// Where in the order of layers something belongs: what changes least is lowest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
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
struct Part {
    group: Own,
    images: ImageSet,
    content: Digest,
    origins: BTreeSet<Origin>,
    /// Sorted.
    paths: Vec<TreePath>,
    bytes: u64,
}

/// What goes together into one layer to begin with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Own {
    rank: Rank,
    /// The input, where a rank has a layer for each.
    origin: Option<Origin>,
}

/// None for what is in a layer already.
fn group(origin: &Origin) -> Option<Own> {
    let (rank, origin) = match origin {
        Origin::Longshore(name) if name == "base" => (Rank::Base, None),
        Origin::Longshore(name) if name == "accounts" || name == "workdir" => (Rank::Settings, None),
        Origin::Longshore(_) => (Rank::Fragment, Some(origin.clone())),
        Origin::Package(_) | Origin::Nix(_) => (Rank::Package, Some(origin.clone())),
        Origin::Url(_) => (Rank::Url, Some(origin.clone())),
        Origin::Build(_) => (Rank::Build, Some(origin.clone())),
        Origin::Path(_) => (Rank::Files, Some(origin.clone())),
        Origin::Inline(_) => (Rank::Settings, None),
        Origin::Image(layer) => {
            // What is taken of one image is one layer, whichever of its layers had it.
            (Rank::Image, Some(Origin::Image(ImageLayer { layer: 0, ..layer.clone() })))
        }
        // Stays where it is.
        Origin::Base(_) => return None,
    };
    Some(Own { rank, origin })
}

/// What is in the images, in parts that are the same wherever they are.
pub(super) struct Parts {
    images: Vec<String>,
    /// In the order of the components' names.
    parts: Vec<Part>,
    names: Vec<String>,
}

impl Parts {
    /// The parts of all images; equal ones of several images are one.
    pub(super) fn of(images: &BTreeMap<String, ImageInput<'_>>) -> Self {
        let mut found: BTreeMap<(Own, Digest), Part> = BTreeMap::new();
        for (number, input) in images.values().enumerate() {
            for (group, Grouped { origins, held }) in groups(input.rootfs) {
                let content = digest(input.rootfs, &held);
                let part = found.entry((group.clone(), content)).or_insert_with(|| Part {
                    group,
                    content,
                    images: ImageSet::default(),
                    origins,
                    bytes: held.iter().map(|(_, entry)| entry.size()).sum(),
                    paths: held.into_iter().map(|(path, _)| path.clone()).collect(),
                });
                part.images.insert(number);
            }
        }
        let mut parts: Vec<_> = found.into_values().map(|part| (part.group.name(), part)).collect();
        // What is not the same everywhere is told apart by the images that have it: content changes.
        parts.sort_by(|(a, one), (b, other)| {
            (a, &one.images, &one.content).cmp(&(b, &other.images, &other.content))
        });
        let mut named: BTreeMap<String, Part> = BTreeMap::new();
        for (name, part) in parts {
            let numbers = (2..).map(|n| format!("{name} #{n}"));
            let free = std::iter::once(name.clone()).chain(numbers).find(|name| !named.contains_key(name));
            named.insert(free.unwrap_or(name), part);
        }
        let (names, parts) = named.into_iter().unzip();
        Self { images: images.keys().cloned().collect(), parts, names }
    }

    /// What the planner has to know of them.
    pub(super) fn problem(
        &self,
        images: &BTreeMap<String, ImageInput<'_>>,
        pins: &Pins,
        known: &dyn Fn(&Origin) -> Known,
    ) -> Problem {
        let budget = |(image, input): (&String, &ImageInput<'_>)| Budget {
            image: image.clone(),
            max_layers: input.max_layers.max(1),
        };
        let mut problem = Problem { images: images.iter().map(budget).collect(), components: Vec::new() };
        let mut needs = Vec::new();
        for (name, part) in self.names.iter().zip(&self.parts) {
            let all: Vec<_> = part.origins.iter().map(known).collect();
            let first = all.first();
            problem.components.push(Component {
                name: name.clone(),
                source: first.map_or_else(|| name.clone(), |first| first.source.clone()),
                class: all.iter().map(|known| known.class).max().unwrap_or(Class::Configuration),
                rate: all.iter().map(|known| known.rate).max().unwrap_or(Rate(0)),
                bytes: part.bytes / COMPRESSION,
                content: part.content,
                images: part.images.clone(),
                pin: pins.of(name),
                needs: Vec::new(),
            });
            needs.push(all.into_iter().flat_map(|known| known.needs).collect::<BTreeSet<_>>());
        }
        let mut places: BTreeMap<&Origin, Vec<usize>> = BTreeMap::new();
        for (n, part) in self.parts.iter().enumerate() {
            part.origins.iter().for_each(|origin| places.entry(origin).or_default().push(n));
        }
        for (component, needs) in problem.components.iter_mut().zip(needs) {
            let found = needs.iter().filter_map(|origin| places.get(origin)).flatten().copied();
            component.needs = found.collect();
        }
        problem
    }

    /// The plan: layers in order of rank, then name.
    pub(super) fn finish(self, problem: &Problem, groups: Vec<Group>) -> LayerPlan {
        let mut layers: Vec<(Rank, PlannedLayer)> =
            groups.into_iter().map(|group| self.layer(problem, &group)).collect();
        layers.sort_by(|(a, one), (b, other)| {
            (a, &one.name, &one.images).cmp(&(b, &other.name, &other.images))
        });
        let layers: Vec<_> = layers.into_iter().map(|(_, layer)| layer).collect();
        let indices = |image: &String| -> Vec<usize> {
            let with = layers.iter().enumerate().filter(|(_, layer)| layer.images.contains(image));
            with.map(|(n, _)| n).collect()
        };
        let images = self.images.iter().map(|image| (image.clone(), indices(image))).collect();
        LayerPlan { layers, images }
    }

    fn layer(&self, problem: &Problem, group: &Group) -> (Rank, PlannedLayer) {
        let parts = || group.members.iter().map(|&member| &self.parts[member]);
        let origins: BTreeSet<_> = parts().flat_map(|part| &part.origins).cloned().collect();
        let mut paths: Vec<_> = parts().flat_map(|part| &part.paths).cloned().collect();
        paths.sort();
        paths.dedup();
        let layer = PlannedLayer {
            name: name(parts()),
            origins: origins.into_iter().collect(),
            members: group.members.iter().map(|&member| self.names[member].clone()).collect(),
            content: problem.content(&group.members),
            paths,
            bytes: parts().map(|part| part.bytes).sum(),
            images: group.images.iter().map(|image| self.images[image].clone()).collect(),
            class: group
                .members
                .iter()
                .map(|&member| problem.components[member].class)
                .max()
                .unwrap_or(Class::Metadata),
            state: group.state,
            expected: joint::expected(problem, group),
        };
        (parts().map(|part| part.group.rank).max().unwrap_or(Rank::Base), layer)
    }
}

/// What of an image goes together.
#[derive(Default)]
struct Grouped<'a> {
    origins: BTreeSet<Origin>,
    /// Sorted.
    held: Vec<Held<'a>>,
}

/// The entries of one image by group. Directories with something in them travel with that; only empty ones count.
fn groups(rootfs: &RootFs) -> BTreeMap<Own, Grouped<'_>> {
    let components = rootfs.components().into_iter();
    let ours: Vec<_> = components.filter_map(|(origin, held)| Some((group(origin)?, origin, held))).collect();
    // Paths of one folder mostly follow one another.
    let mut parents: Vec<&[u8]> =
        ours.iter().flat_map(|(.., held)| held).map(|(path, _)| path.folder()).collect();
    parents.dedup();
    parents.sort_unstable();
    parents.dedup();
    let mut groups: BTreeMap<Own, Grouped<'_>> = BTreeMap::new();
    for (own, origin, held) in ours {
        let mut stay = Vec::new();
        for (path, entry) in held {
            match &entry.node {
                Node::Directory if parents.binary_search(&path.as_bytes()).is_ok() => {}
                // A hard link is in the layer of its file, or tar could not say it; where that one is the base's, it becomes a file.
                Node::Hardlink(target) => {
                    let group = rootfs.origin(target).and_then(group).unwrap_or_else(|| own.clone());
                    let grouped = groups.entry(group).or_default();
                    grouped.held.push((path, entry));
                    grouped.origins.insert(origin.clone());
                }
                _ => stay.push((path, entry)),
            }
        }
        if !stay.is_empty() {
            let grouped = groups.entry(own).or_default();
            grouped.held.extend(stay);
            grouped.origins.insert(origin.clone());
        }
    }
    for Grouped { held, .. } in groups.values_mut() {
        held.sort_by_key(|(path, _)| *path);
        held.dedup_by_key(|(path, _)| *path);
    }
    groups
}

/// What a layer of these would hold: the entries and the directories above them.
fn digest(rootfs: &RootFs, held: &[Held<'_>]) -> Digest {
    let entries = held.iter().map(|(path, entry)| ((*path).clone(), Some(*entry)));
    // Serialising plain data to memory can't fail; an empty answer would only keep equal parts of images apart.
    Digest::of(&postcard::to_stdvec(&with_parents(rootfs.tree(), entries)).unwrap_or_default())
}

impl Own {
    /// What the component is called, whatever its version.
    fn name(&self) -> String {
        match &self.origin {
            Some(Origin::Package(id)) => format!("{}/{}", id.source, id.name),
            Some(Origin::Nix(path)) => format!("nix {}", program(path)),
            Some(Origin::Image(layer)) => format!("image {}", layer.reference),
            Some(origin) => origin.to_string(),
            None if self.rank == Rank::Base => "longshore base".to_owned(),
            None => "settings".to_owned(),
        }
    }
}

/// The name of a store path without its version: `glibc`, `glibc-bin`.
pub(super) fn program(path: &StorePath) -> String {
    let (name, version) = path.name_and_version();
    let output = version.and_then(|version| version.rsplit_once('-')).map(|(_, output)| output);
    match output.filter(|output| output.chars().all(|c| c.is_ascii_lowercase())) {
        Some(output) => format!("{name}-{output}"),
        None => name.to_owned(),
    }
}

/// A name for people: up to three inputs, the heaviest first, then how many more.
fn name<'a>(parts: impl Iterator<Item = &'a Part>) -> String {
    let mut heaviest: Vec<_> = parts.collect();
    heaviest.sort_by_key(|part| Reverse(part.bytes));
    let mut names: Vec<String> = Vec::new();
    for name in heaviest.into_iter().flat_map(|part| &part.origins).map(short) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let more = names.len().saturating_sub(3);
    names.truncate(3);
    names.join(", ") + &if more > 0 { format!(" and {more} more") } else { String::new() }
}

fn short(origin: &Origin) -> String {
    match origin {
        Origin::Package(id) => format!("{} {}", id.name, id.version),
        Origin::Longshore(name) => name.clone(),
        Origin::Path(path) | Origin::Inline(path) | Origin::Build(path) | Origin::Url(path) => path.clone(),
        Origin::Image(layer) | Origin::Base(layer) => layer.reference.clone(),
        Origin::Nix(path) => path.name().to_owned(),
    }
}
