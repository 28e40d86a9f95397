//! What builds made on other machines.

use crate::{Output, Recipe};

/// Outputs that machines share. Whoever implements it answers for what it gives: an output can't be checked but by building it again.
pub trait Shared: Sync {
    /// What a recipe of the same key made elsewhere, all of its files in the store; none when that is not known, or nobody vouches
    /// for it.
    fn take(&self, recipe: &Recipe) -> Option<Output>;

    /// Told of what a recipe made here, or made before.
    fn give(&self, recipe: &Recipe, output: &Output);
}
