//! `[cache]` as written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::At;

/// A repository of a registry in which machines share what builds made and how layers were compressed. It is read where it
/// answers, and written with `--write-cache`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "cache")]
pub(crate) struct CacheTable {
    /// The repository: `ghcr.io/org/cache`.
    pub(crate) registry: At<String>,
    /// Public keys (PEM files beside the stack file: ECDSA on P-256, as cosign and openssl write them). What a build made is taken
    /// from the cache only when one of them signed it; without keys only layers are, which are compared with what they compress.
    #[serde(default)]
    pub(crate) keys: Vec<At<String>>,
}
