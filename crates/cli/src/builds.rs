//! The stack's builds: locked toolchains, sources and pins in, components out.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use longshore_build::go::{self, GoError, GoSum};
use longshore_build::graph::{Graph, needs};
use longshore_build::{
    Executor, Input, Limits, Loaded, Recipe, Root, Settings, Toolchains, cargo, command, npm,
};
use longshore_oci::{Component, Digest, PackageId, Platform, Tree};
use longshore_sources::path;
use longshore_stack::lock::Lock;
use longshore_stack::model::{
    BuildInput, BuildKind, BuildSpec, Consumer, ContentSpec, GoSource, Toolchain, UrlForm,
};

use crate::inputs::{self, Loader};
use crate::machine::Machine;
use crate::project::Project;
use crate::report::Failure;

impl Toolchains for Loader<'_> {
    fn components(
        &self,
        packages: &BTreeMap<PackageId, Digest>,
    ) -> Result<Vec<Arc<Component>>, Box<dyn Error + Send + Sync>> {
        let ids: Vec<_> = packages.keys().cloned().collect();
        self.load(&ids).map_err(Into::into)
    }
}

/// A build ready to run, and what was learnt on the way that the lock must hold.
pub struct Prepared {
    pub recipe: Recipe,
    pub pins: GoSum,
}

/// The builds of one stack under one lock.
pub struct Builds<'a> {
    project: &'a Project,
    lock: &'a Lock,
    machine: &'a Machine,
    executor: Executor<'a>,
}

impl<'a> Builds<'a> {
    /// Nothing prepared yet.
    pub fn new(project: &'a Project, lock: &'a Lock, machine: &'a Machine, loader: &'a Loader<'a>) -> Self {
        let settings = Settings {
            store: machine.store.clone(),
            stack: project.place(),
            jobs: machine.jobs().get(),
            progress: &*machine.progress,
            toolchains: loader,
            network: machine.settings.fetch_environment.clone(),
            certificates: machine.settings.certificates.clone(),
            leftovers: machine.leftovers,
            host: machine.host,
        };
        Self { project, lock, machine, executor: Executor::new(settings) }
    }

    /// Runs recipes.
    pub fn executor(&self) -> &Executor<'a> {
        &self.executor
    }

    /// What the builds called `wanted`, and all that they need, make for `platform`.
    pub fn outputs(
        &self,
        platform: &Platform,
        wanted: BTreeSet<String>,
    ) -> Result<BTreeMap<String, Arc<Component>>, Failure> {
        if wanted.is_empty() {
            return Ok(BTreeMap::new());
        }
        self.graph(wanted)?.run(self.machine.jobs().get(), &*self.machine.progress, |name, given| {
            let spec = &self.project.stack.builds[name];
            let prepared = self.prepare(name, platform, &given)?;
            if !prepared.pins.without(&pins(self.lock)?).is_empty() {
                return Err(Failure::Unpinned { build: name.to_owned(), lock: self.lock.file_name() });
            }
            let output = self.executor.run_within(&prepared.recipe, &limits(spec))?;
            Ok(Arc::new(output.component(name)))
        })
    }

    /// What those builds make that the build called `name` needs.
    pub fn needed(
        &self,
        platform: &Platform,
        name: &str,
    ) -> Result<BTreeMap<String, Arc<Component>>, Failure> {
        let mut all = self.outputs(platform, needs(&self.project.stack.builds[name]))?;
        all.retain(|needed, _| needs(&self.project.stack.builds[name]).contains(needed));
        Ok(all)
    }

    /// The builds called `wanted` in the order of their needs.
    pub fn graph(&self, wanted: BTreeSet<String>) -> Result<Graph, Failure> {
        let all = self.project.stack.builds.iter().map(|(name, spec)| (name.clone(), needs(spec))).collect();
        Ok(Graph::new(&all, wanted)?)
    }

    /// The recipe of one build, whose needs have made `given`.
    pub fn prepare(
        &self,
        name: &str,
        platform: &Platform,
        given: &BTreeMap<String, Arc<Component>>,
    ) -> Result<Prepared, Failure> {
        let spec = &self.project.stack.builds[name];
        let mut input = Input {
            executor: &self.executor,
            root: self.root(name, spec)?,
            host: self.project.stack.build_platform(),
            source: None,
            env: spec.env.clone(),
            paths: BTreeMap::new(),
            builds: given.iter().map(|(name, made)| (name.clone(), made.tree.clone())).collect(),
            urls: BTreeMap::new(),
        };
        if let Some(folder) = source_folder(&spec.kind) {
            input.source = Some(self.executor.put_tree(&self.folder(folder)?)?);
        }
        let recipe = match &spec.kind {
            BuildKind::Go(go) => {
                let prepared = go::prepare(name, go, platform, &input, &pins(self.lock)?)?;
                return Ok(Prepared { recipe: prepared.recipe, pins: prepared.pins });
            }
            BuildKind::Cargo(cargo) => cargo::prepare(name, cargo, platform, &input)?,
            BuildKind::Npm(npm) => npm::prepare(name, npm, platform, &input)?,
            BuildKind::Command(spec) => {
                for wanted in &spec.inputs {
                    match wanted {
                        BuildInput::Path { path, .. } => {
                            input.paths.insert(path.clone(), self.path(path)?);
                        }
                        BuildInput::Url { url, .. } => {
                            input.urls.insert(url.clone(), self.url(url, platform)?);
                        }
                        BuildInput::Build { .. } => {}
                    }
                }
                command::prepare(name, spec, platform, &input)?
            }
        };
        Ok(Prepared { recipe, pins: GoSum::default() })
    }

    fn root(&self, name: &str, spec: &BuildSpec) -> Result<Root, Failure> {
        if spec.toolchain == Toolchain::Host {
            return Ok(Root::Host);
        }
        let consumer = Consumer::Build(name.to_owned());
        let closures = self.lock.closures.iter().filter(|closure| closure.consumer == consumer);
        let ids = closures.flat_map(|closure| &closure.packages);
        let locked = ids.filter_map(|id| Some((id.clone(), self.lock.packages.get(id)?.content.digest)));
        Ok(Root::Packages(locked.collect()))
    }

    fn folder(&self, relative: &str) -> Result<Tree, Failure> {
        let Machine { store, progress, settings, .. } = self.machine;
        Ok(path::directory(&self.project.folder, relative, &settings.path, store, &**progress)?.tree)
    }

    fn url(&self, name: &str, platform: &Platform) -> Result<Loaded, Failure> {
        let tree = inputs::url(self.project, self.lock, self.machine, name, platform)?.tree;
        let archive = self.project.stack.urls.get(name).is_some_and(|spec| spec.form == UrlForm::Archive);
        Ok(if archive { Loaded::Folder(tree) } else { Loaded::File(tree) })
    }

    fn path(&self, relative: &str) -> Result<Loaded, Failure> {
        if self.project.folder.join(relative).is_dir() {
            return Ok(Loaded::Folder(self.folder(relative)?));
        }
        Ok(Loaded::File(path::file(&self.project.folder, relative, &self.machine.store)?.tree))
    }
}

/// What the lock pins of Go modules that no `go.sum` of the stack knows.
pub fn pins(lock: &Lock) -> Result<GoSum, Failure> {
    let lines = lock.go_sums.iter().map(|line| format!("{line}\n")).collect::<String>();
    GoSum::parse(&lines).map_err(|error| {
        let of = format!("`{}`", lock.file_name());
        Failure::Build(longshore_build::Error::from(GoError::GoSum { of, error }))
    })
}

/// `lock` with the pins of every build of the stack. What is pinned stays; for the rest the ecosystems are asked.
pub fn pinned(project: &Project, machine: &Machine, lock: Lock) -> Result<Lock, Failure> {
    let go = |spec: &BuildSpec| matches!(spec.kind, BuildKind::Go(_));
    let names: Vec<_> =
        project.stack.builds.iter().filter(|(_, spec)| go(spec)).map(|(name, _)| name).collect();
    if names.is_empty() {
        return Ok(lock);
    }
    let mut all = GoSum::default();
    {
        let loader = Loader::new(project, &lock, machine);
        let builds = Builds::new(project, &lock, machine, &loader);
        for name in names {
            for platform in &project.stack.platforms {
                all.extend(&builds.prepare(name, platform, &BTreeMap::new())?.pins);
            }
        }
    }
    let go_sums = all.to_string().lines().map(str::to_owned).collect();
    Ok(Lock { go_sums, ..lock })
}

/// The builds that any image takes something from.
pub fn wanted(project: &Project) -> BTreeSet<String> {
    let contents = project.stack.images.values().flat_map(|image| &image.contents);
    let build = |content: &ContentSpec| match content {
        ContentSpec::Build(request) => Some(request.name.clone()),
        _ => None,
    };
    contents.filter_map(build).collect()
}

/// The folder beside the stack file that a build is made of.
fn source_folder(kind: &BuildKind) -> Option<&str> {
    match kind {
        BuildKind::Go(go) => match &go.source {
            GoSource::Path(path) => Some(path),
            GoSource::Module { .. } => None,
        },
        BuildKind::Cargo(cargo) => Some(&cargo.path),
        BuildKind::Npm(npm) => Some(&npm.path),
        BuildKind::Command(_) => None,
    }
}

/// What a build may use up.
pub fn limits(spec: &BuildSpec) -> Limits {
    let limits = spec.limits;
    Limits { time: Duration::from_secs(limits.seconds), memory: limits.memory, output: limits.output }
}
