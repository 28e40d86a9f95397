//! What became of a stack, step by step, and how it is read from JSON.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use longshore_image::plan::{Budget, Class, Component, Problem, Rate};
use longshore_oci::Digest;
use serde::Deserialize;

use crate::Result;

/// What became of a stack.
pub struct Series {
    /// What it is called.
    pub name: String,
    /// What it is taken together with.
    pub group: String,
    /// In their order; the first is where it begins.
    pub steps: Vec<Step>,
    /// From the last step on, each source package changing alone.
    pub alone: Vec<Step>,
}

/// A stack as it is for a while.
pub struct Step {
    /// What happened.
    pub what: String,
    /// What is to be planned.
    pub problem: Problem,
    /// The one source package of which alone a new version came.
    pub only: Option<String>,
}

/// A component as series have them.
#[derive(Debug, Clone, Deserialize)]
pub struct Part {
    pub name: String,
    pub source: String,
    #[serde(deserialize_with = "class")]
    pub class: Class,
    /// Thousandths of a change a year.
    pub rate: u64,
    /// Compressed.
    pub bytes: u64,
    pub images: BTreeSet<String>,
    /// Another one names other content.
    pub version: String,
    #[serde(default)]
    pub needs: Vec<String>,
}

#[derive(Deserialize)]
struct RawSeries {
    name: String,
    group: String,
    steps: Vec<RawStep>,
}

#[derive(Deserialize)]
struct RawStep {
    what: String,
    components: Vec<Part>,
}

/// The class that JSON calls by this name, as [`Class`] is written.
pub fn class<'de, D: serde::Deserializer<'de>>(from: D) -> std::result::Result<Class, D::Error> {
    let all = [
        Class::Package,
        Class::RollingPackage,
        Class::Vendored,
        Class::Application,
        Class::Configuration,
        Class::Metadata,
    ];
    let name = String::deserialize(from)?;
    let named = |class: &Class| serde_json::to_value(class).is_ok_and(|value| value == name.as_str());
    all.into_iter().find(named).ok_or_else(|| serde::de::Error::custom(format!("`{name}` is no class")))
}

/// Reads a series.
pub fn read(path: &Path) -> Result<Series> {
    let bytes = fs_err::read(path).map_err(|error| error.to_string())?;
    let raw: RawSeries =
        serde_json::from_slice(&bytes).map_err(|error| format!("{}: {error}", path.display()))?;
    let step = |RawStep { what, components }: RawStep| {
        let parts = components.into_iter().map(|part| (part.name.clone(), part)).collect();
        Step { what, problem: problem(&parts), only: None }
    };
    let RawSeries { name, group, steps } = raw;
    Ok(Series { name, group, steps: steps.into_iter().map(step).collect(), alone: Vec::new() })
}

/// What is to be planned where a stack is of `parts`; images have the layers that a strategy gives them.
pub fn problem(parts: &BTreeMap<String, Part>) -> Problem {
    let images: BTreeSet<_> = parts.values().flat_map(|part| &part.images).collect();
    let images: Vec<_> = images.into_iter().collect();
    let names: Vec<_> = parts.keys().collect();
    let component = |part: &Part| Component {
        name: part.name.clone(),
        source: part.source.clone(),
        class: part.class,
        rate: Rate(part.rate),
        bytes: part.bytes,
        content: Digest::of(format!("{} {}", part.name, part.version).as_bytes()),
        images: part.images.iter().filter_map(|image| images.binary_search(&image).ok()).collect(),
        pin: None,
        needs: part.needs.iter().filter_map(|name| names.binary_search(&name).ok()).collect(),
    };
    let budget = |image: &&String| Budget { image: (*image).clone(), max_layers: 1 };
    Problem {
        images: images.iter().map(budget).collect(),
        components: parts.values().map(component).collect(),
    }
}
