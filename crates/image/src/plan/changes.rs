//! What became of layers since they were cut last, and why.

use std::collections::BTreeSet;
use std::fmt;

use longshore_stack::lock::LayoutLayer;
use serde::Serialize;

use super::{LayerPlan, PlannedLayer, State};

/// A layer that nobody has yet, and why there is one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The layer's name.
    pub layer: String,
    /// The images that have it.
    pub images: Vec<String>,
    /// Why it is not one of the last layout's.
    pub why: Vec<Why>,
}

/// Why a layer is new.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// Something in it is another version, or other files.
    Changed,
    /// Components came that these images did not have.
    Came(Vec<String>),
    /// Components left that these images had in the same layer.
    Left(Vec<String>),
    /// So many layers of the last layout became one.
    Joined(usize),
    /// Other images have it than had what is in it.
    OtherImages,
}

impl LayerPlan {
    /// The layers that are not of the layout `prior`, in their order.
    pub fn changes(&self, prior: &[LayoutLayer]) -> Vec<Change> {
        let new = self.layers.iter().filter(|layer| layer.state == State::New);
        let change = |layer: &PlannedLayer| Change {
            layer: layer.name.clone(),
            images: layer.images.clone(),
            why: self.why(layer, prior),
        };
        new.map(change).collect()
    }

    fn why(&self, layer: &PlannedLayer, prior: &[LayoutLayer]) -> Vec<Why> {
        if prior.iter().any(|old| old.images == layer.images && old.members == layer.members) {
            return vec![Why::Changed];
        }
        let meets = |one: &[String], other: &[String]| one.iter().any(|name| other.contains(name));
        let before: Vec<_> = prior
            .iter()
            .filter(|old| meets(&old.images, &layer.images) && meets(&old.members, &layer.members))
            .collect();
        let had: BTreeSet<&String> = before.iter().flat_map(|old| &old.members).collect();
        let now = |name: &&String| {
            let others = self.layers.iter().filter(|other| meets(&other.images, &layer.images));
            others.flat_map(|other| &other.members).any(|other| other == *name)
        };
        let came: Vec<_> = layer.members.iter().filter(|name| !had.contains(name)).cloned().collect();
        let left: Vec<_> = had.iter().filter(|name| !now(name)).map(|name| (*name).clone()).collect();
        let same_images: Vec<_> = before.iter().filter(|old| old.images == layer.images).collect();
        let mut why = Vec::new();
        if !came.is_empty() {
            why.push(Why::Came(came));
        }
        if !left.is_empty() {
            why.push(Why::Left(left));
        }
        if same_images.len() > 1 {
            why.push(Why::Joined(same_images.len()));
        }
        if same_images.len() < before.len() {
            why.push(Why::OtherImages);
        }
        if why.is_empty() {
            why.push(Why::Changed);
        }
        why
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let some = |names: &[String]| match names {
            [] => String::new(),
            [only] => format!("`{only}`"),
            [first, rest @ ..] => format!("`{first}` and {} more", rest.len()),
        };
        match self {
            Self::Changed => f.write_str("what is in it changed"),
            Self::Came(names) => write!(f, "{} came", some(names)),
            Self::Left(names) => write!(f, "{} left", some(names)),
            Self::Joined(layers) => write!(f, "{layers} layers became one"),
            Self::OtherImages => f.write_str("other images have what is in it"),
        }
    }
}
