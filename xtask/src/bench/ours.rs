//! longshore's own rows.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::measure::Runs;
use super::{Case, Deb, Row, empty, read, said};
use crate::run::{Result, root, run, shipped};

/// Copies the stack, fetches its packages into a store of the benchmark's own, and lists them.
pub fn prepare(case: &Case, work: &Path) -> Result<Vec<Deb>> {
    let stack = work.join("stack");
    run(Command::new("cp").arg("-r").arg(root().join(case.stack)).arg(&stack))?;
    run(Command::new("git").args(["init", "--quiet"]).arg(&stack))?;
    run(Command::new("git").arg("-C").arg(&stack).args(["add", "--all"]))?;
    let seed = work.join("seed");
    if run(&mut command(&stack, &seed, &["--quiet", "build"])).is_err() {
        run(&mut command(&stack, &seed, &["update"]))?;
        run(&mut command(&stack, &seed, &["--quiet", "build"]))?;
    }
    fetched(&stack, &seed)
}

/// The packages that are locked in `stack` and are in the store `seed`.
pub fn fetched(stack: &Path, seed: &Path) -> Result<Vec<Deb>> {
    let text = read(&stack.join("stack.lock"))?;
    packages(&text)
        .into_iter()
        .map(|(digest, name)| {
            let bytes = blob(seed, &digest);
            // Packages that the image takes nothing from are locked, and never fetched.
            Ok(bytes.exists().then_some(Deb { digest, name, bytes }))
        })
        .filter_map(Result::transpose)
        .collect()
}

/// Digest and file name of every `[[package]]` of a lock.
fn packages(lock: &str) -> Vec<(String, String)> {
    let value = |section: &str, key: &str| {
        let line = section.lines().find_map(|line| line.strip_prefix(&format!("{key} = \"")));
        line.map(|rest| rest.trim_end_matches('"').to_owned())
    };
    let sections = lock.split("\n[[").filter_map(|section| section.strip_prefix("package]]"));
    let found = sections.filter_map(|section| Some((value(section, "sha256")?, value(section, "path")?)));
    found.map(|(digest, path)| (digest, path.rsplit('/').next().unwrap_or_default().to_owned())).collect()
}

/// A store that holds packages as they were fetched, and nothing else.
pub fn only_fetched(store: &Path, debs: &[Deb]) -> Result {
    empty(store)?;
    for deb in debs {
        let target = blob(store, &deb.digest);
        let folder = target.parent().unwrap_or(store);
        fs::create_dir_all(folder).map_err(|error| said(folder, &error))?;
        fs::hard_link(&deb.bytes, &target).map_err(|error| said(&target, &error))?;
    }
    Ok(())
}

fn blob(store: &Path, digest: &str) -> PathBuf {
    store.join("blobs/sha256").join(&digest[..2]).join(digest)
}

/// longshore for a stack, with a store of its own.
pub fn command(stack: &Path, store: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(shipped());
    command.arg("-C").arg(stack).args(arguments).env("LONGSHORE_STORE", store);
    command
}

/// Cold, no-op and one file changed.
pub fn rows(case: &Case, work: &Path, debs: &[Deb]) -> Result<Vec<Row>> {
    let (stack, store, out) = (work.join("stack"), work.join("store"), work.join("layout"));
    let out_text = out.display().to_string();
    let fresh = || {
        only_fetched(&store, debs)?;
        if out.exists() { fs::remove_dir_all(&out).map_err(|error| said(&out, &error)) } else { Ok(()) }
    };
    let cold =
        Runs::take(5, work, fresh, || command(&stack, &store, &["--offline", "build", "-o", &out_text]))?;
    let build = || command(&stack, &store, &["--offline", "build"]);
    let no_op = Runs::take(9, work, || Ok(()), build)?;
    let file = stack.join(case.file);
    let original = fs::read_to_string(&file).map_err(|error| said(&file, &error))?;
    let mut turn = 0;
    let touch = || {
        turn += 1;
        fs::write(&file, format!("{original}\n# {turn}\n")).map_err(|error| said(&file, &error))
    };
    let one_file = Runs::take(9, work, touch, build)?;
    Ok(vec![
        Row { name: "longshore, cold", runs: cold },
        Row { name: "longshore, no-op", runs: no_op },
        Row { name: "longshore, one file", runs: one_file },
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_of_a_lock() {
        let lock = "version = 1\n\n[[release]]\nsha256 = \"aa\"\n\n[[package]]\nname = \"a\"\npath = \"pool/a/a_1_amd64.deb\"\nsize = 3\nsha256 = \"bb\"\n\n[[closure]]\nimage = \"x\"\n";
        assert_eq!(packages(lock), [(String::from("bb"), String::from("a_1_amd64.deb"))]);
    }
}
