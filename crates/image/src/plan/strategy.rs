//! Ways to cut layers, longshore's own and those that it is compared with.

use std::collections::{BTreeMap, BTreeSet};

use longshore_stack::lock::LayoutLayer;

use super::problem::{Budget, Class, Component, Group, Problem, State};
use super::{ImageSet, joint};

/// A way to cut layers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strategy {
    /// All images together, what did not change stays: what images are built with.
    #[default]
    Stack,
    /// The same for each image alone.
    PerImage,
    /// The largest sources have a layer each and the rest has one, as apko does it.
    Origin,
    /// What most depends on has a layer each and the rest has one, as nixpkgs did it.
    Popularity,
    /// One layer.
    Single,
}

impl Strategy {
    /// The layout of `problem`, where the last one was `prior`; sorted by images, then by the first component.
    pub fn lay(self, problem: &Problem, prior: &[LayoutLayer]) -> Vec<Group> {
        match self {
            Self::Stack => joint::lay(problem, prior),
            Self::PerImage => alone(problem, prior),
            Self::Origin => each(problem, |image, own| ranked(image, own, by_source(own))),
            Self::Popularity => each(problem, |image, own| ranked(image, own, by_needs(problem, own))),
            Self::Single => each(problem, |_, own| vec![own.iter().map(|(n, _)| *n).collect()]),
        }
    }
}

/// A component and its place.
type Placed<'a> = (usize, &'a Component);

/// Every image planned as if it were the only one; equal layers are one.
fn alone(problem: &Problem, prior: &[LayoutLayer]) -> Vec<Group> {
    let mut states = BTreeMap::new();
    let groups = each(problem, |image, own| {
        let mine = |(_, component): &Placed<'_>| Component {
            images: ImageSet::one(0),
            needs: Vec::new(),
            ..(*component).clone()
        };
        let small = Problem { images: vec![image.clone()], components: own.iter().map(mine).collect() };
        let groups = joint::lay(&small, prior).into_iter().map(|group| {
            let members: Vec<_> = group.members.iter().map(|&n| own[n].0).collect();
            states.insert(members.clone(), group.state);
            members
        });
        groups.collect()
    });
    let state = |group: Group| Group { state: states[&group.members], ..group };
    groups.into_iter().map(state).collect()
}

/// Cuts each image by `cut`; equal layers are one.
pub fn each(problem: &Problem, mut cut: impl FnMut(&Budget, &[Placed<'_>]) -> Vec<Vec<usize>>) -> Vec<Group> {
    let mut all: BTreeMap<Vec<usize>, ImageSet> = BTreeMap::new();
    for (number, image) in problem.images.iter().enumerate() {
        let own: Vec<_> =
            problem.components.iter().enumerate().filter(|(_, part)| part.images.contains(number)).collect();
        for mut members in cut(image, &own) {
            members.sort_unstable();
            if !members.is_empty() {
                all.entry(members).or_default().insert(number);
            }
        }
    }
    let groups = all.into_iter().map(|(members, images)| Group { images, members, state: State::New });
    let mut groups: Vec<_> = groups.collect();
    groups.sort();
    groups
}

/// The first of `atoms` have a layer each, what is left of them has one, settings have the last.
fn ranked(image: &Budget, own: &[Placed<'_>], atoms: Vec<Vec<usize>>) -> Vec<Vec<usize>> {
    let last = |(_, component): &&Placed<'_>| component.class >= Class::Configuration;
    let settings: Vec<usize> = own.iter().filter(last).map(|(n, _)| *n).collect();
    let room = image.max_layers.saturating_sub(usize::from(!settings.is_empty())).max(1);
    let single = if atoms.len() <= room { room } else { room - 1 };
    let mut layers: Vec<_> = atoms.iter().take(single).cloned().collect();
    layers.push(atoms.into_iter().skip(single).flatten().collect());
    match image.max_layers {
        1 => layers.iter_mut().take(1).for_each(|layer| layer.extend(&settings)),
        _ => layers.push(settings),
    }
    layers
}

/// All but settings.
fn body<'a, 'b>(own: &'a [Placed<'b>]) -> impl Iterator<Item = &'a Placed<'b>> {
    own.iter().filter(|(_, component)| component.class < Class::Configuration)
}

/// The components of each source, the heaviest source first.
fn by_source(own: &[Placed<'_>]) -> Vec<Vec<usize>> {
    let mut sources: BTreeMap<&str, (u64, Vec<usize>)> = BTreeMap::new();
    for (n, component) in body(own) {
        let (bytes, members) = sources.entry(&component.source).or_default();
        *bytes += component.bytes;
        members.push(*n);
    }
    let mut sources: Vec<_> = sources.into_values().collect();
    sources.sort_by_key(|(bytes, _)| std::cmp::Reverse(*bytes));
    sources.into_iter().map(|(_, members)| members).collect()
}

/// Each component, the one that most others need, directly or not, first.
fn by_needs(problem: &Problem, own: &[Placed<'_>]) -> Vec<Vec<usize>> {
    let here: BTreeSet<usize> = body(own).map(|(n, _)| *n).collect();
    let mut needed: BTreeMap<usize, usize> = BTreeMap::new();
    for &start in &here {
        let (mut seen, mut next) = (BTreeSet::from([start]), vec![start]);
        while let Some(at) = next.pop() {
            *needed.entry(at).or_default() += 1;
            let needs = problem.components[at].needs.iter();
            next.extend(needs.filter(|&&other| here.contains(&other) && seen.insert(other)));
        }
    }
    let mut ranked: Vec<_> = needed.into_iter().collect();
    ranked.sort_by_key(|&(n, count)| (std::cmp::Reverse(count), n));
    ranked.into_iter().map(|(n, _)| vec![n]).collect()
}
