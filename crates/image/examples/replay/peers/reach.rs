//! What components of an image need, directly or not.

use super::Image;

/// For each component of a list: which of the list it reaches, itself among them.
pub struct Reach(Vec<Vec<bool>>);

impl Reach {
    /// Of `body`, which is sorted.
    pub fn of(image: &Image<'_>, body: &[usize]) -> Self {
        let places = |&place: &usize| {
            let needs = image.component(place).needs.iter();
            needs.filter_map(|need| body.binary_search(need).ok()).collect()
        };
        let needs: Vec<Vec<usize>> = body.iter().map(places).collect();
        let mut reached = vec![Vec::new(); body.len()];
        (0..body.len()).for_each(|at| visit(at, &needs, &mut reached));
        Self(reached)
    }

    /// Whether the one at `from` reaches the one at `to`.
    pub fn has(&self, from: usize, to: usize) -> bool {
        self.0[from][to]
    }

    /// How many reach the one at `to`.
    pub fn popularity(&self, to: usize) -> usize {
        self.0.iter().filter(|reached| reached[to]).count()
    }
}

/// Depth first, each once: what is in a cycle may be found to reach less than it does, as where this is taken from.
fn visit(at: usize, needs: &[Vec<usize>], reached: &mut [Vec<bool>]) {
    if !reached[at].is_empty() {
        return;
    }
    let itself: Vec<bool> = (0..needs.len()).map(|other| other == at).collect();
    reached[at].clone_from(&itself);
    let mut all = itself;
    for &need in &needs[at] {
        visit(need, needs, reached);
        all.iter_mut().zip(&reached[need]).for_each(|(own, more)| *own |= more);
        reached[at].clone_from(&all);
    }
}
