//! Arguments of the commands about registries.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueHint};
use longshore_oci::{Platform, Reference};
use longshore_publish::copy::Place;

use super::{Author, Compression, Selection};

#[derive(Debug, Args)]
pub struct Push {
    #[command(flatten)]
    pub selection: Selection,
    /// Push to `REPOSITORY/IMAGE` [default: the stack's `repository`]
    #[arg(long, value_name = "REPOSITORY")]
    pub to: Option<String>,
    /// What the images are called; may be given again [default: `tags` of `[publish]`]
    #[arg(short, long = "tag", value_name = "TAG")]
    pub tags: Vec<String>,
    /// Build nothing: push what `longshore build --output DIR` wrote
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, conflicts_with = "platforms")]
    pub from: Option<PathBuf>,
    /// Say what would be sent and what is there already, and send nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Move tags that `[publish]` calls immutable
    #[arg(long)]
    pub force: bool,
    /// How layers are compressed
    #[arg(long, value_enum, default_value_t = Compression::Default)]
    pub compression: Compression,
    /// Sign the images before their tags move; `--key` alone says the same
    #[arg(long)]
    pub sign: bool,
    /// Sign also how the images were made, as SLSA provenance, and of what, as SPDX and CycloneDX
    #[arg(long, conflicts_with = "from")]
    pub attest: bool,
    /// Who builds, as provenance has it: the address of your build system
    #[arg(long, value_name = "URI", default_value = "urn:longshore:builder:local")]
    pub builder: String,
    #[command(flatten)]
    pub author: Author,
    /// Who vouches for certificates of the Sigstore that signs: what was signed is verified before a tag moves [default: what
    /// `longshore trusted-root show` shows]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub trusted_root: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Login {
    /// Host and port [default: Docker's]
    #[arg(value_name = "REGISTRY", default_value = "docker.io")]
    pub registry: String,
    /// Your name there; asked for when left out
    #[arg(short, long, value_name = "NAME")]
    pub username: Option<String>,
    /// Take the password from standard input
    #[arg(long)]
    pub password_stdin: bool,
}

#[derive(Debug, Args)]
pub struct Logout {
    /// Host and port [default: Docker's]
    #[arg(value_name = "REGISTRY", default_value = "docker.io")]
    pub registry: String,
}

#[derive(Debug, Args)]
pub struct Copy {
    /// `REGISTRY/NAME:TAG`, `oci:DIR[:NAME]`, `archive:FILE[:NAME]`, `docker:NAME`, `podman:NAME`, `containerd:NAME` or `k3s:NAME`
    #[arg(value_name = "FROM")]
    pub from: Place,
    /// The same
    #[arg(value_name = "TO")]
    pub to: Place,
    /// Only this platform [default: all]
    #[arg(short, long, value_name = "OS/ARCH")]
    pub platform: Option<Platform>,
    /// Leave signatures, attestations and whatever else refers to the image
    #[arg(long)]
    pub no_referrers: bool,
}

#[derive(Debug, Args)]
pub struct Pull {
    /// Images, as `REGISTRY/NAME:TAG` [default: what the stack pushed last, by `stack.published`]
    #[arg(value_name = "REFERENCE")]
    pub references: Vec<Reference>,
    /// The OCI image layout that they are put into
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub output: PathBuf,
    /// Only this platform [default: all]
    #[arg(short, long, value_name = "OS/ARCH")]
    pub platform: Option<Platform>,
}

#[derive(Debug, Args)]
pub struct Prune {
    /// Repositories, as `REGISTRY/NAME` [default: those of the stack's images]
    #[arg(value_name = "REPOSITORY")]
    pub repositories: Vec<Reference>,
    /// The stack's images are in `REPOSITORY/IMAGE` [default: the stack's `repository`]
    #[arg(long, value_name = "REPOSITORY", conflicts_with = "repositories")]
    pub to: Option<String>,
    /// Do it: without this, only say what would go
    #[arg(short, long)]
    pub yes: bool,
}

#[derive(Debug, Args)]
pub struct Serve {
    #[command(flatten)]
    pub selection: Selection,
    /// Where to listen; on loopback only, since anybody who reaches it may read
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:5000")]
    pub listen: SocketAddr,
    /// How layers are compressed
    #[arg(long, value_enum, default_value_t = Compression::Default)]
    pub compression: Compression,
    /// What the images are called; may be given again
    #[arg(short, long = "tag", value_name = "TAG", default_value = "latest")]
    pub tags: Vec<String>,
}
