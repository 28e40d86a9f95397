//! `[nix]`.

use schemars::JsonSchema;
use serde::Deserialize;

use super::At;

/// Where paths of the Nix store come from on machines without Nix.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[schemars(rename = "nix")]
pub(crate) struct NixTable {
    /// Addresses of binary caches: `https:`, `http:`, `file:` or `s3:`. The one that says it comes first (its `Priority`) is asked
    /// first.
    #[schemars(extend("default" = [CACHE]))]
    pub(crate) caches: Option<Vec<At<String>>>,
    /// Public keys whose signatures are believed, as `nix key convert-secret-to-public` writes them.
    #[schemars(extend("default" = [KEY]))]
    pub(crate) trusted_public_keys: Option<Vec<At<String>>>,
}

/// The public cache of the Nix project (Nix manual, `substituters`).
pub(crate) const CACHE: &str = "https://cache.nixos.org";
/// Who signs what is there (Nix manual, `trusted-public-keys`).
pub(crate) const KEY: &str = "cache.nixos.org-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY=";
