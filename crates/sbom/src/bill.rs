//! The model that both formats are written from.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use longshore_oci::{Content, DiffId, Digest, Epoch, Platform};

use crate::licence::Licence;

/// What images are made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bill {
    /// What the document is called.
    pub name: String,
    /// When: the stack's one time.
    pub created: Epoch,
    /// Who vouches for what the stack itself makes.
    pub author: Party,
    /// The component that all of it is about.
    pub root: Id,
    /// All components, the root among them.
    pub components: BTreeMap<Id, Component>,
    /// How they hang together; both ends are among the components.
    pub edges: BTreeSet<Edge>,
}

/// What no other component of a stack is called: `deb:debian/curl=8.14.1-2:amd64`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id(pub String);

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component {
    /// What it is.
    pub kind: Kind,
    /// Its name in its own world.
    pub name: String,
    /// Its version, or a digest where it has none.
    pub version: String,
    /// Its package URL, where its kind has one (ECMA-427).
    pub purl: Option<String>,
    /// What the NVD calls it, where that is known (CPE 2.3, formatted string).
    pub cpe: Option<String>,
    /// Who hands it out.
    pub supplier: Option<Party>,
    /// Under which licence it says to be.
    pub licence: Option<Licence>,
    /// What its bytes are, as it was taken.
    pub hashes: BTreeSet<Hash>,
    /// Where it can be had.
    pub download: Option<String>,
    /// Where its authors are.
    pub homepage: Option<String>,
    /// What it is, in a line.
    pub summary: Option<String>,
    /// Vulnerabilities (`CVE-2024-1234`) that patches of whoever built it mend, sorted.
    pub patched: Vec<String>,
    /// Facts for which formats have no field, by name without `longshore:`.
    pub properties: BTreeMap<String, String>,
    /// Where it is, or what it went into.
    pub places: BTreeSet<Place>,
}

impl Component {
    /// One of which only this is known.
    pub fn new(kind: Kind, name: impl Into<String>, version: impl Into<String>) -> Self {
        Self {
            kind,
            name: name.into(),
            version: version.into(),
            purl: None,
            cpe: None,
            supplier: None,
            licence: None,
            hashes: BTreeSet::new(),
            download: None,
            homepage: None,
            summary: None,
            patched: Vec::new(),
            properties: BTreeMap::new(),
            places: BTreeSet::new(),
        }
    }
}

/// What a component is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// All images of a stack.
    Stack,
    /// One image for all its platforms.
    Index,
    /// An image for one platform.
    Image,
    /// An image of somebody else.
    BaseImage,
    /// A package of a distribution.
    Package,
    /// What a build made.
    Program,
    /// A module that a build takes from an ecosystem.
    Module,
    /// A file or an archive from an address.
    Download,
    /// A file or a folder of the stack's own.
    File,
}

/// A person or an organisation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Party {
    /// By name, and by mail address if that is known.
    Person(String, Option<String>),
    /// The same.
    Organisation(String, Option<String>),
}

impl Party {
    /// Who `Name <x@example.org>` is, as packages write it; teams are no persons.
    pub fn named(text: &str) -> Self {
        let (name, mail) = match text.split_once('<') {
            Some((name, rest)) => (name, rest.split('>').next().map(str::trim)),
            None => (text, None),
        };
        let mail = mail.filter(|mail| mail.contains('@') && !mail.contains([' ', '(', ')']));
        // SPDX sets mail addresses apart by brackets; npm sets home pages so.
        let name = name.split(" (http").next().unwrap_or_default().replace(['(', ')', '<', '>'], "");
        let name = match (name.trim_matches(['"', ' ']), mail) {
            ("", Some(mail)) => mail,
            (name, _) => name,
        };
        let (name, mail) = (name.to_owned(), mail.map(str::to_owned));
        let several = [
            "authors",
            "contributors",
            "debian",
            "developers",
            "foundation",
            "group",
            "inc",
            "inc.",
            "llc",
            "maintainers",
            "packagers",
            "project",
            "team",
        ];
        match name.to_ascii_lowercase().split([' ', '-']).any(|word| several.contains(&word)) {
            true => Self::Organisation(name, mail),
            false => Self::Person(name, mail),
        }
    }

    /// Who has the repository at `address`: host and owner at hosts of many, else the host. None where it is no address.
    pub fn of_repository(address: &str) -> Option<Self> {
        let (rest, host) = match address.split_once("://") {
            Some((_, rest)) => (rest, None),
            // npm's short forms.
            None => {
                match address.strip_prefix("github:").or_else(|| address.split_once('/').map(|_| address)) {
                    Some(rest) if !rest.contains([':', '@']) => (rest, Some("github.com")),
                    _ => return None,
                }
            }
        };
        let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
        let mut parts = rest.split(['/', ':']).filter(|part| !part.is_empty());
        let host = host.or_else(|| parts.next())?.to_ascii_lowercase();
        let name = match parts.next().filter(|_| FORGES.contains(&host.as_str())) {
            Some(owner) => format!("{host}/{owner}"),
            None => host,
        };
        Some(Self::Organisation(name, None))
    }
}

/// Hosts of repositories of many owners.
pub(crate) const FORGES: [&str; 5] =
    ["bitbucket.org", "codeberg.org", "git.sr.ht", "github.com", "gitlab.com"];

/// A hash that both formats know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Algorithm {
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

/// What bytes are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hash {
    /// By which algorithm.
    pub algorithm: Algorithm,
    /// Lower-case hex digits.
    pub hex: String,
}

impl From<Digest> for Hash {
    fn from(digest: Digest) -> Self {
        Self { algorithm: Algorithm::Sha256, hex: digest.hex() }
    }
}

impl Hash {
    /// From what npm calls integrity, `sha512-` and base64 (W3C, Subresource Integrity 3.5). None for other algorithms.
    pub fn from_integrity(text: &str) -> Option<Self> {
        let bytes = STANDARD.decode(text.strip_prefix("sha512-")?).ok().filter(|bytes| bytes.len() == 64)?;
        Some(Self {
            algorithm: Algorithm::Sha512,
            hex: bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        })
    }
}

impl From<Content> for Hash {
    fn from(content: Content) -> Self {
        content.digest.into()
    }
}

/// Where a component is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The image's name in the stack file.
    pub image: String,
    /// On which platform.
    pub platform: Platform,
    /// The layers that hold it, lowest first; none where it only went into something that is there.
    pub layers: Vec<DiffId>,
    /// How much of it.
    pub part: Part,
}

/// How much of a component is in an image.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The whole, less what images leave out (documentation, translations).
    Whole,
    /// These files alone, by their absolute paths in the image.
    Files(Vec<String>),
    /// A file that was made from it.
    Made,
    /// A program that it was linked or bundled into, as far as the program needs it.
    Linked,
    /// Nothing of it as it is: something was built from it.
    Source,
}

/// How two components hang together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// What says something …
    pub from: Id,
    /// … of what.
    pub relation: Relation,
    /// Of that.
    pub to: Id,
}

/// What `from` is to `to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Relation {
    /// It holds it.
    Contains,
    /// It needs it to work.
    DependsOn,
    /// It was built on it: a base image.
    BuiltOn,
    /// It was made from it.
    MadeFrom,
    /// It was linked with it.
    Links,
    /// It was bundled with it, or by it.
    Bundles,
}

/// What a document is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// An image on one platform.
    Image(String, Platform),
    /// An image on all platforms.
    Index(String),
    /// All images of the stack.
    Stack,
}

impl Bill {
    /// The part of it that `subject` is made of; none where the bill knows no such thing.
    pub fn about(&self, subject: &Subject) -> Option<Self> {
        let root = match subject {
            Subject::Image(name, platform) => image_id(name, platform),
            Subject::Index(name) => index_id(name),
            Subject::Stack => self.root.clone(),
        };
        let concerns = |place: &Place| match subject {
            Subject::Image(name, platform) => place.image == *name && place.platform == *platform,
            Subject::Index(name) => place.image == *name,
            Subject::Stack => true,
        };
        if !self.components.contains_key(&root) {
            return None;
        }
        let mut components = BTreeMap::new();
        for (id, component) in &self.components {
            let places: BTreeSet<_> =
                component.places.iter().filter(|place| concerns(place)).cloned().collect();
            // What is around the subject is no part of it.
            let around = component.kind < self.components.get(&root).map_or(Kind::Stack, |root| root.kind);
            if *id != root && (places.is_empty() || around) {
                continue;
            }
            components.insert(id.clone(), Component { places, ..component.clone() });
        }
        let edges = self.edges.iter();
        let edges =
            edges.filter(|edge| components.contains_key(&edge.from) && components.contains_key(&edge.to));
        let name = match subject {
            Subject::Image(image, platform) => format!("{image} {platform}"),
            Subject::Index(image) => image.clone(),
            Subject::Stack => self.name.clone(),
        };
        let edges = edges.cloned().collect();
        Some(Self { name, root, components, edges, ..self.clone() })
    }
}

/// What an image for one platform is called.
pub(crate) fn image_id(name: &str, platform: &Platform) -> Id {
    Id(format!("image:{name}:{platform}"))
}

/// What an image for all platforms is called.
pub(crate) fn index_id(name: &str) -> Id {
    Id(format!("index:{name}"))
}

impl fmt::Display for Place {
    /// `image web (linux/amd64), layer sha256:…; only /usr/bin/x`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "image {} ({})", self.image, self.platform)?;
        for layer in &self.layers {
            write!(f, ", layer {layer}")?;
        }
        match &self.part {
            Part::Whole => Ok(()),
            Part::Files(files) => {
                let shown: Vec<_> = files.iter().take(MAX_FILES).map(String::as_str).collect();
                write!(f, "; only {}", shown.join(", "))?;
                match files.len().saturating_sub(MAX_FILES) {
                    0 => Ok(()),
                    more => write!(f, " and {more} more"),
                }
            }
            Part::Made => f.write_str("; only what was made from it"),
            Part::Linked => f.write_str("; as much of it as the build took in"),
            Part::Source => f.write_str("; what is there was built from it"),
        }
    }
}

/// Most files of a part that are named.
const MAX_FILES: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parties() {
        let person = |name: &str, mail: Option<&str>| Party::Person(name.to_owned(), mail.map(str::to_owned));
        for (text, expected) in [
            ("Ada L <a@b>", person("Ada L", Some("a@b"))),
            ("Ada (x) L <a@b>", person("Ada x L", Some("a@b"))),
            ("Ada L (https://ada.example)", person("Ada L", None)),
            ("<a@b>", person("a@b", Some("a@b"))),
            ("The X Team", Party::Organisation("The X Team".to_owned(), None)),
        ] {
            assert_eq!(Party::named(text), expected);
        }
        for (address, expected) in [
            ("git+https://github.com/a/b.git", Some("github.com/a")),
            ("ssh://git@github.com/a/b", Some("github.com/a")),
            ("https://git.example.org/a/b", Some("git.example.org")),
            ("a/b", Some("github.com/a")),
            ("github:a/b", Some("github.com/a")),
            ("nothing", None),
            ("", None),
        ] {
            let expected = expected.map(|name| Party::Organisation(name.to_owned(), None));
            assert_eq!(Party::of_repository(address), expected, "{address}");
        }
    }
}
