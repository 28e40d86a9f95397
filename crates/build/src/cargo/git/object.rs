//! Git's objects and their names (git's documentation, "gitformat-pack", "git-hash-object"; Pro Git, "Git Objects").
//!
//! A name is the SHA-1 of an object's kind, length and bytes. SHA-1 is broken: who can make both of two files can give
//! them one name. It is what git and `Cargo.lock` pin by, so nothing stronger can be asked of a revision; but objects that
//! bear the marks of the known attacks are refused, as git itself refuses them.

use std::fmt;
use std::io::Write as _;
use std::str::FromStr;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use serde::{Deserialize, Serialize};
use sha1_checked::{Digest as _, Sha1};

/// The name of a git object: a SHA-1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ObjectId([u8; 20]);

/// What an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A tree with its history.
    Commit,
    /// A folder.
    Tree,
    /// A file.
    Blob,
    /// A note on another object.
    Tag,
}

/// An object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Object {
    pub kind: Kind,
    pub bytes: Vec<u8>,
}

/// Bytes that bear the marks of an attack on SHA-1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Collision;

/// An entry of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item {
    pub behind: Behind,
    pub name: Vec<u8>,
    pub id: ObjectId,
}

/// What an entry of a tree leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Behind {
    /// A folder.
    Tree,
    /// A file.
    File,
    /// A symbolic link; its target is a blob.
    Link,
    /// A commit of another repository.
    Submodule,
}

impl ObjectId {
    /// The name in 20 bytes.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    pub(super) fn as_bytes(&self) -> &[u8; 20] {
        &self.0
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for ObjectId {
    type Err = ();

    /// Whole names only: 40 hexadecimal digits.
    fn from_str(text: &str) -> Result<Self, ()> {
        let digits = text.as_bytes();
        if digits.len() != 40 {
            return Err(());
        }
        let mut id = [0; 20];
        for (byte, pair) in id.iter_mut().zip(digits.chunks(2)) {
            let digit =
                |at: usize| char::from(pair[at]).to_digit(16).and_then(|d| u8::try_from(d).ok()).ok_or(());
            *byte = digit(0)? << 4 | digit(1)?;
        }
        Ok(Self(id))
    }
}

impl Kind {
    /// The kind by its name.
    pub fn named(name: &[u8]) -> Option<Self> {
        [Self::Commit, Self::Tree, Self::Blob, Self::Tag]
            .into_iter()
            .find(|kind| kind.name().as_bytes() == name)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Commit => "commit",
            Self::Tree => "tree",
            Self::Blob => "blob",
            Self::Tag => "tag",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Object {
    /// Its name.
    pub fn id(&self) -> Result<ObjectId, Collision> {
        sha1(&[self.head().as_bytes(), &self.bytes])
    }

    /// As git keeps it in a file of its own.
    pub fn loose(&self) -> std::io::Result<Vec<u8>> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(self.head().as_bytes())?;
        encoder.write_all(&self.bytes)?;
        encoder.finish()
    }

    fn head(&self) -> String {
        format!("{} {}\0", self.kind, self.bytes.len())
    }

    /// Of a commit: the name of its tree, which is its first line.
    pub fn tree(&self) -> Option<ObjectId> {
        let line = self.bytes.strip_prefix(b"tree ")?.get(..41)?.strip_suffix(b"\n")?;
        std::str::from_utf8(line).ok()?.parse().ok()
    }

    /// Of a tree: its entries. None where it is none that git writes.
    pub fn items(&self) -> Option<Vec<Item>> {
        let mut rest = self.bytes.as_slice();
        let mut items = Vec::new();
        while !rest.is_empty() {
            let space = rest.iter().position(|&b| b == b' ')?;
            let end = rest.iter().position(|&b| b == 0)?;
            let name = rest.get(space + 1..end)?.to_vec();
            let behind = match rest.get(..space)? {
                b"40000" => Behind::Tree,
                // Old versions of git wrote modes with a group that may write.
                b"100644" | b"100664" | b"100755" => Behind::File,
                b"120000" => Behind::Link,
                b"160000" => Behind::Submodule,
                _ => return None,
            };
            let id = ObjectId::from_bytes(rest.get(end + 1..end + 21)?)?;
            rest = rest.get(end + 21..)?;
            items.push(Item { behind, name, id });
        }
        Some(items)
    }
}

/// The SHA-1 of `parts` in a row.
pub(super) fn sha1(parts: &[&[u8]]) -> Result<ObjectId, Collision> {
    let mut hash = Sha1::new();
    parts.iter().for_each(|part| hash.update(part));
    let result = hash.try_finalize();
    if result.has_collision() {
        return Err(Collision);
    }
    ObjectId::from_bytes(result.hash()).ok_or(Collision)
}
