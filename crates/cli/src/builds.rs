//! The stack's builds: locked toolchains, sources and pins in, components out.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use longshore_build::go::{self, GoError, GoSum};
use longshore_build::graph::{Graph, Job, needs};
use longshore_build::{
    Executor, Input, Limits, Loaded, Recipe, Root, Settings, Shared, Supply, Tool, Toolchains, Witness,
    cargo, command, npm,
};
use longshore_oci::{Component, Digest, PackageId, Platform, Tree};
use longshore_sources::path;
use longshore_stack::lock::Lock;
use longshore_stack::model::{
    self, BuildInput, BuildKind, BuildSpec, Consumer, GoSource, Toolchain, UrlForm,
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

/// What builds made, for which platform.
pub type Made = BTreeMap<Job, Arc<Component>>;

/// What is done about modules that neither a `go.sum` nor the lock knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unpinned {
    /// Nothing is built of them.
    Refused,
    /// They are about to be pinned.
    Learnt,
}

/// The builds of one stack under one lock.
pub struct Builds<'a> {
    project: &'a Project,
    lock: &'a Lock,
    machine: &'a Machine,
    executor: Executor<'a>,
    unpinned: Unpinned,
}

impl<'a> Builds<'a> {
    /// Nothing prepared yet.
    pub fn new(project: &'a Project, lock: &'a Lock, machine: &'a Machine, loader: &'a Loader<'a>) -> Self {
        Self::watched(project, lock, machine, loader, None)
    }

    /// The same, `witness` being told of every file that builds take from elsewhere.
    pub fn watched(
        project: &'a Project,
        lock: &'a Lock,
        machine: &'a Machine,
        loader: &'a Loader<'a>,
        witness: Option<&'a dyn Witness>,
    ) -> Self {
        let settings = Settings {
            store: machine.store.clone(),
            stack: project.place(),
            jobs: machine.jobs().get(),
            progress: &*machine.progress,
            toolchains: loader,
            access: machine.access,
            network: machine.settings.fetch_environment.clone(),
            files: machine.settings.fetch_files.clone(),
            certificates: machine.settings.certificates.clone(),
            leftovers: machine.leftovers,
            host: machine.host,
            witness,
            supply: machine.inputs.is_some().then_some(loader as &dyn Supply),
            shared: project.stack.cache.is_some().then_some(loader as &dyn Shared),
        };
        Self { project, lock, machine, executor: Executor::new(settings), unpinned: Unpinned::Refused }
    }

    /// Runs recipes.
    pub fn executor(&self) -> &Executor<'a> {
        &self.executor
    }

    /// What the builds called `wanted`, and all that are among their inputs, make for `platform`.
    pub fn outputs(
        &self,
        platform: &Platform,
        wanted: BTreeSet<String>,
    ) -> Result<BTreeMap<String, Arc<Component>>, Failure> {
        let wanted = wanted.into_iter().map(|build| Job { build, platform: platform.clone() });
        let made = self.make(wanted.collect())?;
        let own = made.into_iter().filter(|(job, _)| job.platform == *platform);
        Ok(own.map(|(job, made)| (job.build, made)).collect())
    }

    /// What those builds make that the build called `name` needs for `platform`.
    pub fn needed(&self, platform: &Platform, name: &str) -> Result<Made, Failure> {
        let host = self.project.stack.build_platform();
        let wanted = needs(&self.project.stack.builds[name], platform, &host);
        let mut all = self.make(wanted.clone())?;
        all.retain(|job, _| wanted.contains(job));
        Ok(all)
    }

    /// What `wanted`, and all that they need, make.
    fn make(&self, wanted: BTreeSet<Job>) -> Result<Made, Failure> {
        if wanted.is_empty() {
            return Ok(Made::new());
        }
        let pinned = pins(self.lock)?;
        self.graph(wanted)?.run(self.machine.jobs().get(), &*self.machine.progress, |job, given| {
            let spec = &self.project.stack.builds[&job.build];
            let prepared = self.prepare(&job.build, &job.platform, &given)?;
            if self.unpinned == Unpinned::Refused && !prepared.pins.without(&pinned).is_empty() {
                return Err(Failure::Unpinned { build: job.build.clone(), lock: self.lock.file_name() });
            }
            let output = self.executor.run_within(&prepared.recipe, &limits(spec))?;
            Ok(Arc::new(output.component(&job.build)))
        })
    }

    /// `wanted` in the order of their needs.
    fn graph(&self, wanted: BTreeSet<Job>) -> Result<Graph<Job>, Failure> {
        let host = self.project.stack.build_platform();
        let platforms: BTreeSet<_> = wanted.iter().map(|job| &job.platform).chain([&host]).collect();
        let mut all = BTreeMap::new();
        for (build, spec) in &self.project.stack.builds {
            for &platform in &platforms {
                let job = Job { build: build.clone(), platform: platform.clone() };
                all.insert(job, needs(spec, platform, &host));
            }
        }
        Ok(Graph::new(&all, wanted)?)
    }

    /// The recipe of one build, whose needs have made `given`.
    pub fn prepare(&self, name: &str, platform: &Platform, given: &Made) -> Result<Prepared, Failure> {
        let spec = &self.project.stack.builds[name];
        let own = given.iter().filter(|(job, _)| job.platform == *platform);
        let mut input = Input {
            executor: &self.executor,
            root: self.root(name, spec)?,
            tools: self.tools(name, spec, given)?,
            host: self.project.stack.build_platform(),
            source: None,
            env: spec.env.clone(),
            paths: BTreeMap::new(),
            builds: own.map(|(job, made)| (job.build.clone(), made.tree.clone())).collect(),
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

    /// The trees of its toolchain: for the platform that builds, whatever it builds for.
    fn tools(&self, build: &str, spec: &BuildSpec, given: &Made) -> Result<Vec<Tool>, Failure> {
        let host = self.project.stack.build_platform();
        let mut tools = Vec::new();
        for tool in spec.tools() {
            let name = tool.name().to_owned();
            let tree = match tool {
                model::Tool::Build(needed) => {
                    let made = given.get(&Job { build: needed.clone(), platform: host.clone() });
                    made.map(|made| made.tree.clone()).ok_or_else(|| longshore_build::Error::NotLoaded {
                        build: build.to_owned(),
                        input: format!("tool {needed}"),
                    })?
                }
                model::Tool::Url(url) => inputs::url(self.project, self.lock, self.machine, url, &host)?.tree,
            };
            tools.push(Tool { name, tree });
        }
        Ok(tools)
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

/// `lock` with the pins of every build of the stack. What is pinned stays; for the rest the ecosystems are asked, by
/// clients that may have to be built first.
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
        let builds = Builds { unpinned: Unpinned::Learnt, ..Builds::new(project, &lock, machine, &loader) };
        for name in names {
            for platform in &project.stack.platforms {
                let needed = builds.needed(platform, name)?;
                all.extend(&builds.prepare(name, platform, &needed)?.pins);
            }
        }
    }
    let go_sums = all.to_string().lines().map(str::to_owned).collect();
    Ok(Lock { go_sums, ..lock })
}

/// The builds that any of the images called `names` takes something from.
pub fn wanted(project: &Project, names: &BTreeSet<String>) -> BTreeSet<String> {
    let images = project.stack.images.iter().filter(|(name, _)| names.contains(*name));
    images.flat_map(|(_, image)| image.builds()).map(ToOwned::to_owned).collect()
}

/// Whether a build's toolchain is locked, or the machine's own: in one word, for people and programs.
pub fn toolchain(project: &Project, build: &str) -> &'static str {
    match project.stack.builds.get(build).map(|spec| &spec.toolchain) {
        Some(Toolchain::Host) => "host",
        Some(Toolchain::Locked { .. }) | None => "locked",
    }
}

/// The folder beside the stack file that a build is made of.
pub fn source_folder(kind: &BuildKind) -> Option<&str> {
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
