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
    /// A year of it.
    pub cost: i128,
    /// The best join with one of the layers before it.
    pub best: Option<Join>,
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
    /// What it changes, for `share` images of those whose layers should be fewer.
    pub change: i128,
    pub share: i128,
    /// The layer that comes before the other; none where that is known no more, and no join is better than this.
    pub with: Option<usize>,
}

impl Join {
    /// By what is changed for each of those images.
    pub fn worth(&self, other: &Self) -> Ordering {
        (self.change * other.share).cmp(&(other.change * self.share))
    }
}
