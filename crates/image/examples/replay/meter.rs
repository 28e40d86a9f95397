//! What moves: a host with the whole stack and hosts with one image each pull what they lack, and a registry keeps it all.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use longshore_image::plan::{Group, Problem};
use longshore_oci::Digest;
use serde_json::{Value, json};

use crate::Result;
use crate::planner::{Contender, Planner};
use crate::series::{Series, Step};

/// Bytes on a host with the whole stack, and on hosts with one image each, all of them together.
#[derive(Debug, Clone, Copy, Default)]
struct Moved {
    stack: u64,
    single: u64,
}

/// What a series comes to.
#[derive(Default)]
pub struct Figures {
    steps: usize,
    pulled: Moved,
    /// What changed, once for each host.
    ideal: Moved,
    /// What a registry stores for all steps.
    registry: u64,
    /// Layers of all images and steps after the first, and how many of them the image had.
    layers: usize,
    reused: usize,
    /// Most layers of an image.
    most: usize,
    /// What a host without anything pulls.
    cold: Moved,
    /// The longest that planning took.
    slowest: Duration,
    /// Every step: what happened, what changed, what was pulled.
    each: Vec<(String, Moved, Moved)>,
    /// Steps in which one source package changed alone: what, its bytes, what was pulled.
    only: Vec<(String, Moved, Moved)>,
    /// The same for every source package, after the last step.
    alone: Vec<(Moved, Moved)>,
}

/// The layers of every image, by its name: what names them, and their bytes.
type Layers = BTreeMap<String, BTreeMap<Digest, u64>>;

/// Replays `series`.
pub fn measure(series: &Series, contender: &Contender) -> Result<Figures> {
    let mut planner = contender.planner.clone();
    let mut figures = Figures::default();
    let mut store = BTreeMap::new();
    let mut last: Option<(Problem, Layers)> = None;
    for step in &series.steps {
        let start = Instant::now();
        let (problem, groups) = planned(&mut planner, step, contender.max_layers);
        figures.slowest = figures.slowest.max(start.elapsed());
        let layers = layers(&problem, &groups)
            .map_err(|message| format!("{}, {}, {}: {message}", series.name, step.what, contender.name))?;
        store.extend(layers.values().flatten().map(|(digest, bytes)| (*digest, *bytes)));
        figures.most = layers.values().map(BTreeMap::len).chain([figures.most]).max().unwrap_or(0);
        match &last {
            None => figures.cold = pulled(&Layers::new(), &layers),
            Some((before, had)) => {
                figures.steps += 1;
                let (new, moved) = (changed(before, &problem), pulled(had, &layers));
                figures.pulled.add(moved);
                figures.ideal.add(new);
                figures.each.push((step.what.clone(), new, moved));
                figures.count(had, &layers);
                if let Some(source) = &step.only {
                    let (own, with) = of_source(&problem, &groups, had, source);
                    figures.only.push((step.what.clone(), own, with));
                }
            }
        }
        last = Some((problem, layers));
    }
    figures.registry = store.values().sum();
    let had = last.map(|(_, layers)| layers).unwrap_or_default();
    for step in &series.alone {
        let (problem, groups) = planned(&mut planner.clone(), step, contender.max_layers);
        if let Some(source) = &step.only {
            figures.alone.push(of_source(&problem, &groups, &had, source));
        }
    }
    Ok(figures)
}

fn planned(planner: &mut Planner, step: &Step, max_layers: usize) -> (Problem, Vec<Group>) {
    let mut problem = step.problem.clone();
    problem.images.iter_mut().for_each(|budget| budget.max_layers = max_layers);
    let groups = planner.lay(&problem);
    (problem, groups)
}

/// The layers of every image, which must have each of its components once.
fn layers(problem: &Problem, groups: &[Group]) -> Result<Layers> {
    let mut layers = Layers::new();
    for (number, budget) in problem.images.iter().enumerate() {
        let own: Vec<_> = groups.iter().filter(|group| group.images.contains(number)).collect();
        let mut members: Vec<usize> = own.iter().flat_map(|group| group.members.clone()).collect();
        members.sort_unstable();
        let all = problem.components.iter().enumerate();
        let wanted: Vec<_> =
            all.filter(|(_, component)| component.images.contains(number)).map(|(n, _)| n).collect();
        if members != wanted {
            return Err(format!("image `{}` has not each of its components once", budget.image));
        }
        let named = own.into_iter().map(|group| (problem.content(&group.members), bytes(problem, group)));
        layers.insert(budget.image.clone(), named.collect());
    }
    Ok(layers)
}

fn bytes(problem: &Problem, group: &Group) -> u64 {
    group.members.iter().map(|&member| problem.components[member].bytes).sum()
}

/// What hosts that have `had` pull for `now`.
fn pulled(had: &Layers, now: &Layers) -> Moved {
    let on_stack: BTreeSet<_> = had.values().flat_map(BTreeMap::keys).collect();
    let new: BTreeMap<_, _> =
        now.values().flatten().filter(|(digest, _)| !on_stack.contains(digest)).collect();
    let single = now.iter().map(|(image, layers)| -> u64 {
        let own = had.get(image);
        let lacks = |digest: &Digest| !own.is_some_and(|own| own.contains_key(digest));
        layers.iter().filter(|(digest, _)| lacks(digest)).map(|(_, bytes)| bytes).sum()
    });
    Moved { stack: new.into_values().sum(), single: single.sum() }
}

/// What changed or came from one step to the next, once for each host.
fn changed(before: &Problem, now: &Problem) -> Moved {
    let old: BTreeMap<_, _> =
        before.components.iter().map(|component| (&component.name, component)).collect();
    let names = |problem: &Problem, place: usize| problem.images[place].image.clone();
    let mut moved = Moved::default();
    for component in &now.components {
        let same = old.get(&component.name).filter(|old| old.content == component.content);
        let had: BTreeSet<String> =
            same.iter().flat_map(|old| old.images.iter()).map(|place| names(before, place)).collect();
        let new = component.images.iter().filter(|&place| !had.contains(&names(now, place))).count() as u64;
        moved.single += component.bytes * new;
        moved.stack += if same.is_some() { 0 } else { component.bytes };
    }
    moved
}

/// The bytes of a source package for both kinds of hosts, and those of the layers that bring it to them.
fn of_source(problem: &Problem, groups: &[Group], had: &Layers, source: &str) -> (Moved, Moved) {
    let is = |member: usize| problem.components[member].source == source;
    let own = problem.components.iter().filter(|component| component.source == source);
    let own = own.fold(Moved::default(), |sum, component| Moved {
        stack: sum.stack + component.bytes,
        single: sum.single + component.bytes * component.images.len() as u64,
    });
    let with: Vec<_> =
        groups.iter().filter(|group| group.members.iter().any(|&member| is(member))).cloned().collect();
    let mut layers = Layers::new();
    for group in &with {
        let layer = (problem.content(&group.members), bytes(problem, group));
        for image in group.images.iter() {
            layers.entry(problem.images[image].image.clone()).or_default().extend([layer]);
        }
    }
    (own, pulled(had, &layers))
}

impl Moved {
    fn add(&mut self, more: Self) {
        self.stack += more.stack;
        self.single += more.single;
    }

    fn json(self) -> Value {
        json!({ "stack": self.stack, "single": self.single })
    }
}

impl Figures {
    fn count(&mut self, had: &Layers, now: &Layers) {
        for (image, layers) in now {
            let own = had.get(image);
            self.layers += layers.len();
            self.reused +=
                layers.keys().filter(|digest| own.is_some_and(|own| own.contains_key(digest))).count();
        }
    }

    /// As one JSON object.
    pub fn line(&self, series: &Series, contender: &Contender) -> String {
        let list = |all: &[(String, Moved, Moved)]| -> Vec<Value> {
            let one = |(what, new, moved): &(String, Moved, Moved)| json!({ "what": what, "bytes": new.json(), "pulled": moved.json() });
            all.iter().map(one).collect()
        };
        let alone =
            self.alone.iter().map(|(own, with)| json!([own.stack, with.stack, own.single, with.single]));
        json!({
            "series": series.name, "group": series.group,
            "strategy": contender.name, "max_layers": contender.max_layers,
            "steps": self.steps, "images": series.steps.first().map_or(0, |step| step.problem.images.len()),
            "pulled": self.pulled.json(), "ideal": self.ideal.json(), "cold": self.cold.json(),
            "registry": self.registry,
            "layers": self.layers, "reused": self.reused, "most_layers": self.most,
            "slowest_s": self.slowest.as_secs_f64(),
            "each": list(&self.each), "only": list(&self.only), "alone": alone.collect::<Vec<_>>(),
        })
        .to_string()
    }
}
