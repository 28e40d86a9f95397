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
    with_fresh_lock(stack, profile(stack, profiles), &["up"])
}

/// Builds everything for this machine.
pub fn build() -> Result {
    build_longshore()?;
    for (stack, profiles) in STACKS {
        with_fresh_lock(stack, profile(stack, profiles), &["build", "--platform", platform()])?;
    }
    Ok(())
}

/// Runs `longshore WORDS` on a stack; once more with a fresh lock when what the lock pins is gone.
fn with_fresh_lock(stack: &str, profile: Option<&str>, words: &[&str]) -> Result {
    let longshore = |words: &[&str]| {
        let mut command = Command::new(longshore());
        command.arg("-C").arg(root().join(stack));
        if let Some(profile) = profile {
            command.args(["--profile", profile]);
        }
        command.args(words);
        command
    };
    say(&format!("{stack}: longshore {}", words.join(" ")));
    let Err(error) = run(&mut longshore(words)) else { return Ok(()) };
    // An archive moves on and drops what was pinned. For the stacks that are ours, taking what replaced it is right, as long
    // as it is seen; for anybody else's, that is their decision.
    say(&format!("{error}\n   is that because the archive has moved on? longshore -C {stack} update"));
    let lock = || std::fs::read(root().join(stack).join(lock_name(profile))).unwrap_or_default();
    let before = lock();
    run(&mut longshore(&["update"]))?;
    if lock() == before {
        return Err(error);
    }
    run(&mut longshore(words))?;
    say(&format!("the lock of {stack} was refreshed; see `git diff {stack}`"));
    Ok(())
}

fn lock_name(profile: Option<&str>) -> String {
    profile.map_or_else(|| "stack.lock".to_owned(), |profile| format!("stack.{profile}.lock"))
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
