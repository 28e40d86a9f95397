//! `longshore cache size`: what is in the store, by what it is to people.

use std::collections::{BTreeMap, BTreeSet};

use longshore_oci::Progress;
use longshore_oci::upkeep::{Census, on_disk};
use serde_json::json;

use crate::args::Global;
use crate::limit::Limit;
use crate::report::{Failure, bytes, print, print_json};
use crate::settings::Settings;

/// What things are to people, in the order that they are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Archives,
    Files,
    Builds,
    Layers,
    Records,
    Sandboxes,
    Caches,
    Others,
    Unfinished,
    Useless,
}

impl Part {
    const ALL: [Self; 10] = [
        Self::Archives,
        Self::Files,
        Self::Builds,
        Self::Layers,
        Self::Records,
        Self::Sandboxes,
        Self::Caches,
        Self::Others,
        Self::Unfinished,
        Self::Useless,
    ];

    /// Its name in data, and what it is.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Archives => ("archives", "packages and other inputs, as they were fetched"),
            Self::Files => ("files", "what was unpacked of them"),
            Self::Builds => ("builds", "what builds took and made"),
            Self::Layers => ("layers", "compressed layers"),
            Self::Records => ("records", "what was derived from what"),
            Self::Sandboxes => ("sandboxes", "root folders of builds and services"),
            Self::Caches => ("caches", "caches of compilers"),
            Self::Others => ("others", "package indexes, logs, kept folders of failed builds"),
            Self::Unfinished => ("unfinished", "what was begun"),
            Self::Useless => {
                ("useless", "damaged, or of an older longshore; `longshore cache gc` removes it")
            }
        }
    }

    /// What the blobs are that a record of this kind names.
    fn of_record(kind: &str) -> Self {
        match kind.split('-').next().unwrap_or_default() {
            "layer" => Self::Layers,
            "build" | "go" | "cargo" | "npm" | "module" => Self::Builds,
            _ => Self::Files,
        }
    }

    /// What a folder in this folder of the store is.
    fn of_folder(kind: &str) -> Self {
        match kind {
            "trees" | "roots" | "services" | "services-owned" | "services-native" => Self::Sandboxes,
            "caches" => Self::Caches,
            _ => Self::Others,
        }
    }
}

#[derive(Default, Clone, Copy)]
struct Taken {
    items: usize,
    bytes: u64,
}

pub fn run(global: &Global, settings: &Settings, progress: &dyn Progress) -> Result<(), Failure> {
    let limit = Limit::of(settings)?;
    let store = super::open(&settings.store, progress)?;
    let census = progress
        .during("Looking", "through the store", None, |_| Census::take(&store).map_err(Failure::from))?;
    let parts = parts(&census);
    if global.json {
        let rows = parts.iter().map(|(part, taken)| {
            (part.words().0.to_owned(), json!({ "items": taken.items, "bytes": taken.bytes }))
        });
        print_json(&json!({
            "store": settings.store,
            "bytes": census.size(),
            "limit": limit.map(|limit| limit.most()),
            "parts": rows.collect::<serde_json::Map<_, _>>(),
        }));
        return Ok(());
    }
    let width = parts.values().map(|taken| bytes(taken.bytes).len()).max().unwrap_or_default().max(8);
    for (part, taken) in parts.iter().filter(|(_, taken)| taken.items > 0) {
        let (name, what) = part.words();
        print(&format!("{name:10}  {:>width$}  {:>8}  {what}", bytes(taken.bytes), taken.items));
    }
    let limit = limit.map(|limit| format!(" of {}", bytes(limit.most()))).unwrap_or_default();
    print(&format!("{}{limit} in `{}`", bytes(census.size()), settings.store.display()));
    Ok(())
}

/// Each blob is counted once: by the first kind of record that names it.
fn parts(census: &Census) -> BTreeMap<Part, Taken> {
    let mut parts: BTreeMap<_, _> = Part::ALL.into_iter().map(|part| (part, Taken::default())).collect();
    let mut add = |part: Part, bytes: u64| {
        let taken = parts.entry(part).or_default();
        taken.items += 1;
        taken.bytes += bytes;
    };
    let mut named = BTreeSet::new();
    for record in &census.records {
        add(Part::Records, on_disk(record.len));
        for content in record.names.iter().filter(|content| named.insert(content.digest)) {
            add(Part::of_record(&record.kind), on_disk(content.size));
        }
    }
    for (_, blob) in census.blobs.iter().filter(|(digest, _)| !named.contains(digest)) {
        add(Part::Archives, on_disk(blob.len));
    }
    census.folders.iter().for_each(|folder| add(Part::of_folder(&folder.kind), folder.size));
    census.unfinished.iter().for_each(|folder| add(Part::Unfinished, folder.size));
    census.useless.iter().for_each(|useless| add(Part::Useless, useless.size));
    let shared = parts.entry(Part::Sandboxes).or_default();
    shared.bytes += census.shared_size();
    let busy = parts.entry(Part::Unfinished).or_default();
    busy.bytes += census.busy;
    parts
}
