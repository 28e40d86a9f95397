//! What there is of a layer and of the layers of the same images while they are joined and copied.

use std::cmp::Ordering;

use crate::plan::ImageSet;
use crate::plan::problem::State;

/// A layer as it stands.
pub(super) struct Layer {
    pub set: usize,
    /// Its distinct sources by number, ascending.
    pub sources: Vec<usize>,
    /// What they change together, not capped.
    pub rate: u64,
    /// How often that makes another layer of it.
    pub shown: u64,
    pub bytes: u64,
    pub members: Vec<usize>,
    pub state: State,
    /// A year of it.
    pub cost: i128,
    /// The best partner among the layers of the same images that come before it, and what joining them changes.
    pub partner: Option<(i128, usize)>,
    /// For each of the sets below its own: the layer there that would carry a copy for least.
    pub carriers: Vec<Option<Carrier>>,
    /// The places in `carriers` that have one, the one that costs an image least first.
    pub order: Vec<usize>,
    /// What of that is known.
    pub spread: Spread,
}

/// Copying a layer into those that together have all its images.
pub(super) enum Spread {
    /// Not looked at since something changed.
    Unknown,
    /// Some of its images have no other layer.
    Impossible,
    /// What it changes, and into which layers.
    Possible(i128, Vec<usize>),
}

/// A layer of fewer images that could carry a copy.
#[derive(Clone, Copy)]
pub(super) struct Carrier {
    pub set: usize,
    /// The images of that set.
    pub len: i128,
    pub layer: usize,
    /// Its first component.
    pub first: usize,
    pub change: i128,
}

/// All layers of the same images.
pub(super) struct Set {
    pub images: ImageSet,
    pub len: usize,
    /// Sorted by their first components.
    pub layers: Vec<usize>,
    /// The best two to join: what that changes, the earlier one, the later one.
    pub pair: Option<(i128, usize, usize)>,
    /// Sets of some of its images, ascending.
    pub below: Vec<usize>,
    /// Sets that have all its images and more.
    pub above: Vec<usize>,
}

/// Something that can be done.
#[derive(Clone, Copy)]
pub(super) struct Move {
    /// What it changes, for every `share` images.
    pub change: i128,
    pub share: i128,
    pub first: usize,
    /// None for copying.
    pub second: Option<usize>,
    pub layer: usize,
    pub with: Option<usize>,
}

impl Move {
    pub fn saves(&self) -> bool {
        self.change < 0
    }

    pub fn before(&self, other: &Self) -> bool {
        let change = (self.change * other.share).cmp(&(other.change * self.share));
        change.then(self.first.cmp(&other.first)).then(self.second.cmp(&other.second)) == Ordering::Less
    }
}
