//! The strategies of others, after what they have published of them. They plan every image alone; what is set or changes
//! all the time has the last layer, apart from the rest.

pub mod auto_layer;
pub mod chunkah;
pub mod ranked;
mod reach;
pub mod rpm_ostree;

use std::collections::BTreeMap;

use longshore_image::plan::{Budget, Class, Component, Problem};

/// An image as a peer sees it.
pub struct Image<'a> {
    pub budget: &'a Budget,
    pub problem: &'a Problem,
    /// Its components and their places in the problem, in the order of their names.
    pub own: &'a [(usize, &'a Component)],
}

/// The components of one source package.
pub struct Source<'a> {
    pub name: &'a str,
    pub bytes: u64,
    /// Changes a year.
    pub rate: f64,
    pub members: Vec<usize>,
}

impl<'a> Image<'a> {
    /// Its components of some kinds.
    fn of(&self, kind: impl Fn(Class) -> bool) -> Vec<usize> {
        self.own.iter().filter(|(_, component)| kind(component.class)).map(|(n, _)| *n).collect()
    }

    /// All but settings and what changes all the time.
    fn body(&self) -> Vec<usize> {
        self.of(|class| class < Class::Configuration)
    }

    /// What the body is not.
    fn tail(&self) -> Vec<usize> {
        self.of(|class| class >= Class::Configuration)
    }

    fn component(&self, place: usize) -> &'a Component {
        &self.problem.components[place]
    }

    /// The source packages of the body, the largest first.
    fn sources(&self) -> Vec<Source<'a>> {
        let mut sources: BTreeMap<&str, Source<'a>> = BTreeMap::new();
        for place in self.body() {
            let Component { source: name, bytes, rate, .. } = self.component(place);
            let new = || Source { name, bytes: 0, rate: 0.0, members: Vec::new() };
            let source = sources.entry(name).or_insert_with(new);
            source.bytes += bytes;
            source.rate = source.rate.max(rate.0 as f64 / 1000.0);
            source.members.push(place);
        }
        let mut sources: Vec<_> = sources.into_values().collect();
        sources.sort_by_key(|source| std::cmp::Reverse(source.bytes));
        sources
    }
}

/// Everything in one layer.
pub fn single(image: &Image<'_>) -> Vec<Vec<usize>> {
    vec![image.of(|_| true)]
}

/// What others made, and what is one's own.
pub fn base_and_app(image: &Image<'_>) -> Vec<Vec<usize>> {
    vec![image.of(|class| class < Class::Application), image.of(|class| class >= Class::Application)]
}

/// Packages, what others made besides, what is one's own, settings.
pub fn by_kind(image: &Image<'_>) -> Vec<Vec<usize>> {
    vec![
        image.of(|class| class < Class::Vendored),
        image.of(|class| class == Class::Vendored),
        image.of(|class| class == Class::Application),
        image.tail(),
    ]
}

/// The middle one of the values, or what is between the two in the middle.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    match values.len() {
        0 => 0.0,
        len if len % 2 == 1 => values[half],
        _ => (values[half - 1] + values[half]) / 2.0,
    }
}

/// How far the values are from `center`, in the middle.
fn deviation(values: &[f64], center: f64) -> f64 {
    median(values.iter().map(|value| (value - center).abs()).collect())
}

/// Mean and standard deviation.
fn spread(values: &[f64]) -> (f64, f64) {
    let len = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / len;
    (mean, (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / len).sqrt())
}
