//! Source files: sizes, lints, and words that do not belong here.

use crate::run::{Result, read, root};

/// Past this a file is worth a talk, past [`TOO_LONG`] it is cut.
const LONG: usize = 500;
const TOO_LONG: usize = 800;

/// Those with `unsafe`, whose lints are their own.
const UNSAFE: [&str; 3] =
    ["crates/lanes/Cargo.toml", "crates/sandbox/Cargo.toml", "crates/probe/program/Cargo.toml"];

/// Breaches in tracked files.
pub fn breaches(files: &[String]) -> Result<Vec<String>> {
    let mut said = Vec::new();
    for file in files {
        let Ok(text) = read(&root().join(file)) else { continue };
        said.extend(foreign_words(file, &text));
        let manifest = file.ends_with("Cargo.toml") && file.starts_with("crates/");
        if manifest && !UNSAFE.contains(&file.as_str()) && !has_lints(&text) {
            said.push(format!(
                "{file}: `[lints] workspace = true` is missing, and with it the ban of `unsafe`"
            ));
        }
        let tests = file.contains("/tests/") || file.ends_with("/tests.rs");
        let production = file.ends_with(".rs") && file.contains("/src/") && !tests;
        if !production {
            continue;
        }
        match production_lines(&text) {
            lines if lines > TOO_LONG => {
                said.push(format!("{file}: {lines} lines, at most {TOO_LONG}: cut it"))
            }
            lines if lines > LONG => eprintln!("tidy: note: {file}: {lines} lines, worth a talk past {LONG}"),
            _ => {}
        }
        if !text.starts_with("//!") {
            said.push(format!("{file}: no module header (`//!`) that says what it is"));
        }
        // Programs in `src/bin` are what tests run; the binary for users is `cli`'s.
        let may_print = file.contains("/src/bin/")
            || ["crates/cli/", "crates/testkit/", "xtask/"].iter().any(|start| file.starts_with(start));
        if !may_print && (text.contains("clippy::print_std") || text.contains("clippy::exit")) {
            said.push(format!("{file}: only `cli` prints and exits"));
        }
    }
    Ok(said)
}

/// Lines before the file's own tests.
fn production_lines(text: &str) -> usize {
    text.lines().take_while(|line| !line.starts_with("#[cfg(test)]")).count()
}

fn has_lints(manifest: &str) -> bool {
    manifest.split("[lints]").nth(1).is_some_and(|rest| rest.trim_start().starts_with("workspace = true"))
}

/// Hosts of package registries: locks and code must not depend on one; a machine's settings name it.
fn foreign_words(file: &str, text: &str) -> Vec<String> {
    // In two parts, so that this file does not break its own rule.
    let hosts = [
        ("index.", "crates.io"),
        ("static.", "crates.io"),
        ("proxy.", "golang.org"),
        ("sum.", "golang.org"),
        ("registry.", "npmjs.org"),
        ("files.", "pythonhosted.org"),
    ];
    let hosts = hosts.iter().map(|(start, end)| format!("{start}{end}"));
    hosts
        .filter(|host| text.contains(host))
        .map(|host| format!("{file}: names the registry `{host}`"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_do_not_count_as_production() {
        assert_eq!(production_lines("//! a\nfn b() {}\n#[cfg(test)]\nmod tests {}\n"), 2);
    }

    #[test]
    fn lints_are_found() {
        assert!(has_lints("[package]\n\n[lints]\nworkspace = true\n"));
        assert!(!has_lints("[package]\n"));
    }

    #[test]
    fn registries_are_found() {
        let text = format!("see https://{}{}/a", "proxy.", "golang.org");
        assert_eq!(foreign_words("a.md", &text).len(), 1);
        assert!(foreign_words("a.md", "see https://docs.rs").is_empty());
    }
}
