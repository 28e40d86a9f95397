//! Arguments of the commands about stacks that run.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

#[derive(Debug, Clone, Args)]
pub struct Up {
    /// Services to start, with all that they need [default: all that are in no group]
    #[arg(value_name = "SERVICE")]
    pub services: Vec<String>,
    /// Start the services of this group too; may be given again
    #[arg(long = "group", value_name = "NAME", conflicts_with = "services")]
    pub groups: Vec<String>,
    /// Run this service as a plain process of this machine, outside of a container; may be given again
    #[arg(long, value_name = "SERVICE")]
    pub native: Vec<String>,
    /// Leave once all services are ready, and let them run on
    #[arg(short, long)]
    pub detach: bool,
    /// Build again and restart what changed sources touch
    #[arg(short, long, conflicts_with = "detach")]
    pub watch: bool,
    /// Show what would be run, and run nothing
    #[arg(long, conflicts_with_all = ["detach", "watch"])]
    pub dry_run: bool,
    /// Build nothing: run what was pushed last, by digest, as far as the policy takes it
    #[arg(long, conflicts_with_all = ["watch", "native"])]
    pub published: bool,
    /// Build nothing: run the images in this layout, as far as the policy takes them
    #[arg(
        long, value_name = "DIR", value_hint = ValueHint::DirPath,
        conflicts_with_all = ["watch", "native", "published"]
    )]
    pub from: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Logs {
    /// Services [default: all]
    #[arg(value_name = "SERVICE")]
    pub services: Vec<String>,
    /// Go on with what they write from now on
    #[arg(short, long)]
    pub follow: bool,
    /// Only the last lines of each service
    #[arg(long, value_name = "N")]
    pub tail: Option<usize>,
    /// Say when each line was written
    #[arg(short, long)]
    pub timestamps: bool,
}

#[derive(Debug, Args)]
pub struct Exec {
    /// The service
    #[arg(value_name = "SERVICE")]
    pub service: String,
    /// A program of its image, and its arguments
    #[arg(value_name = "PROGRAM", required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub command: Vec<String>,
}

#[derive(Debug, Args)]
pub struct Restart {
    /// Services that run
    #[arg(value_name = "SERVICE", required = true)]
    pub services: Vec<String>,
}

#[derive(Debug, Args)]
pub struct Down {
    /// Delete the stack's volumes too: all data of its services
    #[arg(long)]
    pub volumes: bool,
}

#[derive(Debug, Args)]
pub struct Secrets {
    #[command(subcommand)]
    pub command: Option<SecretsCommand>,
}

/// What is done with secrets.
#[derive(Debug, Subcommand)]
pub enum SecretsCommand {
    /// Write their values where Compose or Kubernetes take them from; generates what is not there yet
    Export(Export),
}

#[derive(Debug, Args)]
pub struct Export {
    /// A folder that gets a file a secret
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath, required_unless_present = "kube")]
    pub folder: Option<PathBuf>,
    /// Print a manifest of a Kubernetes Secret instead
    #[arg(long, conflicts_with = "folder")]
    pub kube: bool,
}

#[derive(Debug, Args)]
pub struct Supervise {
    /// The stack's state folder
    #[arg(value_name = "DIR")]
    pub place: PathBuf,
}
