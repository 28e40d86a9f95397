//! `./x build`: the binary, then the images of the stacks that come with it. `./x up`: the binary, then the first of them, run here.

use std::process::Command;

use crate::run::{Result, build_longshore, longshore, root, run, say};

/// The stacks of the repository that are built, with the profile of each that has several, in order of preference.
const STACKS: [(&str, &[&str]); 4] = [
    ("stacks/betrace", &["upstream", "source"]),
    ("examples/nginx", &[]),
    ("examples/notes", &[]),
    ("examples/python", &[]),
];

/// Runs BeTrace until Ctrl-C.
pub fn up() -> Result {
    build_longshore()?;
    let (stack, profiles) = STACKS[0];
    let profile = profile(stack, profiles);
    images(stack, profile)?;
    say(&format!("{stack}: longshore up"));
    run(longshore_on(stack, profile).arg("up"))
}

/// Builds everything for this machine.
pub fn build() -> Result {
    build_longshore()?;
    for (stack, profiles) in STACKS {
        images(stack, profile(stack, profiles))?;
    }
    Ok(())
}

/// Builds the images of a stack; once more with a fresh lock when what the lock pins is gone.
fn images(stack: &str, profile: Option<&str>) -> Result {
    let build = ["build", "--platform", platform()];
    say(&format!("{stack}: longshore {}", build.join(" ")));
    let Err(error) = run(longshore_on(stack, profile).args(build)) else { return Ok(()) };
    // An archive moves on and drops what was pinned. For the stacks that are ours, taking what replaced it is right, as long
    // as it is seen; for anybody else's, that is their decision.
    say(&format!("{error}\n   trying again with what the archive offers now: longshore -C {stack} update"));
    run(longshore_on(stack, profile).arg("update"))?;
    run(longshore_on(stack, profile).args(build))?;
    say(&format!("the lock of {stack} was refreshed; see `git diff {stack}`"));
    Ok(())
}

/// The binary, about to work on a stack.
fn longshore_on(stack: &str, profile: Option<&str>) -> Command {
    let mut command = Command::new(longshore());
    command.arg("-C").arg(root().join(stack));
    if let Some(profile) = profile {
        command.args(["--profile", profile]);
    }
    command
}

/// The first of `profiles` whose inputs can be had from here; the last one when in doubt.
fn profile(stack: &str, profiles: &[&'static str]) -> Option<&'static str> {
    let (last, before) = profiles.split_last()?;
    for profile in before {
        say(&format!("{stack}: can profile `{profile}` be had from here?"));
        let mut lock = Command::new(longshore());
        lock.arg("-C").arg(root().join(stack)).args(["--profile", profile, "--quiet", "lock"]);
        if run(&mut lock).is_ok() {
            return Some(profile);
        }
        say(&format!(
            "{stack}: `{profile}` can't; trying `{last}`: what it leaves out is said in {stack}/stack.toml"
        ));
    }
    Some(last)
}

/// What this machine runs.
fn platform() -> &'static str {
    match std::env::consts::ARCH {
        "aarch64" => "linux/arm64",
        _ => "linux/amd64",
    }
}
