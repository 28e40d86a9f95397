//! Where archives are: the addresses to try for a suite, best first.
//!
//! A lock names no host. For a distribution the addresses are longshore's own setting, then what this machine's apt is
//! set to, then the official mirror; for a repository with an address of its own, the setting and that address.

mod apt;

use std::collections::BTreeMap;
use std::path::PathBuf;

use longshore_stack::model::{AptLocation, AptSource};

use super::release::date;
use longshore_net::{Url, UrlError};

/// Debian's archives: name, official address, and the end of the names of suites that are in it.
const DEBIAN: [(&str, &str, &str); 2] = [
    ("debian-security", "http://security.debian.org/debian-security", "-security"),
    // Every other suite; its pattern matches all.
    ("debian", "http://ftp.debian.org/debian", ""),
];

/// Where Debian keeps every state that its archives ever had.
const DEBIAN_SNAPSHOTS: &str = "https://snapshot.debian.org/archive/{archive}/{timestamp}/";

/// How this machine chooses mirrors.
#[derive(Debug, Clone, Default)]
pub struct Mirrors {
    /// Addresses in order, by the name of a source in the stack file, or of one of Debian's archives (`debian`,
    /// `debian-security`).
    pub chosen: BTreeMap<String, Vec<String>>,
    /// The folder of apt's settings, usually `/etc/apt`; none to pass them over.
    pub apt: Option<PathBuf>,
}

/// Why there is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MirrorError {
    /// A distribution that longshore has no addresses of.
    #[error("source `{source_name}`: there is no distribution `{distribution}`; there is `debian`")]
    UnknownDistribution {
        /// The source in the stack file.
        source_name: String,
        /// What it names.
        distribution: String,
    },
    /// An address that is none.
    #[error("source `{source_name}`")]
    Url {
        /// The source in the stack file.
        source_name: String,
        /// Why not.
        #[source]
        error: UrlError,
    },
}

impl MirrorError {
    /// What the user can do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::UnknownDistribution { source_name, .. } => Some(format!(
                "give `[sources.{source_name}]` the repository's address as `url`, and its key as `keyring`"
            )),
            Self::Url { .. } => Some("write it like `https://packages.example.org/debian`".to_owned()),
        }
    }
}

impl Mirrors {
    /// The addresses of the archive that has `suite` of the source called `name`, best first, at least one.
    pub fn archives(&self, name: &str, source: &AptSource, suite: &str) -> Result<Vec<Url>, MirrorError> {
        let archive = match &source.location {
            AptLocation::Distribution(distribution) => Some(debian(name, distribution, suite)?),
            AptLocation::Url(_) => None,
        };
        let key = match archive {
            // A source's own setting is about its main archive.
            Some((archive, _)) if archive != "debian" || !self.chosen.contains_key(name) => archive,
            _ => name,
        };
        let mut addresses = Vec::new();
        for text in self.chosen.get(key).into_iter().flatten() {
            addresses.push(parse(name, text)?);
        }
        match (&source.location, archive) {
            (AptLocation::Url(url), _) => addresses.push(parse(name, url)?),
            (_, Some((archive, official))) => {
                addresses.extend(
                    self.apt.iter().flat_map(|folder| apt::archives(folder, archive == "debian-security")),
                );
                addresses.push(parse(name, official)?);
            }
            (_, None) => {}
        }
        let mut seen = Vec::new();
        addresses.retain(|url| {
            let new = !seen.contains(url);
            seen.push(url.clone());
            new
        });
        Ok(addresses)
    }

    /// The addresses of archives that keep old states of `suite`, as it was when its release file was of `date`
    /// (seconds since 1970).
    pub fn snapshots(
        &self,
        name: &str,
        source: &AptSource,
        suite: &str,
        date: u64,
    ) -> Result<Vec<Url>, MirrorError> {
        let archive = match &source.location {
            AptLocation::Distribution(distribution) => Some(debian(name, distribution, suite)?.0),
            AptLocation::Url(_) => None,
        };
        let own = source.snapshots.iter().map(String::as_str);
        let mut addresses = Vec::new();
        for template in own.chain(archive.map(|_| DEBIAN_SNAPSHOTS)) {
            // An archive's state is copied some hours after its release file was made, and asking for a moment gives
            // the copy before it; so the day after is asked for too.
            for at in [date, date + 86_400] {
                let address = template
                    .replace("{archive}", archive.unwrap_or(name))
                    .replace("{timestamp}", &date::stamp(at));
                let url = parse(name, &address)?;
                if !addresses.contains(&url) {
                    addresses.push(url);
                }
            }
        }
        Ok(addresses)
    }
}

/// The archive of a distribution that has `suite`: its name and official address.
fn debian(
    source: &str,
    distribution: &str,
    suite: &str,
) -> Result<(&'static str, &'static str), MirrorError> {
    let found = DEBIAN.iter().find(|(.., end)| suite.ends_with(end)).map(|(name, url, _)| (*name, *url));
    found.filter(|_| distribution == "debian").ok_or_else(|| MirrorError::UnknownDistribution {
        source_name: source.to_owned(),
        distribution: distribution.to_owned(),
    })
}

fn parse(source: &str, text: &str) -> Result<Url, MirrorError> {
    text.parse().map_err(|error| MirrorError::Url { source_name: source.to_owned(), error })
}

#[cfg(test)]
mod tests {
    use super::*;
    use longshore_stack::model::{Expired, Keyring};

    fn source(location: AptLocation) -> AptSource {
        AptSource {
            location,
            suites: vec![],
            components: vec![],
            keyring: Keyring::Shipped("debian-archive".to_owned()),
            signed_by: vec![],
            prefer: BTreeMap::new(),
            snapshots: vec!["http://old.example/{archive}/{timestamp}".to_owned()],
            expired: Expired::Refuse,
        }
    }

    fn shown(urls: Vec<Url>) -> Vec<String> {
        urls.iter().map(Url::to_string).collect()
    }

    #[test]
    fn order_and_archives() {
        let apt = tempfile::tempdir().unwrap();
        let lists = apt.path().join("sources.list.d");
        fs_err::create_dir(&lists).unwrap();
        fs_err::write(
            apt.path().join("sources.list"),
            "# deb http://commented/debian trixie main\ndeb [arch=amd64 signed-by=/x] http://one/debian trixie main # why\n\
             deb-src http://src/debian trixie main\ndeb cdrom:[x]/ trixie main\ndeb http://third/party trixie-pgdg main\ndeb http://docker/linux/debian trixie stable\n",
        )
        .unwrap();
        fs_err::write(
            lists.join("debian.sources"),
            "Types: deb deb-src\nURIs: http://two/debian http://one/debian\nSuites: trixie trixie-updates\nComponents: main\n\n\
             Types: deb\nURIs: mirror+file:///etc/apt/mirrors.list\nSuites: trixie-security\nComponents: main\n\n\
             Enabled: no\nTypes: deb\nURIs: http://off/debian\nSuites: trixie\nComponents: main\n",
        )
        .unwrap();
        fs_err::write(apt.path().join("mirrors.list"), "http://three/debian-security priority:1\n# no\n")
            .unwrap();
        let debian = source(AptLocation::Distribution("debian".to_owned()));
        let mut mirrors = Mirrors { chosen: BTreeMap::new(), apt: Some(apt.path().to_owned()) };
        let archives = |m: &Mirrors, suite| shown(m.archives("deb", &debian, suite).unwrap());
        assert_eq!(
            archives(&mirrors, "trixie"),
            ["http://one/debian", "http://two/debian", "http://ftp.debian.org/debian"]
        );
        assert_eq!(
            archives(&mirrors, "trixie-security"),
            ["http://three/debian-security", "http://security.debian.org/debian-security"]
        );
        mirrors.apt = None;
        mirrors.chosen.insert("debian".to_owned(), vec!["http://mine/debian".to_owned()]);
        assert_eq!(
            archives(&mirrors, "trixie-updates"),
            ["http://mine/debian", "http://ftp.debian.org/debian"]
        );
        mirrors.chosen.insert("deb".to_owned(), vec!["http://by-source/debian".to_owned()]);
        assert_eq!(archives(&mirrors, "trixie"), ["http://by-source/debian", "http://ftp.debian.org/debian"]);
        assert_eq!(archives(&mirrors, "trixie-security"), ["http://security.debian.org/debian-security"]);
        assert_eq!(
            shown(mirrors.snapshots("deb", &debian, "trixie-security", 0).unwrap()),
            [
                "http://old.example/debian-security/19700101T000000Z",
                "http://old.example/debian-security/19700102T000000Z",
                "https://snapshot.debian.org/archive/debian-security/19700101T000000Z/",
                "https://snapshot.debian.org/archive/debian-security/19700102T000000Z/"
            ]
        );
    }

    #[test]
    fn other_repositories_are_where_they_say() {
        let mirrors = Mirrors::default();
        let third = source(AptLocation::Url("https://apt.example/".to_owned()));
        assert_eq!(
            shown(mirrors.archives("third", &third, "trixie-security").unwrap()),
            ["https://apt.example/"]
        );
        let unknown = mirrors
            .archives("x", &source(AptLocation::Distribution("ubuntu".to_owned())), "noble")
            .unwrap_err();
        assert!(unknown.hint().unwrap().contains("`url`"));
    }
}
