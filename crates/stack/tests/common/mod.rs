//! A stack file in a folder of its own.

use longshore_stack::{Diagnostic, Diagnostics, Read, ReadAll, ReadError, Severity};
use tempfile::TempDir;

/// A stack with every key that there is.
#[allow(dead_code, reason = "not every test file needs it")]
pub const FULL: &str = include_str!("full.toml");

/// What every small stack of these tests begins with.
#[allow(dead_code, reason = "not every test file needs it")]
pub const HEAD: &str = r#"
[stack]
name = "demo"

[sources.debian]
kind = "apt"
distribution = "debian"
suites = ["trixie"]
keyring = "debian-archive"
"#;

/// A folder with the files that the stacks of these tests name, and `stack` as its stack file.
pub fn folder(stack: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (path, text) in [
        ("stack.toml", stack),
        ("config/a", "a\n"),
        ("config/a.nix", "{ }\n"),
        ("config/a.yaml", "listen: {{ image.ports.http }}\nname: {{ values.site }}\n"),
        ("config/bad.yaml", "fine\nlisten: {{ image.ports.htp }}\n"),
        ("config/broken.yaml", "{% if %}\n"),
        ("keys/vendor.asc", "key\n"),
        ("keys/cache.pub", "key\n"),
        ("certs/own.pem", "pem\n"),
        ("site/index.html", "<p>hello\n"),
    ] {
        let path = folder.path().join(path);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, text).unwrap();
    }
    folder
}

/// Reads `stack` as the stack file of [`folder`], for its default profile if it has profiles.
pub fn read(stack: &str) -> Result<Read, Diagnostics> {
    match read_profile(stack, None) {
        Ok(read) => Ok(read),
        Err(ReadError::Stack(diagnostics)) => Err(diagnostics),
        Err(ReadError::Profile(error)) => panic!("{error}"),
    }
}

/// Reads it for `profile`.
pub fn read_profile(stack: &str, profile: Option<&str>) -> Result<Read, ReadError> {
    let folder = folder(stack);
    longshore_stack::read(&folder.path().join("stack.toml"), profile)
}

/// Reads it for each of its profiles.
#[allow(dead_code, reason = "not every test file needs it")]
pub fn read_all(stack: &str) -> Result<ReadAll, Diagnostics> {
    let folder = folder(stack);
    longshore_stack::read_all(&folder.path().join("stack.toml"))
}

/// What is wrong with `stack`, as people would see it: place, code, message, then what the span covers, and the help.
#[allow(dead_code, reason = "not every test file needs it")]
pub fn complaints(stack: &str) -> String {
    said(&match read(stack) {
        Ok(read) => read.warnings,
        Err(Diagnostics(all)) => all,
    })
}

/// Findings as people would see them.
pub fn said(all: &[Diagnostic]) -> String {
    let lines = all.iter().map(|finding| {
        let (line, column) = finding.position();
        let file = finding.source.path.rsplit('/').next().unwrap();
        let severity = if finding.severity == Severity::Error { "" } else { "warning: " };
        let span = finding.source.text[finding.span.clone()].lines().next().unwrap_or_default();
        let help = finding.help.as_ref().map(|help| format!("\n  help: {help}")).unwrap_or_default();
        format!(
            "{file}:{line}:{column}: {severity}{}: {}\n  at: {span}{help}\n",
            finding.code,
            finding.summary()
        )
    });
    lines.collect()
}
