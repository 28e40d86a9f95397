//! Arguments of the commands about trust.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};
use longshore_trust::key::KeySource;

#[derive(Debug, Args)]
pub struct Keygen {
    /// Write `NAME.key` and `NAME.pub`
    #[arg(value_name = "NAME", default_value = "cosign", value_hint = ValueHint::FilePath)]
    pub name: PathBuf,
    /// Take the password from this file [default: COSIGN_PASSWORD, or else it is asked for]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub password_file: Option<PathBuf>,
}

/// Who signs, and who witnesses it.
#[derive(Debug, Clone, Args)]
pub struct Author {
    /// Sign with this key: a file, `env://VARIABLE`, `fd://NUMBER`, or `program:PATH` for one that a program keeps [default:
    /// without a key, with a certificate for who you are]
    #[arg(long, value_name = "KEY")]
    pub key: Option<KeySource>,
    /// Take the key's password from this file [default: COSIGN_PASSWORD, or else it is asked for]
    #[arg(long, value_name = "FILE", requires = "key", value_hint = ValueHint::FilePath)]
    pub password_file: Option<PathBuf>,
    /// The token that says who you are [default: what the CI system gives, or else you log in]
    #[arg(long, value_name = "FILE", conflicts_with = "key", value_hint = ValueHint::FilePath)]
    pub identity_token: Option<PathBuf>,
    /// The services of a Sigstore: certificates, log, timestamps [default: none with a key; without, what
    /// comes with the trusted root]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub signing_config: Option<PathBuf>,
    /// How you log in, where no CI system says who you are [default: `browser` where there is a display, else `device`]
    #[arg(long, value_enum, conflicts_with_all = ["key", "identity_token"])]
    pub login: Option<LoginWay>,
    /// Where you log in [default: as the services of the Sigstore say]
    #[arg(long, value_name = "URL", conflicts_with_all = ["key", "identity_token"])]
    pub oidc_issuer: Option<String>,
    /// What longshore is called there
    #[arg(long, value_name = "NAME", default_value = "sigstore")]
    pub oidc_client_id: String,
}

/// How a person logs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LoginWay {
    /// In a browser of this machine
    Browser,
    /// With a code, on any other device
    Device,
}

#[derive(Debug, Args)]
pub struct Sign {
    /// Images of the stack as they were pushed last, `REGISTRY/NAME@DIGEST`, or `oci:DIR[:NAME]` [default: all of the stack]
    #[arg(value_name = "IMAGE")]
    pub images: Vec<String>,
    /// All images of the stack, as when none is named
    #[arg(long, conflicts_with = "images")]
    pub all: bool,
    #[command(flatten)]
    pub author: Author,
    /// Also in cosign's older form, a `.sig` tag beside the image
    #[arg(long)]
    pub legacy: bool,
}

#[derive(Debug, Args)]
pub struct Attest {
    /// Images of the stack as they were pushed last, `REGISTRY/NAME@DIGEST`, or `oci:DIR[:NAME]` [default: all of the stack]
    #[arg(value_name = "IMAGE")]
    pub images: Vec<String>,
    /// All images of the stack, as when none is named
    #[arg(long, conflicts_with = "images")]
    pub all: bool,
    /// What is said: a JSON document
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub predicate: PathBuf,
    /// What kind of document it is: one of these, or the address of a type: `slsa-provenance`, `spdx`, `cyclonedx`,
    /// `vex`, `vulns`, `vuln`
    #[arg(long = "type", value_name = "TYPE")]
    pub kind: String,
    #[command(flatten)]
    pub author: Author,
    /// Also in cosign's older form, an `.att` tag beside the image
    #[arg(long)]
    pub legacy: bool,
}

#[derive(Debug, Args)]
pub struct Verify {
    /// Images of the stack as they were pushed last, `REGISTRY/NAME[:TAG][@DIGEST]`, or `oci:DIR[:NAME]` [default: all of the
    /// stack]
    #[arg(value_name = "IMAGE")]
    pub images: Vec<String>,
    /// All images of the stack, as when none is named
    #[arg(long, conflicts_with = "images")]
    pub all: bool,
    /// Who must have signed and attested what [default: policy.toml beside the stack file]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with_all = ["keys", "identity"])]
    pub policy: Option<PathBuf>,
    /// One of these public keys must have signed; may be given again
    #[arg(long = "key", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub keys: Vec<PathBuf>,
    /// Whose certificate must have signed: an email address or a workflow's address; `*` stands for any characters
    #[arg(long, value_name = "IDENTITY", requires = "issuer")]
    pub identity: Option<String>,
    /// Who says that it is theirs
    #[arg(long, value_name = "URL", requires = "identity")]
    pub issuer: Option<String>,
    /// Whether a log must have it [default: `required` of certificates, `ignored` of keys]
    #[arg(long, value_enum, conflicts_with = "policy")]
    pub log: Option<Log>,
    /// Certificate authorities, logs and timestamp authorities that are believed [default: what `longshore trusted-root show`
    /// shows]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub trusted_root: Option<PathBuf>,
    /// Ask no registry: images are named by digest, and what vouches for them are the bundles in this folder
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub bundle_dir: Option<PathBuf>,
    /// Write the bundles of what was verified to this folder, for `--bundle-dir`
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, conflicts_with = "bundle_dir")]
    pub export: Option<PathBuf>,
}

/// Whether a log must have a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Log {
    /// It must
    Required,
    /// It is not asked
    Ignored,
}

#[derive(Debug, Args)]
pub struct TrustedRoot {
    #[command(subcommand)]
    pub command: TrustedRootCommand,
}

/// What is done with the trusted root.
#[derive(Debug, Subcommand)]
pub enum TrustedRootCommand {
    /// Fetch it anew, and choose where it comes from
    Update(UpdateRoot),
    /// Show who is in it
    Show(ShowRoot),
}

#[derive(Debug, Args)]
pub struct UpdateRoot {
    /// From now on take it from this TUF repository [default: the one that is in use]
    #[arg(long, value_name = "URL")]
    pub mirror: Option<String>,
    /// The `root.json` that its metadata are checked by [default: that of the public Sigstore]
    #[arg(long, value_name = "FILE", requires = "mirror", value_hint = ValueHint::FilePath)]
    pub root: Option<PathBuf>,
    /// Write it to this file, for `--trusted-root` where there is no network
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct ShowRoot {
    /// A trusted root in a file [default: the one that is in use]
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: Option<PathBuf>,
}
