//! Paths of the Nix store, without Nix: archives, stores on disk, binary caches.
//!
//! A path is read once in the life of the content store, whether it came from a store on this machine ([`local`]) or from a binary
//! cache ([`Caches`]), and it is the same tree either way ([`Unpacked`]). What a cache says of a path counts only where a trusted key
//! signed it or its name follows from its content ([`narinfo::Trusted`]).

mod base32;
mod cache;
mod compression;
mod content_address;
mod error;
pub mod hash;
pub mod local;
mod location;
pub mod nar;
pub mod narinfo;

use longshore_oci::{Content, Digest, Node, Store, StoreError, StorePath, Tree};

pub use cache::{Caches, Info};
pub use compression::Compression;
pub use content_address::ContentAddress;
pub use error::{Error, Miss, Reason};
pub use nar::Unpacked;

/// Kind of the store's records; a new number whenever the same archive would give another tree.
const RECORD: &str = "nix-tree-1";

/// What `path` holds if its archive is `nar`, where that was read before and all of it is still in the store.
pub fn recorded(path: &StorePath, nar: &Content, store: &Store) -> Result<Option<Unpacked>, StoreError> {
    let record = store.record(RECORD, &key(path, nar))?;
    let known = record.and_then(|bytes| postcard::from_bytes::<Unpacked>(&bytes).ok());
    Ok(known.filter(|known| known.nar == *nar && whole(&known.tree, store)))
}

fn record(path: &StorePath, unpacked: &Unpacked, store: &Store) -> Result<(), StoreError> {
    // Serialising plain data to memory can't fail.
    match postcard::to_stdvec(unpacked) {
        Ok(bytes) => store.put_record(RECORD, &key(path, &unpacked.nar), &bytes),
        Err(_) => Ok(()),
    }
}

fn key(path: &StorePath, nar: &Content) -> Digest {
    Digest::of(format!("{} {}", nar.digest, path.base_name()).as_bytes())
}

/// Whether every file of a tree is in the store.
fn whole(tree: &Tree, store: &Store) -> bool {
    tree.iter().all(|(_, entry)| match &entry.node {
        Node::File(content) => store.has(content),
        Node::Directory | Node::Symlink(_) | Node::Hardlink(_) => true,
    })
}
