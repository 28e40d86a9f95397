//! Fewer layers where an image has too many.

use std::collections::BTreeMap;

use super::ImageKey;
use super::components::Part;

/// Merges the smallest layers of `image` until it has at most `max`. Layers that the same images share are merged for
/// all of them; where none is left, `image` gets a merged layer of its own and the others keep theirs.
pub(super) fn fit(parts: &mut Vec<Part>, image: &ImageKey, max: usize) {
    loop {
        let mine: Vec<usize> = (0..parts.len()).filter(|&n| parts[n].images.contains(image)).collect();
        if mine.len() <= max {
            return;
        }
        let Some((a, b)) = best(parts, &mine) else { return };
        join(parts, image, a, b);
    }
}

/// The pair to merge: of the same images if possible, of the same rank if possible, the fewest bytes, then the first.
///
/// An image of many inputs has pairs by the ten thousand each time: where two parts are alike, only the lightest of those are
/// looked at.
fn best(parts: &[Part], mine: &[usize]) -> Option<(usize, usize)> {
    let mut alike: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for &n in mine {
        alike.entry((&parts[n].images, parts[n].rank)).or_default().push(n);
    }
    let light: Vec<_> = alike.into_values().map(|alike| lightest(parts, alike)).collect();
    let pair = first(parts, light.iter().flat_map(|alike| pairs(alike)));
    pair.or_else(|| first(parts, pairs(mine)))
}

/// Those of `alike` that the lightest pair of them can have, in order: none of them is heavier than the second lightest.
fn lightest(parts: &[Part], mut alike: Vec<usize>) -> Vec<usize> {
    let mut bytes: Vec<u64> = alike.iter().map(|&n| parts[n].bytes).collect();
    bytes.sort_unstable();
    alike.retain(|&n| bytes.get(1).is_none_or(|second| parts[n].bytes <= *second));
    alike
}

fn pairs(some: &[usize]) -> impl Iterator<Item = (usize, usize)> {
    some.iter().enumerate().flat_map(|(n, &a)| some[n + 1..].iter().map(move |&b| (a, b)))
}

fn first(parts: &[Part], pairs: impl Iterator<Item = (usize, usize)>) -> Option<(usize, usize)> {
    pairs.min_by_key(|&(n, m)| {
        let (a, b) = (&parts[n], &parts[m]);
        (a.images != b.images, a.rank != b.rank, a.bytes + b.bytes, &a.origins, &b.origins, n, m)
    })
}

fn join(parts: &mut Vec<Part>, image: &ImageKey, a: usize, b: usize) {
    let mut merged = parts[a].clone();
    merged.rank = merged.rank.max(parts[b].rank);
    merged.origins.extend(parts[b].origins.iter().cloned());
    merged.paths.extend(parts[b].paths.iter().cloned());
    merged.bytes += parts[b].bytes;
    if parts[a].images == parts[b].images {
        parts[a].images.clear();
        parts[b].images.clear();
    } else {
        merged.images = [image.clone()].into();
        parts[a].images.remove(image);
        parts[b].images.remove(image);
    }
    parts.push(merged);
    parts.retain(|part| !part.images.is_empty());
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use longshore_oci::Origin;

    use super::super::components::Rank;
    use super::*;

    /// Of every pair the same one comes first as of the few that are looked at, until one part is left.
    #[test]
    fn the_lightest_alike_are_the_first_of_all() {
        let mut seed = 1_u32;
        let mut below = |limit: u32| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 16) % limit
        };
        let key = |name: u32| (name.to_string(), "linux/amd64".parse().unwrap());
        for _ in 0..50 {
            let mut part = |n| Part {
                rank: [Rank::Package, Rank::Build, Rank::Files][below(3) as usize],
                origins: BTreeSet::from([Origin::Inline(below(20).to_string())]),
                paths: BTreeSet::new(),
                bytes: u64::from(below(5)),
                images: BTreeSet::from([key(0), key(n % 3)]),
            };
            let mut parts: Vec<_> = (0..24_u32).map(&mut part).collect();
            while parts.len() > 1 {
                let all: Vec<usize> = (0..parts.len()).collect();
                let pair = first(&parts, pairs(&all));
                assert_eq!(best(&parts, &all), pair);
                let (a, b) = pair.unwrap();
                parts[a].bytes += parts[b].bytes;
                parts.remove(b);
            }
        }
    }
}
