//! Runs a build's commands, each with its log.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use fs_err as fs;
use longshore_oci::folder;
use longshore_sandbox::{Command, Exit, Status};

use super::log::{Log, tail};
use super::scene::Scene;
use super::{Executor, Leftovers};
use crate::{Error, Failed, Step};

/// Where programs are looked for.
pub(crate) const SEARCH_PATH: &str = "/usr/local/bin:/usr/bin:/usr/sbin:/bin:/sbin";

/// What every command finds in its environment, whatever the machine's own is.
pub(crate) fn environment() -> BTreeMap<String, String> {
    let epoch = folder::EPOCH.to_string();
    [
        ("HOME", "/homeless"),
        ("LC_ALL", "C.UTF-8"),
        ("PATH", SEARCH_PATH),
        ("SOURCE_DATE_EPOCH", epoch.as_str()),
        ("TMPDIR", "/tmp"),
        ("TZ", "UTC"),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect()
}

/// Commands of one build, and where their logs go.
pub(crate) struct Steps<'a> {
    pub executor: &'a Executor<'a>,
    pub build: &'a str,
    pub verb: &'static str,
    pub steps: &'a [Step],
    /// Besides [`environment`] and before the step's own.
    pub env: &'a BTreeMap<String, String>,
    pub logs: PathBuf,
}

impl Steps<'_> {
    /// Runs them in order; the first that fails ends it.
    pub fn run(&self, scene: Scene) -> Result<Scene, Error> {
        if self.logs.exists() {
            fs::remove_dir_all(&self.logs)?;
        }
        fs::create_dir_all(&self.logs)?;
        for (number, step) in self.steps.iter().enumerate() {
            let path = self.logs.join(format!("{:02}.log", number + 1));
            let shown = format!("{}: {}", self.build, step.what);
            let told = self.executor.progress().begin(self.verb, &shown, None);
            let exit = self.one(step, &scene, &path, &*told).inspect_err(|_| told.fail())?;
            if !exit.status.success() {
                told.fail();
                drop(told);
                return Err(self.failed(step, exit, path, scene));
            }
        }
        Ok(scene)
    }

    fn one(
        &self,
        step: &Step,
        scene: &Scene,
        path: &Path,
        told: &dyn longshore_oci::Step,
    ) -> Result<Exit, Error> {
        let mut env = environment();
        env.extend(self.env.clone());
        env.extend(step.env.clone());
        let command = Command { argv: step.argv.clone(), env, cwd: PathBuf::from(&step.cwd) };
        let mut log = Log::create(path, told)?;
        let ended = scene.sandbox.run(&command, &mut log);
        log.flush()?;
        ended.map_err(|error| Error::Sandbox { build: self.build.to_owned(), error })
    }

    fn failed(&self, step: &Step, exit: Exit, log: PathBuf, scene: Scene) -> Error {
        let how = match exit.status {
            Status::TimedOut => {
                let limit = scene.sandbox.limits.time.unwrap_or_default();
                format!("took longer than {} s", limit.as_secs_f64())
            }
            status => format!("failed: {status}"),
        };
        let kept = match self.executor.settings.leftovers {
            Leftovers::Removed => None,
            Leftovers::Kept => {
                let to = self.executor.store().root().join("kept").join(self.build);
                match scene.keep(&to) {
                    Ok(()) => Some(to),
                    Err(error) => return error,
                }
            }
        };
        let tail = match tail(&log) {
            Ok(tail) => tail,
            Err(error) => return error,
        };
        Error::Failed(Box::new(Failed {
            build: self.build.to_owned(),
            step: step.what.clone(),
            how,
            tail,
            log,
            kept,
        }))
    }
}
