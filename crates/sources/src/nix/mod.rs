//! Paths of the Nix store as inputs: `{ nix = … }` and `{ flox = … }` in `contents`.
//!
//! ```text
//! command     the `nix` command, where there is one      an installable → store paths → all they refer to
//! graph       what stands for it inside of a Nix build   the same
//! cache       binary caches, without Nix                 a store path → all it refers to; its archive
//! lock        installables → pins
//! local       a path in a store on this machine          → its tree
//! nar         a path's archive                           → its tree, and back
//! load        pins → trees, from wherever they are nearest
//! ```
//!
//! [`lock`](lock()) asks Nix; [`load`](load()) needs the lock, and a store or a cache that has the paths. A path is read once in the life of the
//! content store, wherever it came from, and it is the same tree ([`Unpacked`]) whose archive has the SHA-256 of the lock. What a cache
//! says of a path counts only where a trusted key signed it or its name follows from its content ([`narinfo::Trusted`]).

mod answers;
mod base32;
mod cache;
mod command;
mod compression;
mod content_address;
mod error;
mod evaluate;
mod graph;
pub mod hash;
mod load;
pub mod local;
mod location;
mod lock;
pub mod nar;
pub mod narinfo;

use std::path::PathBuf;
use std::sync::OnceLock;

use longshore_oci::{Content, Digest, Progress, STORE_DIR, Store, StoreError, StorePath, Trust};

pub use cache::{Caches, Info};
pub use command::{Nix, Place, system};
pub use compression::Compression;
pub use content_address::ContentAddress;
pub use error::{Error, Miss, Reason};
pub use evaluate::{EvaluateError, Settings};
pub use graph::Graph;
pub use load::{archive, load};
pub use lock::{Pins, lock};
pub use nar::Unpacked;

use evaluate::Evaluator;

/// Nix as this machine has it, and how the store is used.
pub struct Access<'a> {
    settings: Settings,
    folder: PathBuf,
    evaluator: OnceLock<Evaluator>,
    caches: Caches<'a>,
    store: &'a Store,
    trust: Trust,
    jobs: usize,
    progress: &'a dyn Progress,
}

impl<'a> Access<'a> {
    /// `settings`, for the stack in `folder`; nothing is asked yet.
    pub fn new(
        settings: Settings,
        folder: PathBuf,
        caches: Caches<'a>,
        store: &'a Store,
        trust: Trust,
        jobs: usize,
        progress: &'a dyn Progress,
    ) -> Self {
        Self { settings, folder, evaluator: OnceLock::new(), caches, store, trust, jobs, progress }
    }

    fn evaluator(&self) -> Result<&Evaluator, EvaluateError> {
        if let Some(evaluator) = self.evaluator.get() {
            return Ok(evaluator);
        }
        let evaluator = match &self.settings {
            Settings::Command(program) => {
                Evaluator::Nix(Nix::new(program, &self.folder, self.caches.network())?)
            }
            Settings::Graph(file) => Evaluator::Graph(Graph::read(file)?),
            Settings::Nobody => Evaluator::Nobody,
        };
        Ok(self.evaluator.get_or_init(|| evaluator))
    }

    /// Where `path` is on this machine: in the store of the command, or where stores are.
    fn on_disk(&self, path: &StorePath) -> Option<PathBuf> {
        let folder = match self.evaluator.get() {
            Some(Evaluator::Nix(nix)) => match nix.place() {
                Place::Folder(folder) => folder.clone(),
                Place::Elsewhere => return None,
            },
            _ => PathBuf::from(STORE_DIR),
        };
        Some(folder.join(path.base_name())).filter(|at| at.symlink_metadata().is_ok())
    }
}

/// Kind of the store's records; a new number whenever the same archive would give another tree.
const RECORD: &str = "nix-tree-1";

/// What `path` holds if its archive is `nar`, where that was read before and, as far as the store is trusted, all of it is still there.
pub fn recorded(
    path: &StorePath,
    nar: &Content,
    store: &Store,
    trust: Trust,
) -> Result<Option<Unpacked>, StoreError> {
    let record = store.record(RECORD, &key(path, nar))?;
    let known = record.and_then(|bytes| postcard::from_bytes::<Unpacked>(&bytes).ok());
    let whole = |known: &Unpacked| trust == Trust::Records || store.has_all(&known.tree);
    Ok(known.filter(|known| known.nar == *nar && whole(known)))
}

fn record(path: &StorePath, unpacked: &Unpacked, store: &Store) -> Result<(), StoreError> {
    // Serialising plain data to memory can't fail.
    match postcard::to_stdvec(unpacked) {
        Ok(bytes) => store.put_record(RECORD, &key(path, &unpacked.nar), &bytes, unpacked.tree.contents()),
        Err(_) => Ok(()),
    }
}

fn key(path: &StorePath, nar: &Content) -> Digest {
    Digest::of(format!("{} {}", nar.digest, path.base_name()).as_bytes())
}
