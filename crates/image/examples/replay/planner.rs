//! Who plans: longshore's own strategies, and those of others as they have published them.

use std::collections::BTreeMap;

use longshore_image::plan::{Group, Problem, Strategy, each};
use longshore_stack::lock::LayoutLayer;

use crate::peers::{self, Image, rpm_ostree};

/// A way to plan, and how many layers an image may have.
pub struct Contender {
    /// What it is called.
    pub name: &'static str,
    /// As many layers as an image may have.
    pub max_layers: usize,
    /// As it is before the first step.
    pub planner: Planner,
}

/// A way to plan, with what it remembers of the last step.
#[derive(Clone)]
pub enum Planner {
    /// Longshore's, with the layout as the lock keeps it.
    Own(Strategy, Vec<LayoutLayer>),
    /// Each image alone, anew every time.
    Peer(fn(&Image<'_>) -> Vec<Vec<usize>>),
    /// Each image alone, with the bins of its last manifest.
    RpmOstree(BTreeMap<String, rpm_ostree::Bins>),
}

/// All that are compared.
pub fn contenders() -> Vec<Contender> {
    let fixed = [
        Contender { name: "single", max_layers: 1, planner: Planner::Peer(peers::single) },
        Contender { name: "base, app", max_layers: 2, planner: Planner::Peer(peers::base_and_app) },
        Contender {
            name: "packages, vendored, app, settings",
            max_layers: 4,
            planner: Planner::Peer(peers::by_kind),
        },
    ];
    let budgets = [20, 40, 100].into_iter().flat_map(|max_layers| {
        let planners = [
            ("stack", Planner::Own(Strategy::Stack, Vec::new())),
            ("per-image", Planner::Own(Strategy::PerImage, Vec::new())),
            ("largest", Planner::Peer(peers::ranked::by_size)),
            ("popularity", Planner::Peer(peers::ranked::by_popularity)),
            ("auto-layer", Planner::Peer(peers::auto_layer::cut)),
            ("origin", Planner::Peer(peers::ranked::by_origin)),
            ("rpm-ostree", Planner::RpmOstree(BTreeMap::new())),
            ("chunkah", Planner::Peer(peers::chunkah::cut)),
        ];
        planners.map(|(name, planner)| Contender { name, max_layers, planner })
    });
    fixed.into_iter().chain(budgets).collect()
}

impl Planner {
    /// The layers of `problem`, which it remembers.
    pub fn lay(&mut self, problem: &Problem) -> Vec<Group> {
        match self {
            Self::Own(strategy, prior) => {
                let groups = strategy.lay(problem, prior);
                *prior = groups.iter().map(|group| layout(problem, group)).collect();
                prior.sort();
                groups
            }
            Self::Peer(cut) => each(problem, |budget, own| cut(&Image { budget, problem, own })),
            Self::RpmOstree(bins) => each(problem, |budget, own| {
                let image = Image { budget, problem, own };
                let new = rpm_ostree::cut(&image, bins.get(&budget.image));
                let members = new.members(&image);
                bins.insert(budget.image.clone(), new);
                members
            }),
        }
    }
}

/// As the lock has it.
fn layout(problem: &Problem, group: &Group) -> LayoutLayer {
    LayoutLayer {
        images: group.images.iter().map(|image| problem.images[image].image.clone()).collect(),
        members: group.members.iter().map(|&member| problem.components[member].name.clone()).collect(),
        content: problem.content(&group.members),
    }
}
