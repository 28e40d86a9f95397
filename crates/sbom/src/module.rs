//! Modules that builds take from the ecosystems: Go, Cargo, npm, git.

use longshore_oci::Content;

use crate::bill::{Component, FORGES, Hash, Id, Kind, Party, Relation};
use crate::cpe;
use crate::gather::bare;
use crate::licence::Licence;
use crate::purl::Purl;

/// Where a module is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ecosystem {
    /// Go's modules; Go itself is the module `stdlib`.
    Go,
    /// Crates of a registry.
    Cargo,
    /// npm's packages.
    Npm,
    /// A revision of a git repository, whose address is the name.
    Git,
}

/// One module of a build.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Module {
    /// Where it is from.
    pub ecosystem: Ecosystem,
    /// Its name there.
    pub name: String,
    /// Its version there.
    pub version: String,
    /// The file that it came in; none where it is part of a toolchain.
    pub content: Option<Content>,
    /// Hashes besides that its lock file has.
    pub hashes: Vec<Hash>,
    /// Its line of `go.sum`, of Go's.
    pub go_sum: Option<String>,
    /// What it says of itself.
    pub about: About,
}

/// What a module's manifest says.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct About {
    /// Its licence, as written.
    pub licence: Option<String>,
    /// Its first author, `Name <address>`.
    pub author: Option<String>,
    /// The address of its repository.
    pub repository: Option<String>,
    /// The address of its home.
    pub homepage: Option<String>,
    /// What it is, in a line.
    pub summary: Option<String>,
}

impl Module {
    /// What it is called.
    pub fn id(&self) -> Id {
        let kind = match self.ecosystem {
            Ecosystem::Go => "golang",
            Ecosystem::Cargo => "cargo",
            Ecosystem::Npm => "npm",
            Ecosystem::Git => "git",
        };
        Id(format!("{kind}:{}@{}", self.name, self.version))
    }

    /// What is known of it.
    pub fn component(&self) -> Component {
        let mut component = Component::new(Kind::Module, &self.name, &self.version);
        component.purl = self.purl();
        if self.ecosystem == Ecosystem::Go && self.name == "stdlib" {
            component.cpe = Some(cpe::of_go(&self.version));
        }
        component.hashes.extend(self.content.map(Hash::from));
        component.hashes.extend(self.hashes.iter().cloned());
        if let Some(sum) = &self.go_sum {
            component.properties.insert("go-sum".to_owned(), sum.clone());
        }
        let About { licence, author, repository, homepage, summary } = &self.about;
        component.licence = licence.as_deref().and_then(Licence::of_expression);
        component.homepage = homepage.clone().filter(|address| is_web(address));
        component.summary.clone_from(summary);
        let owner = || repository.as_deref().and_then(Party::of_repository);
        component.supplier = author.as_deref().map(Party::named).or_else(owner);
        match self.ecosystem {
            Ecosystem::Git => {
                component.download = Some(format!("git+{}@{}", bare(&self.name), self.version));
                component.supplier = Party::of_repository(&self.name);
            }
            Ecosystem::Go => component.supplier = Some(Party::Organisation(self.go_owner(), None)),
            Ecosystem::Npm if component.supplier.is_none() => {
                let scope = self.name.split_once('/').filter(|(scope, _)| scope.starts_with('@'));
                component.supplier = scope.map(|(scope, _)| Party::Organisation(scope.to_owned(), None));
            }
            Ecosystem::Npm | Ecosystem::Cargo => {}
        }
        component
    }

    /// How a build takes it in.
    pub(crate) fn relation(&self) -> Relation {
        match self.ecosystem {
            Ecosystem::Go | Ecosystem::Cargo | Ecosystem::Git => Relation::Links,
            Ecosystem::Npm => Relation::Bundles,
        }
    }

    fn purl(&self) -> Option<String> {
        let purl = match self.ecosystem {
            Ecosystem::Go => Purl::new("golang", &self.name),
            Ecosystem::Cargo => Purl::new("cargo", &self.name),
            // An address is no name of the registry's.
            Ecosystem::Npm if self.name.contains("://") => return None,
            Ecosystem::Npm => Purl::new("npm", &self.name.to_ascii_lowercase()),
            Ecosystem::Git => return None,
        };
        Some(purl.version(&self.version).text())
    }

    /// Whose a module's path is: the owner of a repository at the big hosts, else the host.
    fn go_owner(&self) -> String {
        let mut parts = self.name.split('/');
        match (parts.next().unwrap_or_default(), parts.next()) {
            ("stdlib", None) => String::from("The Go Authors"),
            (host, Some(owner)) if FORGES.contains(&host) => format!("{host}/{owner}"),
            (host, _) => host.to_owned(),
        }
    }
}

fn is_web(address: &str) -> bool {
    (address.starts_with("https://") || address.starts_with("http://"))
        && !address.contains([' ', '<', '>', '"'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_have_names_that_scanners_know() {
        let module = |ecosystem, name: &str, version: &str| Module {
            ecosystem,
            name: name.to_owned(),
            version: version.to_owned(),
            content: None,
            hashes: Vec::new(),
            go_sum: None,
            about: About::default(),
        };
        for (ecosystem, name, version, purl) in [
            (Ecosystem::Go, "github.com/A/b/v2", "v2.0.1", Some("pkg:golang/github.com/A/b/v2@v2.0.1")),
            (Ecosystem::Go, "stdlib", "1.24.4", Some("pkg:golang/stdlib@1.24.4")),
            (Ecosystem::Cargo, "serde", "1.0.0+x", Some("pkg:cargo/serde@1.0.0%2Bx")),
            (Ecosystem::Npm, "@vitejs/plugin", "1.0.0", Some("pkg:npm/%40vitejs/plugin@1.0.0")),
            (Ecosystem::Git, "https://example.org/x.git", "abc", None),
        ] {
            assert_eq!(module(ecosystem, name, version).component().purl.as_deref(), purl);
        }
    }
}
