//! longshore's own runner: a stack's services as processes of this machine, kept running by one small supervisor.
//!
//! In the order of the data: [`plan()`] makes of the stack and its images a [`Plan`], pure data; [`Roots`] are the images as
//! folders; [`stage`] makes the files and folders that the plan speaks of; [`supervise`] runs what it says, in a process of
//! its own that holds nothing but the plan; [`client`] speaks to it. A [`Place`] is where all of it is kept.
//!
//! Services share the machine's network: each has a loopback address of its own, and finds the others by name in its
//! `/etc/hosts`. See `docs/design/runner.md`.
//!
//! **Invariant:** nothing outlives the supervisor, however it ends, but data: volumes, logs and generated secrets.

mod address;
pub mod client;
mod clock;
mod control;
mod error;
pub mod export;
mod forward;
pub mod log;
mod place;
mod plan;
mod probe;
mod roots;
mod secrets;
mod stage;
mod state;
mod supervise;

pub use control::{Ask, Changes, Row, Said, Used};
pub use error::Error;
pub use place::{Life, Place};
pub use plan::{Check, File, Gate, Health, Input, Mode, Plan, Planned, Scratch, Unsound, Volume, Way, plan};
pub use roots::{Owners, Root, Roots};
pub use secrets::{Found, Secret, SecretError, Secrets, Surroundings};
pub use stage::{delete_volumes, stage};
pub use state::{Answer, Exit, Phase, Status, Verdict};
pub use supervise::{Interrupts, supervise};
