//! `up --watch`: what the stack is made of is looked at again and again, and when it has changed the stack is brought up anew,
//! of which services see what is new to them.
//!
//! It is looked at by metadata, a few times a second at most; a look takes a twentieth of the time, however large the sources
//! are. An error is shown, and what runs goes on.

mod looks;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use longshore_deploy::run::{Changes, Error, Life, Place};
use longshore_oci::Trust;

use self::looks::Looks;
pub use self::looks::Looks as Seen;
use super::task::Task;
use super::{select, start};
use crate::args::{Global, Up};
use crate::commands::lock::for_build;
use crate::machine::Machine;
use crate::project::Project;
use crate::report::{Event, Failed, Failure, line_progress, note, report};

/// From one look to the next, at least.
const EVERY: Duration = Duration::from_millis(250);
/// As much time passes for one that looking takes.
const SHARE: u32 = 20;
/// What has changed must rest for so long: an editor or git writes more than one file.
const REST: Duration = Duration::from_millis(150);
/// What never rests is taken as it is after so long.
const RESTLESS: Duration = Duration::from_secs(3);

/// Whether the stack is still to be changed.
#[derive(Debug, Clone, Default)]
pub struct Watch(Arc<Mutex<State>>);

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Watching,
    Over,
}

impl Watch {
    /// From now on nothing is started anew, so that the stack can be stopped.
    pub fn end(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = State::Over;
    }

    /// Does it unless the watch is over.
    fn unless_over<T>(&self, what: impl FnOnce() -> T) -> Option<T> {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (*state == State::Watching).then(what)
    }
}

/// Watches what looked as `seen` says before it was first built, in a thread that ends with the process.
pub fn start(args: &Up, global: &Global, place: &Place, project: &Project, seen: Seen) -> Watch {
    let watch = Watch::default();
    let watcher = Watcher {
        args: args.clone(),
        global: global.clone(),
        place: place.clone(),
        folder: project.folder.clone(),
        watch: watch.clone(),
        seen,
    };
    std::thread::spawn(move || watcher.run());
    watch
}

struct Watcher {
    args: Up,
    global: Global,
    place: Place,
    folder: std::path::PathBuf,
    watch: Watch,
    seen: Looks,
}

impl Watcher {
    fn run(mut self) {
        let mut pause = EVERY;
        loop {
            std::thread::sleep(pause);
            let began = Instant::now();
            let now = self.seen.again();
            pause = EVERY.max(began.elapsed().saturating_mul(SHARE));
            if now == self.seen {
                continue;
            }
            let now = rested(now);
            let what = now.words_since(&self.seen);
            // Its warnings have been given, unless it is another one.
            let warnings = Global {
                quiet: self.global.quiet || !now.other_stack_file(&self.seen),
                ..self.global.clone()
            };
            self.seen = now;
            match self.bring_up(&warnings) {
                Ok(Some(changes)) => {
                    self.seen.of_project_alone();
                    note(&format!("{what} changed: {}", words(&changes)), &self.global);
                }
                Ok(None) | Err(Failure::Run(Error::NotRunning)) => return,
                Err(failure) => {
                    // Whatever it takes to put it right is looked for.
                    self.seen.of_whole_folder();
                    complain(failure, &self.global);
                    note(&format!("{what} changed, and the stack runs on as it was"), &self.global);
                }
            }
        }
    }

    /// Does what `up` does; nothing once the watch is over. Once more where the store turns out to have lost something.
    fn bring_up(&mut self, warnings: &Global) -> Result<Option<Changes>, Failure> {
        match self.try_to(Trust::Records, warnings) {
            Err(failure) if failure.missing().is_some() => self.try_to(Trust::Blobs, warnings),
            other => other,
        }
    }

    fn try_to(&mut self, trust: Trust, warnings: &Global) -> Result<Option<Changes>, Failure> {
        let project = Project::open(&self.folder, self.global.profile(), warnings)?;
        let machine = Machine::open(&self.global, trust, line_progress(&self.global))?;
        let services = select::services(&self.args, &project, &self.place, Life::Lives)?;
        let lock = for_build(&self.global, &project, &machine)?;
        self.seen = self.seen.with(&project);
        let task = Task { args: &self.args, project: &project, machine: &machine, place: &self.place };
        let (plan, roots) = task.plan(&services, &lock)?;
        task.unpack(roots)?;
        let hand_over = || {
            let also = task.stage(&plan)?;
            Ok(start::update(&self.place, &plan, &also)?)
        };
        self.watch.unless_over(hand_over).transpose()
    }
}

/// Says what is wrong. Data on standard output is of services alone.
fn complain(failure: Failure, global: &Global) {
    if global.json {
        let causes = failure.causes().into_iter().map(|cause| format!(": {cause}")).collect::<String>();
        Event::Warning { message: &format!("{failure}{causes}"), diagnostic: None }.print();
        return;
    }
    report(&Failed::of(failure, global.profile().map(str::to_owned)), global);
}

/// How things look once they have rested.
fn rested(mut looks: Looks) -> Looks {
    let began = Instant::now();
    loop {
        std::thread::sleep(REST);
        let next = looks.again();
        if next == looks || began.elapsed() > RESTLESS {
            return next;
        }
        looks = next;
    }
}

/// What a new plan comes to: ``restarting `web`, stopping `old` ``.
pub fn words(changes: &Changes) -> String {
    let one = |verb: &str, names: &[String]| {
        let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
        (!names.is_empty()).then(|| format!("{verb} {}", names.join(", ")))
    };
    let Changes { started, restarted, stopped } = changes;
    let all = [one("starting", started), one("restarting", restarted), one("stopping", stopped)];
    let all: Vec<_> = all.into_iter().flatten().collect();
    if all.is_empty() { "the stack runs as it was".to_owned() } else { all.join(", ") }
}
