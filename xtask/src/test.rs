//! `./x test`: everything that must hold before a change lands.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use crate::run::{Result, cargo, run, say};
use crate::{apps, probe, setup, tidy};

/// How much is run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// What every change has to pass.
    Short,
    /// More cases, the tests marked as long, and the backend's clippy.
    Long,
}

/// Sets up, checks style and rules, runs the tests and ends with `N passed, N failed`.
pub fn test(length: Length) -> Result {
    say("setting up");
    setup::packages()?;
    // What tests call is built on one processor, and waits for downloads: meanwhile, they are compiled.
    let (mut steps, programs) = std::thread::scope(|scope| {
        let programs = scope.spawn(|| setup::programs(length));
        (compiled(), programs.join())
    });
    programs.unwrap_or_else(|_| Err(String::from("the setup died")))?;
    steps.push(("tidy".to_owned(), tidy::tidy()));
    say("cargo test");
    let mut tests = cargo(&["test", "--release", "--workspace", "--no-fail-fast"]);
    // A changed snapshot fails, and nothing is left lying about.
    tests.env("INSTA_UPDATE", "no");
    // A third of the time, tests wait: for engines, registries, archives.
    if std::env::var_os("RUST_TEST_THREADS").is_none() {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        tests.env("RUST_TEST_THREADS", (threads + threads / 2).to_string());
    }
    if length == Length::Long {
        tests.args(["--", "--include-ignored"]);
    }
    let (mut counts, ended) = counted(&mut tests)?;
    let (of_backend, backend_ended) = counted(&mut apps::backend_tests())?;
    counts.passed += of_backend.passed;
    counts.failed += of_backend.failed;
    steps.extend(probe::steps());
    steps.extend(apps::steps(length));
    let mut total = counts;
    for (name, result) in &steps {
        match result {
            Ok(()) => total.passed += 1,
            Err(error) => {
                total.failed += 1;
                eprintln!("\nerror: {name}: {error}");
            }
        }
    }
    if ended.and(backend_ended).is_err() && counts.failed == 0 {
        // Something ended before it could count: a test program that did not compile, or died.
        total.failed += 1;
    }
    say("done");
    println!("\n{} passed, {} failed", total.passed, total.failed);
    match total.failed {
        0 => Ok(()),
        _ => Err(String::from("tests failed")),
    }
}

/// Style, and everything compiled; each step with its name.
fn compiled() -> Vec<(String, Result)> {
    let mut steps = Vec::new();
    for (name, arguments) in [
        ("fmt", &["fmt", "--all", "--check"][..]),
        (
            "clippy",
            &["clippy", "--release", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"],
        ),
        // The program too: of the workspace as a whole, or everything that has fewer features alone would be compiled again.
        ("build", &["test", "--release", "--workspace", "--no-run", "--quiet"]),
    ] {
        say(&format!("cargo {}", arguments.join(" ")));
        steps.push((name.to_owned(), run(&mut cargo(arguments))));
    }
    steps
}

/// Accepts what tests see now as what they expect.
pub fn bless() -> Result {
    let mut tests = cargo(&["test", "--release", "--workspace", "--no-fail-fast"]);
    run(tests.env("INSTA_UPDATE", "always").env("INSTA_FORCE_PASS", "1"))?;
    crate::generate::write()
}

/// How tests went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Counts {
    passed: usize,
    failed: usize,
}

/// Runs tests, shows what they print, and adds up their `test result:` lines.
fn counted(command: &mut Command) -> Result<(Counts, Result)> {
    let mut child =
        command.stdout(Stdio::piped()).spawn().map_err(|error| format!("cargo can't be started: {error}"))?;
    let mut counts = Counts::default();
    if let Some(stdout) = child.stdout.take() {
        let mut lines = BufReader::new(stdout);
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            // Nobody reads on when standard output is closed; the tests are run to their end all the same.
            drop(std::io::stdout().write_all(&line));
            add(&mut counts, &String::from_utf8_lossy(&line));
            line.clear();
        }
    }
    let status = child.wait().map_err(|error| format!("cargo was lost: {error}"))?;
    let ended = if status.success() { Ok(()) } else { Err(format!("cargo test ended with {status}")) };
    Ok((counts, ended))
}

/// `test result: ok. 4 passed; 0 failed; …`
fn add(counts: &mut Counts, line: &str) {
    let Some(rest) = line.trim_start().strip_prefix("test result: ") else { return };
    for part in rest.split([';', '.']) {
        match part.trim().split_once(' ') {
            Some((number, "passed")) => counts.passed += number.parse().unwrap_or(0),
            Some((number, "failed")) => counts.failed += number.parse().unwrap_or(0),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_added_up() {
        let mut counts = Counts::default();
        add(
            &mut counts,
            "test result: ok. 4 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.4s",
        );
        add(&mut counts, "test a::b ... ok");
        add(&mut counts, "test result: FAILED. 2 passed; 3 failed; 0 ignored");
        assert_eq!(counts, Counts { passed: 6, failed: 3 });
    }
}
