//! What is left of the package manager: an entry for each package under `/var/lib/dpkg/status.d`, by which scanners know
//! it, and its copyright file.

use longshore_oci::{Component, Content, Entry, PackageId, TreePath};

use super::builder::Builder;
use super::search::Reach;
use super::view::View;
use super::{ComposeError, Held, links};

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
    let mut entries = Vec::new();
    let owned = build.origins.components(&build.tree);
    for id in view.used.keys().cloned().collect::<Vec<_>>() {
        let component = view.load_one(&id)?;
        let Some(meta) = &component.package else { continue };
        let held = owned.get(&component.origin).map(Vec::as_slice).unwrap_or_default();
        let store = build.input.store;
        let sums = match &meta.md5sums {
            Some(sums) => kept_sums(held, &store.read_blob(sums)?),
            None => Vec::new(),
        };
        // There are very many lines in all.
        let sums = if sums.is_empty() { None } else { Some(store.put(&sums)?) };
        entries.push((id, sums, component));
    }
    for (id, sums, component) in entries {
        status(build, view, &id, &component, sums)?;
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

fn status(
    build: &mut Builder<'_>,
    view: &View<'_>,
    id: &PackageId,
    component: &Component,
    sums: Option<Content>,
) -> Result<(), ComposeError> {
    let Some(meta) = &component.package else { return Ok(()) };
    let native = id.architecture == "all" || id.architecture == view.arch.debian;
    let name = if native { id.name.clone() } else { format!("{}:{}", id.name, id.architecture) };
    let folder = TreePath::new("var/lib/dpkg/status.d")?;

    let mut control = meta.control.clone();
    if !control.ends_with(b"\n") {
        control.push(b'\n');
    }
    build.put_bytes(&folder.join(&name)?, 0o644, &control, &component.origin)?;
    if let Some(sums) = sums {
        let path = folder.join(format!("{name}.md5sums"))?;
        build.put(&path, Entry::file(0o644, sums), &component.origin)?;
    }
    Ok(())
}

/// The lines of a `md5sums` file (`hash  path`) whose file is in the image, at its place and of this package, which has what
/// is `held` there, sorted.
fn kept_sums(held: &[Held<'_>], sums: &[u8]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(sums.len());
    // Lines mostly have the order of paths.
    let mut next = 0;
    for line in sums.split_inclusive(|&b| b == b'\n') {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let Some(path) = line.get(34..) else { continue };
        let mut is_held = |path: &[u8]| {
            let found = match held.get(next) {
                Some((at, _)) if at.as_bytes() == path => Ok(next),
                _ => held.binary_search_by_key(&path, |(at, _)| at.as_bytes()),
            };
            next = found.map_or(next, |found| found + 1);
            found.is_ok()
        };
        // Most lines name the place as it is.
        if is_held(path) || TreePath::new(path).is_ok_and(|path| is_held(links::merged(&path).as_bytes())) {
            kept.extend_from_slice(line);
            kept.push(b'\n');
        }
    }
    kept
}
