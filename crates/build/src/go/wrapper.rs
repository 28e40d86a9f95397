//! A module made to build a published one.
//!
//! A module's `replace` and `exclude` hold only while it is the main module, so that the main module built here has
//! those lines of the published one, and its requirements, and requires it: Go then chooses the very versions that
//! its authors build with.

use std::fmt::Write as _;

use super::error::GoError;
use super::gomod::{GoMod, Replacement};
use super::module::ModuleVersion;

/// The path of the module; in no registry.
pub(super) const PATH: &str = "longshore.invalid/build";

/// The `go.mod` of a module that builds `module`, whose own `go.mod` is `file`.
pub fn go_mod(module: &ModuleVersion, file: &GoMod) -> Result<String, GoError> {
    // Writing to a `String` can't fail.
    let mut out = format!("module {PATH}\n");
    // Before there were `go` lines, 1.16 was meant (Go modules reference, "go directive").
    let _ = writeln!(out, "\ngo {}", file.go.as_deref().unwrap_or("1.16"));
    if !file.godebug.is_empty() {
        out.push('\n');
    }
    for setting in &file.godebug {
        let _ = writeln!(out, "godebug {setting}");
    }
    let _ = writeln!(out, "\nrequire {} {}", module.path(), module.version());
    let mut required: Vec<_> =
        file.require.iter().map(|r| &r.module).filter(|m| m.path() != module.path()).collect();
    required.sort();
    if !required.is_empty() {
        out.push_str("\nrequire (\n");
        for required in &required {
            let _ = writeln!(out, "\t{} {} // indirect", required.path(), required.version());
        }
        out.push_str(")\n");
    }
    if file.replace.iter().any(|replace| replace.old != module.path()) {
        out.push('\n');
    }
    for replace in &file.replace {
        if replace.old == module.path() {
            continue;
        }
        match &replace.new {
            Replacement::Module(new) => {
                let version = replace.version.as_ref().map(|v| format!(" {v}")).unwrap_or_default();
                let _ = writeln!(out, "replace {}{version} => {} {}", replace.old, new.path(), new.version());
            }
            Replacement::Folder(folder) => {
                published(module, file, &replace.old, folder)?;
            }
        }
    }
    if !file.exclude.is_empty() {
        out.push('\n');
    }
    for exclude in &file.exclude {
        let _ = writeln!(out, "exclude {} {}", exclude.path(), exclude.version());
    }
    Ok(out)
}

/// Fails unless the published version of `old` that is required can stand in for the folder. A module's zip never has
/// the folders of other modules (Go modules reference, "Module zip files").
fn published(module: &ModuleVersion, file: &GoMod, old: &str, folder: &str) -> Result<(), GoError> {
    let refuse = |problem| {
        Err(GoError::Folder {
            of: format!("`{module}`"),
            old: old.to_owned(),
            folder: folder.to_owned(),
            problem,
        })
    };
    let required: Vec<_> = file.require.iter().map(|r| &r.module).filter(|m| m.path() == old).collect();
    match required.as_slice() {
        // Nothing needs it.
        [] => Ok(()),
        versions if versions.iter().any(|m| is_placeholder(m.version())) => {
            refuse("its published zip does not have, and the version that is required was never published")
        }
        _ if folder.starts_with('/') => refuse("is on its authors' machine only"),
        _ => Ok(()),
    }
}

/// Whether it is a version that people write where a replacement makes it meaningless.
fn is_placeholder(version: &str) -> bool {
    version == "v0.0.0" || version.ends_with("-00010101000000-000000000000")
}
