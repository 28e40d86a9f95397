//! The threads that pack: all layers at once, each in order, so that the bytes do not depend on how many threads made them.
//!
//! Every thread does the same: it takes the next chunk of a layer, reads and compresses it, and puts it down. Whoever puts down the
//! chunk whose turn it is goes on with it in order, hashing and writing, for as long as the next one is there. Large layers come
//! first, each thread at its own, and those who are done help at the largest that is left. A set of buffers comes with each chunk,
//! and there are few of them: that bounds the memory.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::Error;
use super::pass::{End, Line, Made, Means, Pass, Piece, Tools};

/// What every pass comes to, in their order, on `jobs` threads. After a failure nothing new is begun; of several failures that
/// of the first pass is told.
pub(super) fn run(passes: &[Pass<'_>], means: &Means<'_>, jobs: usize) -> Result<Vec<Made>, Error> {
    if passes.is_empty() {
        return Ok(Vec::new());
    }
    let jobs = jobs.max(1);
    let mut order: Vec<usize> = (0..passes.len()).collect();
    order.sort_by_cached_key(|&index| Reverse(passes[index].recipe.weight()));
    let board = Board {
        lanes: order.into_iter().map(Lane::new).collect(),
        free: (0..2 * jobs + 2).map(|_| Piece::default()).collect(),
        failed: BTreeMap::new(),
        panicked: false,
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
    let mut made: Vec<_> = board.lanes.into_iter().filter_map(|lane| Some((lane.pass, lane.made?))).collect();
    made.sort_by_key(|(pass, _)| *pass);
    Ok(made.into_iter().map(|(_, made)| made).collect())
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
    /// By pass.
    failed: BTreeMap<usize, Error>,
    panicked: bool,
}

/// One layer on its way.
struct Lane {
    /// Which pass it is.
    pass: usize,
    /// None before it is started.
    line: Option<Arc<Line>>,
    /// Where the layer ends so far; away while somebody adds to it.
    end: Option<Box<End>>,
    /// The chunk that is taken next.
    next: usize,
    /// The chunk that is added next.
    turn: usize,
    /// Chunks that came before their turn.
    early: BTreeMap<usize, Piece>,
    /// How many threads are at it.
    hands: usize,
    made: Option<Made>,
}

impl Lane {
    fn new(pass: usize) -> Self {
        Self { pass, line: None, end: None, next: 0, turn: 0, early: BTreeMap::new(), hands: 0, made: None }
    }

    /// Whether there is something to take.
    fn is_open(&self) -> bool {
        match &self.line {
            Some(line) => self.next < line.len(),
            None => self.hands == 0,
        }
    }
}

/// What a thread does next.
enum Task {
    Start(usize),
    Chunk { lane: usize, index: usize, line: Arc<Line>, piece: Piece },
    Wait,
    Leave,
}

impl Board {
    fn task(&mut self) -> Task {
        if self.panicked || !self.failed.is_empty() {
            return Task::Leave;
        }
        let open = self.lanes.iter().enumerate().filter(|(_, lane)| lane.is_open());
        let Some((index, _)) = open.min_by_key(|(index, lane)| (lane.hands, *index)) else {
            let done = self.lanes.iter().all(|lane| lane.made.is_some());
            return if done { Task::Leave } else { Task::Wait };
        };
        let lane = &mut self.lanes[index];
        let task = match &lane.line {
            None => Task::Start(index),
            Some(line) => {
                let Some(piece) = self.free.pop() else { return Task::Wait };
                lane.next += 1;
                Task::Chunk { lane: index, index: lane.next - 1, line: Arc::clone(line), piece }
            }
        };
        lane.hands += 1;
        task
    }
}

impl Crew<'_> {
    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One thread's life.
    fn work(&self) {
        let _alarm = Alarm(self);
        let mut tools = Tools::default();
        loop {
            let mut board = self.board();
            let task = loop {
                match board.task() {
                    Task::Wait => {
                        board = self.changed.wait(board).unwrap_or_else(PoisonError::into_inner);
                    }
                    task => break task,
                }
            };
            let pass = |lane: usize| (board.lanes[lane].pass, &self.passes[board.lanes[lane].pass]);
            match task {
                Task::Wait | Task::Leave => return,
                Task::Start(lane) => {
                    let (number, pass) = pass(lane);
                    drop(board);
                    let started = pass.start(self.means);
                    let mut board = self.board();
                    board.lanes[lane].hands -= 1;
                    match started {
                        Ok((line, end)) => {
                            let lane = &mut board.lanes[lane];
                            (lane.next, lane.turn) = (line.from(), line.from());
                            (lane.line, lane.end) = (Some(Arc::new(line)), Some(Box::new(end)));
                        }
                        Err(error) => drop(board.failed.insert(number, error)),
                    }
                }
                Task::Chunk { lane, index, line, mut piece } => {
                    let (number, pass) = pass(lane);
                    drop(board);
                    let prepared = pass.prepare(self.means, &line, index, &mut tools, &mut piece);
                    let mut board = self.board();
                    board.lanes[lane].hands -= 1;
                    match prepared {
                        Ok(()) => {
                            board.lanes[lane].early.insert(index, piece);
                            if let Err(error) = self.add(board, lane, pass, &line) {
                                self.board().failed.entry(number).or_insert(error);
                            }
                        }
                        Err(error) => {
                            if let Some(end) = &board.lanes[lane].end {
                                end.fail();
                            }
                            board.failed.entry(number).or_insert(error);
                        }
                    }
                }
            }
            self.changed.notify_all();
        }
    }

    /// Adds to the layer what is there in order, unless somebody else is at that, who will see it.
    fn add<'a>(
        &'a self,
        mut board: MutexGuard<'a, Board>,
        lane: usize,
        pass: &Pass<'_>,
        line: &Line,
    ) -> Result<(), Error> {
        let Some(mut end) = board.lanes[lane].end.take() else { return Ok(()) };
        loop {
            let turn = board.lanes[lane].turn;
            let Some(piece) = board.lanes[lane].early.remove(&turn) else { break };
            drop(board);
            pass.add(line, turn, &piece, &mut end).inspect_err(|_| end.fail())?;
            board = self.board();
            board.lanes[lane].turn += 1;
            board.free.push(piece);
            self.changed.notify_all();
        }
        if board.lanes[lane].turn < line.len() {
            if board.failed.contains_key(&board.lanes[lane].pass) {
                end.fail();
            }
            board.lanes[lane].end = Some(end);
            return Ok(());
        }
        drop(board);
        let made = pass.finish(self.means, line, *end)?;
        self.board().lanes[lane].made = Some(made);
        Ok(())
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
