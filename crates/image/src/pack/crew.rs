//! The threads that pack: all layers at once, each in order, so that the bytes do not depend on how many threads made them.
//!
//! Every thread does the same: it takes the next piece of a layer, reads and compresses it, and puts it down. Whoever puts down the
//! piece whose turn it is goes on with it in order, hashing and writing, for as long as the next one is there. Large layers come
//! first, each thread at several of its own, as several hashes take less time than one after the other, and those who are done help at
//! the largest that is left. A set of buffers comes with each piece, and there are few of them: that bounds the memory.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use longshore_oci::Sha256;

use super::Error;
use super::chunk::PIECE;
use super::pass::{self, End, Line, Made, Means, Pass, Piece, Tools, Turn};

/// At how many layers a thread is at least, as long as there are others.
const AT_ONCE: usize = 2;
/// The most pieces, where two for each thread are not more.
const PIECES: usize = 64;

/// What every pass comes to, in their order, on `jobs` threads. After a failure nothing new is begun; of several failures that
/// of the first pass is told.
pub(super) fn run(passes: &[Pass<'_>], means: &Means<'_>, jobs: usize) -> Result<Vec<Made>, Error> {
    if passes.is_empty() {
        return Ok(Vec::new());
    }
    let jobs = jobs.max(1);
    let lane =
        |(pass, of): (usize, &Pass<'_>)| Lane { pass, weight: of.recipe.weight(), stage: Stage::Waiting };
    let mut lanes: Vec<_> = passes.iter().enumerate().map(lane).collect();
    lanes.sort_by_key(|lane| Reverse(lane.weight));
    // Compressing takes far longer than hashing, and its pieces are large.
    let at_once = if means.codec.is_some() { AT_ONCE } else { Sha256::at_once() };
    let board = Board {
        lanes,
        free: (0..pieces(means, jobs, at_once)).map(|_| Piece::default()).collect(),
        jobs,
        at_once,
        failed: BTreeMap::new(),
        panicked: false,
        waiting: 0,
    };
    let crew = Crew { passes, means, board: Mutex::new(board), changed: Condvar::new() };
    std::thread::scope(|scope| {
        for _ in 1..jobs {
            scope.spawn(|| crew.work());
        }
        crew.work();
    });
    let board = crew.board.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, error)) = board.failed.into_iter().next() {
        return Err(error);
    }
    let mut made: Vec<_> = board
        .lanes
        .into_iter()
        .filter_map(|lane| match lane.stage {
            Stage::Made(made) => Some((lane.pass, made)),
            _ => None,
        })
        .collect();
    made.sort_by_key(|(pass, _)| *pass);
    Ok(made.into_iter().map(|(_, made)| made).collect())
}

/// How many pieces there are for `jobs` threads: as many as they take, so that none waits for one. Where something is compressed
/// each holds two MiB, and one fewer will do: whoever comes last takes one alone.
fn pieces(means: &Means<'_>, jobs: usize, at_once: usize) -> usize {
    let least = AT_ONCE * jobs;
    match means.codec {
        Some(_) => AT_ONCE.max(least - 1),
        None => (at_once * jobs).min(PIECES.max(least)),
    }
}

struct Crew<'a> {
    passes: &'a [Pass<'a>],
    means: &'a Means<'a>,
    board: Mutex<Board>,
    changed: Condvar,
}

/// Who does what.
struct Board {
    /// Largest first.
    lanes: Vec<Lane>,
    free: Vec<Piece>,
    jobs: usize,
    /// How many layers a thread takes at once.
    at_once: usize,
    /// By pass.
    failed: BTreeMap<usize, Error>,
    panicked: bool,
    /// How many threads have nothing to do.
    waiting: usize,
}

/// One layer.
struct Lane {
    /// Which pass it is.
    pass: usize,
    /// Bytes of its tar, about.
    weight: u64,
    stage: Stage,
}

/// How far a layer is.
enum Stage {
    Waiting,
    /// A thread finds out what of it was made before.
    Starting,
    Going(Going),
    Made(Made),
}

/// A layer on its way.
struct Going {
    line: Arc<Line>,
    /// Where the layer ends so far; away while somebody adds to it.
    end: Option<Box<End>>,
    /// The piece that is taken next.
    next: usize,
    /// The piece that is added next.
    turn: usize,
    /// Pieces that came before their turn.
    early: BTreeMap<usize, Piece>,
    /// How many threads prepare pieces of it.
    hands: usize,
}

impl Lane {
    /// Whether there is something to take.
    fn is_open(&self) -> bool {
        match &self.stage {
            Stage::Waiting => true,
            Stage::Going(going) => going.next < going.line.len(),
            Stage::Starting | Stage::Made(_) => false,
        }
    }

    /// Bytes of it that nobody has taken, about.
    fn left(&self) -> u64 {
        match &self.stage {
            Stage::Waiting | Stage::Starting => self.weight,
            Stage::Going(going) => (going.line.len() - going.next) as u64 * PIECE,
            Stage::Made(_) => 0,
        }
    }

    /// How many threads are at it, who adds to it among them.
    fn busy(&self) -> usize {
        match &self.stage {
            Stage::Waiting | Stage::Made(_) => 0,
            Stage::Starting => 1,
            Stage::Going(going) => going.hands + usize::from(going.end.is_none()),
        }
    }
}

impl Going {
    fn new(line: Line, end: End) -> Self {
        let from = line.from();
        Self {
            line: Arc::new(line),
            end: Some(Box::new(end)),
            next: from,
            turn: from,
            early: BTreeMap::new(),
            hands: 0,
        }
    }
}

/// What a thread does next.
enum Task {
    Start(usize),
    Pieces(Vec<Taken>),
    Wait,
    Leave,
}

/// A piece that a thread has taken.
struct Taken {
    lane: usize,
    pass: usize,
    line: Arc<Line>,
    index: usize,
    piece: Piece,
}

/// A layer that a thread adds to.
struct Held {
    lane: usize,
    pass: usize,
    line: Arc<Line>,
    end: Box<End>,
}

impl Board {
    fn task(&mut self) -> Task {
        if self.panicked || !self.failed.is_empty() {
            return Task::Leave;
        }
        let open = self.lanes.iter().enumerate().filter(|(_, lane)| lane.is_open());
        let mut open: Vec<_> = open.map(|(index, lane)| (lane.busy(), index)).collect();
        open.sort_unstable();
        let Some(&(_, first)) = open.first() else {
            let done = self.lanes.iter().all(|lane| matches!(lane.stage, Stage::Made(_)));
            return if done { Task::Leave } else { Task::Wait };
        };
        // Nobody is at the others.
        let others = open[1..].iter().take_while(|(busy, _)| *busy == 0).map(|(_, index)| *index);
        let chosen: Vec<_> = std::iter::once(first).chain(others).take(self.at_once(first)).collect();
        if let Some(&lane) = chosen.iter().find(|lane| matches!(self.lanes[**lane].stage, Stage::Waiting)) {
            self.lanes[lane].stage = Stage::Starting;
            return Task::Start(lane);
        }
        let taken: Vec<_> = chosen.into_iter().map_while(|lane| self.take(lane)).collect();
        if taken.is_empty() { Task::Wait } else { Task::Pieces(taken) }
    }

    /// How many layers a thread takes that takes this one first. Of many together each takes long: the largest would be left when
    /// the others are done, unless it is small beside them. How small, simulations of layers' sizes told: a third or a half is as good.
    fn at_once(&self, first: usize) -> usize {
        let all: u64 = self.lanes.iter().map(Lane::left).sum();
        let share = all / self.jobs as u64;
        if self.lanes[first].left() > share * 2 / 5 { AT_ONCE } else { self.at_once }
    }

    fn take(&mut self, index: usize) -> Option<Taken> {
        let Lane { pass, stage: Stage::Going(going), .. } = &mut self.lanes[index] else { return None };
        let piece = self.free.pop()?;
        going.next += 1;
        going.hands += 1;
        let line = Arc::clone(&going.line);
        Some(Taken { lane: index, pass: *pass, line, index: going.next - 1, piece })
    }

    /// A layer that somebody has something of.
    fn going(&mut self, lane: usize) -> Option<&mut Going> {
        match &mut self.lanes[lane].stage {
            Stage::Going(going) => Some(going),
            Stage::Waiting | Stage::Starting | Stage::Made(_) => None,
        }
    }

    /// Of several failures of a pass the first is told.
    fn fail(&mut self, pass: usize, error: Error) {
        self.failed.entry(pass).or_insert(error);
    }
}

impl Crew<'_> {
    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One thread's life.
    fn work(&self) {
        let _alarm = Alarm(self);
        let mut tools = Tools::new(self.means);
        loop {
            let mut board = self.board();
            let task = loop {
                match board.task() {
                    Task::Wait => {
                        board.waiting += 1;
                        board = self.changed.wait(board).unwrap_or_else(PoisonError::into_inner);
                        board.waiting -= 1;
                    }
                    task => break task,
                }
            };
            match task {
                Task::Wait | Task::Leave => return,
                Task::Start(lane) => {
                    let pass = board.lanes[lane].pass;
                    drop(board);
                    let started = self.passes[pass].start(self.means);
                    let mut board = self.board();
                    match started {
                        Ok((line, end)) => board.lanes[lane].stage = Stage::Going(Going::new(line, end)),
                        Err(error) => board.fail(pass, error),
                    }
                    self.tell(board);
                }
                Task::Pieces(mut taken) => {
                    drop(board);
                    let prepare = |Taken { pass, line, index, piece, .. }: &mut Taken| {
                        self.passes[*pass].prepare(self.means, line, *index, &mut tools, piece)
                    };
                    let prepared: Vec<_> = taken.iter_mut().map(prepare).collect();
                    let held = self.put(taken, prepared);
                    self.add(held);
                }
            }
        }
    }

    /// Puts down what was prepared, and takes the layers that nobody else adds to: who does will see what was put down.
    fn put(&self, taken: Vec<Taken>, prepared: Vec<Result<(), Error>>) -> Vec<Held> {
        let mut board = self.board();
        let mut held = Vec::new();
        for (Taken { lane, pass, line, index, piece }, prepared) in taken.into_iter().zip(prepared) {
            let Some(going) = board.going(lane) else { continue };
            going.hands -= 1;
            match prepared {
                Ok(()) => {
                    going.early.insert(index, piece);
                    held.extend(going.end.take().map(|end| Held { lane, pass, line, end }));
                }
                Err(error) => {
                    if let Some(end) = &going.end {
                        end.fail();
                    }
                    board.fail(pass, error);
                }
            }
        }
        self.tell(board);
        held
    }

    /// Adds to layers what is there of them in order, and finishes those that are whole.
    fn add(&self, mut held: Vec<Held>) {
        while !held.is_empty() {
            let mut board = self.board();
            let (mut next, mut whole) = (Vec::new(), Vec::new());
            for held in held.drain(..) {
                let failed = board.failed.contains_key(&held.pass);
                let Some(going) = board.going(held.lane) else { continue };
                let turn = going.turn;
                if let Some(piece) = going.early.remove(&turn) {
                    next.push((held, turn, piece));
                } else if turn == held.line.len() {
                    whole.push(held);
                } else {
                    if failed {
                        held.end.fail();
                    }
                    going.end = Some(held.end);
                }
            }
            self.tell(board);
            for Held { lane, pass, line, end } in whole {
                let made = self.passes[pass].finish(self.means, &line, *end);
                let mut board = self.board();
                match made {
                    Ok(made) => board.lanes[lane].stage = Stage::Made(made),
                    Err(error) => board.fail(pass, error),
                }
                self.tell(board);
            }
            held = self.add_each(next);
        }
    }

    /// Adds one piece to each layer, and gives back those that it was added to.
    fn add_each(&self, mut next: Vec<(Held, usize, Piece)>) -> Vec<Held> {
        let turns = next.iter_mut().map(|(held, index, piece)| {
            let Held { pass, line, end, .. } = held;
            Turn { pass: &self.passes[*pass], line, index: *index, piece, end }
        });
        let added = pass::add(turns.collect());
        let mut board = self.board();
        let mut held = Vec::new();
        for ((of, _, piece), added) in next.into_iter().zip(added) {
            match added {
                Ok(()) => {
                    if let Some(going) = board.going(of.lane) {
                        going.turn += 1;
                    }
                    board.free.push(piece);
                    held.push(of);
                }
                Err(error) => {
                    of.end.fail();
                    board.fail(of.pass, error);
                }
            }
        }
        self.tell(board);
        held
    }

    /// Leaves the board, and has those look at it who wait for a change. Hardly ever does somebody: to call them costs as much as
    /// to open a file.
    fn tell(&self, board: MutexGuard<'_, Board>) {
        let waiting = board.waiting;
        drop(board);
        if waiting > 0 {
            self.changed.notify_all();
        }
    }
}

/// Has the others leave when a thread panics; the scope passes the panic on.
struct Alarm<'a>(&'a Crew<'a>);

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.board().panicked = true;
            self.0.changed.notify_all();
        }
    }
}
