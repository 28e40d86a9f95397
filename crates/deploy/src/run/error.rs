//! What can go wrong with running a stack.

use std::io;
use std::net::SocketAddr;

use longshore_oci::folder::FolderError;
use longshore_oci::{TreeError, TreePath};
use longshore_stack::model::PortSpec;

use super::plan::Unsound;
use super::secrets::SecretError;

/// Why a stack does not run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk said no; the message has the path.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// An image can't be a folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// Something is to be seen at a path that can't be.
    #[error(transparent)]
    Path(#[from] TreeError),
    /// Secrets can't be had.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// Processes can't be kept apart here.
    #[error(transparent)]
    Sandbox(#[from] longshore_sandbox::Error),
    /// More services than addresses.
    #[error("a stack can have {most} services here, and this one has more")]
    TooMany {
        /// As many as there are addresses.
        most: usize,
    },
    /// A service has nothing to run.
    #[error("service `{service}` has no command, and neither has its image `{image}`")]
    NoCommand {
        /// The service.
        service: String,
        /// Its image.
        image: String,
    },
    /// A program is on no folder of `PATH`.
    #[error("service `{service}` runs `{program}`, which is not in its image")]
    NoProgram {
        /// The service.
        service: String,
        /// The program.
        program: String,
    },
    /// A service can't be a plain process of the machine.
    #[error("service `{service}` can't run outside of a container")]
    NotNative {
        /// The service.
        service: String,
        /// Why.
        #[source]
        why: Unsound,
    },
    /// Something is to be seen where the image has something else.
    #[error("service `{service}` is to see a file or folder at `{path}`, where its image has {found}")]
    MountPoint {
        /// The service.
        service: String,
        /// Where.
        path: TreePath,
        /// What is there.
        found: &'static str,
    },
    /// Two services on one port, of which one doesn't listen on its own address alone.
    #[error(
        "services `{service}` and `{other}` both listen on {port}, and nothing in `{service}` says on which address"
    )]
    SamePort {
        /// The port.
        port: PortSpec,
        /// The one that doesn't say.
        service: String,
        /// Its name for the port.
        name: String,
        /// The other one.
        other: String,
    },
    /// A published number is that of a service that listens on all addresses.
    #[error(
        "`{publisher}` is published on {gate}, where `{service}` listens, since nothing in it says on which address"
    )]
    TakenGate {
        /// Where.
        gate: SocketAddr,
        /// The one that is published.
        publisher: String,
        /// The one that doesn't say.
        service: String,
        /// Its name for the port.
        name: String,
    },
    /// A published port is somebody else's.
    #[error("can't publish `{service}` on {gate}")]
    Gate {
        /// The service.
        service: String,
        /// Where.
        gate: SocketAddr,
        /// What the kernel says.
        source: io::Error,
    },
    /// The plan on disk can't be read.
    #[error("the plan of what runs can't be read")]
    Plan {
        /// What is wrong.
        source: serde_json::Error,
    },
    /// Another longshore made it.
    #[error("the stack was started by another version of longshore")]
    OtherVersion,
    /// There is a supervisor already.
    #[error("the stack runs already")]
    Runs,
    /// There is no supervisor.
    #[error("the stack does not run")]
    NotRunning,
    /// The supervisor has no such service.
    #[error("no service `{service}` runs; {}", listed(.known))]
    NoService {
        /// As asked for.
        service: String,
        /// Those that it has.
        known: Vec<String>,
    },
    /// A service never wrote anything.
    #[error("no service `{service}` ever ran; {}", logged(.known))]
    NoLog {
        /// As asked for.
        service: String,
        /// Those that did.
        known: Vec<String>,
    },
    /// A service is not there to run something in.
    #[error("service `{service}` is {state}")]
    NotThere {
        /// The service.
        service: String,
        /// What it is instead.
        state: String,
    },
    /// The supervisor, another process, failed or refused.
    #[error("{message}")]
    Refused {
        /// What it says.
        message: String,
        /// What it was caused by.
        causes: Vec<String>,
        /// What the user can do.
        hint: Option<String>,
    },
    /// The supervisor said something that can't be understood, or nothing.
    #[error("the supervisor does not answer as it should")]
    Answer {
        /// What is wrong.
        source: io::Error,
    },
}

fn logged(names: &[String]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    if names.is_empty() { "none did".to_owned() } else { format!("there are logs of {}", names.join(", ")) }
}

fn listed(names: &[String]) -> String {
    match names {
        [] => "none does".to_owned(),
        names => {
            let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
            format!("it has {}", names.join(", "))
        }
    }
}

impl Error {
    /// Whether the stack file is to be changed, and not the machine.
    pub fn is_of_the_stack(&self) -> bool {
        match self {
            Self::TooMany { .. } | Self::NoCommand { .. } | Self::MountPoint { .. } | Self::Path(_) => true,
            Self::SamePort { .. } | Self::TakenGate { .. } | Self::NotNative { .. } => true,
            Self::Io(_) | Self::Folder(_) | Self::Secret(_) | Self::Sandbox(_) | Self::Gate { .. } => false,
            // Also of `exec`, which names one that is not there.
            Self::NoProgram { .. } => true,
            Self::Plan { .. }
            | Self::OtherVersion
            | Self::Runs
            | Self::NotRunning
            | Self::NoService { .. } => false,
            Self::NoLog { .. } | Self::NotThere { .. } | Self::Refused { .. } | Self::Answer { .. } => false,
        }
    }

    /// What the user can do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Io(error) if error.kind() == io::ErrorKind::StorageFull => {
                Some("the disk is full; free some space".to_owned())
            }
            Self::Io(_) | Self::Path(_) | Self::Plan { .. } => None,
            Self::Folder(error) => error.hint(),
            Self::Secret(error) => error.hint(),
            Self::Sandbox(error) => error.hint(),
            Self::TooMany { .. } => Some("run a part of them: put services into `groups`".to_owned()),
            Self::NoCommand { .. } => Some("say `command` in the service or in the image".to_owned()),
            Self::NoProgram { .. } => {
                Some("correct `command`; `longshore show --files` lists what is in images".to_owned())
            }
            Self::NotNative { service, why: Unsound::Part { .. } } => Some(format!(
                "name the files in it one by one, or let it run in its container: leave out `--native {service}`"
            )),
            Self::NotNative { service, .. } => {
                Some(format!("let it run in its container: leave out `--native {service}`"))
            }
            Self::MountPoint { .. } => {
                Some("choose another path for it, or take that out of the image".to_owned())
            }
            Self::SamePort { service, name, .. } | Self::TakenGate { service, name, .. } => Some(format!(
                "services share this machine's network, each at its own loopback address: tell the program of `{service}` to \
                 listen on {{{{ self.{name}.listen }}}}, or give the port another number"
            )),
            Self::Gate { source, gate, .. } => match source.kind() {
                io::ErrorKind::AddrInUse => Some(format!(
                    "another program has it (`ss -lptn 'sport = :{}'` says which); choose another number in `publish`",
                    gate.port()
                )),
                io::ErrorKind::PermissionDenied => {
                    Some("numbers below 1024 are root's; choose another one in `publish`".to_owned())
                }
                io::ErrorKind::AddrNotAvailable => {
                    Some("this machine has no such address; choose another one in `publish`".to_owned())
                }
                _ => None,
            },
            Self::OtherVersion | Self::Answer { .. } => {
                Some("stop it and start it again: `longshore down`, `longshore up`".to_owned())
            }
            Self::Refused { hint, .. } => hint.clone(),
            Self::Runs => Some("see what runs: `longshore ps`".to_owned()),
            Self::NotRunning => Some("start it: `longshore up --detach`".to_owned()),
            Self::NoLog { .. } => Some("`longshore logs` shows those of all services".to_owned()),
            Self::NoService { .. } | Self::NotThere { .. } => {
                Some("see what runs: `longshore ps`".to_owned())
            }
        }
    }
}
