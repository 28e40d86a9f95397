//! Who says on a machine what an installable is, and why nobody can.

use std::path::PathBuf;

use longshore_oci::{Platform, StorePath};

use super::{Graph, Nix};

/// Who says on this machine what an installable is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settings {
    /// The `nix` command at this path.
    Command(PathBuf),
    /// A file, inside of a Nix build.
    Graph(PathBuf),
    /// Nobody: store paths alone can be had, from caches.
    Nobody,
}

/// The same, ready to be asked.
pub(super) enum Evaluator {
    /// The command.
    Nix(Nix),
    /// What was handed over.
    Graph(Graph),
    /// Nobody.
    Nobody,
}

/// Why it is not known what an installable is, or it could not be built.
#[derive(Debug, thiserror::Error)]
pub enum EvaluateError {
    /// There is no Nix.
    #[error("`{installable}` can only be locked where there is Nix")]
    NeedsNix {
        /// The installable.
        installable: String,
    },
    /// The command can't be run.
    #[error("`{}` can't be run", program.display())]
    Command {
        /// The command.
        program: PathBuf,
        /// Why.
        #[source]
        error: std::io::Error,
    },
    /// The command does not say which version of Nix it is.
    #[error("`{} --version` does not answer as Nix does{}", program.display(), quoted(said))]
    NotNix {
        /// The command.
        program: PathBuf,
        /// What it said.
        said: Vec<String>,
    },
    /// The command failed.
    #[error("`{command}` failed{}", quoted(said))]
    Failed {
        /// What was run.
        command: String,
        /// The last lines that it said.
        said: Vec<String>,
    },
    /// An installable can't be built.
    #[error("`{installable}` can't be built for {platform}{}", quoted(said))]
    Build {
        /// The installable.
        installable: String,
        /// For what.
        platform: Platform,
        /// The last lines that Nix said.
        said: Vec<String>,
    },
    /// What it answers is not understood.
    #[error("what `{command}` answers is not understood: {reason}")]
    Answer {
        /// What was run.
        command: String,
        /// What is wrong with it.
        reason: String,
    },
    /// It is another one than was locked.
    #[error(
        "`{installable}` was locked as {} for {platform}, and Nix builds {} now",
        names(locked),
        names(now)
    )]
    Moved {
        /// The installable.
        installable: String,
        /// For what.
        platform: Box<Platform>,
        /// What was locked.
        locked: Vec<StorePath>,
        /// What it is now.
        now: Vec<StorePath>,
    },
    /// The file that stands for Nix can't be read.
    #[error("`{}`, which is to say what store paths there are, can't be read: {reason}", file.display())]
    Graph {
        /// The file.
        file: PathBuf,
        /// Why.
        reason: String,
    },
    /// The file does not have an installable.
    #[error("`{installable}` was not handed over for {platform}")]
    NotHandedOver {
        /// The installable.
        installable: String,
        /// For what.
        platform: Platform,
    },
    /// The file does not have a path.
    #[error("store path `{path}` was not handed over")]
    NoPath {
        /// The path.
        path: StorePath,
    },
}

impl EvaluateError {
    /// What the user can do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NeedsNix { .. } => Some(
                "install Nix and run `longshore lock`, or run that on a machine that has it: with the lock, this one builds from \
                 binary caches"
                    .to_owned(),
            ),
            Self::Command { .. } | Self::NotNix { .. } => Some("name another one with LONGSHORE_NIX, or do without: LONGSHORE_NIX=none".to_owned()),
            Self::Build { said, .. } | Self::Failed { said, .. } => hint(said),
            Self::Moved { installable, .. } => Some(format!("to take what it is now, run `longshore update '{installable}'`")),
            Self::NotHandedOver { installable, .. } => {
                Some(format!("give it to `mkStack`: `packages.\"{installable}\" = …`"))
            }
            Self::Answer { .. } | Self::Graph { .. } | Self::NoPath { .. } => None,
        }
    }
}

/// What is known to help against what Nix says.
fn hint(said: &[String]) -> Option<String> {
    let says = |text: &str| said.iter().any(|line| line.contains(text));
    let hint = match () {
        () if says("big-lock") || says("Permission denied") => {
            "the store belongs to another user and no daemon runs: start `nix-daemon`, or use a store of your own with NIX_REMOTE=$HOME/store"
        }
        () if says("is required to build")
            || says("required system or feature")
            || says("Exec format error") =>
        {
            "have a machine of that kind build it (`builders` of nix.conf), or run it here with `extra-platforms` and an emulator; or \
             leave the platform out of `platforms`"
        }
        () if says("does not provide attribute") => "`nix flake show` lists what the flake has",
        () if says("is not tracked by Git")
            || says("not in the Git repository")
            || is_missing_in_source(said) =>
        {
            "a flake in a git repository has only what git tracks: run `git add`"
        }
        () if says("could not find a flake.nix file") => {
            "`.#NAME` is an output of the `flake.nix` beside the stack file: write one, or name a Nix file: `{ nix = \"default.nix\", attr = \"NAME\" }`"
        }
        () if says("Could not resolve host") || says("unable to download") => {
            "Nix fetches inputs of flakes itself: check `nix flake metadata`, or its network settings"
        }
        () => return None,
    };
    Some(hint.to_owned())
}

/// Whether a file is missing in Nix's copy of a flake, as versions up to 2.26 tell it of one that git does not track.
fn is_missing_in_source(said: &[String]) -> bool {
    said.iter().any(|line| line.contains("-source/") && line.contains("does not exist"))
}

fn quoted(said: &[String]) -> String {
    said.iter().filter(|line| !line.is_empty()).map(|line| format!("\n    {line}")).collect()
}

fn names(paths: &[StorePath]) -> String {
    paths.iter().map(|path| format!("`{}`", path.base_name())).collect::<Vec<_>>().join(", ")
}
