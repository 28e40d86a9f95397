//! Arguments of `generate`.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};
use longshore_trust::foreign::Other;

use super::Compression;

#[derive(Debug, Args)]
pub struct Generate {
    /// What is written
    #[arg(value_enum)]
    pub target: Target,
    /// The folder that it is written to [default: deploy/TARGET beside the stack file]
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub output: Option<PathBuf>,
    /// Write nothing; fail if the files are not what the stack says
    #[arg(long)]
    pub check: bool,
    /// By what images are named [default: digest for kube, else loaded]
    #[arg(long, value_enum)]
    pub images: Option<ImagesBy>,
    /// How layers are compressed in the registry whose digests name images: as `push` is told
    #[arg(long, value_enum, default_value_t = Compression::Default)]
    pub compression: Compression,
    /// How objects for Kubernetes are written
    #[arg(long, value_enum, default_value_t = KubeForm::File)]
    pub form: KubeForm,
    /// Services of this group too, where files can't leave the choice to whoever starts them (kube); may be given again
    #[arg(long = "group", value_name = "GROUP")]
    pub groups: Vec<String>,
    /// Who must have signed and attested what, for the last three targets [default: policy.toml beside the stack file]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub policy: Option<PathBuf>,
    /// Write a policy that lacks what the other can't demand, and say what that is
    #[arg(long)]
    pub weaker: bool,
}

/// What is written: the services of the stack, or its policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Target {
    /// A Compose file, and the configuration files that it mounts
    Compose,
    /// Objects for Kubernetes
    Kube,
    /// Units for podman's systemd generator, and the configuration files that they mount
    Quadlet,
    /// The policy of the stack for Kyverno: an ImageValidatingPolicy
    Kyverno,
    /// The policy of the stack for Sigstore's policy-controller
    ClusterImagePolicy,
    /// The policy of the stack for podman, skopeo and CRI-O: policy.json
    ContainersPolicy,
}

impl Target {
    /// Its word on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Compose => "compose",
            Self::Kube => "kube",
            Self::Quadlet => "quadlet",
            Self::Kyverno => Other::Kyverno.word(),
            Self::ClusterImagePolicy => Other::ClusterImage.word(),
            Self::ContainersPolicy => Other::Containers.word(),
        }
    }
}

/// By what images are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ImagesBy {
    /// The tag that `longshore load` gives them, made from their content
    Loaded,
    /// The digest that they have in a registry
    Digest,
    /// What was pushed last: repository and digest, by `stack.published`
    Published,
}

impl ImagesBy {
    /// Its word on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Loaded => "loaded",
            Self::Digest => "digest",
            Self::Published => "published",
        }
    }
}

/// How objects for Kubernetes are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum KubeForm {
    /// One file
    File,
    /// A file for each object
    Folder,
    /// A base for kustomize
    Kustomize,
    /// A chart for Helm
    Helm,
}
