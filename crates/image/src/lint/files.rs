//! Lints on what should not be in an image: rights, compilers, development files, shells, package managers.

use std::collections::BTreeMap;

use longshore_oci::{Entry, Node, Origin, TreePath};

use super::{Finding, Severity};
use crate::rootfs::RootFs;

/// Reports what it finds.
pub(super) fn check(rootfs: &RootFs, findings: &mut Vec<Finding>) {
    // One finding for each input with development files, which come by the hundred.
    let mut development: BTreeMap<String, (usize, &TreePath)> = BTreeMap::new();
    for (path, entry) in rootfs.tree().iter() {
        let found = rights(path, entry).or_else(|| tool(path, entry));
        let develops = entry.node != Node::Directory && is_development(path);
        if found.is_none() && !develops {
            continue;
        }
        let origin = rootfs.origin(path);
        // Paths of the Nix store have lints of their own.
        if matches!(origin, Some(Origin::Nix(_))) {
            continue;
        }
        if let Some((lint, severity, message, hint)) = found {
            let (subject, origin) = (path.to_string(), origin.cloned());
            findings.push(Finding { lint, severity, subject, message, hint, origin });
        }
        if develops {
            let (count, _) = development.entry(short_name(origin)).or_insert((0, path));
            *count += 1;
        }
    }
    for (subject, (count, first)) in development {
        findings.push(Finding {
            lint: "development",
            severity: Severity::Warning,
            message: format!(
                "`{subject}` brings {count} headers, static libraries or pkg-config files (`{first}`)"
            ),
            hint: "take a slice without them (`from = [...]`), or the package without `-dev`".to_owned(),
            origin: rootfs.origin(first).cloned(),
            subject,
        });
    }
}

fn short_name(origin: Option<&Origin>) -> String {
    match origin {
        Some(Origin::Package(id)) => id.name.clone(),
        Some(
            Origin::Path(name)
            | Origin::Inline(name)
            | Origin::Longshore(name)
            | Origin::Build(name)
            | Origin::Url(name),
        ) => name.clone(),
        Some(Origin::Image(layer) | Origin::Base(layer)) => layer.reference.clone(),
        Some(Origin::Nix(path)) => path.name().to_owned(),
        None => String::new(),
    }
}

type Found = (&'static str, Severity, String, String);

fn rights(path: &TreePath, entry: &Entry) -> Option<Found> {
    let mode = entry.mode;
    match entry.node {
        Node::File(_) | Node::Hardlink(_) if mode & 0o6000 != 0 => Some((
            "setuid",
            Severity::Warning,
            format!(
                "`{path}` (mode {mode:04o}) runs with the rights of its owner {}:{}",
                entry.uid, entry.gid
            ),
            format!("drop the bit, or allow it: `allow = [\"setuid:{path}\"]`"),
        )),
        Node::File(_) | Node::Hardlink(_) if mode & 0o002 != 0 => Some((
            "world-writable",
            Severity::Warning,
            format!("everyone may write `{path}` (mode {mode:04o})"),
            "set a `mode` without write permission for others".to_owned(),
        )),
        Node::Directory if mode & 0o1002 == 0o002 => Some((
            "world-writable",
            Severity::Warning,
            format!("everyone may write in `{path}` and remove what others made there (mode {mode:04o})"),
            "give it an owner and mode 0750, or the sticky bit (1777)".to_owned(),
        )),
        _ => None,
    }
}

const SHELLS: &[&str] = &["sh", "ash", "bash", "busybox", "dash", "fish", "ksh", "zsh"];
const PACKAGE_MANAGERS: &[&str] =
    &["apk", "apt", "apt-get", "dnf", "dpkg", "microdnf", "npm", "pip", "pip3", "rpm", "yum"];
pub(super) const COMPILERS: &[&str] = &[
    "as", "c++", "cc", "cc1", "cc1plus", "clang", "clang++", "cpp", "g++", "gcc", "gfortran", "gold",
    "javac", "ld", "ld.bfd", "ld.gold", "ld.lld", "lld", "rustc", "tcc",
];

fn tool(path: &TreePath, entry: &Entry) -> Option<Found> {
    let file = matches!(entry.node, Node::File(_) | Node::Hardlink(_)) && entry.mode & 0o111 != 0;
    let folder = path.folder();
    let program = [&b"usr/bin"[..], b"usr/sbin", b"usr/local/bin", b"usr/local/sbin"].contains(&folder);
    if !file || !(program || folder.windows(3).any(|part| part == b"gcc")) {
        return None;
    }
    let name = String::from_utf8_lossy(path.name());
    if COMPILERS.contains(&plain(&name)) {
        let hint = "an image that runs one program needs none; take a slice (`from = [...]`)".to_owned();
        return Some((
            "compiler",
            Severity::Warning,
            format!("`{path}` is a compiler, assembler or linker"),
            hint,
        ));
    }
    if !program {
        return None;
    }
    let hint = "nothing to do when the service needs it".to_owned();
    if SHELLS.contains(&&*name) {
        return Some(("shell", Severity::Note, format!("`{path}` is a shell"), hint));
    }
    PACKAGE_MANAGERS
        .contains(&&*name)
        .then(|| ("package-manager", Severity::Note, format!("`{path}` is a package manager"), hint))
}

/// `x86_64-linux-gnu-gcc-14` → `gcc`.
pub(super) fn plain(name: &str) -> &str {
    let name = name.rsplit_once("-linux-gnu").map_or(name, |(_, rest)| {
        rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric()).trim_start_matches('-')
    });
    match name.rsplit_once('-') {
        Some((stem, version)) if version.starts_with(|c: char| c.is_ascii_digit()) => stem,
        _ => name,
    }
}

fn is_development(path: &TreePath) -> bool {
    let text = path.as_bytes();
    let library = text.starts_with(b"usr/lib/") || text.starts_with(b"usr/local/lib/");
    text.starts_with(b"usr/include/")
        || text.starts_with(b"usr/share/pkgconfig/")
        || (library && (text.ends_with(b".a") || text.windows(11).any(|part| part == b"/pkgconfig/")))
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn compilers_are_known_by_their_plain_names() {
        for (name, expected) in [
            ("gcc", "gcc"),
            ("gcc-14", "gcc"),
            ("x86_64-linux-gnu-g++-14", "g++"),
            ("arm-linux-gnueabihf-ld.bfd", "ld.bfd"),
            ("dpkg-query", "dpkg-query"),
        ] {
            assert_eq!(plain(name), expected, "{name}");
        }
    }
}
