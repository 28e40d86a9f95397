//! Where registries are: their usual address, and what the machine says of it (containers-registries.conf(5), certs.d).

mod conf;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use fs_err as fs;
use longshore_net::Url;

use conf::Rule;

/// Why the machine's settings of registries can't be used.
#[derive(Debug, thiserror::Error)]
pub enum HostsError {
    /// A file can't be read.
    #[error("can't read `{}`", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is not what it should be.
    #[error("`{}` is not a registries.conf: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The machine forbids the registry.
    #[error("`{prefix}` is blocked by `{}`", path.display())]
    Blocked {
        /// What is blocked.
        prefix: String,
        /// The file that says so.
        path: PathBuf,
    },
    /// The name is no host.
    #[error("`{host}` is not a registry: a host name with an optional port was expected")]
    Host {
        /// What was read.
        host: String,
    },
}

impl HostsError {
    /// What the user can do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Malformed { path, .. } | Self::Unreadable { path, .. } => {
                Some(format!("see `man containers-registries.conf`, and mend `{}`", path.display()))
            }
            Self::Blocked { path, .. } => {
                Some(format!("take `blocked = true` out of `{}`, if you may", path.display()))
            }
            Self::Host { .. } => None,
        }
    }
}

/// The machine's settings of registries, read.
#[derive(Debug, Default)]
pub(crate) struct Hosts {
    rules: Vec<Rule>,
    plain: BTreeSet<String>,
    certificates: Vec<PathBuf>,
}

/// One way to a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Route {
    /// The registry as auth files know it.
    pub(crate) host: String,
    /// What the repository is called there.
    pub(crate) repository: String,
    /// Whether it is spoken to without TLS.
    pub(crate) transport: Transport,
    /// Whether it is asked for what is named by a tag, or only for what is named by a digest.
    pub(crate) tags: Tags,
}

/// How a registry is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Transport {
    /// HTTPS.
    Tls,
    /// HTTP.
    Plain,
    /// HTTP, unless the registry says that it wants HTTPS: on loopback nobody listens in.
    Loopback,
}

/// What a mirror is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tags {
    Followed,
    Ignored,
}

impl Hosts {
    /// Reads the first of `files` that is there, then the `*.conf` of `folders`, in order of name. `plain` are hosts that
    /// are spoken to without TLS; below `certificates` are folders of hosts with certificate authorities.
    pub(crate) fn read(
        files: &[PathBuf],
        folders: &[PathBuf],
        plain: &[String],
        certificates: &[PathBuf],
    ) -> Result<Self, HostsError> {
        let mut rules = Vec::new();
        if let Some(path) = files.iter().find(|path| path.is_file()) {
            rules = conf::read(path)?;
        }
        for folder in folders {
            for path in sorted(folder, "conf") {
                for rule in conf::read(&path)? {
                    rules.retain(|known: &Rule| known.prefix != rule.prefix);
                    rules.push(rule);
                }
            }
        }
        Ok(Self { rules, plain: plain.iter().cloned().collect(), certificates: certificates.to_vec() })
    }

    /// The way to write to `repository` of `host`.
    pub(crate) fn origin(&self, host: &str, repository: &str) -> Result<Route, HostsError> {
        let usual = self.usual(host, repository)?;
        let name = format!("{host}/{repository}");
        let Some(rule) = self.rule(&name) else { return Ok(usual) };
        if rule.blocked {
            return Err(HostsError::Blocked { prefix: rule.prefix.clone(), path: rule.path.clone() });
        }
        match rule.rewritten(&name, &rule.location) {
            Some((host, repository)) => self.route(&host, &repository, rule.insecure, Tags::Followed),
            None => Ok(Route { transport: self.transport(host, rule.insecure), ..usual }),
        }
    }

    /// The ways to read from it, in order: its mirrors, then itself.
    pub(crate) fn routes(&self, host: &str, repository: &str) -> Result<Vec<Route>, HostsError> {
        let origin = self.origin(host, repository)?;
        let name = format!("{host}/{repository}");
        let mut routes = Vec::new();
        for (rule, mirror) in
            self.rule(&name).into_iter().flat_map(|rule| rule.mirrors.iter().map(move |m| (rule, m)))
        {
            if let Some((host, repository)) = rule.rewritten(&name, &mirror.location) {
                routes.push(self.route(&host, &repository, mirror.insecure, mirror.tags)?);
            }
        }
        routes.push(origin);
        Ok(routes)
    }

    /// Certificate authorities of `host` alone (`certs.d/HOST/*.crt`).
    pub(crate) fn certificates(&self, host: &str) -> Vec<PathBuf> {
        self.certificates.iter().flat_map(|folder| sorted(&folder.join(host), "crt")).collect()
    }

    fn rule(&self, name: &str) -> Option<&Rule> {
        self.rules.iter().filter(|rule| rule.is_about(name)).max_by_key(|rule| rule.prefix.len())
    }

    fn usual(&self, host: &str, repository: &str) -> Result<Route, HostsError> {
        self.route(host, repository, false, Tags::Followed)
    }

    fn route(&self, host: &str, repository: &str, insecure: bool, tags: Tags) -> Result<Route, HostsError> {
        let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']' | '_');
        if host.is_empty() || !host.chars().all(known) {
            return Err(HostsError::Host { host: host.to_owned() });
        }
        Ok(Route {
            host: host.to_owned(),
            repository: repository.to_owned(),
            transport: self.transport(host, insecure),
            tags,
        })
    }

    fn transport(&self, host: &str, insecure: bool) -> Transport {
        if is_loopback(host) {
            Transport::Loopback
        } else if insecure || self.plain.contains(host) {
            Transport::Plain
        } else {
            Transport::Tls
        }
    }
}

/// Where the API of `host` is.
pub(crate) fn address(host: &str, scheme: &str) -> Result<Url, HostsError> {
    // Docker's registry is not where its name says.
    let real = if host == "docker.io" { "registry-1.docker.io" } else { host };
    format!("{scheme}://{real}/v2").parse().map_err(|_| HostsError::Host { host: host.to_owned() })
}

/// Whether `host` is this machine by its own name for itself.
fn is_loopback(host: &str) -> bool {
    let name = match host.rfind(':') {
        Some(at) if !host[at..].contains(']') => &host[..at],
        _ => host,
    };
    name == "localhost"
        || name
            .trim_start_matches('[')
            .trim_end_matches(']')
            .parse()
            .is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
}

/// The files of a folder with this extension, by name; none where there is no folder.
fn sorted(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut paths: Vec<_> = entries.filter(|path| path.extension().is_some_and(|e| e == extension)).collect();
    paths.sort();
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(text: &str) -> (tempfile::TempDir, Hosts) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("registries.conf");
        fs::write(&path, text).unwrap();
        let hosts =
            Hosts::read(&[path], &[folder.path().join("d")], &["plain.example:80".to_owned()], &[]).unwrap();
        (folder, hosts)
    }

    fn ways(hosts: &Hosts, host: &str, repository: &str) -> Vec<String> {
        let routes = hosts.routes(host, repository).unwrap();
        routes.iter().map(|r| format!("{}/{} {:?} {:?}", r.host, r.repository, r.transport, r.tags)).collect()
    }

    #[test]
    fn who_is_spoken_to_without_tls() {
        let (_folder, hosts) = hosts("");
        for (host, transport) in [
            ("localhost", Transport::Loopback),
            ("localhost:5000", Transport::Loopback),
            ("127.0.0.1:5000", Transport::Loopback),
            ("[::1]:5000", Transport::Loopback),
            ("localhost.example", Transport::Tls),
            ("128.0.0.1", Transport::Tls),
            ("10.0.0.1:5000", Transport::Tls),
            ("plain.example:80", Transport::Plain),
            ("plain.example", Transport::Tls),
        ] {
            assert_eq!(hosts.origin(host, "x").unwrap().transport, transport, "{host}");
        }
        assert!(hosts.origin("a/b@c", "x").is_err());
    }

    #[test]
    fn mirrors_come_before_the_registry() {
        let (_folder, hosts) = hosts(
            r#"
            unqualified-search-registries = ["docker.io"]
            [[registry]]
            prefix = "docker.io"
            location = "docker.io"
            [[registry.mirror]]
            location = "mirror.example/hub"
            pull-from-mirror = "digest-only"
            [[registry.mirror]]
            location = "localhost:5000"
            insecure = true
            [[registry]]
            location = "old.example"
            insecure = true
            [[registry]]
            prefix = "old.example/moved"
            location = "new.example/here"
            [[registry]]
            prefix = "*.bad.example"
            blocked = true
            "#,
        );
        assert_eq!(
            ways(&hosts, "docker.io", "library/debian"),
            [
                "mirror.example/hub/library/debian Tls Ignored",
                "localhost:5000/library/debian Loopback Followed",
                "docker.io/library/debian Tls Followed",
            ]
        );
        assert_eq!(ways(&hosts, "old.example", "a"), ["old.example/a Plain Followed"]);
        assert_eq!(ways(&hosts, "old.example", "moved/a"), ["new.example/here/a Tls Followed"]);
        assert_eq!(ways(&hosts, "old.example", "moved2"), ["old.example/moved2 Plain Followed"]);
        assert_eq!(hosts.origin("docker.io", "x").unwrap().host, "docker.io");
        let error = hosts.routes("very.bad.example", "x").unwrap_err();
        assert!(matches!(error, HostsError::Blocked { .. }));
        assert_eq!(ways(&hosts, "bad.example", "x"), ["bad.example/x Tls Followed"]);
    }

    #[test]
    fn later_files_replace_what_earlier_ones_say_of_a_prefix() {
        let folder = tempfile::tempdir().unwrap();
        let (main, more) = (folder.path().join("registries.conf"), folder.path().join("d"));
        fs::create_dir(&more).unwrap();
        fs::write(&main, "[[registry]]\nlocation = \"a.example\"\nblocked = true\n").unwrap();
        fs::write(more.join("10.conf"), "[[registry]]\nlocation = \"a.example\"\n").unwrap();
        fs::write(more.join("20.conf"), "[[registry]]\nlocation = \"b.example\"\nblocked = true\n").unwrap();
        fs::write(more.join("README"), "not TOML").unwrap();
        let hosts = Hosts::read(&[folder.path().join("none"), main], &[more], &[], &[]).unwrap();
        assert!(hosts.origin("a.example", "x").is_ok() && hosts.origin("b.example", "x").is_err());
    }

    #[test]
    fn the_old_form_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("registries.conf");
        fs::write(&path, "[registries.search]\nregistries = ['docker.io']\n").unwrap();
        let error = Hosts::read(&[path], &[], &[], &[]).unwrap_err();
        assert!(error.to_string().contains("version 1"), "{error}");
    }
}
