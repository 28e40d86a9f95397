//! Series from real locks: a folder with locks in the order of their names, and `own.json`, which says what is no package and
//! what happens after the last lock.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use longshore_image::plan::Class;
use longshore_oci::PackageId;
use longshore_stack::lock::{Lock, LockedPackage, parse};
use longshore_stack::model::Consumer;
use serde::Deserialize;

use crate::Result;
use crate::series::{Part, Series, Step, class, problem};
use crate::synthetic::{Event, Happened};

/// `own.json`.
#[derive(Deserialize)]
struct Own {
    name: String,
    group: String,
    components: Vec<OwnPart>,
    /// Settings of each image.
    settings: Extra,
    /// A record in each image of what is in it.
    record: Extra,
    /// What is made up, each after the one before it.
    after: Vec<Event>,
}

/// What is no package.
#[derive(Deserialize)]
struct OwnPart {
    name: String,
    #[serde(deserialize_with = "class")]
    class: Class,
    images: BTreeSet<String>,
    /// Its versions and their bytes, in the order of their publication: one a lock, then as `after` says.
    versions: Vec<(String, u64)>,
}

#[derive(Deserialize)]
struct Extra {
    bytes: u64,
}

/// A stack at one time, and what may still be published.
pub struct Stack {
    pub parts: BTreeMap<String, Part>,
    /// By component, the next ones first.
    pub unpublished: BTreeMap<String, Vec<(String, u64)>>,
}

/// Reads a folder of locks.
pub fn read(folder: &Path) -> Result<Series> {
    let file = folder.join("own.json");
    let text = fs_err::read(&file).map_err(|error| error.to_string())?;
    let own: Own = serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", file.display()))?;
    let mut steps = Vec::new();
    let mut last = None;
    for (number, path) in locks(folder)?.iter().enumerate() {
        let text = fs_err::read_to_string(path).map_err(|error| error.to_string())?;
        let lock = parse(&text, path).map_err(|error| format!("{}: {error}", path.display()))?;
        let stack = stack(&lock, &own, number);
        let what = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        steps.push(Step { what, problem: problem(&stack.parts), only: None });
        last = Some(stack);
    }
    let mut stack = last.ok_or_else(|| format!("{}: no lock", folder.display()))?;
    for event in &own.after {
        let Happened { only } = event.happen(&mut stack)?;
        stack.record();
        steps.push(Step { what: event.what.clone(), problem: problem(&stack.parts), only });
    }
    let alone = stack.alone();
    Ok(Series { name: own.name, group: own.group, steps, alone })
}

fn locks(folder: &Path) -> Result<Vec<PathBuf>> {
    let files = fs_err::read_dir(folder).map_err(|error| error.to_string())?;
    let paths = files.map(|file| file.map(|file| file.path()).map_err(|error| error.to_string()));
    let mut paths = paths.collect::<Result<Vec<_>>>()?;
    paths.retain(|path| path.extension().is_some_and(|end| end == "lock"));
    paths.sort();
    Ok(paths)
}

/// The stack of a lock, the `number`th.
fn stack(lock: &Lock, own: &Own, number: usize) -> Stack {
    let mut parts: BTreeMap<String, Part> = BTreeMap::new();
    let mut images = BTreeSet::new();
    for closure in &lock.closures {
        let Consumer::Image(image) = &closure.consumer else { continue };
        images.insert(image.clone());
        for id in &closure.packages {
            let Some(locked) = lock.packages.get(id) else { continue };
            let part = parts.entry(name(id, &id.name)).or_insert_with(|| package(id, locked));
            part.images.insert(image.clone());
        }
    }
    let mut unpublished = BTreeMap::new();
    for OwnPart { name, class, images, versions } in &own.components {
        let Some((version, bytes)) = versions.get(number).or(versions.last()) else { continue };
        let part = part(name, *class, *bytes, images.clone(), version);
        parts.insert(name.clone(), part);
        unpublished.insert(name.clone(), versions.iter().skip(number + 1).cloned().collect());
    }
    for image in images {
        let of = |what: &str, class, extra: &Extra| {
            part(&format!("{what} {image}"), class, extra.bytes, [image.clone()].into(), "1")
        };
        let settings = of("settings", Class::Configuration, &own.settings);
        let record = of("record", Class::Metadata, &own.record);
        parts.extend([settings, record].map(|part| (part.name.clone(), part)));
    }
    let mut stack = Stack { parts, unpublished };
    stack.record();
    stack
}

/// What components of packages are called.
fn name(id: &PackageId, package: &str) -> String {
    format!("{}/{package}", id.source)
}

fn package(id: &PackageId, locked: &LockedPackage) -> Part {
    // `pool/main/o/openssl/libssl3_3.0.15-1_amd64.deb`
    let source = locked.path.rsplit('/').nth(1).unwrap_or(&id.name);
    Part {
        source: name(id, source),
        needs: locked.depends.iter().map(|other| name(id, other)).collect(),
        ..part(
            &name(id, &id.name),
            Class::Package,
            locked.content.size,
            BTreeSet::new(),
            &locked.content.digest.to_string(),
        )
    }
}

fn part(name: &str, class: Class, bytes: u64, images: BTreeSet<String>, version: &str) -> Part {
    Part {
        name: name.to_owned(),
        source: name.to_owned(),
        class,
        rate: class.rate().0,
        bytes,
        images,
        version: version.to_owned(),
        needs: Vec::new(),
    }
}

impl Stack {
    /// The records of images follow what is in these.
    pub fn record(&mut self) {
        let mut held: BTreeMap<String, String> = BTreeMap::new();
        for part in self.parts.values().filter(|part| part.class != Class::Metadata) {
            for image in &part.images {
                *held.entry(image.clone()).or_default() += &format!("{} {}\n", part.name, part.version);
            }
        }
        for part in self.parts.values_mut().filter(|part| part.class == Class::Metadata) {
            part.version = part.images.iter().filter_map(|image| held.get(image)).cloned().collect();
        }
    }

    /// A new version of every source package, of each alone.
    fn alone(&self) -> Vec<Step> {
        let packages = self.parts.values().filter(|part| part.class == Class::Package);
        let sources: BTreeSet<_> = packages.map(|part| part.source.clone()).collect();
        let step = |source: String| {
            let mut stack = Self { parts: self.parts.clone(), unpublished: BTreeMap::new() };
            stack.bump(|part| part.source == source);
            stack.record();
            Step { what: source.clone(), problem: problem(&stack.parts), only: Some(source) }
        };
        sources.into_iter().map(step).collect()
    }

    /// Other content of the same size; how much there was of it to change.
    pub fn bump(&mut self, which: impl Fn(&Part) -> bool) -> usize {
        let changed = self.parts.values_mut().filter(|part| which(part));
        changed.map(|part| part.version.push_str(" again")).count()
    }
}
