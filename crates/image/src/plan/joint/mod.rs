//! One layout for all images at once: what did not change stays, what must be pulled again anyway is cut afresh, and layers
//! are joined while that pays.
//!
//! 1. Layers of the last layout in which nothing changed, and that all their images still want, are *clean* and stay.
//! 2. What is left begins as one layer per source and exact set of images.
//! 3. The move that saves the most is made until none saves anything: two layers of the same images become one, or a layer's
//!    components are copied into layers of fewer images that together are its own. Breaking a clean layer costs pulling it.
//! 4. While an image has too many layers, the move that costs least for each image with too many is made.
//!
//! All of it is in integers, and every tie is decided by names; no clock and no order of arrival decides anything.

mod cost;
mod layer;
#[cfg(test)]
mod oracle;
mod table;

use longshore_stack::lock::LayoutLayer;

use super::problem::{Group, Problem};
use table::Table;

pub use cost::{Weighed, expected};

/// The layout of `problem`, where the last one was `prior`; sorted by images, then by the first component.
pub(super) fn lay(problem: &Problem, prior: &[LayoutLayer]) -> Vec<Group> {
    let mut wants = problem.wants();
    let pinned = problem.pinned(prior, &mut wants);
    let kept = problem.clean(prior, &mut wants);
    let settled = wants.iter().all(super::ImageSet::is_empty);
    let mut groups = if settled && fits(problem, pinned.iter().chain(&kept)) {
        // Rates alone move nothing.
        pinned.into_iter().chain(kept).collect()
    } else {
        let mut table = Table::new(problem, pinned, kept, &wants);
        while let Some(best) = table.best().filter(|best| best.saves()) {
            table.make(best);
        }
        loop {
            let over = table.over_full();
            if over.is_empty() {
                break;
            }
            match table.best_of(&over) {
                Some(best) => table.make(best),
                None if table.break_up(&over) => {}
                None => break,
            }
        }
        table.groups()
    };
    groups.sort();
    groups
}

/// Whether no image has more layers than it may have.
fn fits<'a>(problem: &Problem, groups: impl Iterator<Item = &'a Group> + Clone) -> bool {
    let layers = |image| groups.clone().filter(|group| group.images.contains(image)).count();
    problem.images.iter().enumerate().all(|(image, budget)| layers(image) <= budget.max_layers)
}
