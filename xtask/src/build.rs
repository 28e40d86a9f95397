//! `./x build`: the binary, then the images of the stacks that come with it.

use std::process::Command;

use crate::run::{Result, build_longshore, longshore, root, run, say};

/// The stacks of the repository whose images can be built today.
pub const STACKS: [&str; 3] = ["stacks/betrace", "examples/nginx", "examples/python"];

/// Builds everything.
pub fn build() -> Result {
    build_longshore()?;
    for stack in STACKS {
        say(&format!("longshore -C {stack} build"));
        if let Err(error) = run(&mut command(stack, &["build"])) {
            // An archive moves on and drops what was pinned. For the stacks that are ours, taking what replaced it
            // is right, as long as it is seen; for anybody else's, that is their decision.
            say(&format!(
                "{error}\n   trying again with what the archive offers now: longshore -C {stack} update"
            ));
            run(&mut command(stack, &["update"]))?;
            run(&mut command(stack, &["build"]))?;
            say(&format!("{stack}/stack.lock was refreshed; see `git diff {stack}/stack.lock`"));
        }
    }
    Ok(())
}

fn command(stack: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(longshore());
    command.arg("-C").arg(root().join(stack)).args(arguments);
    command
}
