//! chunkah (`src/packing.rs`): large source packages have a layer each; the rest is in three tiers by how stable it is, and in
//! each tier the name's hash says which layer, so that layers keep their members without a memory.

use std::collections::{BTreeMap, BTreeSet};

use super::{Image, Source, deviation, median, spread};

/// Days in which something should stay as it is.
const DAYS: f64 = 7.0;

pub fn cut(image: &Image<'_>) -> Vec<Vec<usize>> {
    let sources = image.sources();
    let room = image.budget.max_layers - 1;
    if sources.len() <= room {
        return sources.into_iter().map(|source| source.members).chain([image.tail()]).collect();
    }
    let sizes: Vec<f64> = sources.iter().map(|source| source.bytes as f64).collect();
    let middle = median(sizes.clone());
    let large = middle + 1.5 * deviation(&sizes, middle);
    let most = room * 4 / 5;
    let (high, rest): (Vec<_>, Vec<_>) =
        sources.into_iter().enumerate().partition(|(n, source)| *n < most && source.bytes as f64 >= large);
    let mut layers: Vec<_> = high.into_iter().map(|(_, source)| source.members).collect();
    let left = room - layers.len();
    let stable = |source: &Source<'_>| (-source.rate / 365.0 * DAYS).exp();
    let (mean, deviation) = spread(&rest.iter().map(|(_, source)| stable(source)).collect::<Vec<_>>());
    let mut tiers = [Vec::new(), Vec::new(), Vec::new()];
    let of = rest.len();
    for (_, source) in rest {
        let tier = match stable(&source) {
            value if value < mean - deviation => 0,
            value if value > mean + deviation => 2,
            _ => 1,
        };
        tiers[tier].push(source);
    }
    for tier in tiers {
        let bins = (left * tier.len() / of).max(1) as u64;
        let mut binned: BTreeMap<u64, BTreeSet<usize>> = BTreeMap::new();
        for source in tier {
            binned.entry(fnv(source.name) % bins).or_default().extend(source.members);
        }
        layers.extend(binned.into_values().map(|members| members.into_iter().collect()));
    }
    layers.push(image.tail());
    layers
}

/// FNV-1a, 64 bits.
fn fnv(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
