//! rpm-ostree's `build-chunked-oci` (ostree-rs-ext, `lib/src/chunking.rs`): bins by size and by how often source packages
//! change; the bins of the last manifest stay, and what is new goes into one that is kept for it.

use std::collections::BTreeSet;

use super::{Image, Source, deviation, median, spread};

/// The layers of an image without its last one, by the names of components.
#[derive(Clone)]
pub struct Bins {
    kept: Vec<BTreeSet<String>>,
    /// What came since the bins were made.
    spare: BTreeSet<String>,
}

impl Bins {
    /// The layers as places of components.
    pub fn members(&self, image: &Image<'_>) -> Vec<Vec<usize>> {
        let places = |names: &BTreeSet<String>| {
            let own = image.own.iter().filter(|(_, component)| names.contains(&component.name));
            own.map(|(place, _)| *place).collect()
        };
        self.kept.iter().chain([&self.spare]).map(places).chain([image.tail()]).collect()
    }
}

/// The bins of `image`, which had `prior` last.
pub fn cut(image: &Image<'_>, prior: Option<&Bins>) -> Bins {
    let body: BTreeSet<String> =
        image.body().into_iter().map(|place| image.component(place).name.clone()).collect();
    let Some(prior) = prior else { return anew(image) };
    let there = |names: &BTreeSet<String>| names.intersection(&body).cloned().collect::<BTreeSet<_>>();
    let kept: Vec<_> = prior.kept.iter().map(there).filter(|names| !names.is_empty()).collect();
    let new = body.iter().filter(|name| !kept.iter().any(|names| names.contains(*name)));
    let spare = new.cloned().collect();
    Bins { kept, spare }
}

fn anew(image: &Image<'_>) -> Bins {
    let sources = image.sources();
    let names = |sources: &[&Source<'_>]| -> BTreeSet<String> {
        let members = sources.iter().flat_map(|source| &source.members);
        members.map(|&place| image.component(place).name.clone()).collect()
    };
    let room = image.budget.max_layers - 2;
    if sources.len() <= room {
        let kept = sources.iter().map(|source| names(&[source])).collect();
        return Bins { kept, spare: BTreeSet::new() };
    }
    let sizes: Vec<f64> = sources.iter().map(|source| source.bytes as f64).collect();
    let middle = median(sizes.clone());
    let around = deviation(&sizes, middle);
    let (mean, deviation) = spread(&sources.iter().map(|source| source.rate).collect::<Vec<_>>());
    let most = room * 3 / 5;
    let large = |(n, source): &(usize, &Source<'_>)| *n < most && source.bytes as f64 > middle + 3.0 * around;
    let (high, rest): (Vec<_>, Vec<_>) = sources.iter().enumerate().partition(large);
    let small = |source: &&Source<'_>| source.bytes as f64 <= (middle - around).max(middle / 4.0);
    let (low, medium): (Vec<_>, Vec<_>) = rest.into_iter().map(|(_, source)| source).partition(small);
    let of = medium.len().max(1) as f64;
    let (often, seldom): (Vec<_>, Vec<_>) =
        medium.into_iter().partition(|source| source.rate > mean + deviation);
    let left = room.saturating_sub(high.len() + usize::from(!low.is_empty()));
    let share = (left as f64 * often.len() as f64 / of).round_ties_even() as usize;
    let bins = if often.is_empty() { 0 } else { share.max(1) };
    let mut kept: Vec<_> = high.into_iter().map(|(_, source)| names(&[source])).collect();
    for (part, bins) in [(often, bins), (seldom, left.saturating_sub(bins).max(1))] {
        let bounds = (0..bins).map(|n| n * part.len() / bins..(n + 1) * part.len() / bins);
        kept.extend(bounds.map(|bin| names(&part[bin])));
    }
    kept.push(names(&low));
    kept.retain(|names| !names.is_empty());
    Bins { kept, spare: BTreeSet::new() }
}
