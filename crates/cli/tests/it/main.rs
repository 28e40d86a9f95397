//! Tests of the binary as its users have it: real archives, real engines, hostile mirrors, full disks.
#![allow(clippy::disallowed_methods, reason = "tests read the environment they hand to the program")]
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "helpers of tests fail loudly and say what they saw"
)]

mod base_image;
mod betrace;
mod builds;
mod cache;
mod common;
mod engines;
mod errors;
mod flake;
mod flox;
mod git_crates;
mod golden;
mod interrupted;
mod layers;
mod nix;
mod nix_bills;
mod packing;
mod policies;
mod probe;
mod profiles;
mod progress;
mod published;
mod rebuilds;
mod registries;
mod reproducible;
mod rootless;
mod run;
mod sbom;
mod secrets_kept;
mod tools;
mod trust;
mod trust_keys;
mod trust_login;
mod trust_refusals;
mod trust_roots;
mod unpacked;
mod vendored;
mod verified_run;
mod watch;
mod whole;
