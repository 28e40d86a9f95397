//! Runs recipes, each once in its life.

mod collect;
mod host;
mod log;
mod scene;
mod settings;
mod shared;
mod steps;

use std::collections::BTreeMap;
use std::path::PathBuf;

use longshore_net::Access;
use longshore_oci::{Digest, Platform, Progress, Store, Tree};
use serde::Serialize;

use crate::{Error, Mounted, Output, Recipe, Root, Step, Supply, Witness};

pub use collect::references;
pub(crate) use log::printable;
pub(crate) use scene::{Caches, Conditions, Scene};
pub use settings::{HostToolchain, Leftovers, Limits, Settings, Toolchains};
pub use shared::Shared;
pub(crate) use steps::{SEARCH_PATH, Steps, environment};

/// Kind of the store's records of trees.
const TREE: &str = "build-tree";
/// Kind of the store's records of what recipes made; a new number whenever their form or meaning changes.
const OUTPUT: &str = "build-output-1";
/// Kind of the store's records of the last recipe of a name.
const LAST: &str = "build-last-2";

/// What is run with network: it only brings files, each of which its caller then holds to a lock file's own sum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fetch {
    /// The build that it is for.
    pub name: String,
    /// What is `/`.
    pub root: Root,
    /// Trees seen in it, read-only, by absolute path.
    pub mounts: BTreeMap<String, Mounted>,
    /// Trees besides, of what was verified before: they spare the network, and change nothing that is fetched.
    #[serde(skip)]
    pub known: BTreeMap<String, Mounted>,
    /// Commands in order; what they leave in `/out` is what was fetched. They may find `/build` and `/out` as an earlier
    /// try left them.
    pub steps: Vec<Step>,
}

/// Runs recipes.
pub struct Executor<'a> {
    settings: Settings<'a>,
}

impl<'a> Executor<'a> {
    /// One for as long as a command takes.
    pub fn new(settings: Settings<'a>) -> Self {
        Self { settings }
    }

    /// Where everything is kept.
    pub fn store(&self) -> &Store {
        &self.settings.store
    }

    /// Where work is reported.
    pub fn progress(&self) -> &dyn Progress {
        self.settings.progress
    }

    /// How much may be done at once.
    pub fn jobs(&self) -> usize {
        self.settings.jobs
    }

    /// Who is told of every file that is taken from elsewhere.
    pub(crate) fn witness(&self) -> Option<&dyn Witness> {
        self.settings.witness
    }

    /// Where such files come from, if not from the network.
    pub(crate) fn supply(&self) -> Option<&dyn Supply> {
        self.settings.supply
    }

    pub(crate) fn toolchains(&self) -> &dyn Toolchains {
        self.settings.toolchains
    }

    /// What `recipe` makes: as recorded, or else made now, within the usual [`Limits`].
    pub fn run(&self, recipe: &Recipe) -> Result<Output, Error> {
        self.run_within(recipe, &Limits::default())
    }

    /// The same within `limits`.
    pub fn run_within(&self, recipe: &Recipe, limits: &Limits) -> Result<Output, Error> {
        // What the command line refuses is refused also where it was made before.
        if recipe.root == Root::Host && self.settings.host == HostToolchain::Refused {
            return Err(Error::NotHermetic { build: recipe.name.clone() });
        }
        let output = match self.recorded(recipe)? {
            Some(output) => output,
            None => self.in_turn(recipe, limits)?,
        };
        if let Some(shared) = self.shared(recipe) {
            shared.give(recipe, &output);
        }
        self.remember(recipe)?;
        Ok(output)
    }

    /// What `recipe` makes, once no other process is at the same.
    fn in_turn(&self, recipe: &Recipe, limits: &Limits) -> Result<Output, Error> {
        let others = [String::from("another longshore, which builds it")];
        let turn =
            self.store().turn("build", &recipe.key(), || self.progress().wait(&recipe.name, &others))?;
        // Whoever had the turn before may have made it.
        let output = match self.recorded(recipe) {
            Ok(None) => self.obtain(recipe, limits),
            Ok(Some(output)) => Ok(output),
            Err(error) => Err(error),
        };
        // Nothing is kept in the folder; who waits makes it again.
        let _ = fs_err::remove_dir(&turn.path);
        output
    }

    /// Takes what `recipe` makes from who shares it, or makes it, and records it.
    fn obtain(&self, recipe: &Recipe, limits: &Limits) -> Result<Output, Error> {
        let output = match self.shared(recipe).and_then(|shared| shared.take(recipe)) {
            Some(output) => output,
            None => self.make(recipe, limits, &Conditions::usual(self), "logs")?,
        };
        self.store().put_record(OUTPUT, &recipe.key(), &output.to_record(), output.tree.contents())?;
        Ok(output)
    }

    /// Who shares what `recipe` makes; nobody what the machine's own toolchain makes, which its key does not know.
    fn shared(&self, recipe: &Recipe) -> Option<&dyn Shared> {
        self.settings.shared.filter(|_| recipe.root != Root::Host)
    }

    /// What `recipe` made before, as long as all of it is in the store. Starts no process.
    pub fn recorded(&self, recipe: &Recipe) -> Result<Option<Output>, Error> {
        let Some(bytes) = self.store().record(OUTPUT, &recipe.key())? else { return Ok(None) };
        let Some(output) = Output::from_record(&bytes) else { return Ok(None) };
        Ok(self.store().has_all(&output.tree).then_some(output))
    }

    /// The last recipe of the build called `name` on `platform` that gave an output.
    pub fn last(&self, name: &str, platform: &Platform) -> Result<Option<Recipe>, Error> {
        let bytes = self.store().record(LAST, &self.name_key(name, platform))?;
        Ok(bytes.and_then(|bytes| postcard::from_bytes(&bytes).ok()))
    }

    fn remember(&self, recipe: &Recipe) -> Result<(), Error> {
        let key = self.name_key(&recipe.name, &recipe.platform);
        let bytes = postcard::to_stdvec(recipe).unwrap_or_default();
        if self.store().record(LAST, &key)?.as_ref() != Some(&bytes) {
            self.store().put_record(LAST, &key, &bytes, [])?;
        }
        Ok(())
    }

    fn name_key(&self, name: &str, platform: &Platform) -> Digest {
        let key = (&self.settings.stack, name, platform.to_string());
        Digest::of(&postcard::to_stdvec(&key).unwrap_or_default())
    }

    /// Where the logs of a recipe's steps are.
    pub fn logs(&self, recipe: &Recipe) -> PathBuf {
        self.store().root().join("logs").join(recipe.key().hex())
    }

    /// Runs `recipe` whatever is recorded; `logs` is the folder of the store that its logs go to.
    pub(crate) fn make(
        &self,
        recipe: &Recipe,
        limits: &Limits,
        conditions: &Conditions,
        logs: &str,
    ) -> Result<Output, Error> {
        let mut scene = Scene::new(self, &recipe.name, &recipe.root, &recipe.mounts, limits, conditions)?;
        if conditions.caches == Caches::Kept {
            scene = scene.with_caches(self, &recipe.caches)?;
        }
        let steps = Steps {
            executor: self,
            build: &recipe.name,
            verb: "Building",
            steps: &recipe.steps,
            env: &BTreeMap::new(),
            logs: self.store().root().join(logs).join(recipe.key().hex()),
        };
        let scene = steps.run(scene)?;
        let folder = scene.on_machine(&recipe.output).ok_or_else(|| Error::Output {
            build: recipe.name.clone(),
            path: recipe.output.clone(),
            problem: String::from("was not made, or is not below `/out` or `/build`"),
        })?;
        collect::collect(&recipe.name, &folder, &recipe.output, limits.output, self.store())
    }

    /// Runs the steps with network. Gives the folder, in the store's scratch space, of what they left in `/out`; it goes
    /// with this process. What a failed or killed fetch brought stays for its next try, which then asks only for the
    /// rest: whatever is found there is held to the lock file's sums like anything else.
    pub fn fetch(&self, fetch: &Fetch) -> Result<PathBuf, Error> {
        if self.settings.access == Access::Offline {
            let what = fetch.steps.iter().map(|step| step.what.as_str()).collect::<Vec<_>>().join(", ");
            return Err(Error::Offline { build: fetch.name.clone(), what });
        }
        let limits = Limits::default();
        // Recipes and fetches hold nothing that postcard can't.
        let key = Digest::of(&postcard::to_stdvec(fetch).unwrap_or_default());
        let mut conditions = Conditions::usual(self);
        // Where another process is at the same fetch, this one does its own.
        let claim = self.store().claim("fetch", &key)?;
        if let Some(claim) = &claim {
            conditions.folder.clone_from(&claim.path);
        }
        let mut mounts = fetch.mounts.clone();
        mounts.extend(fetch.known.clone());
        let mut scene = Scene::new(self, &fetch.name, &fetch.root, &mounts, &limits, &conditions)?
            .with_network(self, &fetch.root)?;
        if claim.is_some() {
            scene = scene.staying();
        }
        let steps = Steps {
            executor: self,
            build: &fetch.name,
            verb: "Fetching",
            steps: &fetch.steps,
            env: &self.settings.network,
            logs: self.store().root().join("logs").join(format!("fetch-{}", key.hex())),
        };
        let scene = steps.run(scene)?;
        let folder = self.store().scratch();
        scene.take("/out", &folder)?;
        scene.done();
        Ok(folder)
    }

    /// Opens the environment of `recipe` for a person: `argv` on the caller's own terminal, in `/build`.
    pub fn shell(&self, recipe: &Recipe, argv: &[String]) -> Result<longshore_sandbox::Exit, Error> {
        let conditions = Conditions::usual(self);
        let limits = Limits::default();
        let scene = Scene::new(self, &recipe.name, &recipe.root, &recipe.mounts, &limits, &conditions)?;
        let mut env = environment();
        let (own, cwd) =
            recipe.steps.last().map(|step| (step.env.clone(), step.cwd.as_str())).unwrap_or_default();
        env.extend(own);
        let cwd = if cwd.is_empty() { "/build" } else { cwd };
        let command = longshore_sandbox::Command { argv: argv.to_vec(), env, cwd: PathBuf::from(cwd) };
        scene
            .sandbox
            .interactive(&command)
            .map_err(|error| Error::Sandbox { build: recipe.name.clone(), error })
    }

    /// Keeps a tree, whose files are in the store, for [`Mounted`]. Its digest is that of all of it.
    pub fn put_tree(&self, tree: &Tree) -> Result<Digest, Error> {
        // A tree holds nothing that postcard can't.
        let bytes = postcard::to_stdvec(tree).unwrap_or_default();
        let digest = Digest::of(&bytes);
        if self.store().record(TREE, &digest)?.is_none() {
            self.store().put_record(TREE, &digest, &bytes, tree.contents())?;
        }
        Ok(digest)
    }

    /// The tree that was kept under `digest`.
    pub fn tree(&self, digest: &Digest) -> Result<Tree, Error> {
        let bytes = self.store().record(TREE, digest)?.unwrap_or_default();
        let gone = || Error::NoTree { what: String::from("a recipe"), tree: *digest };
        let tree: Tree = postcard::from_bytes(&bytes).map_err(|_| gone())?;
        tree.check().map_err(|error| Error::Tree { what: String::from("a recipe's tree"), error })?;
        Ok(tree)
    }
}
