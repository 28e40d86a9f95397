//! The first of a ranking have a layer each, and all others have one together: by size; by popularity, as nixpkgs' first
//! `buildLayeredImage` did it; and the source packages by size, as apko does it (`pkg/build/layers.go`).

use std::cmp::Reverse;

use super::Image;
use super::reach::Reach;

/// The largest components.
pub fn by_size(image: &Image<'_>) -> Vec<Vec<usize>> {
    let mut body = image.body();
    body.sort_by_key(|&place| Reverse(image.component(place).bytes));
    first(image, body.into_iter().map(|place| vec![place]).collect())
}

/// The components that most others need, directly or not.
pub fn by_popularity(image: &Image<'_>) -> Vec<Vec<usize>> {
    let body = image.body();
    let reach = Reach::of(image, &body);
    let mut ranked: Vec<_> = (0..body.len()).map(|at| (Reverse(reach.popularity(at)), body[at])).collect();
    ranked.sort_unstable();
    first(image, ranked.into_iter().map(|(_, place)| vec![place]).collect())
}

/// The largest source packages.
pub fn by_origin(image: &Image<'_>) -> Vec<Vec<usize>> {
    first(image, image.sources().into_iter().map(|source| source.members).collect())
}

fn first(image: &Image<'_>, mut atoms: Vec<Vec<usize>>) -> Vec<Vec<usize>> {
    let room = image.budget.max_layers - 1;
    let rest = if atoms.len() > room { atoms.split_off(room - 1) } else { Vec::new() };
    atoms.push(rest.concat());
    atoms.push(image.tail());
    atoms
}
