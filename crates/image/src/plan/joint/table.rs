//! Every layer there is, the best that can be done with each, and what a join changes of that.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::cost;
use super::layer::{Join, Layer};
use crate::plan::ImageSet;
use crate::plan::problem::{Group, Problem, State};

pub(super) struct Table<'a> {
    problem: &'a Problem,
    /// By source.
    rates: Vec<u64>,
    /// None where one was joined.
    layers: Vec<Option<Layer>>,
    /// Those that are there, in their order.
    order: Vec<Row>,
    /// Layers that no join touches.
    pinned: Vec<Group>,
    /// How many layers each image has.
    counts: Vec<usize>,
    /// Images whose layers should be fewer.
    over: ImageSet,
}

/// A layer that is there.
struct Row {
    at: usize,
    /// The best join with one of the layers before it.
    best: Option<Join>,
}

impl<'a> Table<'a> {
    /// The layers of `kept`, and what `wants` leaves to be cut; no join touches `pinned`.
    pub(super) fn new(
        problem: &'a Problem,
        pinned: Vec<Group>,
        kept: Vec<Group>,
        wants: &[ImageSet],
    ) -> Self {
        let mut names: Vec<_> = problem.components.iter().map(|component| &component.source).collect();
        names.sort();
        names.dedup();
        let source = |member: usize| names.binary_search(&&problem.components[member].source).unwrap_or(0);
        let mut rates = vec![0; names.len()];
        let mut atoms: BTreeMap<(&ImageSet, usize), Vec<usize>> = BTreeMap::new();
        for (member, component) in problem.components.iter().enumerate() {
            rates[source(member)] = rates[source(member)].max(component.rate.0);
            if !wants[member].is_empty() {
                atoms.entry((&wants[member], source(member))).or_default().push(member);
            }
        }
        let atoms = atoms.into_iter().map(|((images, _), members)| Group {
            images: images.clone(),
            members,
            state: State::New,
        });
        let over = (0..problem.images.len()).collect();
        let mut counts = vec![0; problem.images.len()];
        pinned.iter().flat_map(|group| group.images.iter()).for_each(|image| counts[image] += 1);
        let mut table = Self { problem, rates, layers: Vec::new(), order: Vec::new(), pinned, counts, over };
        for group in kept.into_iter().chain(atoms) {
            let mut sources: Vec<_> = group.members.iter().map(|&member| source(member)).collect();
            sources.sort_unstable();
            sources.dedup();
            table.put(group.images, sources, group.members, group.state);
        }
        for place in 0..table.order.len() {
            table.look(place);
        }
        table
    }

    fn layer(&self, at: usize) -> &Layer {
        self.layers[at].as_ref().expect("only layers that are there are in the order")
    }

    /// Adds a layer, and looks at nothing.
    fn put(&mut self, images: ImageSet, sources: Vec<usize>, members: Vec<usize>, state: State) -> usize {
        let bytes = members.iter().map(|&member| self.problem.components[member].bytes).sum();
        let rate = sources.iter().map(|&source| self.rates[source]).sum();
        let (len, shown) = (images.len(), cost::shown(rate));
        let yearly = cost::yearly(shown, bytes);
        images.iter().for_each(|image| self.counts[image] += 1);
        let layer = Layer { images, len, sources, rate, shown, bytes, members, state, yearly };
        let at = self.layers.len();
        let place = self.order.partition_point(|row| self.layer(row.at).order(&layer).is_lt());
        self.order.insert(place, Row { at, best: None });
        self.layers.push(Some(layer));
        at
    }

    fn take(&mut self, at: usize) -> Option<Layer> {
        let layer = self.layers[at].take()?;
        self.order.retain(|row| row.at != at);
        layer.images.iter().for_each(|image| self.counts[image] -= 1);
        Some(layer)
    }

    /// What the sources of both change.
    fn common(&self, a: &Layer, b: &Layer) -> u64 {
        let (few, many) = if a.sources.len() < b.sources.len() { (a, b) } else { (b, a) };
        let both = few.sources.iter().filter(|source| many.sources.binary_search(source).is_ok());
        both.map(|&source| self.rates[source]).sum()
    }

    /// Joining `later` with the layer `with`, unless it is worth less than `least`.
    fn join(&self, with: usize, later: &Layer, least: Option<&Join>) -> Option<Join> {
        let earlier = self.layer(with);
        let (both, share) = earlier.images.common(&later.images, &self.over);
        if share == 0 {
            return None;
        }
        let (share, hosts) = (share as i128, both as i128 + 1);
        let parted = parted(earlier, both) + parted(later, both);
        let bytes = earlier.bytes + later.bytes;
        let change = |shown| parted + hosts * cost::yearly(shown, bytes);
        let enough = |&change: &i128| least.is_none_or(|least| !least.beats(change, share));
        // All that changes more often than the other may change the other at once: no more can be hoped for.
        Some(change(earlier.shown.max(later.shown))).filter(enough)?;
        let rate = earlier.rate + later.rate - self.common(earlier, later);
        let change = Some(change(cost::shown(rate))).filter(enough)?;
        Some(Join::new(change, share, with))
    }

    /// Which of two joins is made first.
    fn before(&self, a: &Join, b: &Join) -> Ordering {
        a.worth(b).then_with(|| match (a.with, b.with) {
            (Some(a), Some(b)) => self.layer(a).order(self.layer(b)),
            // What is not known may come before what is.
            (a, b) => a.is_some().cmp(&b.is_some()),
        })
    }

    /// Puts joining `later` with the layer `with` in the place of `best` where it is better.
    fn improve(&self, best: &mut Option<Join>, with: usize, later: &Layer) {
        if let Some(join) = self.join(with, later, best.as_ref())
            && best.as_ref().is_none_or(|best| self.before(&join, best).is_lt())
        {
            *best = Some(join);
        }
    }

    /// Looks for the best join of the layer at `place` with one before it.
    fn look(&mut self, place: usize) {
        let layer = self.layer(self.order[place].at);
        let mut best = None;
        self.order[..place].iter().for_each(|row| self.improve(&mut best, row.at, layer));
        self.order[place].best = best;
    }

    /// The two layers whose join is the best of all, the earlier one first, and what it changes.
    pub(super) fn best(&mut self) -> Option<([usize; 2], i128)> {
        loop {
            let all = self.order.iter().enumerate();
            let known = all.filter_map(|(place, row)| Some((place, row.best.as_ref()?)));
            let (place, join) = known.min_by(|(_, a), (_, b)| self.before(a, b))?;
            match join.with {
                Some(with) => return Some(([with, self.order[place].at], join.change)),
                None => self.look(place),
            }
        }
    }

    /// Joins two layers.
    pub(super) fn join_both(&mut self, pair: [usize; 2]) {
        let [Some(earlier), Some(later)] = pair.map(|at| self.take(at)) else { return };
        let mut both = later.images.clone();
        both.keep(&earlier.images);
        let sources = sorted(&earlier.sources, &later.sources);
        let members = sorted(&earlier.members, &later.members);
        let mut new = vec![self.put(both.clone(), sources, members, State::New)];
        for mut layer in [earlier, later] {
            layer.images.remove_all(&both);
            if !layer.images.is_empty() {
                new.push(self.put(layer.images, layer.sources, layer.members, layer.state));
            }
        }
        for place in 0..self.order.len() {
            if new.contains(&self.order[place].at) {
                self.look(place);
            } else {
                self.look_again(place, pair, &new);
            }
        }
    }

    /// Looks at what the layer at `place` can do after `gone` went and `new` came.
    fn look_again(&mut self, place: usize, gone: [usize; 2], new: &[usize]) {
        let row = &self.order[place];
        let layer = self.layer(row.at);
        let mut best = match row.best {
            Some(join) if join.with.is_some_and(|with| gone.contains(&with)) => Some(join.lost()),
            best => best,
        };
        for &new in new.iter().filter(|&&new| self.layer(new).order(layer).is_lt()) {
            self.improve(&mut best, new, layer);
        }
        self.order[place].best = best;
    }

    /// From here on, it is the layers of `over` that should be fewer: no image that was left out before.
    pub(super) fn narrow(&mut self, over: ImageSet) {
        let mut left = std::mem::replace(&mut self.over, over);
        left.remove_all(&self.over);
        for place in 0..self.order.len() {
            let row = &self.order[place];
            let layer = self.layer(row.at);
            let Some(best) = row.best.filter(|_| layer.images.intersects(&left)) else { continue };
            if best.change < 0 {
                self.look(place);
            } else {
                // What fewer images share costs each of them more, so nothing is better than it was.
                self.order[place].best = Some(best.lost());
            }
        }
    }

    /// Images with more layers than they may have.
    pub(super) fn over_full(&self) -> ImageSet {
        let over = self.counts.iter().zip(&self.problem.images).enumerate();
        over.filter(|(_, (count, budget))| **count > budget.max_layers).map(|(image, _)| image).collect()
    }

    pub(super) fn groups(self) -> Vec<Group> {
        let own = self.layers.into_iter().flatten().map(|layer| Group {
            images: layer.images,
            members: layer.members,
            state: layer.state,
        });
        own.chain(self.pinned).collect()
    }
}

/// What it changes that `both` of its images have `layer` no more: what is left of it costs less, those who had it pull its bytes
/// once more, and who has the whole stack has them twice.
fn parted(layer: &Layer, both: usize) -> i128 {
    let whole = layer.len == both;
    // Where others keep it, so does the host with the whole stack.
    let hosts = both as i128 + i128::from(whole);
    let again = match (layer.state, whole) {
        (State::Kept, _) => (both as i128 + 1) * cost::once(layer.bytes),
        (State::New, false) => cost::once(layer.bytes),
        (State::New, true) => 0,
    };
    again - hosts * layer.yearly
}

/// Both, each number once.
fn sorted(a: &[usize], b: &[usize]) -> Vec<usize> {
    let mut all = [a, b].concat();
    all.sort_unstable();
    all.dedup();
    all
}
