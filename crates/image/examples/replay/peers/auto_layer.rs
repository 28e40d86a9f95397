//! nixpkgs' `auto-layer.py`: what the same ones of the largest components need is a layer, for as many of the largest as the
//! number of layers allows.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::Image;
use super::reach::Reach;

pub fn cut(image: &Image<'_>) -> Vec<Vec<usize>> {
    let body = image.body();
    let reach = Reach::of(image, &body);
    let mut largest: Vec<usize> = (0..body.len()).collect();
    largest.sort_by_key(|&at| Reverse(image.component(body[at]).bytes));
    // Two components are in one layer until one of the largest needs one of them alone.
    let mut layer = vec![0; body.len()];
    for from in largest {
        let mut numbers = BTreeMap::new();
        let finer: Vec<usize> = (0..body.len())
            .map(|at| {
                let next = numbers.len();
                *numbers.entry((layer[at], reach.has(from, at))).or_insert(next)
            })
            .collect();
        if numbers.len() > image.budget.max_layers - 1 {
            break;
        }
        layer = finer;
    }
    let mut layers = vec![Vec::new(); body.len() + 1];
    body.iter().zip(&layer).for_each(|(&place, &number)| layers[number].push(place));
    layers.push(image.tail());
    layers
}
