//! The generated files: written by `./x gen`, and compared with what would be written by `./x tidy`.

use std::process::Command;

use crate::run::{Result, build_longshore, capture, longshore, read, root};

/// A file and the text that it should have.
type Generated = (&'static str, String);

/// Writes them.
pub fn write() -> Result {
    build_longshore()?;
    for (path, text) in generated()? {
        let path = root().join(path);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        }
        std::fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

/// What is not fresh, a line each.
pub fn stale() -> Result<Vec<String>> {
    let mut said = Vec::new();
    for (path, text) in generated()? {
        if read(&root().join(path)).ok().as_ref() != Some(&text) {
            said.push(format!("{path} is not what `./x gen` writes"));
        }
    }
    Ok(said)
}

fn generated() -> Result<Vec<Generated>> {
    let said = |arguments: &[&str]| capture(Command::new(longshore()).args(arguments).env("COLUMNS", "100"));
    Ok(vec![
        ("docs/reference/commands.md", said(&["reference", "commands"])?),
        ("docs/reference/stack-file.md", said(&["reference", "stack-file"])?),
        ("docs/reference/lints.md", said(&["reference", "lints"])?),
        ("docs/reference/stack.schema.json", said(&["schema"])?),
    ])
}
