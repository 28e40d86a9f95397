//! What survives a restart: rules, violations, the traces that broke a rule, and which violations are still to be sent.
//!
//! One file of [redb](https://docs.rs/redb): transactions over several tables, so that a violation, its trace and its place
//! in the outbox are there together or not at all; checksums; a torn commit is undone on opening. Each commit is synced.

mod index;

use std::cell::Cell;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Once};

use parking_lot::{Mutex, RwLock};
use prost::Message;
use redb::{Database, ReadableTable, TableDefinition};

pub use index::{Filter, Index, Page};

use crate::judge::Severity;
use crate::proto;
use crate::span::TraceId;

const RULES: TableDefinition<&str, &[u8]> = TableDefinition::new("rules");
/// By a number that only grows.
const VIOLATIONS: TableDefinition<u64, &[u8]> = TableDefinition::new("violations");
const NUMBERS: TableDefinition<&str, u64> = TableDefinition::new("violation-numbers");
const TRACES: TableDefinition<&[u8; 16], &[u8]> = TableDefinition::new("traces");
/// Violations that are still to be sent.
const OUTBOX: TableDefinition<u64, ()> = TableDefinition::new("outbox");

#[derive(Clone, Copy, Debug)]
pub struct Capacity {
    pub violations: usize,
    /// Of violations and traces.
    pub bytes: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("`{path}` is in use by another process")]
    InUse { path: PathBuf },
    #[error("`{path}` is damaged: {source}; move it away to start anew, or bring back a copy of it")]
    Damaged { path: PathBuf, source: redb::Error },
    #[error("can't use `{path}`: {source}")]
    Database { path: PathBuf, source: redb::Error },
    #[error("a stored {what} in `{path}` can't be read: {source}")]
    Record { path: PathBuf, what: &'static str, source: prost::DecodeError },
    #[error("`{path}` could not be opened again after an error")]
    Closed { path: PathBuf },
}

/// A violation and the trace that it was found in.
#[derive(Debug)]
pub struct NewViolation {
    pub trace_id: TraceId,
    pub violation: proto::Violation,
    pub trace: Arc<proto::Trace>,
}

#[derive(Debug, Default)]
pub struct Inserted {
    /// The ids of those that were not there before.
    pub fresh: Vec<String>,
    /// How many of the oldest had to go.
    pub evicted: usize,
}

pub struct Store {
    path: PathBuf,
    capacity: Capacity,
    /// None only when opening again after an error failed.
    database: RwLock<Option<Database>>,
    index: RwLock<Index>,
    /// Held while violations are stored. True: a commit failed, and the index may not know what the file has.
    writer: Mutex<bool>,
}

type Result<T> = std::result::Result<T, Error>;

impl Store {
    /// Opens or makes `betrace.redb` in the folder.
    ///
    /// # Errors
    /// If it can't be opened, is in use, or is damaged.
    pub fn open(folder: &Path, capacity: Capacity) -> Result<Self> {
        let path = folder.join("betrace.redb");
        let database = match path.exists() {
            true => open_whole(&path)?,
            false => make(&folder.join(".betrace.redb"), &path)?,
        };
        let store = Self {
            path,
            capacity,
            database: RwLock::new(Some(database)),
            index: RwLock::default(),
            writer: Mutex::default(),
        };
        store.fill_index()?;
        Ok(store)
    }

    fn fill_index(&self) -> Result<()> {
        let records = self.read(|read| {
            let traces = read.open_table(TRACES)?;
            let mut records = Vec::new();
            for row in read.open_table(VIOLATIONS)?.iter()? {
                let (number, bytes) = row?;
                records.push((number.value(), bytes.value().to_vec()));
            }
            let mut sizes = Vec::new();
            for row in traces.iter()? {
                let (id, bytes) = row?;
                sizes.push((*id.value(), bytes.value().len()));
            }
            Ok((records, sizes))
        })?;
        let mut index = Index::default();
        for (number, bytes) in records.0 {
            let violation = self.decode::<proto::Violation>("violation", &bytes)?;
            index.push(number, &violation, bytes.len());
        }
        for (id, bytes) in records.1 {
            index.add_trace(TraceId::from_bytes(&id), bytes);
        }
        *self.index.write() = index;
        Ok(())
    }

    /// All rules, by id.
    ///
    /// # Errors
    /// If the store can't be read.
    pub fn rules(&self) -> Result<Vec<proto::Rule>> {
        let records = self.read(|read| {
            let mut records = Vec::new();
            for row in read.open_table(RULES)?.iter()? {
                records.push(row?.1.value().to_vec());
            }
            Ok(records)
        })?;
        records.iter().map(|bytes| self.decode("rule", bytes)).collect()
    }

    /// # Errors
    /// If the store can't be written; nothing has changed then.
    pub fn put_rule(&self, rule: &proto::Rule) -> Result<()> {
        let bytes = rule.encode_to_vec();
        self.write(|write| {
            write.open_table(RULES)?.insert(rule.id.as_str(), bytes.as_slice())?;
            Ok(())
        })
    }

    /// # Errors
    /// If the store can't be written; nothing has changed then.
    pub fn delete_rule(&self, id: &str) -> Result<()> {
        self.write(|write| {
            write.open_table(RULES)?.remove(id)?;
            Ok(())
        })
    }

    /// Stores those that are not there yet, and drops the oldest over the capacity.
    ///
    /// # Errors
    /// If the store can't be written; nothing has changed then.
    pub fn insert(&self, batch: &[NewViolation]) -> Result<Inserted> {
        // Between the commit and the index a reader misses what is new, and a second writer would take its numbers.
        let mut doubtful = self.writer.lock();
        if *doubtful {
            self.fill_index()?;
        }
        *doubtful = true;
        let mut all = Inserted::default();
        // Never more at once than what is kept, so that those that were there before can make room.
        for part in batch.chunks(self.capacity.violations.max(1)) {
            let inserted = self.insert_part(part)?;
            all.fresh.extend(inserted.fresh);
            all.evicted += inserted.evicted;
        }
        *doubtful = false;
        Ok(all)
    }

    fn insert_part(&self, batch: &[NewViolation]) -> Result<Inserted> {
        let mut fresh = Vec::new();
        let mut traces = Vec::new();
        let evict = self.write(|write| {
            // Of a try before this one.
            fresh.clear();
            traces.clear();
            let index = self.index.read();
            let mut violations = write.open_table(VIOLATIONS)?;
            let mut numbers = write.open_table(NUMBERS)?;
            let mut stored_traces = write.open_table(TRACES)?;
            let mut outbox = write.open_table(OUTBOX)?;
            let mut next = index.next_number();
            let mut used = index.bytes();
            for new in batch {
                let id = new.violation.id.as_str();
                if numbers.get(id)?.is_some() {
                    continue;
                }
                let bytes = new.violation.encode_to_vec();
                violations.insert(next, bytes.as_slice())?;
                numbers.insert(id, next)?;
                outbox.insert(next, ())?;
                used += bytes.len() as u64;
                if stored_traces.get(new.trace_id.as_bytes())?.is_none() {
                    let bytes = new.trace.encode_to_vec();
                    stored_traces.insert(new.trace_id.as_bytes(), bytes.as_slice())?;
                    used += bytes.len() as u64;
                    traces.push((new.trace_id, bytes.len()));
                }
                fresh.push((next, &new.violation, bytes.len()));
                next += 1;
            }
            let evict = index.oldest_over(self.capacity, fresh.len(), used);
            for number in &evict.numbers {
                if let Some(bytes) = violations.remove(number)? {
                    if let Ok(violation) = proto::Violation::decode(bytes.value()) {
                        numbers.remove(violation.id.as_str())?;
                    }
                }
                outbox.remove(number)?;
            }
            for trace in &evict.traces {
                // It may have been found again just now.
                if !batch.iter().any(|new| new.trace_id == *trace) {
                    stored_traces.remove(trace.as_bytes())?;
                }
            }
            Ok(evict)
        })?;
        let mut index = self.index.write();
        for (number, violation, bytes) in &fresh {
            index.push(*number, violation, *bytes);
        }
        for (trace, bytes) in traces {
            index.add_trace(Some(trace), bytes);
        }
        index.drop_oldest(evict.numbers.len());
        let fresh = fresh.into_iter().map(|(_, violation, _)| violation.id.clone()).collect();
        Ok(Inserted { fresh, evicted: evict.numbers.len() })
    }

    /// # Errors
    /// If the store can't be read.
    pub fn violation(&self, id: &str) -> Result<Option<proto::Violation>> {
        let bytes = self.read(|read| {
            let Some(number) = read.open_table(NUMBERS)?.get(id)?.map(|number| number.value()) else {
                return Ok(None);
            };
            Ok(read.open_table(VIOLATIONS)?.get(number)?.map(|bytes| bytes.value().to_vec()))
        })?;
        bytes.map(|bytes| self.decode("violation", &bytes)).transpose()
    }

    /// Newest first, and how many match in all.
    ///
    /// # Errors
    /// If the store can't be read.
    pub fn violations(&self, filter: &Filter, page: Page) -> Result<(Vec<proto::Violation>, usize)> {
        let (numbers, total) = self.index.read().select(filter, page);
        Ok((self.numbered(&numbers)?.into_iter().map(|(_, violation)| violation).collect(), total))
    }

    /// What the index says, for counting.
    pub fn index<T>(&self, look: impl FnOnce(&Index) -> T) -> T {
        look(&self.index.read())
    }

    /// # Errors
    /// If the store can't be read.
    pub fn trace(&self, id: TraceId) -> Result<Option<proto::Trace>> {
        let bytes = self.read(|read| {
            Ok(read.open_table(TRACES)?.get(id.as_bytes())?.map(|bytes| bytes.value().to_vec()))
        })?;
        bytes.map(|bytes| self.decode("trace", &bytes)).transpose()
    }

    /// The oldest violations that are still to be sent.
    ///
    /// # Errors
    /// If the store can't be read.
    pub fn unsent(&self, most: usize) -> Result<Vec<(u64, proto::Violation)>> {
        let numbers = self.read(|read| {
            let mut numbers = Vec::new();
            for row in read.open_table(OUTBOX)?.iter()?.take(most) {
                numbers.push(row?.0.value());
            }
            Ok(numbers)
        })?;
        self.numbered(&numbers)
    }

    /// # Errors
    /// If the store can't be written; they are sent again then.
    pub fn sent(&self, numbers: &[u64]) -> Result<()> {
        self.write(|write| {
            let mut outbox = write.open_table(OUTBOX)?;
            for number in numbers {
                outbox.remove(number)?;
            }
            Ok(())
        })
    }

    fn numbered(&self, numbers: &[u64]) -> Result<Vec<(u64, proto::Violation)>> {
        let records = self.read(|read| {
            let table = read.open_table(VIOLATIONS)?;
            let mut records = Vec::with_capacity(numbers.len());
            for number in numbers {
                // One that was evicted since is not there, and is not missed.
                if let Some(bytes) = table.get(number)? {
                    records.push((*number, bytes.value().to_vec()));
                }
            }
            Ok(records)
        })?;
        records.into_iter().map(|(number, bytes)| Ok((number, self.decode("violation", &bytes)?))).collect()
    }

    fn reopen(&self) -> Result<()> {
        let mut database = self.database.write();
        // Closed first, since it can't be open twice.
        guarded(&self.path, || {
            *database = None;
            *database = Some(open(&self.path)?);
            Ok(())
        })
    }

    /// After an error of the disk the library takes nothing more, reading too, until the file is opened again.
    fn opened_again<T>(&self, mut attempt: impl FnMut() -> Result<T>) -> Result<T> {
        match attempt() {
            Err(Error::Closed { .. } | Error::Database { source: redb::Error::PreviousIo, .. }) => {
                self.reopen()?;
                attempt()
            }
            result => result,
        }
    }

    fn read<T>(
        &self,
        body: impl Fn(&redb::ReadTransaction) -> std::result::Result<T, redb::Error>,
    ) -> Result<T> {
        self.opened_again(|| {
            let guard = self.database.read();
            let database = guard.as_ref().ok_or_else(|| Error::Closed { path: self.path.clone() })?;
            let read = database.begin_read().map_err(|source| self.failed(source.into()))?;
            body(&read).map_err(|source| self.failed(source))
        })
    }

    fn write<T>(
        &self,
        mut body: impl FnMut(&redb::WriteTransaction) -> std::result::Result<T, redb::Error>,
    ) -> Result<T> {
        self.opened_again(|| {
            let guard = self.database.read();
            let database = guard.as_ref().ok_or_else(|| Error::Closed { path: self.path.clone() })?;
            let write = database.begin_write().map_err(|source| self.failed(source.into()))?;
            let value = body(&write).map_err(|source| self.failed(source))?;
            write.commit().map_err(|source| self.failed(source.into()))?;
            Ok(value)
        })
    }

    fn failed(&self, source: redb::Error) -> Error {
        failed(&self.path, source)
    }

    fn decode<M: Message + Default>(&self, what: &'static str, bytes: &[u8]) -> Result<M> {
        M::decode(bytes).map_err(|source| Error::Record { path: self.path.clone(), what, source })
    }
}

/// Under another name first: a file of the real name is always a whole one, whenever the machine stops.
fn make(draft: &Path, path: &Path) -> Result<Database> {
    let make = || builder().create(draft).map_err(|source| failed(draft, source.into()));
    let database = match make() {
        Err(Error::InUse { .. }) => return Err(Error::InUse { path: path.to_owned() }),
        // Half of a draft.
        Err(_) => {
            drop(std::fs::remove_file(draft));
            make()?
        }
        Ok(database) => database,
    };
    if path.exists() {
        // Another process made it meanwhile, and has it open.
        return Err(Error::InUse { path: path.to_owned() });
    }
    let tables = || {
        let write = database.begin_write()?;
        write.open_table(RULES)?;
        write.open_table(VIOLATIONS)?;
        write.open_table(NUMBERS)?;
        write.open_table(TRACES)?;
        write.open_table(OUTBOX)?;
        write.commit()?;
        Ok(())
    };
    tables().map_err(|source| failed(draft, source))?;
    let renamed = std::fs::rename(draft, path)
        .and_then(|()| path.parent().map_or(Ok(()), |folder| std::fs::File::open(folder)?.sync_all()));
    renamed.map_err(|source| failed(path, redb::Error::Io(source)))?;
    Ok(database)
}

/// Opens a file that was there before, after a look at all of it.
fn open_whole(path: &Path) -> Result<Database> {
    guarded(path, || {
        let mut database = open(path)?;
        match database.check_integrity().map_err(|source| failed(path, source.into()))? {
            true => {}
            false => {
                tracing::warn!(path = %path.display(), "the store was damaged: its last commit was undone")
            }
        }
        Ok(database)
    })
}

fn open(path: &Path) -> Result<Database> {
    builder().open(path).map_err(|source| failed(path, source.into()))
}

fn builder() -> redb::Builder {
    let mut builder = Database::builder();
    builder.set_cache_size(CACHE_BYTES).set_repair_callback(|session| {
        if session.progress() == 0.0 {
            tracing::warn!("the store was not closed in order: a commit that is not whole is undone");
        }
    });
    builder
}

fn failed(path: &Path, source: redb::Error) -> Error {
    let path = path.to_owned();
    match source {
        redb::Error::DatabaseAlreadyOpen => Error::InUse { path },
        redb::Error::Corrupted(_) => Error::Damaged { path, source },
        redb::Error::Io(ref error)
            if matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof) =>
        {
            Error::Damaged { path, source }
        }
        source => Error::Database { path, source },
    }
}

/// The library believes much of what it reads while it opens a file, and panics where that is wrong.
fn guarded<T>(path: &Path, open: impl FnOnce() -> Result<T>) -> Result<T> {
    thread_local!(static GUARDED: Cell<bool> = const { Cell::new(false) });
    static HOOK: Once = Once::new();

    // What is caught here is told as an error; other threads may panic as ever.
    HOOK.call_once(|| {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !GUARDED.get() {
                hook(panic);
            }
        }));
    });
    GUARDED.set(true);
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(open));
    GUARDED.set(false);
    result.unwrap_or_else(|_| {
        let source = redb::Error::Corrupted("its parts contradict each other".to_owned());
        Err(Error::Damaged { path: path.to_owned(), source })
    })
}

const CACHE_BYTES: usize = 32 * 1024 * 1024;

/// The severity of a stored violation; what can't be known counts as low.
pub fn severity(violation: &proto::Violation) -> Severity {
    Severity::from_name(&violation.severity).unwrap_or(Severity::Low)
}
