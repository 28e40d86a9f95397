//! What is left of the package manager: an entry for each package under `/var/lib/dpkg/status.d`, by which scanners know
//! it, and its copyright file.

use longshore_oci::{Origin, PackageId, TreePath};

use super::builder::Builder;
use super::search::Reach;
use super::view::View;
use super::{ComposeError, links};

/// Records every package that contributes.
pub(super) fn record(build: &mut Builder<'_>, view: &mut View<'_>) -> Result<(), ComposeError> {
    // Copyright files may bring packages that were not used before: those of links to another's documentation.
    let mut done = 0;
    while done < view.used.len() {
        let ids: Vec<_> = view.used.keys().cloned().collect();
        done = ids.len();
        for id in &ids {
            copyright(build, view, id)?;
        }
    }
    let ids: Vec<_> = view.used.keys().cloned().collect();
    for id in ids {
        status(build, view, &id)?;
    }
    Ok(())
}

fn copyright(build: &mut Builder<'_>, view: &mut View<'_>, id: &PackageId) -> Result<(), ComposeError> {
    let path = TreePath::new(format!("usr/share/doc/{}/copyright", id.name))?;
    if build.has(&path) {
        return Ok(());
    }
    for hit in view.chain(id, &path, Reach::Near)?.unwrap_or_default() {
        view.place(build, &hit.id, &hit.path, &hit.path)?;
        view.used.entry(hit.id).or_insert(super::Brought::Slice);
    }
    Ok(())
}

fn status(build: &mut Builder<'_>, view: &mut View<'_>, id: &PackageId) -> Result<(), ComposeError> {
    let component = view.load_one(id)?;
    let Some(meta) = &component.package else { return Ok(()) };
    let native = id.architecture == "all" || id.architecture == view.arch.debian;
    let name = if native { id.name.clone() } else { format!("{}:{}", id.name, id.architecture) };
    let folder = TreePath::new("var/lib/dpkg/status.d")?;

    let mut control = meta.control.clone();
    if !control.ends_with(b"\n") {
        control.push(b'\n');
    }
    build.put_bytes(&folder.join(&name)?, 0o644, &control, &component.origin)?;
    let sums = kept_sums(build, &component.origin, &meta.md5sums);
    if !sums.is_empty() {
        build.put_bytes(&folder.join(format!("{name}.md5sums"))?, 0o644, &sums, &component.origin)?;
    }
    Ok(())
}

/// The lines of a `md5sums` file (`hash  path`) whose file is in the image, at its place and of this package.
fn kept_sums(build: &Builder<'_>, origin: &Origin, sums: &[u8]) -> Vec<u8> {
    let kept = |line: &&[u8]| {
        let path = line.get(34..).and_then(|path| TreePath::new(path).ok()).map(|path| links::merged(&path));
        path.is_some_and(|path| build.origins.get(&path) == Some(origin))
    };
    sums.split(|&b| b == b'\n').filter(kept).flat_map(|line| [line, b"\n"].concat()).collect()
}
