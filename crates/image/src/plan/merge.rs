//! Fewer layers where an image has too many.

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
fn best(parts: &[Part], mine: &[usize]) -> Option<(usize, usize)> {
    let pairs = mine.iter().enumerate().flat_map(|(n, &a)| mine[n + 1..].iter().map(move |&b| (a, b)));
    pairs.min_by_key(|&(a, b)| {
        let (a, b) = (&parts[a], &parts[b]);
        (a.images != b.images, a.rank != b.rank, a.bytes + b.bytes, &a.origins, &b.origins)
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
