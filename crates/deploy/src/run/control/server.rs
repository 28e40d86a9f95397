//! The supervisor's side: a thread that takes connections, and one for each of them.

use std::fs::Permissions;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use fs_err as fs;

use super::{Ask, Request, Said, VERSION};
use crate::run::client::at;
use crate::run::place::Place;

/// Connections at once.
const MOST: usize = 64;
/// The longest request.
const LONGEST: u64 = 64 << 10;
/// Answers that may wait for a reader; one that is slower is left.
const WAITING: usize = 1_024;
/// A request may take so long to come, an answer to go.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of a thread's stack.
const STACK: usize = 192 << 10;

/// What connections tell the supervisor.
pub(in crate::run) enum Asked {
    /// A request, and where its answers go.
    Ask(Ask, SyncSender<Arc<Said>>),
    /// The connection that owns the stack ended.
    OwnerGone,
}

/// Takes connections until the process ends.
pub(in crate::run) struct Server {
    open: Arc<AtomicUsize>,
}

impl Server {
    /// Listens at `place`, for its owner alone; hands on what is asked.
    pub(in crate::run) fn start(
        place: &Place,
        tell: impl Fn(Asked) + Clone + Send + 'static,
    ) -> io::Result<Self> {
        let socket = place.socket();
        match fs::remove_file(&socket) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = at(place.folder(), UnixListener::bind)?;
        fs::set_permissions(&socket, Permissions::from_mode(0o600))?;
        let open = Arc::new(AtomicUsize::new(0));
        let all = Arc::clone(&open);
        std::thread::Builder::new().name("control".to_owned()).stack_size(STACK).spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else {
                    std::thread::sleep(Duration::from_millis(20));
                    continue;
                };
                if all.fetch_add(1, Ordering::Relaxed) >= MOST {
                    all.fetch_sub(1, Ordering::Relaxed);
                    continue;
                }
                let (tell, count) = (tell.clone(), Arc::clone(&all));
                let work = move || {
                    // A connection that breaks concerns nobody else.
                    let _ = talk(stream, tell);
                    count.fetch_sub(1, Ordering::Relaxed);
                };
                if std::thread::Builder::new().stack_size(STACK).spawn(work).is_err() {
                    all.fetch_sub(1, Ordering::Relaxed);
                }
            }
        })?;
        Ok(Self { open })
    }

    /// Waits a moment until every connection has its last answer, whose senders the caller has dropped.
    pub(in crate::run) fn finish(&self) {
        let started = Instant::now();
        while self.open.load(Ordering::Relaxed) > 0 && started.elapsed() < Duration::from_secs(2) {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

fn talk(stream: UnixStream, tell: impl Fn(Asked) + Send + 'static) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut line = Vec::new();
    BufReader::new((&stream).take(LONGEST)).read_until(b'\n', &mut line)?;
    let ask = match serde_json::from_slice::<Request>(&line) {
        // What all versions know is done for all.
        Ok(request) if request.version == VERSION || matches!(request.ask, Ask::Stop | Ask::Kill) => {
            request.ask
        }
        _ => return say(&stream, &Said::OtherVersion),
    };
    let (sender, answers) = sync_channel(WAITING);
    let owns = ask == Ask::Own;
    tell(Asked::Ask(ask, sender));
    if owns {
        let reading = stream.try_clone()?;
        reading.set_read_timeout(None)?;
        std::thread::Builder::new().stack_size(STACK).spawn(move || {
            // Nothing more is said by it; it ends, or breaks.
            let _ = io::copy(&mut &reading, &mut io::sink());
            tell(Asked::OwnerGone);
        })?;
    }
    answer(&stream, &answers)
}

fn answer(stream: &UnixStream, answers: &Receiver<Arc<Said>>) -> io::Result<()> {
    answers.iter().try_for_each(|said| say(stream, &said))
}

fn say(mut stream: &UnixStream, said: &Said) -> io::Result<()> {
    let mut line = serde_json::to_vec(said)?;
    line.push(b'\n');
    stream.write_all(&line)
}
