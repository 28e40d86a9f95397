//! An image's table and the tables inside it.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use super::{At, Shorthand};

/// What is in an image and how it runs.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[schemars(rename = "image")]
pub(crate) struct ImageTable {
    /// Somebody's image that this one builds on: its layers stay as they are below this image's own, and where this image says
    /// nothing of how it runs, that one's word holds. With a tag the lock pins what it names now; a digest (`@sha256:…`) pins it here.
    #[schemars(extend("examples" = ["registry.example.org/debian:trixie-slim"]))]
    pub(crate) base: Option<At<String>>,
    /// What is in it: packages by name, longshore's fragments `ca-certificates` (the bundle of CA certificates) and `tzdata`
    /// (the time zones), and tables: see below.
    #[schemars(extend("examples" = [["ca-certificates", "nginx"]]))]
    pub(crate) contents: Vec<At<Shorthand<ContentTable>>>,
    /// The user that runs it. With `base` that one's user, where it is a number.
    #[schemars(extend("default" = { "name": "app", "uid": 65532 }))]
    pub(crate) user: Option<UserTable>,
    /// Users and groups besides, for owners of files.
    pub(crate) users: Vec<UserTable>,
    /// The program and its fixed arguments.
    pub(crate) entrypoint: Option<Vec<At<String>>>,
    /// The program, or default arguments of the entrypoint.
    pub(crate) command: Option<Vec<At<String>>>,
    /// Environment variables.
    pub(crate) env: BTreeMap<At<String>, At<String>>,
    /// The folder it starts in.
    #[schemars(extend("default" = "/"))]
    pub(crate) workdir: Option<At<String>>,
    /// OCI labels. Title, description, vendor, source, version, licences and time of creation are set from the stack.
    pub(crate) labels: BTreeMap<At<String>, String>,
    /// Label `org.opencontainers.image.title`. The image's name when left out.
    pub(crate) title: Option<String>,
    /// Label `org.opencontainers.image.description`.
    pub(crate) description: Option<String>,
    /// Ports the program listens on, by name: a number, a number with protocol as in `"53/udp"`, or a table.
    #[schemars(schema_with = "ports")]
    pub(crate) ports: BTreeMap<At<String>, At<Shorthand<PortTable>>>,
    /// The signal that asks it to stop.
    #[schemars(extend("default" = "SIGTERM"))]
    pub(crate) stop_signal: Option<At<String>>,
    /// Empty folders that the program may write: a path, or a table.
    pub(crate) writable: Vec<At<Shorthand<WritableTable>>>,
    /// Links that packages would have made with `update-alternatives`: the link's path and what it points to.
    #[schemars(extend("examples" = [{ "/usr/bin/awk": "mawk" }]))]
    pub(crate) alternatives: BTreeMap<At<String>, At<String>>,
    /// PEM files beside the stack file that are added to the bundle of CA certificates.
    pub(crate) certificates: Vec<At<String>>,
    /// Parts of packages that are kept though they are dropped by default.
    #[schemars(extend("items" = { "type": "string", "enum": KEEP }))]
    pub(crate) keep: Vec<At<String>>,
    /// Findings that are accepted: the name of a check for all it finds, or `check:what` for one finding.
    #[schemars(extend("examples" = [["setuid:/usr/bin/su", "compiler"]]))]
    pub(crate) allow: Vec<At<String>>,
    /// The image has at most this many layers.
    #[schemars(range(min = 1, max = 100), extend("default" = 40))]
    pub(crate) max_layers: Option<usize>,
}

/// What `keep` takes.
pub(crate) const KEEP: [&str; 3] = ["docs", "man", "locales"];

/// A user and its group.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "user")]
pub(crate) struct UserTable {
    /// The name of user and group: lower-case letters, digits, `-` and `_`, at most 32.
    pub(crate) name: At<String>,
    /// The user's number.
    #[schemars(range(min = 0, max = 4_294_967_294_u32))]
    pub(crate) uid: At<u32>,
    /// The group's number. `uid` when left out.
    #[schemars(range(min = 0, max = 4_294_967_294_u32))]
    pub(crate) gid: Option<u32>,
    /// The home folder.
    #[schemars(extend("default" = "/"))]
    pub(crate) home: Option<At<String>>,
    /// The login shell.
    #[schemars(extend("default" = "/usr/sbin/nologin"))]
    pub(crate) shell: Option<At<String>>,
}

/// A port in full.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "port")]
pub(crate) struct PortTable {
    /// Its number.
    #[schemars(range(min = 1, max = 65_535))]
    pub(crate) number: i64,
    /// Its protocol.
    #[schemars(extend("enum" = ["tcp", "udp"], "default" = "tcp"))]
    pub(crate) protocol: Option<String>,
}

pub(super) fn ports(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "object", "additionalProperties": { "anyOf": [
        { "type": "integer", "minimum": 1, "maximum": 65_535 },
        { "type": "string", "pattern": "^[0-9]{1,5}(/(tcp|udp))?$" },
        generator.subschema_for::<PortTable>(),
    ] } })
}

/// A writable folder in full.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "writable")]
pub(crate) struct WritableTable {
    /// Where it is.
    pub(crate) path: At<String>,
    /// Whose it is: a name from `user` or `users`, or `root`. The user that runs the image when left out.
    pub(crate) owner: Option<At<String>>,
    /// Its permissions in octal.
    #[schemars(regex(pattern = "^[0-7]{3,4}$"), extend("default" = "0750"))]
    pub(crate) mode: Option<At<String>>,
}

/// One thing in an image, in full. Read as one table whose kind is the key of [`CONTENT_KINDS`] that it has.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "content")]
pub(crate) struct ContentTable {
    /// A package and all it depends on; with `from` only files of it.
    pub(crate) package: Option<At<String>>,
    /// The source it comes from.
    pub(crate) source: Option<At<String>>,
    /// Take only these files or folders of the package, and the shared libraries they need. Of a build or archive: the one file or
    /// folder that is taken, relative; all of it when left out. Of an image: the files or folders that are taken, by their paths in
    /// it; all of it when left out. Of a path of the Nix store, which stays where it is: the files or folders that are linked at
    /// `to`, relative; what is in its `bin` is linked in `/bin` when neither is said, and nothing for an empty list.
    pub(crate) from: Option<At<Shorthand<Vec<At<String>>>>>,
    /// Files or folders of the package or its dependencies that are needed besides.
    pub(crate) extra: Option<Vec<At<String>>>,
    /// A file beside the stack file.
    pub(crate) file: Option<At<String>>,
    /// The git-tracked files of a folder beside the stack file.
    pub(crate) directory: Option<At<String>>,
    /// A text, taken as it is.
    pub(crate) text: Option<At<String>>,
    /// A file beside the stack file that is rendered with the stack's values (Jinja syntax): `stack`, `image`, `images`, `values`.
    pub(crate) template: Option<At<String>>,
    /// What a build of the stack made, by the build's name.
    pub(crate) build: Option<At<String>>,
    /// A pinned archive or file, by its name.
    pub(crate) url: Option<At<String>>,
    /// Somebody's image, of which files are taken. With a tag the lock pins what it names now; a digest (`@sha256:…`) pins it here.
    pub(crate) image: Option<At<String>>,
    /// A path of the Nix store and all it refers to: an output of a flake (`.#backend`, `nixpkgs#caddy`), a store path, or a Nix
    /// file beside the stack file.
    #[schemars(extend("examples" = [".#backend", "nixpkgs#caddy"]))]
    pub(crate) nix: Option<At<String>>,
    /// What a Flox environment installs, as its lock has it, with all it refers to: the folder beside the stack file that holds
    /// `.flox`, or `.`. What it says of variables and containers is the image's where that says nothing itself.
    #[schemars(extend("examples" = ["."]))]
    pub(crate) flox: Option<At<String>>,
    /// The attribute of the Nix file's value.
    pub(crate) attr: Option<At<String>>,
    /// Names of store paths that are left out though something refers to them, with what only they refer to: `gcc-13.2.0`, or
    /// `gcc-*` for all that begin so. Refused for what is really needed.
    pub(crate) exclude: Option<Vec<At<String>>>,
    /// A symbolic link with this target.
    pub(crate) symlink: Option<At<String>>,
    /// Where it goes: an absolute path; one that ends in `/` is the folder it goes into under its own name. What is taken of an
    /// image stays where it was when left out.
    pub(crate) to: Option<At<String>>,
    /// Permissions in octal. `0644` when left out, `0755` for files that are executable beside the stack file; those of an image
    /// keep their own.
    #[schemars(regex(pattern = "^[0-7]{3,4}$"))]
    pub(crate) mode: Option<At<String>>,
    /// Whose it is: a name from `user` or `users`, or `root`. What is taken of an image keeps its own.
    #[schemars(extend("default" = "root"))]
    pub(crate) owner: Option<At<String>>,
}

/// The kinds of content, by the key that makes a table one of them: the keys it needs besides, and the keys it may have.
pub(crate) const CONTENT_KINDS: [(&str, &[&str], &[&str]); 11] = [
    ("package", &[], &["source", "from", "to", "extra"]),
    ("file", &["to"], &["mode", "owner"]),
    ("directory", &["to"], &["mode", "owner"]),
    ("text", &["to"], &["mode", "owner"]),
    ("template", &["to"], &["mode", "owner"]),
    ("build", &["to"], &["from", "mode", "owner"]),
    ("url", &["to"], &["from", "mode", "owner"]),
    ("image", &[], &["from", "to", "mode", "owner"]),
    ("nix", &[], &["attr", "from", "to", "exclude"]),
    ("flox", &[], &["from", "to", "exclude"]),
    ("symlink", &["to"], &[]),
];
