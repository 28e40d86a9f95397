//! The trusted root and the services of a Sigstore as its TUF repository has them (TUF 1.0.34, section 5).
//!
//! [`Anchor`] → [`Roots`]: from one root that is believed, everything else is checked, whenever it is fetched and again whenever
//! it is read from the store. The store has all of what was fetched last in one record, which is only ever replaced whole.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use jiff::Timestamp;
use longshore_net::{Client, Failure, NetError, Url};
use longshore_oci::{Digest, Store, StoreError};
use serde::{Deserialize, Serialize};
use sigstore_trust_root::{SIGSTORE_PRODUCTION_SIGNING_CONFIG, SIGSTORE_PRODUCTION_TRUSTED_ROOT};
use sigstore_tuf::transport::FetchFuture;
use sigstore_tuf::{Error, MetadataStore, Repository, Updater, UpdaterConfig};

use super::roots::{LIMIT, Services, TrustRoot};
use crate::TrustError;

/// The repository of the public Sigstore, and a root of it: number 16 of those that github.com/sigstore/root-signing keeps.
const PUBLIC: &str = "https://tuf-repo-cdn.sigstore.dev";
const PUBLIC_ROOT: &str = include_str!("tuf_root.json");

/// What the two documents are called there.
const TRUSTED_ROOT: &str = "trusted_root.json";
const SIGNING_CONFIG: &str = "signing_config.v0.2.json";

/// The kind of the store's records, by the digest of the anchor's root.
const RECORD: &str = "tuf";
/// For so many seconds nobody asks again.
const FRESH: u64 = 24 * 60 * 60;

/// Why a TUF repository gives nothing to believe.
#[derive(Debug, thiserror::Error)]
pub enum TufError {
    /// That is no root to start from.
    #[error("this is no root of a TUF repository that trust can start from: {reason}")]
    Anchor {
        /// Why not.
        reason: String,
    },
    /// It can't be reached.
    #[error("the trusted root of {mirror} can't be refreshed")]
    Unreachable {
        /// Where.
        mirror: Url,
        /// Why not.
        source: NetError,
    },
    /// What it has is not what its keys say, or older than what was seen already.
    #[error("the trusted root of {mirror} is refused: {reason}")]
    Refused {
        /// Where.
        mirror: Url,
        /// Why.
        reason: String,
    },
    /// Its word has run out.
    #[error("the trusted root of {mirror} is not believed any more: its {role} expired at {at}")]
    Expired {
        /// Where.
        mirror: Url,
        /// `timestamp`, and so on.
        role: String,
        /// When, as RFC 3339 has it.
        at: String,
        /// Why there is no newer one, if somebody looked.
        source: Option<Box<TufError>>,
    },
    /// It lacks a document.
    #[error("{mirror} has no `{name}`")]
    Lacking {
        /// Where.
        mirror: Url,
        /// Which.
        name: String,
    },
    /// A document is right and can't be understood.
    #[error("`{name}` of {mirror} can't be used: {reason}")]
    Unusable {
        /// Where.
        mirror: String,
        /// Which.
        name: &'static str,
        /// Why not.
        reason: String,
    },
    /// Nothing was fetched yet, and nothing can be.
    #[error("the trusted root of {mirror} was never fetched, and the network may not be used")]
    Unknown {
        /// Where.
        mirror: Url,
    },
    /// The store said no.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Where trust in a Sigstore starts: a TUF repository, and a root of it that is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor {
    mirror: Url,
    root: String,
}

/// A trusted root and the services to sign with, of one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roots {
    /// `trusted_root.json`, as it is in the repository.
    pub trusted_root: String,
    /// `signing_config.v0.2.json`, where there is one.
    pub signing_config: Option<String>,
    /// Where it is from; none where it is a part of longshore.
    pub seen: Option<Seen>,
}

/// When and where something was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Where.
    pub mirror: Url,
    /// When, in seconds since 1970.
    pub refreshed: u64,
    /// Until when it is believed, in seconds since 1970.
    pub expires: i64,
}

/// The store's record.
#[derive(Default, Serialize, Deserialize)]
struct Kept {
    refreshed: u64,
    files: BTreeMap<String, String>,
}

impl Anchor {
    /// `root` is the content of a `root.json`. That it has not expired does not matter: newer ones follow from it.
    ///
    /// # Errors
    /// [`TufError::Anchor`] when it is none, or not signed by its own keys.
    pub fn new(mirror: Url, root: String) -> Result<Self, TufError> {
        match sigstore_tuf::TrustedMetadataSet::from_root(root.as_bytes()) {
            Ok(_) => Ok(Self { mirror, root }),
            Err(error) => Err(TufError::Anchor { reason: chain(&error) }),
        }
    }

    /// That of the public Sigstore, at `mirror` or else where everybody finds it.
    ///
    /// # Errors
    /// Never, but for a mistake in the release.
    pub fn public(mirror: Option<Url>) -> Result<Self, TufError> {
        let official = || PUBLIC.parse().map_err(|_| TufError::Anchor { reason: PUBLIC.to_owned() });
        Self::new(mirror.map_or_else(official, Ok)?, PUBLIC_ROOT.to_owned())
    }

    /// Whether it is that of the public Sigstore, wherever a copy of it is.
    pub fn is_public(&self) -> bool {
        self.root == PUBLIC_ROOT
    }

    /// Where the repository is.
    pub fn mirror(&self) -> &Url {
        &self.mirror
    }

    /// The root that is believed: the content of a `root.json`.
    pub fn root(&self) -> &str {
        &self.root
    }

    /// What was fetched last, if anything was; checked again, as of `now` (seconds since 1970).
    ///
    /// # Errors
    /// When it is not believed any more.
    pub fn kept(&self, store: &Store, now: u64) -> Result<Option<Roots>, TufError> {
        let Some(kept) = self.record(store)? else { return Ok(None) };
        let files = Files::of(kept.files);
        self.roots(Seeing(files.clone()), &files, kept.refreshed, now).map(Some)
    }

    /// What the repository has now. It is kept in the store if all of it holds; otherwise the store has what it had.
    ///
    /// # Errors
    /// When it can't be reached, or does not hold.
    pub fn refresh(&self, client: Client, store: &Store, now: u64) -> Result<Roots, TufError> {
        let files = Files::of(self.record(store)?.unwrap_or_default().files);
        let mirror = Mirror { client, url: self.mirror.clone() };
        let roots = self.roots(mirror, &files, now, now)?;
        let kept = Kept { refreshed: now, files: files.take() };
        let text = serde_json::to_string(&kept).map_err(|error| self.refused(error.to_string()))?;
        store.put_record(RECORD, &self.key(), text.as_bytes(), [])?;
        Ok(roots)
    }

    fn key(&self) -> Digest {
        Digest::of(self.root.as_bytes())
    }

    /// One that can't be read was never made: nothing in it is believed unseen.
    fn record(&self, store: &Store) -> Result<Option<Kept>, TufError> {
        let bytes = store.record(RECORD, &self.key())?;
        Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    /// Checks what `repository` has from the root on, with `files` as what was seen already: nothing may be older.
    fn roots(
        &self,
        repository: impl Repository + 'static,
        files: &Arc<Files>,
        refreshed: u64,
        now: u64,
    ) -> Result<Roots, TufError> {
        let now = i64::try_from(now).ok().and_then(|now| Timestamp::from_second(now).ok());
        let now = now.ok_or_else(|| self.refused("the machine's clock is wrong".to_owned()))?;
        let mut limits = UpdaterConfig::default();
        limits.target_max_length = LIMIT;
        let wrong = |error| self.error(error);
        let updater = Updater::new(repository, self.root.as_bytes()).map_err(wrong)?;
        let mut updater = updater.with_config(limits).with_store(files.clone());
        finished(updater.refresh(now)).map_err(wrong)?;
        let mut target = |name: &str| {
            let bytes = finished(updater.get_target(name, now)).map_err(wrong)?;
            String::from_utf8(bytes).map_err(|_| self.refused(format!("`{name}` is not text")))
        };
        let trusted_root = target(TRUSTED_ROOT)?;
        let signing_config = match target(SIGNING_CONFIG) {
            Err(TufError::Lacking { .. }) => None,
            found => Some(found?),
        };
        let trusted = updater.trusted();
        let expiries = [
            Some(trusted.root().expires),
            trusted.timestamp().map(|role| role.expires),
            trusted.snapshot().map(|role| role.expires),
            trusted.targets_role("targets").map(|role| role.expires),
        ];
        let expires = expiries.into_iter().flatten().min().unwrap_or(now).as_second();
        let seen = Seen { mirror: self.mirror.clone(), refreshed, expires };
        let roots = Roots { trusted_root, signing_config, seen: Some(seen) };
        // What this version can't read must not take the place of what it can.
        roots.trust_root()?;
        Ok(roots)
    }

    fn refused(&self, reason: String) -> TufError {
        TufError::Refused { mirror: self.mirror.clone(), reason }
    }

    fn error(&self, error: Error) -> TufError {
        let mirror = self.mirror.clone();
        match error {
            Error::Expired { role, expires } => {
                TufError::Expired { mirror, role, at: expires.to_string(), source: None }
            }
            Error::TargetNotFound(name) => TufError::Lacking { mirror, name },
            Error::Transport { message, source } => match source.map(|source| source.downcast()) {
                Some(Ok(source)) => TufError::Unreachable { mirror, source: *source },
                _ => TufError::Refused { mirror, reason: message },
            },
            error => TufError::Refused { mirror, reason: chain(&error) },
        }
    }
}

impl Roots {
    /// Those of the public Sigstore as they were when this version of longshore was made: they grow old.
    pub fn embedded() -> Self {
        Self {
            trusted_root: SIGSTORE_PRODUCTION_TRUSTED_ROOT.to_owned(),
            signing_config: Some(SIGSTORE_PRODUCTION_SIGNING_CONFIG.to_owned()),
            seen: None,
        }
    }

    /// Whether they were fetched so lately that nobody needs to look again.
    pub fn is_fresh(&self, now: u64) -> bool {
        // Also where the clock went back since.
        self.seen.as_ref().is_some_and(|seen| now.checked_sub(seen.refreshed).is_some_and(|age| age < FRESH))
    }

    /// Whom to believe.
    ///
    /// # Errors
    /// [`TufError::Unusable`] when this version of longshore can't read it.
    pub fn trust_root(&self) -> Result<TrustRoot, TufError> {
        TrustRoot::from_json(&self.trusted_root).map_err(|reason| self.unusable(TRUSTED_ROOT, reason))
    }

    /// Where to sign.
    ///
    /// # Errors
    /// When the repository does not say it, or this version of longshore can't read it.
    pub fn services(&self) -> Result<Services, TrustError> {
        match &self.signing_config {
            None => Err(TrustError::NoServices),
            Some(config) => {
                Services::from_json(config).map_err(|reason| self.unusable(SIGNING_CONFIG, reason).into())
            }
        }
    }

    fn unusable(&self, name: &'static str, reason: String) -> TufError {
        let mirror =
            self.seen.as_ref().map_or_else(|| "longshore".to_owned(), |seen| seen.mirror.to_string());
        TufError::Unusable { mirror, name, reason }
    }
}

impl TufError {
    /// The same, with what came of looking for something newer.
    #[must_use]
    pub fn after(self, failed: Self) -> Self {
        match self {
            Self::Expired { mirror, role, at, .. } => {
                Self::Expired { mirror, role, at, source: Some(Box::new(failed)) }
            }
            other => other,
        }
    }

    /// What the user can do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Anchor { .. } => {
                Some("give the `root.json` that whoever runs the Sigstore hands out: `--root FILE`".to_owned())
            }
            Self::Unreachable { source, .. } => source.hint(),
            Self::Expired { .. } | Self::Unknown { .. } => Some(
                "run `longshore trusted-root update` where there is network, or give `--trusted-root FILE`"
                    .to_owned(),
            ),
            Self::Refused { .. } | Self::Lacking { .. } => {
                Some("look whether that is the right mirror, and this its root: `longshore trusted-root update --mirror URL --root FILE`".to_owned())
            }
            Self::Unusable { .. } => Some("a newer longshore may read it".to_owned()),
            Self::Store(error) => error.hint(),
        }
    }
}

/// Files of a repository that were seen, by what the crate calls them.
#[derive(Default)]
struct Files(Mutex<BTreeMap<String, String>>);

impl Files {
    fn of(files: BTreeMap<String, String>) -> Arc<Self> {
        Arc::new(Self(Mutex::new(files)))
    }

    fn take(&self) -> BTreeMap<String, String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl MetadataStore for Files {
    fn load(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        let files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(files.get(name).map(|text| text.clone().into_bytes()))
    }

    fn store(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        // That one comes twice, and with its version in the name every version would stay.
        if name.ends_with(".snapshot.json") {
            return Ok(());
        }
        let text =
            String::from_utf8(bytes.to_vec()).map_err(|_| Error::Malformed(format!("{name} is not text")))?;
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), text);
        Ok(())
    }
}

/// What was seen, as a repository that has nothing newer.
struct Seeing(Arc<Files>);

impl Repository for Seeing {
    fn fetch_metadata<'a>(&'a self, name: &'a str, _: u64) -> FetchFuture<'a> {
        let unversioned = match name.split_once('.') {
            Some((version, "root.json")) if version.parse::<u64>().is_ok() => None,
            Some((version, rest)) if version.parse::<u64>().is_ok() => Some(rest),
            _ => Some(name),
        };
        Box::pin(async move { unversioned.map_or(Ok(None), |name| self.0.load(name)) })
    }

    fn fetch_target<'a>(&'a self, _: &'a str, _: u64) -> FetchFuture<'a> {
        // Targets that were seen are found before anybody asks for them.
        Box::pin(async { Ok(None) })
    }
}

/// A repository over our own network settings.
struct Mirror {
    client: Client,
    url: Url,
}

impl Mirror {
    fn get(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, Error> {
        match self.client.get_bounded(&self.url.join(path), limit) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(NetError::Failed { attempts })
                if attempts.iter().all(|attempt| is_absent(&attempt.failure)) =>
            {
                Ok(None)
            }
            Err(error) => Err(Error::transport_with_source(path, error)),
        }
    }
}

/// Buckets whose lists are nobody's to read say 403 of what they have not.
fn is_absent(failure: &Failure) -> bool {
    matches!(failure, Failure::NotFound | Failure::Status { status: 403 })
}

impl Repository for Mirror {
    fn fetch_metadata<'a>(&'a self, name: &'a str, max_length: u64) -> FetchFuture<'a> {
        Box::pin(async move { self.get(name, max_length) })
    }

    fn fetch_target<'a>(&'a self, path: &'a str, max_length: u64) -> FetchFuture<'a> {
        Box::pin(async move { self.get(&format!("targets/{path}"), max_length) })
    }
}

/// What `work` comes to. Our repositories block, so that it never waits for anything.
fn finished<T>(work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    loop {
        if let Poll::Ready(done) = work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return done;
        }
    }
}

/// An error of the crate with its causes, which it leaves out of its own words.
fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", chain(source)),
        None => error.to_string(),
    }
}
