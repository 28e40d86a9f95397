//! What the planner of layers is told of a stack's inputs, and what the lock is told of the plan.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use longshore_image::plan::notes;
use longshore_image::plan::{Class, Known, Pins};
use longshore_oci::{
    Annotations, Component, Digest, Manifest, Origin, PackageId, PackageMeta, Platform, read_bounded,
};
use longshore_publish::copy::{Referrers, Whole, from_registry};
use longshore_sources::deb::changelog::{self, Counted};
use longshore_stack::lock::{LayoutLayer, Lock};
use longshore_stack::model::{BuildKind, ContentSpec, GoSource, SourceSpec};
use serde::Deserialize;

use crate::inputs::Loader;
use crate::machine::Machine;
use crate::pipeline::{self, Built};
use crate::project::Project;
use crate::report::Failure;

/// A year in seconds, before the release that was locked.
const YEAR: u64 = 365 * 86_400;
/// Suites in which everything changes all the time.
const ROLLING: [&str; 4] = ["sid", "unstable", "testing", "experimental"];
/// The records that keep how often packages changed.
const RECORD: &str = "changes-1";
/// Most bytes of a configuration that are read.
const MOST_CONFIG: u64 = 4 << 20;

/// What an image's configuration says of where it runs.
#[derive(Deserialize)]
struct Runs {
    #[serde(flatten)]
    platform: Platform,
}

/// Whether commands that build keep in the lock how layers were cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layouts {
    /// Where that has changed.
    Kept,
    /// Never: `--locked`, and inside of a build of Nix.
    AsLocked,
}

/// What is known of the inputs of a stack.
pub struct Inputs<'a> {
    project: &'a Project,
    lock: &'a Lock,
    loader: &'a Loader<'a>,
    packages: BTreeSet<PackageId>,
    /// Source package and changes of a year, by package; none while nobody asked.
    changes: OnceCell<BTreeMap<PackageId, (String, Option<u64>)>>,
}

impl<'a> Inputs<'a> {
    /// Of the inputs of images that have `packages`.
    pub fn new(
        project: &'a Project,
        lock: &'a Lock,
        loader: &'a Loader<'a>,
        packages: BTreeSet<PackageId>,
    ) -> Self {
        Self { project, lock, loader, packages, changes: OnceCell::new() }
    }

    /// What is known of one.
    pub fn known(&self, origin: &Origin) -> Known {
        match origin {
            Origin::Package(id) => self.package(id),
            Origin::Nix(path) => {
                let own = self
                    .lock
                    .nix
                    .iter()
                    .any(|pin| pin.installable.starts_with(['.', '/']) && pin.outputs.contains(path));
                let class = if own { Class::Application } else { Class::RollingPackage };
                let mut known = self.counted(&format!("nix {}", path.name_and_version().0), class);
                let locked = self.lock.store_paths.get(path);
                let references = locked.into_iter().flat_map(|locked| &locked.references);
                known.needs = references.filter(|other| *other != path).cloned().map(Origin::Nix).collect();
                known
            }
            Origin::Url(name) => self.counted(&format!("url {name}"), Class::Vendored),
            Origin::Image(layer) => self.counted(&format!("image {}", layer.reference), Class::Vendored),
            Origin::Build(name) => Known::of_class(origin, self.build(name)),
            Origin::Path(path) => {
                let folder = |content: &ContentSpec| matches!(content, ContentSpec::Directory(folder) if folder.path == *path);
                let mut contents = self.project.stack.images.values().flat_map(|spec| &spec.contents);
                let is_folder = contents.any(folder);
                let class = if is_folder { Class::Application } else { Class::Configuration };
                Known::of_class(origin, class)
            }
            Origin::Longshore(name) if name == "accounts" || name == "workdir" => {
                Known::of_class(origin, Class::Configuration)
            }
            Origin::Longshore(_) | Origin::Base(_) => Known::of_class(origin, Class::Package),
            Origin::Inline(_) => Known::of_class(origin, Class::Configuration),
        }
    }

    /// What the lock counted of an input.
    fn counted(&self, name: &str, class: Class) -> Known {
        let changes = &self.lock.changes;
        let seen = changes.inputs.iter().filter(|(input, _)| {
            input.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
        });
        let seen = seen.map(|(_, count)| *count).max().unwrap_or(0);
        let rate = class.rate_after(seen, changes.years());
        Known { source: name.to_owned(), class, rate, needs: Vec::new() }
    }

    /// What a build makes is the stack's own, but for modules that others publish.
    fn build(&self, name: &str) -> Class {
        match self.project.stack.builds.get(name).map(|build| &build.kind) {
            Some(BuildKind::Go(go)) if matches!(go.source, GoSource::Module { .. }) => Class::Vendored,
            _ => Class::Application,
        }
    }

    fn package(&self, id: &PackageId) -> Known {
        let class = match self.counted_of(id) {
            Counted::All => Class::RollingPackage,
            Counted::Released => Class::Package,
        };
        let all = self.changes.get_or_init(|| self.read_changes());
        let (source, changes) = all.get(id).cloned().unwrap_or_else(|| (id.name.clone(), None));
        let rate = changes.map_or(class.rate(), |changes| class.rate_after(changes, 1000));
        let depends = self.lock.packages.get(id).map(|locked| locked.depends.as_slice()).unwrap_or_default();
        let needs = depends.iter().flat_map(|name| self.called(&id.source, name));
        let needs = needs.cloned().map(Origin::Package).collect();
        Known { source: format!("{}/{source}", id.source), class, rate, needs }
    }

    /// The packages of `source` called `name`, whatever their versions.
    fn called<'b>(&'b self, source: &'b str, name: &'b str) -> impl Iterator<Item = &'b PackageId> {
        // Ids are in the order of source, name, version.
        let first = PackageId {
            source: source.to_owned(),
            name: name.to_owned(),
            version: String::new(),
            architecture: String::new(),
        };
        self.packages.range(first..).take_while(move |id| id.source == source && id.name == name)
    }

    /// Which changes of a package count: all of them where its suite is in the making.
    fn counted_of(&self, id: &PackageId) -> Counted {
        let Some(SourceSpec::Apt(apt)) = self.project.stack.sources.get(&id.source) else {
            return Counted::Released;
        };
        let rolling =
            |suite: &String| ROLLING.iter().any(|name| suite.split(['-', '/']).next() == Some(name));
        if apt.suites.iter().any(rolling) { Counted::All } else { Counted::Released }
    }

    /// Changelogs are read once for the same packages and releases. What can't be read says nothing: rates only make plans
    /// better, and a plan without them is a plan.
    fn read_changes(&self) -> BTreeMap<PackageId, (String, Option<u64>)> {
        let store = &self.loader.machine().store;
        let dates: Vec<_> =
            self.lock.releases.iter().map(|release| (&release.source, release.date)).collect();
        let counted: Vec<_> =
            self.packages.iter().map(|id| (id, self.counted_of(id) == Counted::All)).collect();
        // Plain data in memory is always serialised.
        let key = Digest::of(&postcard::to_allocvec(&(dates, counted)).unwrap_or_default());
        let record = store.record(RECORD, &key).ok().flatten();
        if let Some(found) = record.and_then(|bytes| postcard::from_bytes(&bytes).ok()) {
            return found;
        }
        let packages: Vec<_> = self.packages.iter().cloned().collect();
        let Ok(components) = self.loader.load(&packages) else { return BTreeMap::new() };
        let read = |component: &Component| -> Option<(PackageId, (String, Option<u64>))> {
            let Origin::Package(id) = &component.origin else { return None };
            let of_source = self.lock.releases.iter().filter(|release| release.source == id.source);
            let to = of_source.map(|release| release.date).max()?;
            let year = (to.saturating_sub(YEAR), to);
            let changes = changelog::changes(component, self.counted_of(id), year, store).ok()?;
            let source = component.package.as_ref().and_then(PackageMeta::source);
            Some((id.clone(), (source.unwrap_or(&id.name).to_owned(), changes)))
        };
        let found: BTreeMap<_, _> = components.iter().filter_map(|component| read(component)).collect();
        if let Err(error) =
            store.put_record(RECORD, &key, &postcard::to_allocvec(&found).unwrap_or_default(), [])
        {
            self.loader.machine().warn(&format!("how often packages change can't be kept: {error}"));
        }
        found
    }
}

/// What the stack file keeps together.
pub fn pins(project: &Project) -> Pins {
    let layers = project.stack.layers.iter();
    Pins(layers.map(|(name, members)| (name.clone(), members.clone())).collect())
}

/// How layers were cut last on `platform`.
pub fn prior<'a>(lock: &'a Lock, platform: &Platform) -> &'a [LayoutLayer] {
    lock.layouts.get(&platform.to_string()).map(Vec::as_slice).unwrap_or_default()
}

/// How the layers of the images are cut that are published under `tag`, by platform.
pub fn published(
    project: &Project,
    machine: &Machine,
    tag: &str,
) -> Result<BTreeMap<String, Vec<LayoutLayer>>, Failure> {
    let client = machine.registries();
    let whole = Whole { platform: None, referrers: Referrers::Left };
    let mut images: BTreeMap<String, BTreeMap<String, Vec<Annotations>>> = BTreeMap::new();
    for name in project.stack.images.keys() {
        let reference = pipeline::reference(project, name, tag)?;
        let parcel = from_registry(&reference, whole.clone(), &client, &*machine.progress)?;
        for (_, bytes) in &parcel.manifests {
            // An index is none; the rest was understood when it was fetched.
            let Ok(manifest) = serde_json::from_slice::<Manifest>(bytes) else { continue };
            let content = manifest.config.content();
            let Some(config) = parcel.blobs.get(&content) else { continue };
            let here = machine
                .progress
                .during("Reading", name, None, |step| config.here(&content, &machine.store, step))?;
            let config =
                read_bounded(here.open(0).map_err(Failure::Io)?, MOST_CONFIG).map_err(Failure::Io)?;
            let Ok(config) = serde_json::from_slice::<Runs>(&config) else { continue };
            let notes = manifest.layers.into_iter().map(|layer| layer.annotations).collect();
            images.entry(config.platform.to_string()).or_default().insert(name.clone(), notes);
        }
    }
    let layouts: BTreeMap<_, _> =
        images.into_iter().map(|(platform, images)| (platform, notes::layout(&images))).collect();
    if layouts.values().all(Vec::is_empty) {
        machine.warn(&format!("the images under tag `{tag}` say nothing of how they were cut"));
    }
    Ok(layouts)
}

/// Keeps in the lock how the layers of what was built were cut, if that is news.
pub fn keep(project: &Project, lock: &Lock, machine: &Machine, built: &Built) -> Result<(), Failure> {
    let outdated = built.iter().filter(|(platform, on)| on.composed.plan.outdates(prior(lock, platform)));
    let news: BTreeMap<_, _> =
        outdated.map(|(platform, on)| (platform.to_string(), on.composed.plan.layout())).collect();
    if news.is_empty() || machine.layouts == Layouts::AsLocked {
        return Ok(());
    }
    // Only what was built from is added to: somebody may have written another lock meanwhile.
    let Some(current) = project.read_lock()?.filter(|current| current == lock) else { return Ok(()) };
    let mut layouts = current.layouts.clone();
    layouts.extend(news);
    let kept: Vec<_> = project.stack.platforms.iter().map(ToString::to_string).collect();
    layouts.retain(|platform, _| kept.contains(platform));
    project.write_lock(&Lock { layouts, ..current })?;
    machine.note(&format!("kept in `{}` how layers are cut", project.lock_name()));
    Ok(())
}
