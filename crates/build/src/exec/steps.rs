//! Runs a build's commands, each with its log.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use fs_err as fs;
use longshore_sandbox::{Command, Exit, Status};

use super::scene::Scene;
use super::{Executor, Leftovers};
use crate::{Error, Failed, Step, folder};

/// Lines of a failed command's log that are shown.
const TAIL: usize = 30;
/// As much of the end of a log is read for them.
const TAIL_BYTES: usize = 64 << 10;

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
            let _step = self.executor.progress().begin(self.verb, &shown, None);
            let exit = self.one(step, &scene, &path)?;
            if !exit.status.success() {
                return Err(self.failed(step, exit, path, scene));
            }
        }
        Ok(scene)
    }

    fn one(&self, step: &Step, scene: &Scene, path: &Path) -> Result<Exit, Error> {
        let mut env = environment();
        env.extend(self.env.clone());
        env.extend(step.env.clone());
        let command = Command { argv: step.argv.clone(), env, cwd: PathBuf::from(&step.cwd) };
        let mut log = fs::File::create(path)?;
        let ended = scene.sandbox.run(&command, &mut log);
        log.flush()?;
        ended.map_err(|error| Error::Sandbox { build: self.build.to_owned(), error })
    }

    fn failed(&self, step: &Step, exit: Exit, log: PathBuf, scene: Scene) -> Error {
        let how = match exit.status {
            Status::TimedOut => {
                format!("took longer than {} s", scene.sandbox.limits.time.as_secs_f64())
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

/// The last lines of a log, as far as they can be shown.
fn tail(log: &Path) -> Result<Vec<String>, Error> {
    use std::io::{Read as _, Seek as _, SeekFrom};
    let mut file = fs::File::open(log)?;
    let size = file.metadata()?.len();
    file.seek(SeekFrom::Start(size.saturating_sub(TAIL_BYTES as u64)))?;
    let mut bytes = Vec::new();
    file.take(TAIL_BYTES as u64).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<_> = text.lines().map(printable).collect();
    Ok(lines[lines.len().saturating_sub(TAIL)..].to_vec())
}

/// A line without what would move a terminal's cursor.
fn printable(line: &str) -> String {
    line.chars().filter(|c| *c == '\t' || !c.is_control()).collect()
}
