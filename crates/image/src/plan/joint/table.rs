//! Every layer there is, the best that can be done with each, and what a move changes of that.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::cost;
use super::layer::{Carrier, Layer, Move, Set, Spread};
use crate::plan::ImageSet;
use crate::plan::problem::{Group, Problem, State};

pub(super) struct Table<'a> {
    problem: &'a Problem,
    /// By source.
    rates: Vec<u64>,
    sets: Vec<Set>,
    /// None where one was joined or copied away.
    layers: Vec<Option<Layer>>,
    /// Layers that no move touches.
    pinned: Vec<Group>,
}

impl<'a> Table<'a> {
    /// The layers of `kept`, and what `wants` leaves to be cut; no move touches `pinned`.
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
        let free: Vec<_> = kept.into_iter().chain(atoms).collect();
        let mut table = Self { problem, rates, sets: Vec::new(), layers: Vec::new(), pinned };
        table.add_sets(free.iter().map(|group| group.images.clone()).collect());
        for group in free {
            let mut sources: Vec<_> = group.members.iter().map(|&member| source(member)).collect();
            sources.sort_unstable();
            sources.dedup();
            let set = table.set(&group.images);
            table.put(set, sources, group.members, group.state);
        }
        for set in 0..table.sets.len() {
            for layer in table.sets[set].layers.clone() {
                table.look(layer);
            }
            table.sets[set].pair = table.pair(set);
        }
        table
    }

    fn set(&self, images: &ImageSet) -> usize {
        self.sets.binary_search_by(|set| set.images.cmp(images)).unwrap_or(0)
    }

    /// Makes the sets; they are never made or taken away later, so that a set's number is its place in their order.
    fn add_sets(&mut self, mut all: Vec<ImageSet>) {
        // An image of its own may be needed where one has too many layers.
        all.extend((0..self.problem.images.len()).map(ImageSet::one));
        all.sort();
        all.dedup();
        let sets = all.into_iter().map(|images| Set {
            len: images.len(),
            images,
            layers: Vec::new(),
            pair: None,
            below: Vec::new(),
            above: Vec::new(),
        });
        self.sets = sets.collect();
        for over in 0..self.sets.len() {
            for under in 0..self.sets.len() {
                let (big, small) = (&self.sets[over], &self.sets[under]);
                if small.len < big.len && small.images.is_subset(&big.images) {
                    self.sets[over].below.push(under);
                    self.sets[under].above.push(over);
                }
            }
        }
    }

    fn layer(&self, at: usize) -> &Layer {
        self.layers[at].as_ref().expect("only layers that are there are in a set's list")
    }

    /// Adds a layer to its set, and looks at nothing.
    fn put(&mut self, set: usize, sources: Vec<usize>, members: Vec<usize>, state: State) -> usize {
        let bytes = members.iter().map(|&member| self.problem.components[member].bytes).sum();
        let rate = sources.iter().map(|&source| self.rates[source]).sum();
        let shown = cost::shown(rate);
        let cost = cost::yearly(self.sets[set].len, shown, bytes);
        let at = self.layers.len();
        let first = members[0];
        self.layers.push(Some(Layer {
            set,
            sources,
            rate,
            shown,
            bytes,
            members,
            state,
            cost,
            partner: None,
            carriers: Vec::new(),
            order: Vec::new(),
            spread: Spread::Unknown,
        }));
        let place = self.sets[set].layers.partition_point(|&other| self.layer(other).members[0] < first);
        self.sets[set].layers.insert(place, at);
        at
    }

    /// What pulling it once more costs where everybody has it.
    fn broken(&self, layer: &Layer) -> i128 {
        match layer.state {
            State::Kept => cost::once(self.sets[layer.set].len, layer.bytes),
            State::New => 0,
        }
    }

    /// A year of `layer` once it has what `more` has, too.
    fn grown(&self, layer: &Layer, more: &Layer) -> i128 {
        let rate = layer.rate + more.rate - self.common(layer, more);
        cost::yearly(self.sets[layer.set].len, cost::shown(rate), layer.bytes + more.bytes)
    }

    /// What [`grown`](Self::grown) is at least, and that is had at once: all that changes more often than the other changes.
    fn grown_at_least(&self, layer: &Layer, more: &Layer) -> i128 {
        cost::yearly(self.sets[layer.set].len, layer.shown.max(more.shown), layer.bytes + more.bytes)
    }

    /// What the sources of both change.
    fn common(&self, a: &Layer, b: &Layer) -> u64 {
        let (few, many) = if a.sources.len() < b.sources.len() { (a, b) } else { (b, a) };
        let both = few.sources.iter().filter(|source| many.sources.binary_search(source).is_ok());
        both.map(|&source| self.rates[source]).sum()
    }

    /// What joining both changes besides what [`grown`](Self::grown) says.
    fn joined_from(&self, a: &Layer, b: &Layer) -> i128 {
        self.broken(a) + self.broken(b) - a.cost - b.cost
    }

    fn joined(&self, a: usize, b: usize) -> i128 {
        let (a, b) = (self.layer(a), self.layer(b));
        self.grown(a, b) + self.joined_from(a, b)
    }

    /// What carrying a copy changes besides.
    fn carried_from(&self, carrier: &Layer) -> i128 {
        self.broken(carrier) - carrier.cost
    }

    fn carried(&self, carrier: usize, layer: &Layer) -> i128 {
        let carrier = self.layer(carrier);
        self.grown(carrier, layer) + self.carried_from(carrier)
    }

    /// The first of `all` that grows by `more` for least, where `from` is what that changes besides.
    fn cheapest(
        &self,
        all: impl Iterator<Item = usize>,
        more: &Layer,
        from: impl Fn(&Layer) -> i128,
    ) -> Option<(i128, usize)> {
        let mut best: Option<(i128, usize)> = None;
        for at in all {
            let layer = self.layer(at);
            let from = from(layer);
            if best.is_some_and(|(change, _)| self.grown_at_least(layer, more) + from >= change) {
                continue;
            }
            let change = self.grown(layer, more) + from;
            if best.is_none_or(|(least, _)| change < least) {
                best = Some((change, at));
            }
        }
        best
    }

    /// The best partner of `layer` among those before it.
    fn partner(&self, layer: usize) -> Option<(i128, usize)> {
        let all = self.sets[self.layer(layer).set].layers.iter().copied();
        // They are in the order of their first components, so the first of equals is the one.
        let before = all.take_while(|&other| other != layer);
        let layer = self.layer(layer);
        self.cheapest(before, layer, |other| self.joined_from(other, layer))
    }

    fn pair(&self, set: usize) -> Option<(i128, usize, usize)> {
        let pairs = self.sets[set]
            .layers
            .iter()
            .filter_map(|&later| self.layer(later).partner.map(|(change, earlier)| (change, earlier, later)));
        pairs.min_by_key(|&(change, earlier, _)| (change, self.layer(earlier).members[0]))
    }

    /// Looks at everything that can be done with a layer.
    fn look(&mut self, at: usize) {
        let partner = self.partner(at);
        let layer = self.layer(at);
        let below = self.sets[layer.set].below.iter();
        let carriers: Vec<_> = below.map(|&set| self.carrier(set, layer)).collect();
        let mut found: Vec<_> =
            carriers.iter().enumerate().filter_map(|(n, found)| Some((n, (*found)?))).collect();
        found.sort_by(|(_, a), (_, b)| Self::by_change(a, b));
        let order = found.into_iter().map(|(place, _)| place).collect();
        let layer = self.layers[at].as_mut().expect("it was looked at");
        (layer.partner, layer.carriers, layer.order) = (partner, carriers, order);
    }

    /// The layer of `set` that would carry a copy for least.
    fn carrier(&self, set: usize, layer: &Layer) -> Option<Carrier> {
        let all = self.sets[set].layers.iter().copied();
        let (change, layer) = self.cheapest(all, layer, |carrier| self.carried_from(carrier))?;
        let (len, first) = (self.sets[set].len as i128, self.layer(layer).members[0]);
        Some(Carrier { set, len, layer, first, change })
    }

    /// By what they cost an image, then by their first components, then by their images.
    fn by_change(a: &Carrier, b: &Carrier) -> Ordering {
        (a.change * b.len).cmp(&(b.change * a.len)).then((a.first, a.set).cmp(&(b.first, b.set)))
    }

    /// Copies into the cheapest carriers that together have all images of `layer`, each once.
    fn spread(&self, layer: &Layer) -> Spread {
        let mut left = self.sets[layer.set].images.clone();
        let mut change = self.broken(layer) - layer.cost;
        let mut taken = Vec::new();
        for carrier in layer.order.iter().filter_map(|&place| layer.carriers[place]) {
            let images = &self.sets[carrier.set].images;
            if images.is_subset(&left) {
                left.remove_all(images);
                change += carrier.change;
                taken.push(carrier.layer);
                if left.is_empty() {
                    let copies = taken.len() as i128 - 1;
                    return Spread::Possible(change + copies * cost::copy(layer.bytes), taken);
                }
            }
        }
        Spread::Impossible
    }

    /// What copying `layer` changes at least, times the images of the cheapest carrier, and those.
    fn spread_bound(&self, layer: &Layer) -> Option<(i128, i128)> {
        let cheapest = layer.carriers[*layer.order.first()?]?;
        let (own, other) = (self.sets[layer.set].len as i128, cheapest.len);
        let fixed = self.broken(layer) - layer.cost + cost::copy(layer.bytes);
        Some((fixed * other + own * cheapest.change, other))
    }

    /// The best move of all.
    pub(super) fn best(&mut self) -> Option<Move> {
        self.least(|_| 1)
    }

    /// The best move for images that have too many layers.
    pub(super) fn best_of(&mut self, over: &ImageSet) -> Option<Move> {
        self.least(|set| set.images.common(over) as i128)
    }

    fn least(&mut self, share: impl Fn(&Set) -> i128) -> Option<Move> {
        let shares: Vec<_> = self.sets.iter().map(share).collect();
        let mut best: Option<Move> = None;
        for (set, &share) in self.sets.iter().zip(&shares).filter(|(_, share)| **share > 0) {
            if let Some((change, earlier, later)) = set.pair {
                let (first, second) = (self.layer(earlier).members[0], self.layer(later).members[0]);
                let (second, with) = (Some(second), Some(later));
                let found = Move { change, share, first, second, layer: earlier, with };
                best = Some(best.filter(|best| !found.before(best)).unwrap_or(found));
            }
        }
        for at in 0..self.layers.len() {
            let Some(layer) = &self.layers[at] else { continue };
            let share = shares[layer.set];
            let Some((bound, of)) = self.spread_bound(layer).filter(|_| share > 0) else { continue };
            // It is looked at only where it could be the best.
            if best.is_some_and(|best| bound * best.share > best.change * share * of) {
                continue;
            }
            if let Spread::Unknown = layer.spread {
                let spread = self.spread(layer);
                self.layers[at].as_mut().expect("it was looked at").spread = spread;
            }
            let layer = self.layer(at);
            if let Spread::Possible(change, _) = layer.spread {
                let (first, second, with) = (layer.members[0], None, None);
                let found = Move { change, share, first, second, layer: at, with };
                let later = |best: &Move| {
                    let even = !best.before(&found) && !found.before(best);
                    best.before(&found) || (even && self.layer(best.layer).set < layer.set)
                };
                best = Some(best.filter(later).unwrap_or(found));
            }
        }
        best
    }

    pub(super) fn make(&mut self, Move { layer, with, .. }: Move) {
        let Some(taken) = self.take(layer) else { return };
        if let Some(other) = with {
            let grown = self.grow(other, &taken);
            return self.changed(taken.set, &[layer, other], grown);
        }
        self.changed(taken.set, &[layer], None);
        let Spread::Possible(_, targets) = &taken.spread else { return };
        for &target in targets {
            let set = self.layer(target).set;
            let grown = self.grow(target, &taken);
            self.changed(set, &[target], grown);
        }
    }

    /// A layer of what the layer `at` has and what `more` has, in place of the former.
    fn grow(&mut self, at: usize, more: &Layer) -> Option<usize> {
        let old = self.take(at)?;
        let sources = sorted(&old.sources, &more.sources);
        Some(self.put(old.set, sources, sorted(&old.members, &more.members), State::New))
    }

    fn take(&mut self, at: usize) -> Option<Layer> {
        let layer = self.layers[at].take()?;
        self.sets[layer.set].layers.retain(|&other| other != at);
        Some(layer)
    }

    /// Looks again at what depends on the layers of `set`, of which `gone` went and `new` came.
    fn changed(&mut self, set: usize, gone: &[usize], new: Option<usize>) {
        if let Some(new) = new {
            self.look(new);
        }
        for at in self.sets[set].layers.clone() {
            if Some(at) == new {
                continue;
            }
            let partner = match (self.layer(at).partner, new) {
                (Some((_, partner)), _) if gone.contains(&partner) => self.partner(at),
                (partner, Some(new)) if self.layer(new).members[0] < self.layer(at).members[0] => {
                    let better = (self.joined(new, at), new);
                    let key = |&(change, layer): &(i128, usize)| (change, self.layer(layer).members[0]);
                    partner.into_iter().chain([better]).min_by_key(key)
                }
                (partner, _) => partner,
            };
            if let Some(layer) = &mut self.layers[at] {
                layer.partner = partner;
            }
        }
        self.sets[set].pair = self.pair(set);
        for over in self.sets[set].above.clone() {
            for at in self.sets[over].layers.clone() {
                self.carry_again(at, set, gone, new);
            }
        }
    }

    /// Looks again which layer of `set` could carry a copy of the layer `at`.
    fn carry_again(&mut self, at: usize, set: usize, gone: &[usize], new: Option<usize>) {
        let layer = self.layer(at);
        let Ok(place) = self.sets[layer.set].below.binary_search(&set) else { return };
        let old = layer.carriers[place];
        let lost = old.is_some_and(|old| gone.contains(&old.layer));
        let better = new.map(|new| {
            let first = self.layer(new).members[0];
            let len = self.sets[set].len as i128;
            Carrier { set, len, layer: new, first, change: self.carried(new, layer) }
        });
        let before = |a: &Carrier, b: &Carrier| (a.change, a.first) <= (b.change, b.first);
        let found = match (old, better) {
            (Some(old), Some(better)) if before(&better, &old) => Some(better),
            _ if lost => self.carrier(set, layer),
            (Some(_), _) => return,
            (None, better) => better,
        };
        let at_most = |other: &Carrier, limit: &Carrier| Self::by_change(other, limit) == Ordering::Less;
        let place_of = |carrier: &Carrier| {
            layer
                .order
                .partition_point(|&other| layer.carriers[other].is_some_and(|other| at_most(&other, carrier)))
        };
        // Where it was passed over and became no cheaper, it would be passed over again.
        let passed = match (&layer.spread, &old, &found) {
            (Spread::Possible(_, taken), Some(old), Some(found)) => {
                !taken.contains(&old.layer) && !at_most(found, old)
            }
            _ => false,
        };
        let from = old.as_ref().map(place_of);
        let to = found.as_ref().map(place_of);
        let layer = self.layers[at].as_mut().expect("it was looked at");
        layer.carriers[place] = found;
        if let Some(from) = from {
            layer.order.remove(from);
        }
        if let Some(to) = to {
            let to = if from.is_some_and(|from| from < to) { to - 1 } else { to };
            layer.order.insert(to, place);
        }
        if !passed {
            layer.spread = Spread::Unknown;
        }
    }

    /// Images with more layers than they may have.
    pub(super) fn over_full(&self) -> ImageSet {
        let mut counts = vec![0; self.problem.images.len()];
        let own = self.sets.iter().map(|set| (&set.images, set.layers.len()));
        for (images, layers) in own.chain(self.pinned.iter().map(|group| (&group.images, 1))) {
            images.iter().for_each(|image| counts[image] += layers);
        }
        let over = counts.iter().zip(&self.problem.images).enumerate();
        over.filter(|(_, (count, budget))| **count > budget.max_layers).map(|(image, _)| image).collect()
    }

    /// Gives every image of the smallest layer of images that have too many a copy of its own, so that there is something to
    /// join; false where no layer of several images is left.
    pub(super) fn break_up(&mut self, over: &ImageSet) -> bool {
        let sets = self.sets.iter().filter(|set| set.len > 1 && set.images.common(over) > 0);
        let all = sets.flat_map(|set| &set.layers);
        let key = |&&at: &&usize| (self.layer(at).bytes, self.layer(at).members[0], self.layer(at).set);
        let Some(&smallest) = all.min_by_key(key) else { return false };
        let Some(taken) = self.take(smallest) else { return false };
        self.changed(taken.set, &[smallest], None);
        for image in self.sets[taken.set].images.clone().iter() {
            let set = self.set(&ImageSet::one(image));
            let copy = self.put(set, taken.sources.clone(), taken.members.clone(), State::New);
            self.changed(set, &[], Some(copy));
        }
        true
    }

    pub(super) fn groups(self) -> Vec<Group> {
        let sets = self.sets;
        let own = self.layers.into_iter().flatten().map(|layer| Group {
            images: sets[layer.set].images.clone(),
            members: layer.members,
            state: layer.state,
        });
        own.chain(self.pinned).collect()
    }
}

/// Both, each number once.
fn sorted(a: &[usize], b: &[usize]) -> Vec<usize> {
    let mut all = [a, b].concat();
    all.sort_unstable();
    all.dedup();
    all
}
