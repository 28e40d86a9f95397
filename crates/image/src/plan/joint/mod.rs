//! One layout for all images at once: what did not change stays, what must be pulled again anyway is cut afresh, and layers
//! are joined while that pays.
//!
//! 1. Layers of the last layout in which nothing changed, and that all their images still want, are *clean* and stay.
//! 2. What is left begins as one layer per source and exact set of images.
//! 3. Two layers are joined for the images that have both; other images keep what they had, so that a host with all of them has
//!    some of it twice. The join that saves the most for each of those images is made until none saves anything. Breaking a clean
//!    layer costs pulling it.
//! 4. While an image has too many layers, the join that costs least for each image with too many is made.
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
        while let Some((pair, change)) = table.best()
            && change < 0
        {
            table.join_both(pair);
        }
        loop {
            let over = table.over_full();
            if over.is_empty() {
                break;
            }
            table.narrow(over);
            let Some((pair, _)) = table.best() else { break };
            table.join_both(pair);
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
