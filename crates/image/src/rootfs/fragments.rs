//! What longshore makes from packages by its own rules: the CA bundle, the zone database, Java's trust store.

use longshore_oci::{Entry, Node, Origin, PackageId, Tree, TreePath};
use longshore_stack::model::{ContentSpec, FragmentKind};

use super::builder::Builder;
use super::view::View;
use super::{Brought, ComposeError, certificates, java};

/// Places the fragments that the image asks for, or whose package is in it as a whole.
pub(super) fn place(build: &mut Builder<'_>, view: &mut View<'_>) -> Result<(), ComposeError> {
    let mut authorities = None;
    for content in &build.input.spec.contents {
        let ContentSpec::Fragment(fragment) = content else { continue };
        let id = view.requested(&fragment.package)?;
        view.used.entry(id.clone()).or_insert(Brought::Fragment);
        match fragment.kind {
            FragmentKind::CaCertificates => authorities = Some(view.load_one(&id)?.tree.clone()),
            FragmentKind::Tzdata => zones(build, view, &id)?,
        }
    }
    let whole = TreePath::new(SHIPPED)?;
    if authorities.is_none() && build.tree.under(&whole).next().is_some() {
        authorities = Some(build.tree.under(&whole).map(|(p, e)| (p.clone(), e.clone())).collect());
    }
    match authorities {
        Some(tree) => bundle(build, &tree)?,
        None if !build.input.spec.certificates.is_empty() => {
            return Err(ComposeError::NoBundle { image: build.input.image.to_owned() });
        }
        None => {}
    }
    java::trust_store(build)
}

const SHIPPED: &str = "usr/share/ca-certificates/mozilla";
const BUNDLE: &str = "etc/ssl/certs/ca-certificates.crt";

/// Writes the CA bundle: the shipped certificates by name, then the stack's own in their order.
fn bundle(build: &mut Builder<'_>, tree: &Tree) -> Result<(), ComposeError> {
    let mut text = Vec::new();
    let mut all = Vec::new();
    for (path, entry) in tree.under(&TreePath::new(SHIPPED)?) {
        let Node::File(content) = entry.node else { continue };
        let Some(name) = path.name().strip_suffix(b".crt") else { continue };
        let bytes = build.input.store.read_blob(&content)?;
        let name = String::from_utf8_lossy(name).to_lowercase();
        // What the distribution ships and is odd stays in the bundle, which is what its own tools do with it.
        if let Ok([der]) = certificates::parse(&bytes).as_deref() {
            all.push((format!("debian:{name}"), der.clone()));
        }
        text.extend_from_slice(bytes.trim_ascii_end());
        text.push(b'\n');
    }
    for path in &build.input.spec.certificates {
        let own = own_certificates(build, path)?;
        for (n, der) in own.into_iter().enumerate() {
            text.extend_from_slice(certificates::print(&der).as_bytes());
            all.push((format!("stack:{path}:{n}").to_lowercase(), der));
        }
    }
    let origin = Origin::Longshore("ca-certificates".to_owned());
    build.put_bytes(&TreePath::new(BUNDLE)?, 0o644, &text, &origin)?;
    build.certificates = all;
    // OpenSSL's compiled-in default; the link is otherwise in a package that programs do not depend on.
    let default = TreePath::new("usr/lib/ssl/cert.pem")?;
    let openssl = build.facts.keys().any(|path| path.name().starts_with(b"libcrypto.so."));
    if openssl && !build.has(&default) && build.tree.get(&default).is_none() {
        build.put(
            &default,
            Entry::symlink(format!("/{BUNDLE}")),
            &Origin::Longshore("openssl".to_owned()),
        )?;
    }
    Ok(())
}

fn own_certificates(build: &Builder<'_>, path: &str) -> Result<Vec<Vec<u8>>, ComposeError> {
    let no_local = || ComposeError::NoLocal { image: build.input.image.to_owned(), path: path.to_owned() };
    let component = build.input.locals.get(path).ok_or_else(no_local)?;
    let file = component.tree.iter().find_map(|(_, entry)| match entry.node {
        Node::File(content) => Some(content),
        _ => None,
    });
    let bytes = build.input.store.read_blob(&file.ok_or_else(no_local)?)?;
    certificates::parse(&bytes).map_err(|reason| ComposeError::Certificate { path: path.to_owned(), reason })
}

/// Places the zone database, and makes UTC the local time.
fn zones(build: &mut Builder<'_>, view: &mut View<'_>, id: &PackageId) -> Result<(), ComposeError> {
    let component = view.load_one(id)?;
    for (path, _) in component.tree.under(&TreePath::new("usr/share/zoneinfo")?) {
        view.place(build, id, path, path)?;
    }
    let local = TreePath::new("etc/localtime")?;
    if build.tree.get(&local).is_none() {
        build.put(
            &local,
            Entry::symlink("/usr/share/zoneinfo/Etc/UTC"),
            &Origin::Longshore("tzdata".to_owned()),
        )?;
    }
    Ok(())
}
