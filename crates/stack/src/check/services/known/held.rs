//! Does an image hold a path? What packages, folders and builds hold is known only when they are there.

use longshore_oci::TreePath;

use crate::check::contents;
use crate::model::{ContentSpec, Destination, ImageSpec, NixLinks, OutputRequest};

/// Whether an image holds a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Held {
    /// It does, or an input may bring it that is not there yet.
    Perhaps,
    /// No input brings it.
    No,
}

/// Whether `image` holds `path`, or something below it.
pub(super) fn held(image: &ImageSpec, path: &TreePath) -> Held {
    let path = merged(path);
    let made_by_all = ["/", "/bin", "/dev", "/etc/group", "/etc/passwd", "/proc", "/tmp"];
    let writable = image.writable.iter().any(|folder| touches(&merged(&folder.path), &path));
    let perhaps = writable
        || image.base.is_some()
        || made_by_all.contains(&path.to_string().as_str())
        || image.contents.iter().any(|content| brings(content, &path));
    if perhaps { Held::Perhaps } else { Held::No }
}

fn brings(content: &ContentSpec, path: &TreePath) -> bool {
    match content {
        ContentSpec::Package(_) => true,
        ContentSpec::Fragment(_) | ContentSpec::Probe => {
            let text = path.to_string();
            text.starts_with("/etc/ssl")
                || text.starts_with("/share/zoneinfo")
                || text.starts_with("/libexec")
        }
        ContentSpec::Directory(folder) => touches(&merged(&place(&folder.to, b"")), path),
        ContentSpec::Build(output) | ContentSpec::Url(output) => {
            touches(&merged(&output_place(output)), path)
        }
        ContentSpec::Image(_) => true,
        ContentSpec::Nix(request) => in_store(path) || links(&request.links, path),
        ContentSpec::Slice(slice) => {
            let own = contents::paths(content).iter().any(|own| touches(&merged(own), path));
            own || slice.extra.iter().any(|extra| touches(&merged(extra), path))
        }
        ContentSpec::File(_) | ContentSpec::Text(_) | ContentSpec::Symlink { .. } => {
            contents::paths(content).iter().any(|own| touches(&merged(own), path))
        }
    }
}

fn in_store(path: &TreePath) -> bool {
    path.to_string().starts_with("/nix/store/")
}

fn links(links: &NixLinks, path: &TreePath) -> bool {
    match links {
        NixLinks::Programs => path.to_string().starts_with("/bin/"),
        NixLinks::Everything(to) => touches(&merged(to), path),
        NixLinks::Parts { from, to } => {
            from.iter().any(|from| touches(&merged(&place(to, from.name())), path))
        }
        NixLinks::Nothing => false,
    }
}

/// Whether one is the other, or in it.
fn touches(a: &TreePath, b: &TreePath) -> bool {
    a == b || a.is_under(b) || b.is_under(a)
}

fn output_place(output: &OutputRequest) -> TreePath {
    let name = output.from.as_deref().and_then(|from| from.rsplit('/').next()).unwrap_or_default();
    place(&output.to, name.as_bytes())
}

fn place(to: &Destination, name: &[u8]) -> TreePath {
    to.path(name)
}

/// `/bin` and `/usr/bin` are one folder in every image.
fn merged(path: &TreePath) -> TreePath {
    let text = path.to_string();
    text.strip_prefix("/usr").and_then(|rest| TreePath::new(rest).ok()).unwrap_or_else(|| path.clone())
}
