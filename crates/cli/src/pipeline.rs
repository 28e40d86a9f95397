//! The way of the data, on a page: locked inputs → components → root filesystems → layer plan → layers → images.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use longshore_image::lint::{self, Finding, Severity};
use longshore_image::pack::{self, Recipe, Wanted};
use longshore_image::plan::{self, ImageInput, LayerPlan, PlannedLayer, Planning, Strategy, notes};
use longshore_image::rootfs::{self, RootFs};
use longshore_image::{Image, ImageIndex, assemble};
use longshore_net::{both, each};
use longshore_oci::{Component, Origin, Platform, Reference};
use longshore_stack::lock::Lock;
use serde::{Deserialize, Serialize};

use crate::builds::{self, Builds};
use crate::inputs::{Loader, locals};
use crate::layers;
use crate::machine::Machine;
use crate::nix::StorePaths;
use crate::others::{self, Others};
use crate::project::Project;
use crate::report::Failure;

/// The root filesystems of one platform, their layers planned together.
pub struct Composed {
    /// What builds made that any image takes something from, by name.
    pub built: BTreeMap<String, Arc<Component>>,
    /// By image.
    pub rootfs: BTreeMap<String, RootFs>,
    /// What was read beside the stack file, by its path as written there.
    pub files: BTreeMap<String, Arc<Component>>,
    /// Which paths go into which layer.
    pub plan: LayerPlan,
}

/// What was found in an image that is built all the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    severity: Severity,
    message: String,
}

impl Told {
    /// Tells it.
    pub fn tell(&self, machine: &Machine) {
        match self.severity {
            Severity::Error | Severity::Warning => machine.warn(&self.message),
            Severity::Note => machine.note(&self.message),
        }
    }
}

/// What was built on one platform.
pub struct BuiltOn {
    /// What was composed on the way, of all images of the stack.
    pub composed: Composed,
    /// The images that were asked for.
    pub images: Vec<Image>,
    /// What was told of them.
    pub told: Vec<Told>,
}

impl Composed {
    /// The layers planned for one image, lowest first.
    pub fn layers(&self, image: &str) -> impl Iterator<Item = &PlannedLayer> {
        let indices = self.plan.images.get(image);
        indices.into_iter().flatten().filter_map(|&index| self.plan.layers.get(index))
    }
}

/// What was built on each platform.
pub type Built = BTreeMap<Platform, BuiltOn>;

/// Images by name and platform.
pub struct Images(pub BTreeMap<(String, Platform), Image>);

/// Composes every image of the stack on `platform` and plans their layers together by `strategy`, to be looked at.
pub fn compose(
    strategy: Strategy,
    project: &Project,
    lock: &Lock,
    machine: &Machine,
    platform: &Platform,
) -> Result<Composed, Failure> {
    let names = project.stack.images.keys().cloned().collect();
    let Made { built, rootfs, files } = compose_some(project, lock, machine, platform, &names)?;
    let plan = plan_layers(strategy, project, lock, machine, platform, &rootfs)?;
    Ok(Composed { built, rootfs, files, plan })
}

/// Plans the layers of all images of the stack.
fn plan_layers(
    strategy: Strategy,
    project: &Project,
    lock: &Lock,
    machine: &Machine,
    platform: &Platform,
    rootfs: &BTreeMap<String, RootFs>,
) -> Result<LayerPlan, Failure> {
    let planned = rootfs.iter().map(|(name, rootfs)| {
        let spec = &project.stack.images[name];
        let below = spec.base.as_ref().and_then(|base| lock.image(&base.reference, platform));
        let max_layers = spec.max_layers.saturating_sub(below.map_or(0, |base| base.layers.len()));
        (name.clone(), ImageInput { rootfs, max_layers })
    });
    let packages: BTreeSet<_> =
        rootfs.values().flat_map(RootFs::packages).map(|used| used.id.clone()).collect();
    let loader = Loader::new(project, lock, machine);
    let inputs = layers::Inputs::new(project, lock, &loader, packages);
    let planning = Planning {
        strategy,
        prior: layers::prior(lock, platform),
        pins: &layers::pins(project),
        known: &|origin| inputs.known(origin),
    };
    plan::plan(&planned.collect(), planning).map_err(Failure::Plan)
}

/// What lints say of one image, less what it allows.
pub fn findings(project: &Project, name: &str, platform: &Platform, rootfs: &RootFs) -> Vec<Finding> {
    project.stack.images.get(name).map(|spec| lint::check(rootfs, spec, platform)).unwrap_or_default()
}

/// What there is before layers are planned: see [`Composed`].
pub struct Made {
    pub built: BTreeMap<String, Arc<Component>>,
    pub rootfs: BTreeMap<String, RootFs>,
    files: BTreeMap<String, Arc<Component>>,
}

/// Composes the images called `names` on `platform`, of what builds make that they take something from: what others are made of is
/// not even fetched.
pub fn compose_some(
    project: &Project,
    lock: &Lock,
    machine: &Machine,
    platform: &Platform,
    names: &BTreeSet<String>,
) -> Result<Made, Failure> {
    let project = &others::inherited(project, lock, machine, platform)?;
    let loader = Loader::new(project, lock, machine);
    let others = Others::new(project, lock, machine);
    let store_paths = StorePaths::new(project, lock, machine);
    let built =
        Builds::new(project, lock, machine, &loader).outputs(platform, builds::wanted(project, names))?;
    let (mut parts, mut files) = (Vec::new(), BTreeMap::new());
    for (name, spec) in project.stack.images.iter().filter(|(name, _)| names.contains(*name)) {
        let mut locals = locals(project, machine, lock, platform, spec)?;
        let beside = locals.iter().filter(|(_, local)| matches!(local.origin, Origin::Path(_)));
        files.extend(beside.map(|(path, local)| (path.clone(), local.clone())));
        locals.extend(built.iter().map(|(name, made)| (format!("build:{name}"), made.clone())));
        let others = others.files(name, spec, platform)?;
        let nix = store_paths.closures(name, spec, platform)?;
        parts.push((name, spec, loader.packages(name, platform), locals, others, nix));
    }
    let rootfs = each(machine.jobs().get(), &parts, |(name, spec, packages, locals, others, nix)| {
        let (image, store) = (name.as_str(), &machine.store);
        let input = rootfs::Input { spec, image, platform, packages, locals, others, nix, store };
        let rootfs = rootfs::compose(&input).map_err(|error| Failure::compose(error, lock, name))?;
        Ok::<_, Failure>((image.to_owned(), rootfs))
    })?;
    Ok(Made { built, rootfs: rootfs.into_iter().collect(), files })
}

/// Composes and lints the images called `names` on `platform`, to be run and not to be published: without layers.
pub fn roots(
    project: &Project,
    lock: &Lock,
    machine: &Machine,
    names: &BTreeSet<String>,
    platform: &Platform,
) -> Result<BTreeMap<String, RootFs>, Failure> {
    let project = &others::inherited(project, lock, machine, platform)?;
    let made = compose_some(project, lock, machine, platform, names)?;
    refuse_errors(machine, findings_of(project, names, platform, &made.rootfs))?;
    Ok(made.rootfs)
}

/// Composes, lints, packs and assembles the images called `names` on `platforms`.
pub fn build(
    project: &Project,
    lock: &Lock,
    machine: &Machine,
    names: &BTreeSet<String>,
    platforms: &[Platform],
    wanted: Wanted,
) -> Result<Images, Failure> {
    Ok(Images::of(build_each(project, lock, machine, names, platforms, wanted)?))
}

/// The same, with what was composed on the way.
pub fn build_each(
    project: &Project,
    lock: &Lock,
    machine: &Machine,
    names: &BTreeSet<String>,
    platforms: &[Platform],
    wanted: Wanted,
) -> Result<Built, Failure> {
    let build = |platform: &Platform| {
        Ok((platform.clone(), build_on(project, lock, machine, names, platform, wanted)?))
    };
    let built: Built = platforms.iter().map(build).collect::<Result<_, Failure>>()?;
    layers::keep(project, lock, machine, &built)?;
    Ok(built)
}

/// The same on one platform.
pub fn build_on(
    project: &Project,
    lock: &Lock,
    machine: &Machine,
    names: &BTreeSet<String>,
    platform: &Platform,
    wanted: Wanted,
) -> Result<BuiltOn, Failure> {
    let project = &others::inherited(project, lock, machine, platform)?;
    let others = Others::new(project, lock, machine);
    let every = project.stack.images.keys().cloned().collect();
    let Made { built, rootfs, files } = compose_some(project, lock, machine, platform, &every)?;
    let (plan, found) = both(
        machine.jobs().get(),
        || plan_layers(Strategy::Stack, project, lock, machine, platform, &rootfs),
        || findings_of(project, names, platform, &rootfs),
    );
    let plan = plan?;
    let told = refuse_errors(machine, found)?;
    let composed = Composed { built, rootfs, files, plan };
    let roots: Vec<_> = composed.rootfs.iter().filter(|(name, _)| names.contains(*name)).collect();
    // All images' layers at once, so that no thread waits for the last of each image.
    let planned: Vec<_> = roots
        .iter()
        .flat_map(|(name, rootfs)| composed.layers(name).map(move |layer| (layer, rootfs.tree())))
        .collect();
    let recipes = each(machine.jobs().get(), &planned, |(layer, tree)| {
        Recipe::new(&layer.name, tree, &layer.paths, project.stack.epoch)
    })?;
    let layers = pack::layers(recipes, wanted, &machine.store, machine.jobs().get(), &*machine.progress)?;
    let mut layers = layers.into_iter();
    let mut images = Vec::new();
    for (name, _) in roots {
        let spec = &project.stack.images[name];
        let base = others.base(name, spec, platform)?;
        let own = layers.by_ref().take(composed.layers(name).count()).collect();
        let image = assemble(name, spec, base.as_ref(), project.stack.epoch, platform, own);
        images.push(Image { notes: composed.layers(name).map(notes::of).collect(), ..image });
    }
    Ok(BuiltOn { composed, images, told })
}

/// What lints say of the images called `names`, each with its image.
fn findings_of(
    project: &Project,
    names: &BTreeSet<String>,
    platform: &Platform,
    images: &BTreeMap<String, RootFs>,
) -> Vec<(String, Finding)> {
    let of_image = |(name, rootfs): (&String, &RootFs)| {
        let found = findings(project, name, platform, rootfs);
        found.into_iter().map(|finding| (name.clone(), finding)).collect::<Vec<_>>()
    };
    images.iter().filter(|(name, _)| names.contains(*name)).flat_map(of_image).collect()
}

/// Fails on findings that will not work, all of them at once; tells of the rest, and says what it told.
fn refuse_errors(machine: &Machine, found: Vec<(String, Finding)>) -> Result<Vec<Told>, Failure> {
    let (mut errors, mut told) = (Vec::new(), Vec::new());
    for (name, finding) in found {
        match finding.severity {
            Severity::Error => errors.push((name, finding)),
            severity => {
                told.push(Told { severity, message: format!("image `{name}`: {}", finding.message) });
            }
        }
    }
    told.iter().for_each(|told| told.tell(machine));
    if errors.is_empty() { Ok(told) } else { Err(Failure::Lint(errors)) }
}

impl Images {
    /// The images of what was built.
    pub fn of(built: Built) -> Self {
        let images = built.into_iter().flat_map(|(platform, built)| {
            built.images.into_iter().map(move |image| ((image.name.clone(), platform.clone()), image))
        });
        Self(images.collect())
    }

    /// One index a name, each image under its platform, tagged `tag`.
    pub fn indexes(self, project: &Project, tag: &str) -> Result<Vec<ImageIndex>, Failure> {
        let mut by_name: BTreeMap<String, Vec<Image>> = BTreeMap::new();
        for ((name, _), image) in self.0 {
            by_name.entry(name).or_default().push(image);
        }
        let index =
            |(name, images): (String, _)| Ok(ImageIndex::new(reference(project, &name, tag)?, images));
        by_name.into_iter().map(index).collect()
    }

    /// The images under `tag`, and each under the tag of its content, by which generated files name it.
    pub fn by_content_too(self, project: &Project, tag: &str) -> Result<Vec<ImageIndex>, Failure> {
        let own =
            |image: &Image| Ok(ImageIndex::new(content_reference(project, image)?, vec![image.clone()]));
        let by_content = self.0.values().map(own).collect::<Result<Vec<_>, Failure>>()?;
        let mut indexes = self.indexes(project, tag)?;
        indexes.extend(by_content);
        Ok(indexes)
    }
}

/// What an image is called by its content alone: a tag that another image never has. Ids differ from one kind of image store
/// to the other, so none of them would do.
pub fn content_reference(project: &Project, image: &Image) -> Result<Reference, Failure> {
    let id = image.id();
    reference(project, &image.name, &format!("id-{}", id.hex().get(..16).unwrap_or_default()))
}

/// What an image is called outside the stack.
pub fn reference(project: &Project, image: &str, tag: &str) -> Result<Reference, Failure> {
    let name: Reference =
        format!("{}/{image}", project.stack.repository).parse().map_err(Failure::Reference)?;
    name.with_tag(tag).map_err(Failure::Reference)
}
