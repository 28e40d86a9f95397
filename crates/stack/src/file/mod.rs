//! The stack file as written: what its keys are called and what may stand there. One definition gives reading, the
//! JSON Schema and the reference documentation, whose descriptions are the doc comments below. Nothing is checked
//! here that the schema can't say.

mod at;
mod build;
mod cache;
mod image;
mod layers;
mod nix;
mod profile;
mod publish;
mod service;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

pub(crate) use at::{At, Shorthand};
pub(crate) use build::{BuildTable, InputTable, TOOL_KINDS, ToolTable, UrlTable};
pub(crate) use cache::CacheTable;
pub(crate) use image::{CONTENT_KINDS, ContentTable, ImageTable, PortTable, UserTable, WritableTable};
pub(crate) use layers::LayersTable;
pub(crate) use nix::{CACHE, KEY, NixTable};
pub(crate) use profile::ProfileTable;
pub(crate) use publish::{PublishTable, RetentionTable};
pub(crate) use service::{
    FILE_KINDS, HEALTH_KINDS, HealthTable, NeedTable, ResourcesTable, SECRET_KINDS, SecretTable,
    ServiceFileTable, ServiceTable, VolumeTable,
};

/// One stack of images: which packages and files are in them, who runs them and how.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "stack.toml")]
pub(crate) struct File {
    /// What all images share.
    pub(crate) stack: StackTable,
    /// Your own values for templates: `{{ values.x }}`. Strings, numbers, booleans, lists and tables of these.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    pub(crate) values: toml::Table,
    /// Where packages come from. `NAME` is yours to choose.
    #[serde(default)]
    pub(crate) sources: BTreeMap<At<String>, At<SourceTable>>,
    /// A hermetic build, whose output images take with `{ build = "NAME" }`. `NAME` is yours to choose.
    #[serde(default)]
    pub(crate) build: BTreeMap<At<String>, BuildTable>,
    /// A pinned archive or file, which images take with `{ url = "NAME" }`. `NAME` is yours to choose.
    #[serde(default)]
    pub(crate) url: BTreeMap<At<String>, UrlTable>,
    /// Where paths of the Nix store come from on machines without Nix.
    #[serde(default)]
    pub(crate) nix: NixTable,
    /// What every image gets. The same keys as in `[image.NAME]`: lists are joined with the image's own, tables merged with
    /// the image's keys on top, anything else is used where the image says nothing.
    pub(crate) image_defaults: Option<ImageTable>,
    /// An image of the stack. `NAME` is its name.
    #[serde(default)]
    pub(crate) image: BTreeMap<At<String>, ImageTable>,
    /// How an image runs. `NAME` is yours to choose; it is the service's name on the stack's network.
    #[serde(default)]
    pub(crate) service: BTreeMap<At<String>, ServiceTable>,
    /// Something that services read and nobody else may. `NAME` is yours to choose.
    #[serde(default)]
    pub(crate) secret: BTreeMap<At<String>, At<SecretTable>>,
    #[serde(default)]
    pub(crate) layers: LayersTable,
    /// Where machines share what builds made and how layers were compressed.
    pub(crate) cache: Option<CacheTable>,
    /// How images are called in a registry, and which of them are kept there.
    #[serde(default)]
    pub(crate) publish: PublishTable,
    /// Who must have signed and attested what: the same as in `policy.toml`, of which there is none then.
    #[expect(
        dead_code,
        reason = "it is read apart, since images are held to it where no stack is worked with"
    )]
    #[schemars(with = "Option<BTreeMap<String, serde_json::Value>>")]
    pub(crate) policy: Option<toml::Table>,
    /// Other inputs of the same stack. One profile is active, or none: `--profile`, else `default-profile`. `NAME` is yours to
    /// choose, and each profile has its own lock, `stack.NAME.lock`.
    #[serde(default)]
    pub(crate) profile: BTreeMap<At<String>, ProfileTable>,
}

/// What all images share.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "stack")]
pub(crate) struct StackTable {
    /// The stack's name: lower-case letters, digits, `-`, `_` and `.`.
    pub(crate) name: At<String>,
    /// Images are called `<repository>/<image>`. The stack's name when left out.
    pub(crate) repository: Option<At<String>>,
    /// The released version; label `org.opencontainers.image.version`.
    pub(crate) version: Option<String>,
    /// Where the source code is; label `org.opencontainers.image.source`.
    pub(crate) source: Option<String>,
    /// Who publishes it; label `org.opencontainers.image.vendor`.
    pub(crate) vendor: Option<String>,
    /// SPDX licence expression; label `org.opencontainers.image.licenses`.
    pub(crate) licenses: Option<String>,
    /// The one time in all images, in seconds since 1970 (UTC).
    #[schemars(extend("default" = 0))]
    pub(crate) epoch: Option<u32>,
    /// What the images run on.
    #[schemars(length(min = 1), extend("default" = ["linux/amd64"]))]
    #[schemars(extend("items" = { "type": "string", "enum": platforms() }))]
    pub(crate) platforms: Option<Vec<At<String>>>,
    /// The source of packages that are named without one. Needed only when there are several sources.
    pub(crate) default_source: Option<At<String>>,
    /// The profile that is active when none is chosen with `--profile`. Without it, a stack with profiles needs the choice.
    pub(crate) default_profile: Option<At<String>>,
}

/// Where packages come from.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "source")]
pub(crate) struct SourceTable {
    /// What it is.
    #[schemars(extend("enum" = ["apt"]))]
    #[expect(dead_code, reason = "there is one kind, which the schema has already asked for")]
    pub(crate) kind: String,
    /// A distribution known by name, whose mirror is a setting of the machine. Either this or `url`.
    #[schemars(extend("enum" = DISTRIBUTIONS))]
    pub(crate) distribution: Option<At<String>>,
    /// The address of any other apt repository: the folder that holds `dists/`.
    pub(crate) url: Option<At<String>>,
    /// Suites that packages are taken from.
    #[schemars(length(min = 1))]
    pub(crate) suites: Vec<At<String>>,
    /// Components that packages are taken from.
    #[schemars(extend("default" = ["main"]))]
    pub(crate) components: Option<Vec<At<String>>>,
    /// Who must have signed it: a keyring shipped with longshore by name (`debian-archive`), or the path of a file of OpenPGP
    /// public keys beside the stack file. A name with a `/` or `.` in it is a path.
    #[schemars(extend("examples" = ["debian-archive", "keys/vendor.asc"]))]
    pub(crate) keyring: At<String>,
    /// Fingerprints of the only keys of the keyring that are accepted. All of them when left out.
    #[serde(default)]
    pub(crate) signed_by: Vec<At<String>>,
    /// Which package to take where several provide a name: `{ awk = "mawk" }`.
    #[serde(default)]
    pub(crate) prefer: BTreeMap<String, String>,
    /// Addresses of archives that keep old versions, asked when the mirror no longer has a locked package. `{timestamp}` stands
    /// for the time of the locked release, as in `20251122T083000Z`.
    #[serde(default)]
    pub(crate) snapshots: Vec<At<String>>,
    /// Accept release files past their `Valid-Until`, as those of old snapshots are.
    #[serde(default)]
    pub(crate) allow_expired: bool,
}

/// Distributions known by name.
pub(crate) const DISTRIBUTIONS: [&str; 1] = ["debian"];
/// Keyrings shipped with longshore.
pub(crate) const KEYRINGS: [&str; 1] = ["debian-archive"];

fn platforms() -> Vec<&'static str> {
    longshore_oci::Platform::SUPPORTED.map(|(name, _)| name).to_vec()
}
