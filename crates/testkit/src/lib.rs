//! What tests are made with: a small apt repository with faults on demand, git repositories, container engines started for one test,
//! second implementations (skopeo, umoci, dpkg-deb, Kubernetes, cosign, Nix) and a sandbox to run the binary in.
//!
//! Everything here panics with a full account when something is not as it should be: a test tool has no caller that
//! could do better. A missing program is a failure that says what to install, never a skipped test.
//!
//! **Invariant:** no product crate depends on this one, except for its tests.
#![allow(
    clippy::unwrap_used,
    reason = "test tools fail loudly; every unwrap is a broken assumption of a test"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "test tools read the environment they hand to programs under test"
)]

pub mod apt;
pub mod engine;
pub mod flox;
pub mod git;
pub mod http;
pub mod kube;
pub mod layout;
mod listener;
pub mod nix;
pub mod proxy;
pub mod registry;
pub mod sandbox;
pub mod sbom;
pub mod sigstore;
pub mod tool;
pub mod tree;

pub use git::GitServer;
pub use listener::free_port;
pub use nix::Nix;
pub use sandbox::Sandbox;
pub use sigstore::Sigstore;
pub use tool::{Tool, install};
