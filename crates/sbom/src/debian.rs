//! What is known of a Debian package: by the lock, its control paragraph, and its copyright file.

use std::collections::BTreeMap;
use std::sync::Arc;

use longshore_image::rootfs::distribution;
use longshore_oci::{self as oci, Content, Node, PackageId, Store, TreePath, read_bounded};
use longshore_stack::lock::Lock;
use longshore_stack::model::{AptLocation, SourceSpec, Stack};

use crate::bill::{Component, Id, Kind, Party};
use crate::gather::bare;
use crate::licence::{Licence, MAX_COPYRIGHT};
use crate::purl::Purl;
use crate::{Error, cpe};

/// Unpacked packages by identity.
pub(crate) type Packages = BTreeMap<PackageId, Arc<oci::Component>>;

/// What a package is called.
pub(crate) fn id(package: &PackageId) -> Id {
    Id(format!("deb:{package}"))
}

/// What is known of `package`.
pub(crate) fn component(
    package: &PackageId,
    packages: &Packages,
    stack: &Stack,
    lock: &Lock,
    store: &Store,
) -> Result<Component, Error> {
    let mut component = Component::new(Kind::Package, &package.name, &package.version);
    let unpacked = packages.get(package);
    let control = unpacked.and_then(|unpacked| unpacked.package.as_ref()).map(|meta| &meta.control);
    let control = control.map(|bytes| String::from_utf8_lossy(bytes)).unwrap_or_default();
    let (source, version) = source(&control, package);
    component.purl = Some(purl(package, &source, &version, stack, lock));
    component.cpe = cpe::of_debian(&source, &version);
    component.supplier = field(&control, "Maintainer").map(Party::named);
    component.homepage = field(&control, "Homepage").filter(|text| text.contains("://")).map(str::to_owned);
    component.summary = field(&control, "Description").map(str::to_owned);
    component.licence = licence(package, packages, store)?;
    component.properties.insert("architecture".to_owned(), package.architecture.clone());
    component.properties.insert("source-package".to_owned(), format!("{source} {version}"));
    if let Some(locked) = lock.packages.get(package) {
        component.hashes.insert(locked.content.into());
        component.properties.insert("archive-path".to_owned(), locked.path.clone());
        component.download = archive(package, &locked.path, stack).map(|archive| archive + &locked.path);
    }
    Ok(component)
}

/// `pkg:deb/debian/libssl3t64@3.5.1-1?arch=amd64&distro=debian-13&upstream=openssl`: the qualifier `upstream` is what
/// scanners match advisories by, which speak of source packages.
fn purl(package: &PackageId, source: &str, version: &str, stack: &Stack, lock: &Lock) -> String {
    let release = lock.releases.iter().find(|release| release.source == package.source);
    let codename = release.map(|release| release.codename.as_str()).unwrap_or_default();
    let (vendor, distro) = match distribution(codename) {
        Some((vendor, version)) => (vendor, format!("{vendor}-{version}")),
        None => match stack.sources.get(&package.source) {
            Some(SourceSpec::Apt(apt)) => match &apt.location {
                AptLocation::Distribution(name) => (name.as_str(), codename.to_owned()),
                AptLocation::Url(_) => (package.source.as_str(), codename.to_owned()),
            },
            None => (package.source.as_str(), codename.to_owned()),
        },
    };
    let upstream = match (source == package.name, version == package.version) {
        (true, true) => String::new(),
        (_, true) => source.to_owned(),
        (_, false) => format!("{source}@{version}"),
    };
    let path = format!("{}/{}", vendor.to_ascii_lowercase(), package.name);
    let purl = Purl::new("deb", &path).version(&package.version);
    purl.with("arch", &package.architecture).with("distro", distro).with("upstream", upstream).text()
}

/// `Source: glibc (2.41-12)`; without the field both are the package's own (Debian policy 5.6.1).
fn source(control: &str, package: &PackageId) -> (String, String) {
    let Some(text) = field(control, "Source") else { return (package.name.clone(), package.version.clone()) };
    match text.split_once(" (") {
        Some((name, version)) => (name.to_owned(), version.trim_end_matches(')').to_owned()),
        None => (text.to_owned(), package.version.clone()),
    }
}

/// The public address of the archive that the package's path is relative to; the machine's mirror is nobody's business.
fn archive(package: &PackageId, path: &str, stack: &Stack) -> Option<String> {
    let SourceSpec::Apt(apt) = stack.sources.get(&package.source)?;
    match &apt.location {
        AptLocation::Url(url) => Some(format!("{}/", bare(url).trim_end_matches('/'))),
        // The archive of security updates has a pool of its own.
        AptLocation::Distribution(name) if name == "debian" => {
            Some(match path.starts_with("pool/updates/") {
                true => "https://deb.debian.org/debian-security/".to_owned(),
                false => "https://deb.debian.org/debian/".to_owned(),
            })
        }
        AptLocation::Distribution(_) => None,
    }
}

/// What the package's copyright file says, in its own folder of documents or in that of another package that it has a link to.
fn licence(package: &PackageId, packages: &Packages, store: &Store) -> Result<Option<Licence>, Error> {
    let Some(content) = copyright(package, packages) else { return Ok(None) };
    let failed = |error| Error::Copyright { package: package.name.clone(), error };
    let file = store.open_blob(&content).map_err(failed)?;
    let bytes = read_bounded(file, MAX_COPYRIGHT).map_err(|error| failed(error.into()))?;
    Ok(Licence::of_copyright(&String::from_utf8_lossy(&bytes)))
}

/// The package whose folder of documents the one of `package` is a link to, where it is: that has its copyright file.
pub fn documented_by(package: &PackageId, unpacked: &oci::Component) -> Option<String> {
    let folder = TreePath::new(format!("usr/share/doc/{}", package.name)).ok()?;
    match &unpacked.tree.get(&folder)?.node {
        Node::Symlink(target) => last(target),
        _ => None,
    }
}

fn copyright(package: &PackageId, packages: &Packages) -> Option<Content> {
    let mut folder = package.name.clone();
    let mut name = b"copyright".to_vec();
    // As many links as there are packages whose folders could hold them, and a few.
    for _ in 0..8 {
        let at = TreePath::new(format!("usr/share/doc/{folder}")).ok()?;
        let path = at.join(&name).ok()?;
        let trees = || {
            let own = packages.iter().filter(|(id, _)| *id == package);
            let others = packages.iter().filter(|(id, _)| *id != package && id.name == folder);
            own.chain(others).map(|(_, unpacked)| &unpacked.tree)
        };
        let find = |path: &TreePath| trees().find_map(|tree| tree.get(path)).map(|entry| &entry.node);
        match (find(&at), find(&path)) {
            (Some(Node::Symlink(target)), _) => folder = last(target)?,
            (_, Some(Node::File(content))) => return (content.size <= MAX_COPYRIGHT).then_some(*content),
            (_, Some(Node::Symlink(target))) => {
                // `../other/copyright`, or a file of the same folder.
                let text = String::from_utf8(target.clone()).ok()?;
                let mut parts = text.rsplit('/');
                name = parts.next()?.as_bytes().to_vec();
                folder = parts.next().map_or(folder, str::to_owned);
            }
            (_, Some(Node::Hardlink(to))) => match find(to)? {
                Node::File(content) => return (content.size <= MAX_COPYRIGHT).then_some(*content),
                _ => return None,
            },
            _ => return None,
        }
    }
    None
}

/// The last part of a link's target.
fn last(target: &[u8]) -> Option<String> {
    let name = target.rsplit(|&byte| byte == b'/').find(|part| !part.is_empty())?;
    String::from_utf8(name.to_vec()).ok()
}

/// The first line of a field of a control paragraph.
fn field<'a>(control: &'a str, name: &str) -> Option<&'a str> {
    let found = control.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then_some(value.trim())
    });
    found.filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_and_maintainers() {
        let package = PackageId {
            source: "debian".to_owned(),
            name: "libc6".to_owned(),
            version: "2.41-12+b1".to_owned(),
            architecture: "amd64".to_owned(),
        };
        let of = |text: &str| source(text, &package);
        let pair = |name: &str, version: &str| (name.to_owned(), version.to_owned());
        assert_eq!(of("Package: libc6\n"), pair("libc6", "2.41-12+b1"));
        assert_eq!(of("Source: glibc (2.41-12)\n"), pair("glibc", "2.41-12"));
        assert_eq!(of("Source: glibc\n"), pair("glibc", "2.41-12+b1"));
        assert_eq!(
            Party::named("GNU Libc Maintainers <a@example.org>"),
            Party::Organisation("GNU Libc Maintainers".to_owned(), Some("a@example.org".to_owned()))
        );
        assert_eq!(
            Party::named("Ada (x) L <a@b>"),
            Party::Person("Ada x L".to_owned(), Some("a@b".to_owned()))
        );
    }
}
