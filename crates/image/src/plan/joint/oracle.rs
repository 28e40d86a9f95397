//! Against an implementation of the same rules in another language, `testdata/plan/joint.py`.

use std::collections::BTreeMap;
use std::path::Path;

use longshore_oci::Digest;
use longshore_stack::lock::LayoutLayer;
use serde::Deserialize;

use super::lay;
use crate::plan::ImageSet;
use crate::plan::problem::{Budget, Class, Component, Group, Problem, Rate};

/// One week of a simulated stack: name, source, bytes, thousandths of a change a year, images and version of each component,
/// and images and components of each layer.
#[derive(Deserialize)]
struct Week {
    max_layers: usize,
    components: Vec<(String, String, u64, u64, Vec<String>, u64)>,
    layout: Vec<(Vec<String>, Vec<String>)>,
}

fn weeks(file: &str) -> Vec<Week> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/plan").join(file);
    serde_json::from_slice(&fs_err::read(path).unwrap()).unwrap()
}

fn problem(week: &Week) -> Problem {
    let images: std::collections::BTreeSet<_> = week.components.iter().flat_map(|part| &part.4).collect();
    let images: Vec<_> = images.into_iter().collect();
    let number = |image: &String| images.binary_search(&image).unwrap();
    let component =
        |(name, source, bytes, rate, own, version): &(String, String, u64, u64, Vec<String>, u64)| {
            Component {
                name: name.clone(),
                source: source.clone(),
                class: Class::Package,
                rate: Rate(*rate),
                bytes: *bytes,
                content: Digest::of(format!("{name} {version}").as_bytes()),
                images: own.iter().map(number).collect(),
                pin: None,
                needs: Vec::new(),
            }
        };
    let budget = |image: &&String| Budget { image: (*image).clone(), max_layers: week.max_layers };
    Problem {
        images: images.iter().map(budget).collect(),
        components: week.components.iter().map(component).collect(),
    }
}

fn named(problem: &Problem, groups: &[Group]) -> Vec<(Vec<String>, Vec<String>)> {
    let mut named: Vec<_> = groups
        .iter()
        .map(|group| {
            let images = group.images.iter().map(|image| problem.images[image].image.clone()).collect();
            let members = group.members.iter().map(|&n| problem.components[n].name.clone()).collect();
            (images, members)
        })
        .collect();
    named.sort();
    named
}

fn prior(problem: &Problem, groups: &[Group]) -> Vec<LayoutLayer> {
    let layers = named(problem, groups).into_iter().zip(groups);
    let layers = layers.map(|((images, members), _)| {
        let places = problem.members(&members, &problem.set(&images)).unwrap();
        LayoutLayer { content: problem.content(&places), images, members }
    });
    layers.collect()
}

#[test]
fn layouts_are_those_of_the_other_implementation() {
    for file in ["stable-40.json", "rolling-20.json"] {
        let mut last = Vec::new();
        for (number, mut week) in weeks(file).into_iter().enumerate() {
            let problem = problem(&week);
            let groups = lay(&problem, &last);
            week.layout.sort();
            assert_eq!(named(&problem, &groups), week.layout, "{file}, week {number}");
            last = prior(&problem, &groups);
            // What did not change is not cut again.
            assert_eq!(named(&problem, &lay(&problem, &last)), week.layout, "{file}, week {number}, again");
        }
    }
}

/// A stack of `images` images that share most of `components` components.
fn large(images: usize, components: usize) -> Problem {
    let mut seed = 1_u32;
    let mut below = |limit: u32| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 8) % limit
    };
    let budget = |n: usize| Budget { image: format!("image-{n:03}"), max_layers: 40 };
    let mut parts = BTreeMap::new();
    for n in 0..components {
        // In all images, in those of a family or two, in a few of a family, in one.
        let (family, other) = (below(8) as usize, below(8) as usize);
        let of_family = |image: usize, family: usize| image % 8 == family;
        let set: ImageSet = match below(10) {
            0 | 1 => (0..images).collect(),
            2..5 => (0..images).filter(|&image| of_family(image, family)).collect(),
            5 => (0..images).filter(|&image| of_family(image, family) || of_family(image, other)).collect(),
            6 | 7 => (0..images).filter(|&image| of_family(image, family) && below(3) == 0).collect(),
            _ => ImageSet::one(below(images as u32) as usize),
        };
        let set = if set.is_empty() { ImageSet::one(n % images) } else { set };
        let part = Component {
            name: format!("part-{n:05}"),
            source: format!("source-{:05}", n * 2 / 3),
            class: Class::Package,
            rate: Rate([500, 6_000, 12_000][below(3) as usize]),
            bytes: 1000 + u64::from(below(3_000_000)),
            content: Digest::of(&n.to_le_bytes()),
            images: set,
            pin: None,
            needs: Vec::new(),
        };
        parts.insert(part.name.clone(), part);
    }
    // All of one source change at the same rate.
    let mut rates = BTreeMap::new();
    for part in parts.values_mut() {
        part.rate = *rates.entry(part.source.clone()).or_insert(part.rate);
    }
    Problem { images: (0..images).map(budget).collect(), components: parts.into_values().collect() }
}

#[test]
fn every_image_has_all_its_components_once_and_no_more_layers_than_it_may() {
    for (images, components, max) in [(5, 60, 40), (5, 60, 4), (7, 90, 1), (70, 300, 12), (1, 1, 1)] {
        let mut problem = large(images, components);
        problem.images.iter_mut().for_each(|budget| budget.max_layers = max);
        let groups = lay(&problem, &[]);
        for image in 0..images {
            let own: Vec<_> = groups.iter().filter(|group| group.images.contains(image)).collect();
            assert!(own.len() <= max, "{} layers of {max}", own.len());
            let mut members: Vec<_> = own.iter().flat_map(|group| group.members.clone()).collect();
            members.sort_unstable();
            let wanted: Vec<_> =
                (0..components).filter(|&n| problem.components[n].images.contains(image)).collect();
            assert_eq!(members, wanted, "image {image} of {images}");
        }
    }
}

#[test]
#[ignore = "a measurement: `cargo test --release -p longshore-image -- --ignored planning_time --nocapture`"]
fn planning_time() {
    for (images, components) in [(12, 370), (64, 1000), (64, 2000)] {
        let problem = large(images, components);
        let start = std::time::Instant::now();
        let groups = lay(&problem, &[]);
        println!(
            "{images} images, {components} components: {} layers in {:?}",
            groups.len(),
            start.elapsed()
        );
        let mut changed = problem.clone();
        changed.components[5].content = Digest::of(b"changed");
        let last = prior(&problem, &groups);
        let start = std::time::Instant::now();
        lay(&changed, &last);
        println!("  after a change: {:?}", start.elapsed());
    }
}
