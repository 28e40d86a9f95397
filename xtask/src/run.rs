//! Paths and processes.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::time::Instant;

/// What goes wrong is said once, to a person.
pub type Result<T = ()> = std::result::Result<T, String>;

/// The repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(|| PathBuf::from("."), Path::to_owned)
}

/// The binary, once built.
pub fn longshore() -> PathBuf {
    root().join("target/release/longshore")
}

/// The binary as it is shipped, once built.
pub fn shipped() -> PathBuf {
    root().join("target/dist/longshore")
}

/// Says what is being done, and how long after the first that was said.
pub fn say(what: &str) {
    static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
    let seconds = BEGAN.elapsed().as_secs();
    eprintln!("\n── {}:{:02} {what}", seconds / 60, seconds % 60);
}

/// A cargo command in the repository.
pub fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var("CARGO").unwrap_or_else(|_| String::from("cargo")));
    command.args(arguments).current_dir(root());
    // What cargo says of this program is not about what is built now: build scripts that look at it would run again.
    let own = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(own) {
            command.env_remove(name);
        }
    }
    command
}

/// Runs a command, its output shown as it comes.
pub fn run(command: &mut Command) -> Result {
    let shown = shown(command);
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{shown}` ended with {status}")),
        Err(error) => Err(format!("`{shown}` can't be started: {error}")),
    }
}

/// Runs a command and gives its standard output.
pub fn capture(command: &mut Command) -> Result<String> {
    let shown = shown(command);
    let output =
        command.stderr(Stdio::inherit()).output().map_err(|e| format!("`{shown}` can't be started: {e}"))?;
    if !output.status.success() {
        return Err(format!("`{shown}` ended with {}", output.status));
    }
    String::from_utf8(output.stdout).map_err(|_| format!("`{shown}` printed what is not UTF-8"))
}

/// Builds the binary.
pub fn build_longshore() -> Result {
    say("cargo build --release");
    run(&mut cargo(&["build", "--release", "--package", "longshore"]))
}

/// Builds the binary as it is shipped.
pub fn build_shipped() -> Result {
    say("cargo build --profile dist");
    run(&mut cargo(&["build", "--profile", "dist", "--package", "longshore"]))
}

/// Reads a text file of the repository.
pub fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// The files that git tracks or would track, relative to the repository, sorted.
pub fn tracked() -> Result<Vec<String>> {
    let mut command = Command::new("git");
    command.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).current_dir(root());
    let mut files: Vec<String> = capture(&mut command)?
        .split('\0')
        .filter(|file| root().join(file).is_file())
        .map(str::to_owned)
        .collect();
    files.sort();
    files.dedup();
    Ok(files)
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
