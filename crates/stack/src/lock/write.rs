//! The lock as text: one fact a line, sorted, the same bytes for the same lock.

use std::fmt::{self, Write as _};

use longshore_oci::{Content, Epoch};

use super::{Lock, VERSION};
use crate::model::{Consumer, Requirement, Scope};

const HEADER: &str = "\
# Written by longshore: every input of this stack by digest. Keep it under version control beside stack.toml.
# `longshore lock` follows the stack file, `longshore update` takes newer versions.
";

impl fmt::Display for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (revision, assembler) = (self.revision(), self.assembler);
        write!(f, "{HEADER}version = {VERSION}\nrevision = {revision}\nassembler = {assembler}\n")?;
        self.profile.as_ref().map_or(Ok(()), |name| string(f, "profile", name))?;
        for (name, definition) in &self.sources {
            f.write_str("\n[[source]]\n")?;
            string(f, "name", name)?;
            list(f, "definition", definition.iter().cloned())?;
        }
        for release in &self.releases {
            f.write_str("\n[[release]]\n")?;
            string(f, "source", &release.source)?;
            string(f, "suite", &release.suite)?;
            string(f, "codename", &release.codename)?;
            write!(f, "date = {}", release.date)?;
            match u32::try_from(release.date) {
                Ok(seconds) => writeln!(f, " # {}", Epoch(seconds))?,
                Err(_) => writeln!(f)?,
            }
            content(f, release.release)?;
            list(f, "signed-by", release.signed_by.iter().cloned())?;
        }
        for (id, package) in &self.packages {
            f.write_str("\n[[package]]\n")?;
            string(f, "name", &id.name)?;
            string(f, "version", &id.version)?;
            string(f, "architecture", &id.architecture)?;
            string(f, "source", &id.source)?;
            string(f, "path", &package.path)?;
            content(f, package.content)?;
            list(f, "depends", package.depends.iter().cloned())?;
        }
        for closure in &self.closures {
            f.write_str("\n[[closure]]\n")?;
            match &closure.consumer {
                Consumer::Image(name) => string(f, "image", name)?,
                Consumer::Build(name) => string(f, "build", name)?,
            }
            string(f, "platform", &closure.platform)?;
            list(f, "requires", closure.requires.iter().map(requirement))?;
            list(f, "packages", closure.packages.iter().map(ToString::to_string))?;
        }
        for url in &self.urls {
            f.write_str("\n[[url]]\n")?;
            string(f, "name", &url.name)?;
            url.platform.as_ref().map_or(Ok(()), |platform| string(f, "platform", platform))?;
            string(f, "url", &url.url)?;
            content(f, url.content)?;
        }
        for (name, image) in &self.images {
            image.write(name, f)?;
        }
        self.nix.iter().try_for_each(|pin| pin.write(f))?;
        self.store_paths.iter().try_for_each(|(path, locked)| locked.write(path, f))?;
        if !self.go_sums.is_empty() {
            f.write_str("\n[go]\n")?;
            list(f, "sums", self.go_sums.iter().cloned())?;
        }
        self.changes.write(f)?;
        for (platform, layers) in &self.layouts {
            layers.iter().try_for_each(|layer| layer.write(platform, f))?;
        }
        Ok(())
    }
}

/// `debian/nginx`, or `debian/tzdata alone` for a package without its dependencies.
pub(super) fn requirement(requirement: &Requirement) -> String {
    let alone = if requirement.scope == Scope::Alone { " alone" } else { "" };
    format!("{}/{}{alone}", requirement.source, requirement.package)
}

pub(super) fn content(f: &mut fmt::Formatter<'_>, content: Content) -> fmt::Result {
    write!(f, "size = {}\nsha256 = \"{}\"\n", content.size, content.digest.hex())
}

pub(super) fn string(f: &mut fmt::Formatter<'_>, key: &str, value: &str) -> fmt::Result {
    writeln!(f, "{key} = {}", quoted(value))
}

pub(super) fn list(
    f: &mut fmt::Formatter<'_>,
    key: &str,
    values: impl Iterator<Item = String>,
) -> fmt::Result {
    let lines: String = values.map(|value| format!("  {},\n", quoted(&value))).collect();
    match lines.is_empty() {
        true => writeln!(f, "{key} = []"),
        false => write!(f, "{key} = [\n{lines}]\n"),
    }
}

/// A TOML basic string.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            // Writing to a `String` can't fail.
            c if c.is_control() => drop(write!(out, "\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
