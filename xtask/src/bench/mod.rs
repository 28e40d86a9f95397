//! `./x bench`: longshore against the same images made by hand, on the same packages in one run.

mod by_hand;
mod measure;
mod ours;
mod report;

use std::fs;
use std::path::{Path, PathBuf};

use crate::run::{Result, build_longshore, root, say};
use crate::setup;
use measure::Runs;

/// A stack, the package whose closure it is about, and the file of it that is changed.
pub struct Case {
    pub stack: &'static str,
    pub package: &'static str,
    pub file: &'static str,
}

const CASES: [Case; 2] = [
    Case { stack: "examples/nginx", package: "nginx", file: "site/index.html" },
    Case { stack: "examples/python", package: "python3", file: "app/server.py" },
];

/// A row of the report.
pub struct Row {
    pub name: &'static str,
    pub runs: Runs,
}

/// Measures everything and writes the report.
pub fn bench() -> Result {
    setup::setup()?;
    build_longshore()?;
    let folder = root().join("target/bench");
    let mut cases = Vec::new();
    for case in &CASES {
        let work = folder.join(case.package);
        empty(&work)?;
        say(&format!("{}: fetching packages", case.stack));
        let debs = ours::prepare(case, &work)?;
        say(&format!("{}: longshore", case.stack));
        let mut rows = ours::rows(case, &work, &debs)?;
        say(&format!("{}: by hand", case.stack));
        rows.extend(by_hand::rows(case, &work, &debs)?);
        cases.push((case, debs.len(), rows));
    }
    report::write(&folder, &cases)
}

/// An empty folder at `path`, whatever was there.
pub fn empty(path: &Path) -> Result {
    if path.exists() {
        fs::remove_dir_all(path).map_err(|error| said(path, &error))?;
    }
    fs::create_dir_all(path).map_err(|error| said(path, &error))
}

/// A locked package on disk: its digest, its name in the archive, and where its bytes are.
pub struct Deb {
    pub digest: String,
    pub name: String,
    pub bytes: PathBuf,
}

/// An error with its path.
pub fn said(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
}
