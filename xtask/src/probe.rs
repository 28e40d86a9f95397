//! The health probe's program: a package of its own, which the workspace's commands pass by. Its binaries are compared with
//! what longshore builds by a test of the workspace.

use crate::run::{Result, cargo, root, run, say};

/// Its style, each step with its name.
pub fn steps() -> Vec<(String, Result)> {
    let mut steps = Vec::new();
    for arguments in
        [&["fmt", "--check"][..], &["clippy", "--locked", "--release", "--quiet", "--", "-D", "warnings"]]
    {
        say(&format!("cargo {} in the probe", arguments.join(" ")));
        let mut cargo = cargo(arguments);
        // Beside the workspace's: its flags are others.
        cargo
            .current_dir(root().join("crates/probe/program"))
            .env("CARGO_TARGET_DIR", root().join("target/probe"));
        steps.push((format!("probe: {}", arguments[0]), run(&mut cargo)));
    }
    steps
}
