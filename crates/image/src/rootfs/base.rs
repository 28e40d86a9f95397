//! What every image has: links of the merged `/usr`, the usual folders, name service, what the system is.

use longshore_oci::{Entry, Origin, TreePath};
use longshore_stack::model::ContentSpec;

use super::builder::Builder;
use super::view::View;
use super::{Arch, Brought, ComposeError};

/// The origin of what every image has.
pub(super) fn origin() -> Origin {
    Origin::Longshore("base".to_owned())
}

const FOLDERS: &[(&str, u16)] = &[
    ("dev", 0o755),
    ("etc", 0o755),
    ("home", 0o755),
    ("proc", 0o555),
    ("root", 0o700),
    ("run", 0o755),
    ("run/lock", 0o1777),
    ("sys", 0o555),
    ("tmp", 0o1777),
    ("usr/bin", 0o755),
    ("usr/lib", 0o755),
    ("usr/sbin", 0o755),
    ("var/tmp", 0o1777),
];

/// Makes the links and folders that everything else goes into.
pub(super) fn skeleton(build: &mut Builder<'_>, arch: Arch) -> Result<(), ComposeError> {
    let origin = origin();
    if build.input.spec.base.is_some() {
        return on_base(build, arch);
    }
    for (path, mode) in FOLDERS {
        build.put(&TreePath::new(path)?, Entry::directory(*mode), &origin)?;
    }
    for name in arch.links {
        build.put(&TreePath::new(format!("usr/{name}"))?, Entry::directory(0o755), &origin)?;
        build.put(&TreePath::new(name)?, Entry::symlink(format!("usr/{name}")), &origin)?;
    }
    for (path, target) in [("var/run", "/run"), ("var/lock", "/run/lock")] {
        build.put(&TreePath::new(path)?, Entry::symlink(target), &origin)?;
    }
    build.put_bytes(&TreePath::new("etc/nsswitch.conf")?, 0o644, NSSWITCH, &origin)?;
    Ok(())
}

/// What engines and the runner mount something on.
const MOUNTS: [&str; 6] = ["dev", "etc", "proc", "run", "sys", "tmp"];

/// Adds what the base lacks of it: where it has something already, that stays as it is. Links into `/usr` are for packages,
/// whose loader is looked for at their end.
fn on_base(build: &mut Builder<'_>, arch: Arch) -> Result<(), ComposeError> {
    let origin = origin();
    for (path, mode) in FOLDERS.iter().filter(|(path, _)| MOUNTS.contains(path)) {
        let path = TreePath::new(path)?;
        if build.tree.get(&path).is_none() {
            build.put(&path, Entry::directory(*mode), &origin)?;
        }
    }
    let package = |content: &ContentSpec| matches!(content, ContentSpec::Package(_) | ContentSpec::Slice(_));
    if !build.input.spec.contents.iter().any(package) {
        return Ok(());
    }
    for name in arch.links {
        let link = TreePath::new(name)?;
        if build.tree.get(&link).is_none() {
            build.put(&TreePath::new(format!("usr/{name}"))?, Entry::directory(0o755), &origin)?;
            build.put(&link, Entry::symlink(format!("usr/{name}")), &origin)?;
        }
    }
    Ok(())
}

const NSSWITCH: &[u8] = b"passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n\
networks: files\nprotocols: files\nservices: files\n";

/// Releases by codename: `ID`, `VERSION_ID`, the name people use.
const RELEASES: &[(&str, &str, &str, &str)] = &[
    ("bullseye", "debian", "11", "Debian GNU/Linux 11 (bullseye)"),
    ("bookworm", "debian", "12", "Debian GNU/Linux 12 (bookworm)"),
    ("trixie", "debian", "13", "Debian GNU/Linux 13 (trixie)"),
    ("forky", "debian", "14", "Debian GNU/Linux 14 (forky)"),
    ("jammy", "ubuntu", "22.04", "Ubuntu 22.04 LTS"),
    ("noble", "ubuntu", "24.04", "Ubuntu 24.04 LTS"),
];

/// Says what the system is (`os-release(5)`): with the words of `base-files` where that is in the closure, else from the
/// codename of the release that packages come from. Scanners choose their advisories by it.
pub(super) fn release(build: &mut Builder<'_>, view: &mut View<'_>) -> Result<(), ComposeError> {
    let (real, link) = (TreePath::new("usr/lib/os-release")?, TreePath::new("etc/os-release")?);
    if !build.has(&real) {
        let base_files = view.closure().iter().find(|id| id.name == "base-files").cloned();
        let shipped = match &base_files {
            Some(id) => view.place(build, id, &real, &real)?,
            None => None,
        };
        if let (Some(id), Some(_)) = (base_files, shipped) {
            view.used.entry(id).or_insert(Brought::Slice);
        } else if let Some(text) = known_release(build) {
            build.put_bytes(&real, 0o644, text.as_bytes(), &origin())?;
        }
    }
    if build.has(&real) && !build.has(&link) {
        build.put(&link, Entry::symlink("../usr/lib/os-release"), &origin())?;
    }
    Ok(())
}

/// A release by the codename of one of its suites. Names of a release's updates and security suites start with its codename;
/// other people's archives have names of their own.
fn known(suite: &str) -> Option<&'static (&'static str, &'static str, &'static str, &'static str)> {
    RELEASES.iter().find(|(known, ..)| suite.split('-').next() == Some(known))
}

/// `ID` and `VERSION_ID` of the release that a suite with this codename belongs to (`trixie-security`: `debian`, `13`), as images
/// of its packages say in `os-release(5)`.
pub fn distribution(codename: &str) -> Option<(&'static str, &'static str)> {
    known(codename).map(|(_, id, version, _)| (*id, *version))
}

fn known_release(build: &Builder<'_>) -> Option<String> {
    let packages = build.input.packages;
    let mut names = packages.closure().iter().filter_map(|id| packages.codename(&id.source));
    let (codename, id, version, pretty) = names.find_map(|name| known(&name))?;
    Some(format!(
        "ID={id}\nVERSION_ID=\"{version}\"\nVERSION_CODENAME={codename}\nPRETTY_NAME=\"{pretty}\"\n"
    ))
}
