//! One service's processes: started in a sandbox, read until their last word, and waited for.

use std::collections::BTreeMap;
use std::io::{self, PipeReader, Read as _};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use longshore_sandbox::{
    Access, Bounds, Command, Filter, Group, Identity, Limits, Mount, Network, Output, Running, Sandbox,
    Signal, Tmpfs,
};
use rustix::event::{PollFd, PollFlags, poll};

use super::{Happened, Supervisor};
use crate::run::log::{Stream, Writer};
use crate::run::place::Place;
use crate::run::plan::{Mode, Planned};
use crate::run::probe::{self, Whom};
use crate::run::roots::{FILES, SECRETS};
use crate::run::stage::Staged;
use crate::run::state::{Answer, Event, Exit, Status, Verdict};

/// Bytes that are read of a pipe at once.
const PIECE: usize = 16 << 10;
/// Bytes of a thread's stack.
const STACK: usize = 192 << 10;

/// A service that runs.
pub(super) struct Live {
    pub(super) run: u32,
    pub(super) running: Running,
    pub(super) started: Instant,
    /// What it is asked to stop with, whatever a later plan says of it.
    stop: Signal,
    /// Keeps the folder that is its root, likewise.
    _root: Option<Arc<fs_err::File>>,
}

/// Every service's log.
pub(super) struct Logs {
    place: Place,
    all: BTreeMap<String, Log>,
}

type Log = Arc<Mutex<Writer>>;

impl Logs {
    pub(super) fn new(place: &Place) -> Self {
        Self { place: place.clone(), all: BTreeMap::new() }
    }

    fn of(&mut self, service: &str) -> io::Result<Log> {
        if let Some(log) = self.all.get(service) {
            return Ok(Arc::clone(log));
        }
        let log = Arc::new(Mutex::new(Writer::open(&self.place.log(service))?));
        self.all.insert(service.to_owned(), Arc::clone(&log));
        Ok(log)
    }

    /// Says something of a service. That a log can't be written keeps nothing from running.
    pub(super) fn say(&mut self, service: &str, text: &str) {
        if let Ok(log) = self.of(service) {
            let _ = log.lock().unwrap_or_else(PoisonError::into_inner).say(text);
        }
    }
}

impl Supervisor<'_> {
    /// Starts it; says how that went.
    pub(super) fn start(&mut self, service: String, run: u32) -> Event {
        match self.try_start(&service, run) {
            Ok(live) => {
                self.live.insert(service.clone(), live);
                Event::Started { service, run }
            }
            Err(error) => {
                let hint = match &error {
                    NotStarted::Sandbox(error) => error.hint(),
                    NotStarted::Io(_) => None,
                };
                let hint = hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
                Event::NotStarted { service, run, why: format!("{}{hint}", probe::said(&error)) }
            }
        }
    }

    fn try_start(&mut self, service: &str, run: u32) -> Result<Live, NotStarted> {
        let planned = self.plan.services.get(service).ok_or(io::Error::from(io::ErrorKind::NotFound))?;
        let log = self.logs.of(service)?;
        let (stdout, stdout_end) = io::pipe()?;
        let (stderr, stderr_end) = io::pipe()?;
        let output = Output { stdout: stdout_end.into(), stderr: stderr_end.into() };
        let group = self.group(service, planned)?;
        let running = match planned.mode {
            Mode::Container => {
                sandbox(self.place, service, planned).start(&command(planned), output, group)?
            }
            Mode::Native => {
                empty(self.place, service, planned)?;
                longshore_sandbox::start_native(&command(planned), output, group)?
            }
        };
        let end = running.as_fd().try_clone_to_owned()?;
        let (tell, name) = (self.tell.clone(), service.to_owned());
        let watch = move || watch(&name, run, [stdout, stderr], &end, &log, &tell);
        std::thread::Builder::new().name("service".to_owned()).stack_size(STACK).spawn(watch)?;
        let stop = Signal::named(&planned.stop_signal).unwrap_or(Signal::TERM);
        let root = self.roots.get(&planned.root).cloned().flatten();
        Ok(Live { run, running, started: Instant::now(), stop, _root: root })
    }

    /// The group that bounds it, where groups can be made.
    fn group(&self, service: &str, planned: &Planned) -> Result<Option<Group>, NotStarted> {
        let Some(groups) = &self.groups else { return Ok(None) };
        let resources = &planned.resources;
        let bounds =
            Bounds { memory: resources.memory, cpu: resources.cpu, processes: resources.pids.map(u64::from) };
        Ok(Some(groups.make(service, bounds)?))
    }

    /// Takes in that it ended; how.
    pub(super) fn end(&mut self, service: &str, run: u32) -> Option<Exit> {
        if self.live.get(service)?.run != run {
            return None;
        }
        let mut live = self.live.remove(service)?;
        let status = match live.running.wait() {
            Ok(exit) => exit.status,
            // What can't be waited for was killed.
            Err(_) => longshore_sandbox::Status::Signal(9),
        };
        let (status, out_of_memory) = match status {
            longshore_sandbox::Status::Code(code) => (Status::Code(code), false),
            longshore_sandbox::Status::Signal(signal) => (Status::Signal(signal), false),
            longshore_sandbox::Status::OutOfMemory => (Status::Signal(9), true),
            longshore_sandbox::Status::TimedOut => (Status::Signal(9), false),
        };
        Some(Exit { status, out_of_memory })
    }

    /// Asks it to stop, as it wants to be asked.
    pub(super) fn signal(&self, service: &str) {
        let Some(live) = self.live.get(service) else { return };
        // It is killed later if it doesn't end.
        let _ = live.running.signal(live.stop);
    }

    /// Asks whether it does its work, in a thread of its own.
    pub(super) fn probe(&self, service: String, run: u32) {
        let planned = self.plan.services.get(&service);
        let Some((planned, live)) = planned.zip(self.live.get(&service)) else { return };
        let Some(health) = planned.health.clone() else { return };
        let whom =
            Whom { address: planned.address, process: live.running.process(), around: command(planned) };
        let (tell, name) = (self.tell.clone(), service.clone());
        let ask = move || {
            let answer = probe::ask(&health, whom);
            let _ = tell.send(Happened::Probed { service: name, run, answer });
        };
        if let Err(error) = std::thread::Builder::new().name("probe".to_owned()).stack_size(STACK).spawn(ask)
        {
            let answer = Answer { verdict: Verdict::Unhealthy, line: format!("it can't be asked: {error}") };
            let _ = self.tell.send(Happened::Probed { service, run, answer });
        }
    }
}

/// Why a service could not be started.
#[derive(Debug, thiserror::Error)]
enum NotStarted {
    #[error(transparent)]
    Sandbox(#[from] longshore_sandbox::Error),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Its command.
fn command(planned: &Planned) -> Command {
    Command { argv: planned.argv.clone(), env: planned.env.clone(), cwd: planned.cwd.clone() }
}

/// Empties the folders that one without a container is to find empty.
fn empty(place: &Place, name: &str, planned: &Planned) -> io::Result<()> {
    let staged = Staged::of(place, name);
    for scratch in &planned.scratch {
        let folder = staged.seen(&scratch.path);
        match fs_err::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => fs_err::create_dir_all(&folder)?,
        }
        fs_err::set_permissions(&folder, std::fs::Permissions::from_mode(scratch.mode.into()))?;
    }
    Ok(())
}

/// What it sees and may.
fn sandbox(place: &Place, name: &str, planned: &Planned) -> Sandbox {
    let staged = Staged::of(place, name);
    let mount = |from: PathBuf, to: &Path, access| Mount { from, to: to.to_owned(), access };
    let [hosts, resolv] = FILES.map(Path::new);
    let machine = Path::new("/etc/resolv.conf");
    let names = if machine.exists() { machine.to_owned() } else { staged.resolv() };
    let mut mounts = vec![mount(staged.hosts(), hosts, Access::Read), mount(names, resolv, Access::Read)];
    let volumes = planned.volumes.iter();
    mounts.extend(volumes.map(|(volume, spec)| mount(place.volume(name, volume), &spec.path, Access::Write)));
    let files = planned.files.keys().enumerate();
    mounts.extend(files.map(|(index, path)| mount(staged.file(index), path, Access::Read)));
    let secrets = planned.secrets.iter();
    mounts.extend(secrets.map(|(secret, path)| mount(staged.secret(secret), path, Access::Read)));

    let scratch = planned.scratch.iter();
    let mut tmpfs: Vec<Tmpfs> =
        scratch.map(|it| Tmpfs { to: it.path.clone(), mode: it.mode, size: None }).collect();
    let taken = |path: &Path| {
        planned.scratch.iter().any(|it| it.path == path) || planned.volumes.values().any(|it| it.path == path)
    };
    if !taken(Path::new("/tmp")) {
        tmpfs.push(Tmpfs::tmp());
    }
    if planned.secrets.values().any(|path| path.starts_with(SECRETS)) {
        tmpfs.push(Tmpfs { to: PathBuf::from(SECRETS), mode: 0o755, size: Some(64 << 10) });
    }
    Sandbox {
        root: planned.root.clone(),
        mounts,
        tmpfs,
        network: Network::Host,
        hostname: name.to_owned(),
        ids: planned.user,
        identity: Identity::Same,
        filter: Filter::Services,
        limits: Limits::default(),
    }
}

/// Writes down what a service says, and tells of its end.
fn watch(name: &str, run: u32, pipes: [PipeReader; 2], end: &OwnedFd, log: &Log, tell: &Sender<Happened>) {
    let [stdout, stderr] = pipes;
    let mut open = vec![(Stream::Out, stdout), (Stream::Err, stderr)];
    let mut piece = vec![0; PIECE];
    while !open.is_empty() {
        let mut polled: Vec<_> = open.iter().map(|(_, pipe)| PollFd::new(pipe, PollFlags::IN)).collect();
        if poll(&mut polled, None).is_err() {
            continue;
        }
        let has: Vec<bool> = polled.iter().map(|one| !one.revents().is_empty()).collect();
        let mut index = 0;
        open.retain_mut(|(stream, pipe)| {
            index += 1;
            if !has.get(index - 1).copied().unwrap_or_default() {
                return true;
            }
            match pipe.read(&mut piece) {
                Ok(0) => false,
                Ok(length) => {
                    let bytes = piece.get(..length).unwrap_or_default();
                    // A full disk takes no lines; the service goes on.
                    let _ = log.lock().unwrap_or_else(PoisonError::into_inner).take(*stream, bytes);
                    true
                }
                Err(error) => error.kind() == io::ErrorKind::Interrupted,
            }
        });
    }
    let _ = log.lock().unwrap_or_else(PoisonError::into_inner).end();
    while poll(&mut [PollFd::new(end, PollFlags::IN)], None).is_err() {}
    // Only where the supervisor is at its own end is nobody there to hear it.
    let _ = tell.send(Happened::Ended { service: name.to_owned(), run });
}
