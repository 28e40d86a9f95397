//! A profile's table: tables of the stack file that stand in it only when the profile is active.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{At, BuildTable, ImageTable, SecretTable, ServiceTable, SourceTable, UrlTable};

/// Tables that are laid over the file's own when the profile is active.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[schemars(rename = "profile")]
pub(crate) struct ProfileTable {
    /// What it is for: one line for people.
    pub(crate) description: Option<At<String>>,
    /// As `[values]`: its keys are added, or replace those of the same name.
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    pub(crate) values: toml::Table,
    /// As `[sources.NAME]`: sources are added, or replace whole those of the same name.
    pub(crate) sources: BTreeMap<At<String>, At<SourceTable>>,
    /// As `[build.NAME]`: builds are added, or replace whole those of the same name.
    pub(crate) build: BTreeMap<At<String>, BuildTable>,
    /// As `[url.NAME]`: archives and files are added, or replace whole those of the same name.
    pub(crate) url: BTreeMap<At<String>, UrlTable>,
    /// As `[image-defaults]`, laid over them: lists are joined, tables merged with the profile's keys on top, the rest is the
    /// profile's where it says something.
    pub(crate) image_defaults: Option<ImageTable>,
    /// As `[image.NAME]`: images are added, or laid over those of the same name as in `image-defaults`.
    pub(crate) image: BTreeMap<At<String>, ImageTable>,
    /// As `[service.NAME]`: services are added, or laid over those of the same name as images are.
    pub(crate) service: BTreeMap<At<String>, ServiceTable>,
    /// As `[secret.NAME]`: secrets are added, or replace whole those of the same name.
    pub(crate) secret: BTreeMap<At<String>, At<SecretTable>>,
}
