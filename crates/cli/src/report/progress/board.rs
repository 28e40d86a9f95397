//! What is under way: the steps that run, and one thread for all of them that has them shown as time goes on.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use longshore_oci::{Progress, Step};

/// Between two looks at what runs.
const TICK: Duration = Duration::from_millis(125);
/// A wait that is over sooner is not worth a word: what was built before is there at once.
const GRACE: Duration = Duration::from_millis(500);

/// How progress is shown. Calls come one at a time.
pub trait Show: Send + 'static {
    /// A step began.
    fn begun(&mut self, step: &Running);
    /// It still runs; called several times a second.
    fn runs(&mut self, step: &Running);
    /// It ended.
    fn ended(&mut self, step: &Running);
    /// Something to know.
    fn note(&mut self, message: &str);
    /// Something that is probably wrong.
    fn warn(&mut self, message: &str);
}

/// A step under way.
pub struct Running {
    /// Unique in this run of longshore, counted from 0.
    pub id: u64,
    pub kind: Kind,
    pub since: Instant,
    /// Whether it was shown yet: waits are not at once.
    shown: bool,
    live: Arc<Live>,
}

/// What a step is.
pub enum Kind {
    /// Something is done: a verb, what it is about, its size in bytes where known.
    Work { verb: &'static str, what: String, bytes: Option<u64> },
    /// It can't begin before others are done.
    Wait { what: String, on: Vec<String> },
}

/// What changes while a step runs, without a look at the board.
#[derive(Default)]
struct Live {
    done: AtomicU64,
    failed: AtomicBool,
    detail: Mutex<String>,
}

impl Running {
    /// How long it has run.
    pub fn time(&self) -> Duration {
        self.since.elapsed()
    }

    /// Bytes that are done.
    pub fn done(&self) -> u64 {
        self.live.done.load(Ordering::Relaxed)
    }

    /// Whether it failed.
    pub fn failed(&self) -> bool {
        self.live.failed.load(Ordering::Relaxed)
    }

    /// What it does now; empty when it doesn't say.
    pub fn detail(&self) -> String {
        self.live.detail.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Verb and what it is about.
    pub fn words(&self) -> (&'static str, String) {
        match &self.kind {
            Kind::Work { verb, what, .. } => (verb, what.clone()),
            Kind::Wait { what, on } => ("Waiting", format!("{what} for {}", on.join(", "))),
        }
    }
}

/// What is under way, and how it is shown.
pub struct Board<S>(Arc<Mutex<State<S>>>);

struct State<S> {
    running: BTreeMap<u64, Running>,
    next: u64,
    show: S,
    clock: Clock,
}

/// Whether there is a thread that looks at what runs.
#[derive(PartialEq, Eq)]
enum Clock {
    Stopped,
    Runs,
}

impl<S: Show> Board<S> {
    /// Nothing is under way.
    pub fn new(show: S) -> Self {
        let state = State { running: BTreeMap::new(), next: 0, show, clock: Clock::Stopped };
        Self(Arc::new(Mutex::new(state)))
    }

    fn start(&self, kind: Kind) -> Box<dyn Step> {
        let mut state = lock(&self.0);
        let (id, live) = (state.next, Arc::new(Live::default()));
        let shown = matches!(kind, Kind::Work { .. });
        let step = Running { id, kind, since: Instant::now(), shown, live: Arc::clone(&live) };
        if shown {
            state.show.begun(&step);
        }
        state.next += 1;
        state.running.insert(id, step);
        if state.clock == Clock::Stopped {
            state.clock = Clock::Runs;
            let board = Arc::downgrade(&self.0);
            // Without a thread, beginnings and ends are still shown.
            let _ = std::thread::Builder::new().name(String::from("progress")).spawn(move || tick(&board));
        }
        Box::new(Handle { id, live, board: Arc::clone(&self.0) })
    }
}

/// Has all that runs shown, again and again, until nothing runs or nobody is there to see it.
fn tick<S: Show>(board: &Weak<Mutex<State<S>>>) {
    loop {
        std::thread::sleep(TICK);
        let Some(board) = board.upgrade() else { return };
        let mut state = lock(&board);
        let State { running, show, clock, .. } = &mut *state;
        if running.is_empty() {
            *clock = Clock::Stopped;
            return;
        }
        for step in running.values_mut() {
            if step.shown {
                show.runs(step);
            } else if step.time() >= GRACE {
                step.shown = true;
                show.begun(step);
            }
        }
    }
}

fn lock<S>(state: &Mutex<S>) -> MutexGuard<'_, S> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A text in one line: commands may have several.
fn one_line(text: &str) -> String {
    text.split(|c: char| c.is_control()).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

impl<S: Show> Progress for Board<S> {
    fn begin(&self, verb: &'static str, what: &str, bytes: Option<u64>) -> Box<dyn Step> {
        self.start(Kind::Work { verb, what: one_line(what), bytes })
    }

    fn wait(&self, what: &str, on: &[String]) -> Box<dyn Step> {
        self.start(Kind::Wait { what: what.to_owned(), on: on.to_vec() })
    }

    fn note(&self, message: &str) {
        lock(&self.0).show.note(message);
    }

    fn warn(&self, message: &str) {
        lock(&self.0).show.warn(message);
    }
}

/// A step, for who does it.
struct Handle<S: Show> {
    id: u64,
    live: Arc<Live>,
    board: Arc<Mutex<State<S>>>,
}

impl<S: Show> Step for Handle<S> {
    fn advance(&self, bytes: u64) {
        self.live.done.fetch_add(bytes, Ordering::Relaxed);
    }

    fn detail(&self, line: &str) {
        let line = one_line(line);
        *self.live.detail.lock().unwrap_or_else(PoisonError::into_inner) = line;
    }

    fn fail(&self) {
        self.live.failed.store(true, Ordering::Relaxed);
    }
}

impl<S: Show> Drop for Handle<S> {
    fn drop(&mut self) {
        let mut state = lock(&self.board);
        if let Some(step) = state.running.remove(&self.id).filter(|step| step.shown) {
            state.show.ended(&step);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes down what it is to show.
    struct Written(Arc<Mutex<Vec<String>>>);

    impl Written {
        fn write(&self, how: &str, step: &Running) {
            let (verb, what) = step.words();
            let line = format!("{how} {} {verb} {what} {}|{}", step.id, step.done(), step.detail());
            let mut lines = lock(&self.0);
            if lines.last() != Some(&line) {
                lines.push(line);
            }
        }
    }

    impl Show for Written {
        fn begun(&mut self, step: &Running) {
            self.write("begun", step);
        }

        fn runs(&mut self, step: &Running) {
            self.write("runs", step);
        }

        fn ended(&mut self, step: &Running) {
            self.write(if step.failed() { "failed" } else { "ended" }, step);
        }

        fn note(&mut self, message: &str) {
            lock(&self.0).push(message.to_owned());
        }

        fn warn(&mut self, message: &str) {
            self.note(message);
        }
    }

    #[test]
    fn what_runs_is_shown_and_short_waits_are_not() {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let board = Board::new(Written(Arc::clone(&lines)));
        let on = [String::from("base"), String::from("proto")];
        drop(board.wait("short", &on));
        let wait = board.wait("web", &on);
        let work = board.begin("Building", "base: sh -c\n  'a\tb'", None);
        work.advance(2);
        work.advance(3);
        work.detail("the first");
        work.detail("Compiling\tserde");
        std::thread::sleep(GRACE + 4 * TICK);
        work.fail();
        drop(work);
        drop(wait);
        board.note("end");
        let lines = lock(&lines);
        assert_eq!(lines[0], "begun 2 Building base: sh -c   'a b' 0|", "{lines:#?}");
        for line in [
            "runs 2 Building base: sh -c   'a b' 5|Compiling serde",
            "begun 1 Waiting web for base, proto 0|",
            "runs 1 Waiting web for base, proto 0|",
        ] {
            assert!(lines.iter().any(|found| found == line), "{line}: {lines:#?}");
        }
        assert!(!lines.iter().any(|line| line.contains("short")), "{lines:#?}");
        let end = [
            "failed 2 Building base: sh -c   'a b' 5|Compiling serde",
            "ended 1 Waiting web for base, proto 0|",
            "end",
        ];
        assert_eq!(lines[lines.len() - 3..], end, "{lines:#?}");
    }
}
