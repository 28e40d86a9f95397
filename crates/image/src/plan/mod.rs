//! Dealing the entries of all images into layers: pure, and printable before anything is packed.
//!
//! What one input contributes to an image is a component; the same component in several images is one. A [`Strategy`] groups
//! components into layers: [`Strategy::Stack`] for all images at once, with what the lock says of the last layout, so that what
//! did not change stays where it is. See `docs/concepts/layers.md`.

mod changes;
mod components;
mod joint;
mod known;
pub mod notes;
mod problem;
mod set;
mod strategy;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};

use longshore_oci::{Digest, Origin, TreePath};
use longshore_stack::lock::LayoutLayer;
use serde::Serialize;

use crate::rootfs::RootFs;
use components::Parts;

pub use changes::{Change, Why};
pub use joint::{Weighed, expected};
pub use known::{Known, Pins};
pub use problem::{Budget, Class, Component, Group, Problem, Rate, State};
pub use set::ImageSet;
pub use strategy::{Strategy, each};

/// What is planned for one image.
#[derive(Debug, Clone, Copy)]
pub struct ImageInput<'a> {
    /// What is in it.
    pub rootfs: &'a RootFs,
    /// As many layers as it may have; none counts as one.
    pub max_layers: usize,
}

/// What is planned, besides what is in the images.
#[derive(Clone, Copy)]
pub struct Planning<'a> {
    /// How layers are cut.
    pub strategy: Strategy,
    /// How they were cut last.
    pub prior: &'a [LayoutLayer],
    /// What the stack file keeps together.
    pub pins: &'a Pins,
    /// What is known of an input besides its files.
    pub known: &'a dyn Fn(&Origin) -> Known,
}

/// One layer to be packed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedLayer {
    /// For people: the inputs it holds.
    pub name: String,
    /// The inputs it holds, sorted.
    pub origins: Vec<Origin>,
    /// The components it is, by the names that the lock has for them, sorted.
    pub members: Vec<String>,
    /// Names what is in it.
    pub content: Digest,
    /// Its entries, sorted; the directories above them travel along. Entry and parents are the same in all of `images`.
    pub paths: Vec<TreePath>,
    /// Bytes of its files.
    pub bytes: u64,
    /// The images that have it, sorted.
    pub images: Vec<String>,
    /// The kind of what changes most in it.
    pub class: Class,
    /// Whether it is one of the last layout's.
    pub state: State,
    /// What of it is expected to be pulled a week.
    pub expected: Weighed,
}

/// The layers of all images.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LayerPlan {
    /// Every layer once.
    pub layers: Vec<PlannedLayer>,
    /// The layers of every image, lowest first, as indices into `layers`.
    pub images: BTreeMap<String, Vec<usize>>,
}

/// Plans the layers of all images of one platform together.
///
/// # Errors
/// When what the stack file keeps together is more layers than an image may have.
pub fn plan(
    images: &BTreeMap<String, ImageInput<'_>>,
    planning: Planning<'_>,
) -> Result<LayerPlan, PlanError> {
    let parts = Parts::of(images);
    let Planning { strategy, prior, pins, known } = planning;
    let problem = parts.problem(images, pins, known);
    let groups = strategy.lay(&problem, prior);
    for (number, budget) in problem.images.iter().enumerate() {
        let layers = groups.iter().filter(|group| group.images.contains(number)).count();
        if layers > budget.max_layers {
            let (image, max_layers) = (budget.image.clone(), budget.max_layers);
            return Err(PlanError { image, layers, max_layers });
        }
    }
    Ok(parts.finish(&problem, groups))
}

/// Why layers can't be cut as the stack file says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "image `{image}` can't be cut into fewer than {layers} layers, for `[layers]` keeps some apart, and it may have {max_layers}"
)]
pub struct PlanError {
    /// The image.
    pub image: String,
    /// The fewest that it has.
    pub layers: usize,
    /// As many as it may have.
    pub max_layers: usize,
}

impl PlanError {
    /// What the user can do.
    pub fn hint(&self) -> Option<String> {
        Some(format!("take entries out of `[layers]`, or raise `max-layers` of image `{}`", self.image))
    }
}

impl LayerPlan {
    /// Whether a lock that has `prior` should have this layout instead: components are dealt otherwise, or what is locked itself
    /// has changed. What changes with every commit is no reason, or every build would be one.
    pub fn outdates(&self, prior: &[LayoutLayer]) -> bool {
        let alike = |layer: &PlannedLayer| {
            prior.iter().any(|old| {
                old.images == layer.images
                    && old.members == layer.members
                    && (layer.class >= Class::Application || old.content == layer.content)
            })
        };
        self.layers.len() != prior.len() || !self.layers.iter().all(alike)
    }

    /// What the lock keeps of it, sorted.
    pub fn layout(&self) -> Vec<LayoutLayer> {
        let layer = |layer: &PlannedLayer| LayoutLayer {
            images: layer.images.clone(),
            members: layer.members.clone(),
            content: layer.content,
        };
        self.layers.iter().map(layer).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Bytes that are expected to be pulled a week.
    pub fn expected(&self) -> Weighed {
        let add = |sum: Weighed, layer: &PlannedLayer| Weighed {
            stack: sum.stack + layer.expected.stack,
            single: sum.single + layer.expected.single,
        };
        self.layers.iter().fold(Weighed::default(), add)
    }
}

impl fmt::Display for LayerPlan {
    /// One line a layer, then the layers of every image.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, layer) in self.layers.iter().enumerate() {
            let PlannedLayer { bytes, paths, name, images, .. } = layer;
            writeln!(f, "{n:>3} {bytes:>10} {:>5} {name} [{}]", paths.len(), images.join(", "))?;
        }
        for (name, layers) in &self.images {
            let mut line = String::new();
            for n in layers {
                write!(line, " {n}")?;
            }
            writeln!(f, "{name}:{line}")?;
        }
        Ok(())
    }
}
