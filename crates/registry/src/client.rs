//! How this machine reaches registries.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use longshore_net::{Access, Http};
use longshore_oci::{Reference, Store};

use crate::auth::{AuthFile, Credentials, Secret};
use crate::exchange::{Ask, Registry};
use crate::hosts::{Hosts, Route, Transport};
use crate::repository::{Repository, Way};
use crate::{Error, auth};

/// How this machine reaches registries. The library reads no environment: `cli` fills this in.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Proxies, certificates, patience.
    pub net: longshore_net::Settings,
    /// Auth files, those that come first asked first.
    pub auth_files: Vec<PathBuf>,
    /// The search path of credential helpers (`PATH`).
    pub search: OsString,
    /// `registries.conf`: the first that is there is read.
    pub registries_conf: Vec<PathBuf>,
    /// Folders of further `*.conf` files, all of them read.
    pub registries_conf_d: Vec<PathBuf>,
    /// Hosts that are spoken to without TLS; loopback needs no mention.
    pub plain_http: Vec<String>,
    /// Folders with certificate authorities of single hosts: `HOST/*.crt`.
    pub certs_d: Vec<PathBuf>,
}

/// Registries as this machine reaches them, shared by all threads. Settings are read when the first is needed.
pub struct Client {
    settings: Settings,
    store: Store,
    hosts: Mutex<Option<Arc<Hosts>>>,
    registries: Mutex<BTreeMap<(String, Transport), Arc<Registry>>>,
}

impl Client {
    /// A client that brings what it fetches into `store`, and remembers unfinished uploads there.
    pub fn new(settings: Settings, store: Store) -> Self {
        Self { settings, store, hosts: Mutex::default(), registries: Mutex::default() }
    }

    /// Where blobs are brought.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// How many transfers run at once.
    pub fn jobs(&self) -> usize {
        self.settings.net.jobs.max(1)
    }

    /// The repository of `reference`, whose registry is Docker's where it names none.
    ///
    /// # Errors
    /// When the machine's settings can't be read or forbid it.
    pub fn repository(&self, reference: &Reference) -> Result<Repository, Error> {
        let (host, name) = canonical(reference);
        let routes = self.hosts()?.routes(&host, &name)?;
        let ways = routes.into_iter().map(|route| self.way(route)).collect::<Result<Vec<_>, Error>>()?;
        Ok(Repository::new(self.store.clone(), format!("{host}/{name}"), ways))
    }

    /// Whether `registry` takes these credentials.
    ///
    /// # Errors
    /// [`Error::Denied`] when it does not.
    pub fn try_login(&self, host: &str, user: &str, password: &Secret) -> Result<(), Error> {
        let route = self.hosts()?.origin(&canonical_host(host), "")?;
        let credentials = Credentials::Password { user: user.to_owned(), password: password.clone() };
        let registry = self.registry(&route)?;
        registry.introduce("", Some(credentials));
        registry.ask(&Ask::ping())?;
        Ok(())
    }

    /// What auth files have for `repository` of `host`.
    fn credentials(&self, host: &str, repository: &str) -> Result<Option<Credentials>, Error> {
        for path in &self.settings.auth_files {
            if let Some(found) = AuthFile::read(path)?.find(host, repository, &self.settings.search)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn hosts(&self) -> Result<Arc<Hosts>, Error> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(read) = &*hosts {
            return Ok(read.clone());
        }
        let settings = &self.settings;
        let read = Arc::new(Hosts::read(
            &settings.registries_conf,
            &settings.registries_conf_d,
            &settings.plain_http,
            &settings.certs_d,
        )?);
        *hosts = Some(read.clone());
        Ok(read)
    }

    fn way(&self, route: Route) -> Result<Way, Error> {
        let registry = self.registry(&route)?;
        if !registry.knows(&route.repository) {
            registry.introduce(&route.repository, self.credentials(&route.host, &route.repository)?);
        }
        Ok(Way { registry, name: route.repository, tags: route.tags })
    }

    fn registry(&self, route: &Route) -> Result<Arc<Registry>, Error> {
        if self.settings.net.access == Access::Offline {
            return Err(Error::Offline { host: route.host.clone() });
        }
        let mut registries = self.registries.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (route.host.clone(), route.transport);
        if let Some(known) = registries.get(&key) {
            return Ok(known.clone());
        }
        let mut net = self.settings.net.clone();
        net.certificates.extend(self.hosts()?.certificates(&route.host));
        let made = Arc::new(Registry::new(&route.host, route.transport, Http::new(&net)?, net.retries));
        registries.insert(key, made.clone());
        Ok(made)
    }
}

/// Registry and repository as Docker and containers read a name without a registry.
fn canonical(reference: &Reference) -> (String, String) {
    let host = canonical_host(&reference.registry);
    let name = match host.as_str() {
        "docker.io" if !reference.repository.contains('/') => format!("library/{}", reference.repository),
        _ => reference.repository.clone(),
    };
    (host, name)
}

/// A registry's usual name.
pub fn canonical_host(host: &str) -> String {
    match host {
        "" | "index.docker.io" | "registry-1.docker.io" => "docker.io".to_owned(),
        other => other.to_owned(),
    }
}

/// The helper of that name, where it is installed.
pub fn has_helper(settings: &Settings, name: &str) -> bool {
    auth::find_helper(&settings.search, name).is_some()
}
