//! The programs of `stacks/betrace`: projects of their own, tested as their own authors would.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run::{Result, cargo, root, run, say};
use crate::test::Length;

/// Folder of a page, and the scripts of its `package.json` that must all succeed.
type Page = (&'static str, &'static [&'static str]);

const FRONTEND: &[Page] = &[("frontend", &["lint", "typecheck", "test", "build", "e2e"])];
const GRAFANA: &[Page] = &[
    ("grafana-app", &["build"]),
    // Grafana's own packages, which only tests need, have a lock of their own.
    ("grafana-app/tests", &["types", "unit", "host", "e2e"]),
];

fn folder(name: &str) -> PathBuf {
    root().join("stacks/betrace/apps").join(name)
}

/// Style of the backend, and the tests of the pages; each with its name.
pub fn steps(length: Length) -> Vec<(String, Result)> {
    // Each browser does one thing after the other, and waits for much of it.
    let (mut steps, others) = std::thread::scope(|scope| {
        let others = scope.spawn(|| [pages(GRAFANA), backend(length)].concat());
        (pages(FRONTEND), others.join())
    });
    steps.extend(
        others.unwrap_or_else(|_| vec![("grafana-app".to_owned(), Err("the thread died".to_owned()))]),
    );
    steps
}

fn backend(length: Length) -> Vec<(String, Result)> {
    let folder = folder("backend");
    let step = |arguments: &[&str]| {
        say(&format!("cargo {} in the backend", arguments.join(" ")));
        (format!("backend: {}", arguments[0]), run(cargo(arguments).current_dir(&folder)))
    };
    let mut steps = vec![step(&["fmt", "--all", "--check"])];
    // It looks at all dependencies once more.
    if length == Length::Long {
        steps.push(step(&[
            "clippy",
            "--locked",
            "--workspace",
            "--all-targets",
            "--quiet",
            "--",
            "-D",
            "warnings",
        ]));
    }
    steps
}

/// The backend's own tests; with them its program is built, which browsers are tested with.
pub fn backend_tests() -> Command {
    say("cargo test in the backend");
    let mut tests = cargo(&["test", "--locked", "--workspace", "--no-fail-fast"]);
    tests.current_dir(folder("backend")).env("INSTA_UPDATE", "no");
    tests
}

fn pages(pages: &[Page]) -> Vec<(String, Result)> {
    pages.iter().flat_map(|(page, scripts)| page_steps(page, scripts)).collect()
}

fn page_steps(page: &str, scripts: &[&str]) -> Vec<(String, Result)> {
    let folder = folder(page);
    let installed = npm(&folder, &["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
    if installed.is_err() {
        return vec![(format!("{page}: npm ci"), installed)];
    }
    scripts.iter().map(|script| (format!("{page}: {script}"), npm(&folder, &["run", script]))).collect()
}

fn npm(folder: &Path, arguments: &[&str]) -> Result {
    say(&format!("npm {} in {}", arguments.join(" "), folder.display()));
    let binary = self::folder("backend").join("target/debug/betrace-backend");
    run(Command::new("npm").args(arguments).current_dir(folder).env("BETRACE_BACKEND_BIN", binary))
}
