//! `./x build`: the binary, then the images of the stacks that come with it.

use std::process::Command;

use crate::run::{Result, build_longshore, longshore, root, run, say};

/// The stacks of the repository that are built, with the profile of each that has several, in order of preference.
const STACKS: [(&str, &[&str]); 3] =
    [("stacks/betrace", &["upstream", "source"]), ("examples/nginx", &[]), ("examples/python", &[])];

/// Builds everything for this machine.
pub fn build() -> Result {
    build_longshore()?;
    for (stack, profiles) in STACKS {
        let mut arguments = vec!["-C".to_owned(), root().join(stack).display().to_string()];
        if let Some(profile) = profile(stack, profiles) {
            arguments.extend(["--profile".to_owned(), profile.to_owned()]);
        }
        let longshore = |words: &[&str]| {
            let mut command = Command::new(longshore());
            command.args(&arguments).args(words);
            command
        };
        let build = ["build", "--platform", platform()];
        say(&format!("{stack}: longshore {}", build.join(" ")));
        if let Err(error) = run(&mut longshore(&build)) {
            // An archive moves on and drops what was pinned. For the stacks that are ours, taking what replaced it
            // is right, as long as it is seen; for anybody else's, that is their decision.
            say(&format!(
                "{error}\n   trying again with what the archive offers now: longshore -C {stack} update"
            ));
            run(&mut longshore(&["update"]))?;
            run(&mut longshore(&build))?;
            say(&format!("the lock of {stack} was refreshed; see `git diff {stack}`"));
        }
    }
    Ok(())
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
