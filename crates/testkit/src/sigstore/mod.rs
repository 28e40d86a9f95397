//! cosign, and a private Sigstore on loopback: Fulcio with a certificate log, Rekor 1 and 2, a timestamp authority and issuers of
//! identities. `./x setup` builds cosign, and `./x setup --long` the servers.

mod issuer;
mod keys;
mod oidc;
mod servers;
mod tuf;

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::Tool;
pub use issuer::{Flaw, Identity, Issuer, Mischief};
use keys::Addresses;
pub use keys::{Log, unlogged, unrelated_root};
use servers::Servers;
pub use tuf::Tuf;

const HOST: &str = "127.0.0.1";

/// cosign, with `home` for all that it keeps; keys need `COSIGN_PASSWORD` besides.
pub fn cosign(home: &Path) -> Tool {
    Tool::kept("sigstore-1/cosign")
        .env("HOME", home)
        .env("TUF_ROOT", home.join("tuf"))
        .env("DOCKER_CONFIG", home.join("docker"))
}

/// All of it, running; ended when dropped. One at a time on a machine: others wait for it.
pub struct Sigstore {
    people: Issuer,
    workflows: Issuer,
    unknown: Issuer,
    addresses: Addresses,
    // Ended before their folder goes.
    _servers: Servers,
    folder: TempDir,
}

impl Sigstore {
    /// Starts it, some five seconds after those that run now have ended.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (people, workflows, unknown) = (Issuer::start(), Issuer::start(), Issuer::start());
        keys::write_keys(folder.path());
        let (servers, addresses) = Servers::start(folder.path(), &people, &workflows);
        let sigstore = Self { people, workflows, unknown, addresses, _servers: servers, folder };
        keys::write_trusted_root(sigstore.home(), &sigstore.addresses, &sigstore.trusted_root());
        for log in [Log::Rekor2, Log::Rekor1, Log::Rekor1Alone] {
            let file = sigstore.signing_config(log);
            keys::write_signing_config(sigstore.home(), &sigstore.addresses, log, &file);
        }
        sigstore
    }

    /// cosign, with a home that goes with the servers.
    pub fn cosign(&self) -> Tool {
        cosign(self.home())
    }

    /// Keys and certificates of all servers.
    pub fn trusted_root(&self) -> PathBuf {
        self.home().join("trusted_root.json")
    }

    /// Addresses of the servers, with one of the logs.
    pub fn signing_config(&self, log: Log) -> PathBuf {
        self.home().join(match log {
            Log::Rekor2 => "signing_config.rekor2.json",
            Log::Rekor1 => "signing_config.rekor1.json",
            Log::Rekor1Alone => "signing_config.rekor1-alone.json",
        })
    }

    /// Who vouches for people: `http://127.0.0.1:PORT`.
    pub fn issuer(&self) -> String {
        self.people.url()
    }

    /// Whoever logs in there from now on has this email address.
    pub fn logs_in(&self, email: &str) {
        self.people.logs_in(email, 0);
    }

    /// Who vouches for workflows.
    pub fn workflow_issuer(&self) -> String {
        self.workflows.url()
    }

    /// Where Fulcio is, for those who take no signing configuration.
    pub fn fulcio(&self) -> &str {
        &self.addresses.fulcio
    }

    /// Where Rekor 1 is.
    pub fn rekor1(&self) -> &str {
        &self.addresses.rekor1
    }

    /// A token that Fulcio takes, for ten minutes.
    pub fn token(&self, identity: Identity<'_>) -> String {
        self.issuer_of(identity).token(identity)
    }

    /// A token that Fulcio refuses.
    pub fn flawed_token(&self, identity: Identity<'_>, flaw: Flaw) -> String {
        match flaw {
            Flaw::Expired => self.issuer_of(identity).expired_token(identity),
            Flaw::UnknownIssuer => self.unknown.token(identity),
        }
    }

    /// A TUF repository with the trusted root and the signing configuration for Rekor 2.
    pub fn tuf(&self) -> Tuf {
        Tuf::of(&[
            ("trusted_root.json", &self.trusted_root()),
            ("signing_config.v0.2.json", &self.signing_config(Log::Rekor2)),
        ])
    }

    fn issuer_of(&self, identity: Identity<'_>) -> &Issuer {
        match identity {
            Identity::Email(_) => &self.people,
            Identity::Workflow(_) => &self.workflows,
        }
    }

    fn home(&self) -> &Path {
        self.folder.path()
    }
}
