//! Recipes: everything that decides what a build makes, as data.

use std::collections::BTreeMap;

use longshore_oci::{Component, Content, Digest, Facts, Origin, PackageId, Platform, Tree};
use serde::{Deserialize, Serialize};

/// The rules by which sandboxes are set up; another number may give other outputs from the same recipe.
pub const SANDBOX_VERSION: u32 = 1;

/// Everything that decides what a build makes. Equal recipes make equal outputs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipe {
    /// The build's name in the stack file; for people, and not part of the key.
    pub name: String,
    /// [`SANDBOX_VERSION`].
    pub sandbox: u32,
    /// What the output runs on.
    #[serde(with = "platform_text")]
    pub platform: Platform,
    /// What is `/`.
    pub root: Root,
    /// Trees seen in it, read-only, by absolute path.
    pub mounts: BTreeMap<String, Mounted>,
    /// Commands in order.
    pub steps: Vec<Step>,
    /// What is taken from where: the tree below this absolute path, `/out` for most.
    pub output: String,
    /// Writable folders that builds share and find as the last one left them, by absolute path: the name of each on
    /// this machine. For compilers' caches, which know by content what they hold: they decide how long a build
    /// takes, never what it makes, so they are not part of the key, and `rebuild` goes without.
    pub caches: BTreeMap<String, String>,
}

/// What is `/` in a sandbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Root {
    /// Packages, unpacked side by side, with what their scripts would have made that builds need.
    Packages(BTreeMap<PackageId, Digest>),
    /// The machine's own, read-only: `toolchain = "host"`.
    Host,
}

/// A tree seen in a sandbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mounted {
    /// What it is, for people: `source`, `modules`, `build backend`.
    pub what: String,
    /// Digest of the tree's serialised form; the tree itself is a record in the store.
    pub tree: Digest,
}

/// One command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// For people: `go build ./cmd/loki`.
    pub what: String,
    /// Program and arguments; the program absolute, inside.
    pub argv: Vec<String>,
    /// Environment besides what every sandbox has.
    pub env: BTreeMap<String, String>,
    /// Where it starts, inside.
    pub cwd: String,
}

/// A file that a fetch must bring: by its content, so that it can't change a build whatever fetched it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// Where the build finds it, relative to the dependency folder.
    pub path: String,
    /// Its bytes.
    pub content: Content,
}

impl Recipe {
    /// The key of its output: the digest of all of it but the name and the caches.
    pub fn key(&self) -> Digest {
        let anonymous = Self { name: String::new(), caches: BTreeMap::new(), ..self.clone() };
        // These types hold nothing that postcard can't.
        Digest::of(&postcard::to_stdvec(&anonymous).unwrap_or_default())
    }
}

/// What a build made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// What it left.
    pub tree: Tree,
    /// What the programs in it need.
    pub facts: Facts,
    /// Program interpreters and shared libraries that its programs need and that are not among what it left, sorted.
    pub references: Vec<String>,
}

impl Output {
    /// As it is kept.
    pub fn to_record(&self) -> Vec<u8> {
        // These types hold nothing that postcard can't.
        postcard::to_stdvec(self).unwrap_or_default()
    }

    /// From what was kept; none when that is damaged, or a tree that can't be.
    pub fn from_record(bytes: &[u8]) -> Option<Self> {
        postcard::from_bytes::<Self>(bytes).ok().filter(|output| output.tree.check().is_ok())
    }

    /// What an image takes in.
    pub fn component(self, build: &str) -> Component {
        Component {
            origin: Origin::Build(build.to_owned()),
            tree: self.tree,
            facts: self.facts,
            package: None,
        }
    }
}

/// Platforms as text: as they are, they leave out what they don't have, which only self-describing formats can read.
mod platform_text {
    use longshore_oci::Platform;
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(platform: &Platform, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(platform)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Platform, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}
