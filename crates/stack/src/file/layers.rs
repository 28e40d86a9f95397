//! `[layers]` as written.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::At;

/// What has layers of its own, by names of your choice. Nothing is needed here: layers are planned for the whole stack. Each name
/// keeps the components that it lists together and apart from all others, in one layer for every set of images that has them.
/// `longshore plan` shows what components are called: `debian/openssl`, `build backend`, `path site`; a `*` at the end of a
/// name stands for any rest.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(rename = "layers", extend("examples" = [{ "python": ["debian/python3*", "debian/libpython3*"] }]))]
pub(crate) struct LayersTable(pub(crate) BTreeMap<At<String>, Vec<At<String>>>);
