//! What the machine and the command line decide about builds. Nothing here is part of a recipe.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use longshore_net::Access;
use longshore_oci::{Component, Digest, PackageId, Progress, Store};

use super::Shared;
use crate::{Supply, Witness};

/// Brings the packages of toolchains.
pub trait Toolchains: Sync {
    /// Their components in the order of the map, each made from the package file of that digest, all of its bytes in
    /// the store.
    fn components(
        &self,
        packages: &BTreeMap<PackageId, Digest>,
    ) -> Result<Vec<Arc<Component>>, Box<dyn Error + Send + Sync>>;
}

/// What the machine and the command line decide.
pub struct Settings<'a> {
    /// Where everything is kept.
    pub store: Store,
    /// Whose builds these are: the path of the stack's folder. Tells builds of one name apart when changes are explained.
    pub stack: String,
    /// How much may be done at once.
    pub jobs: usize,
    /// Where work is reported.
    pub progress: &'a dyn Progress,
    /// Brings the packages of toolchains.
    pub toolchains: &'a dyn Toolchains,
    /// Whether fetches may be made.
    pub access: Access,
    /// Variables that a fetch gets besides its own: proxies. They may hold credentials and are kept nowhere.
    pub network: BTreeMap<String, String>,
    /// Files with the user's own settings of clients (mirrors, credentials) that a fetch sees, by their places inside, below
    /// `/homeless` or `/out`. They are mounted and never copied.
    pub files: BTreeMap<String, PathBuf>,
    /// The machine's CA certificates in one PEM file, for fetches; the usual places are tried when not said.
    pub certificates: Option<PathBuf>,
    /// What becomes of the folder of a build that fails.
    pub leftovers: Leftovers,
    /// Whether builds may use the machine's own toolchain.
    pub host: HostToolchain,
    /// Who is told of every file that builds take from elsewhere.
    pub witness: Option<&'a dyn Witness>,
    /// Where such files come from instead of the network: `--vendored`.
    pub supply: Option<&'a dyn Supply>,
    /// What builds made on other machines.
    pub shared: Option<&'a dyn Shared>,
}

/// What becomes of the folder of a build that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leftovers {
    /// It goes.
    Removed,
    /// It stays, and the error says where: `--keep-failed`.
    Kept,
}

/// Whether builds may use the machine's own toolchain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostToolchain {
    /// They may.
    Allowed,
    /// They may not: `--hermetic`.
    Refused,
}

/// What one build may use up. It decides whether there is an output, never which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Wall time of one command.
    pub time: Duration,
    /// Bytes of memory; none for no limit.
    pub memory: Option<u64>,
    /// Bytes that it may leave in its output; no file that it writes may be larger.
    pub output: u64,
}

impl Default for Limits {
    /// An hour, 8 GiB of output.
    fn default() -> Self {
        Self { time: Duration::from_secs(3600), memory: None, output: 8 << 30 }
    }
}

impl From<longshore_stack::model::Limits> for Limits {
    fn from(limits: longshore_stack::model::Limits) -> Self {
        Self { time: Duration::from_secs(limits.seconds), memory: limits.memory, output: limits.output }
    }
}
