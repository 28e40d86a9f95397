//! When a package changed, by its changelog (Debian policy 4.4, `deb-changelog(5)`).

use std::collections::BTreeSet;
use std::io::Read as _;

use flate2::read::GzDecoder;
use longshore_oci::{Component, Content, Node, Origin, Store, StoreError, TreePath, read_bounded};

use super::release::date;

/// Most bytes of a changelog that are read; those that a package shipped with are at its start.
const MAX_BYTES: u64 = 1 << 20;
/// A day in seconds.
const DAY: u64 = 86_400;
/// Distributions in which every release is made, before it is one.
const IN_THE_MAKING: [&str; 4] = ["unstable", "experimental", "UNRELEASED", "sid"];

/// Which entries of a changelog count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// All of them.
    All,
    /// Those for a release that was out: point releases, security.
    Released,
}

/// On how many days between `from` and `to`, in seconds since 1970, the package that `component` is changed; none where it has
/// no changelog of its own.
///
/// # Errors
/// When the store can't be read.
pub fn changes(
    component: &Component,
    counted: Counted,
    (from, to): (u64, u64),
    store: &Store,
) -> Result<Option<u64>, StoreError> {
    let Some(changelog) = changelog(component) else { return Ok(None) };
    let packed = store.open_blob(&changelog)?;
    // One that is no gzip says nothing.
    let Ok(text) = read_bounded(GzDecoder::new(packed).take(MAX_BYTES), MAX_BYTES) else { return Ok(None) };
    let days: BTreeSet<u64> = entries(&String::from_utf8_lossy(&text))
        .filter(|(distributions, _)| match counted {
            Counted::All => true,
            Counted::Released => !distributions.split(' ').any(|name| IN_THE_MAKING.contains(&name)),
        })
        .map(|(_, time)| time)
        .filter(|time| (from..to).contains(time))
        .map(|time| time / DAY)
        .collect();
    Ok(Some(days.len() as u64))
}

/// The changelog of the Debian package, or that of a package that is Debian's own.
fn changelog(component: &Component) -> Option<Content> {
    let Origin::Package(id) = &component.origin else { return None };
    let file = |name: &str| {
        let path = TreePath::new(format!("usr/share/doc/{}/{name}", id.name)).ok()?;
        match component.tree.get(&path)?.node {
            Node::File(content) => Some(content),
            _ => None,
        }
    };
    file("changelog.Debian.gz").or_else(|| file("changelog.gz"))
}

/// Distributions and time of every entry: `name (version) trixie-security; urgency=high`, and, after the changes,
/// ` -- Maintainer <address>  Sat, 21 Nov 2026 09:15:44 +0100`. The zone is passed over: days are counted.
fn entries(text: &str) -> impl Iterator<Item = (&str, u64)> {
    let mut distributions = "";
    text.lines().filter_map(move |line| {
        if let Some(trailer) = line.strip_prefix(" -- ") {
            let (_, date) = trailer.rsplit_once(">  ")?;
            let (date, _zone) = date.trim().rsplit_once(' ')?;
            return Some((distributions, date::parse(&format!("{date} UTC"))?));
        }
        if !line.starts_with(char::is_whitespace)
            && let Some((_, rest)) = line.split_once(") ")
        {
            distributions = rest.split_once(';').map_or(rest, |(distributions, _)| distributions);
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use longshore_oci::{Entry, PackageId, Tree};

    use super::*;

    const TEXT: &str = "\
openssl (3.0.15-1~deb12u1) bookworm; urgency=medium

  * Import 3.0.15

 -- A Person <a@example.org>  Thu, 05 Sep 2024 01:04:52 +0200

openssl (3.0.14-1~deb12u2) bookworm-security; urgency=high

  * CVE-2024-6119

 -- A Person <a@example.org>  Wed, 28 Aug 2024 21:19:48 +0200

openssl (3.0.14-1) unstable; urgency=medium

 -- A Person <a@example.org>  Tue, 04 Jun 2024 19:57:34 +0200
";

    #[test]
    fn days_on_which_a_release_changed() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(TEXT.as_bytes()).unwrap();
        let content = store.put(&packed.finish().unwrap()).unwrap();
        let path = TreePath::new("usr/share/doc/openssl/changelog.Debian.gz").unwrap();
        let component = |tree: Tree| Component {
            origin: Origin::Package(PackageId {
                source: "debian".into(),
                name: "openssl".into(),
                version: "3".into(),
                architecture: "amd64".into(),
            }),
            tree,
            facts: Default::default(),
            package: None,
        };
        let with = component([(path, Entry::file(0o644, content))].into_iter().collect());
        let year = (1_700_000_000, 1_740_000_000);
        assert_eq!(changes(&with, Counted::All, year, &store).unwrap(), Some(3));
        assert_eq!(changes(&with, Counted::Released, year, &store).unwrap(), Some(2));
        assert_eq!(changes(&with, Counted::All, (1_725_000_000, 1_740_000_000), &store).unwrap(), Some(1));
        assert_eq!(changes(&component(Tree::new()), Counted::All, year, &store).unwrap(), None);
    }
}
