//! What there is of a layer while layers are joined, and a join.

use std::cmp::Ordering;

use crate::plan::ImageSet;
use crate::plan::problem::State;

/// A layer as it stands.
pub(super) struct Layer {
    pub images: ImageSet,
    /// How many images those are.
    pub len: usize,
    /// Its distinct sources by number, ascending.
    pub sources: Vec<usize>,
    /// What they change together, not capped.
    pub rate: u64,
    /// How often that makes another layer of it.
    pub shown: u64,
    pub bytes: u64,
    /// Its components, ascending.
    pub members: Vec<usize>,
    pub state: State,
    /// A year of it, for each host that has it.
    pub yearly: i128,
}

impl Layer {
    /// Layers are in the order of their first components, then of their images: no image has a component twice.
    pub fn order(&self, other: &Self) -> Ordering {
        self.members[0].cmp(&other.members[0]).then_with(|| self.images.cmp(&other.images))
    }
}

/// Two layers become one for the images that have both; what other images have of either stays a layer of theirs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Join {
    /// What it changes, for `share` images of those whose layers should be fewer, at least one.
    pub change: i128,
    pub share: i128,
    /// That for each of them, rounded down.
    each: i128,
    /// The layer that comes before the other; none where that is known no more, and no join is better than this.
    pub with: Option<usize>,
}

impl Join {
    pub fn new(change: i128, share: i128, with: usize) -> Self {
        Self { change, share, each: change.div_euclid(share), with: Some(with) }
    }

    /// What it is when the other layer is not known any more.
    pub fn lost(self) -> Self {
        Self { with: None, ..self }
    }

    /// By what is changed for each of those images.
    pub fn worth(&self, other: &Self) -> Ordering {
        self.each.cmp(&other.each).then_with(|| (self.change * other.share).cmp(&(other.change * self.share)))
    }

    /// Whether changing `change` for `share` images is worth less than this.
    pub fn beats(&self, change: i128, share: i128) -> bool {
        self.change * share < change * self.share
    }
}
