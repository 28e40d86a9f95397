//! Binary caches, asked in order.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::{Arc, OnceLock};

use longshore_net::{Access, Client, Failure, NetError, Url};
use longshore_oci::{Content, Progress, STORE_DIR, Step, Store, StorePath, Trust};
use longshore_stack::lock::{AboutStorePath, LockedStorePath};
use longshore_stack::model::NixKey;

use super::location::Location;
use super::nar::{self, Unpacked};
use super::narinfo::{CacheInfo, NarInfo, Trusted, most_compressed};
use super::{Compression, Error, Miss, Reason, record, recorded};

/// Bytes of a narinfo: those of paths with thousands of references have some hundred thousand.
const MAX_NARINFO: u64 = 4 << 20;
/// Bytes of a `nix-cache-info`.
const MAX_CACHE_INFO: u64 = 64 << 10;

/// Binary caches, and who is believed of what they say.
pub struct Caches<'a> {
    locations: Vec<Location>,
    keys: Vec<NixKey>,
    client: &'a Client,
    store: &'a Store,
    progress: &'a dyn Progress,
    /// What they say of themselves; asked once.
    known: OnceLock<Known>,
}

/// Which caches can be asked.
struct Known {
    /// In order.
    open: Vec<Location>,
    /// Those that can't.
    closed: Vec<Miss>,
}

/// What a cache knows of a path, said by somebody who is trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Info {
    /// The path.
    pub path: StorePath,
    /// Its archive.
    pub nar: Content,
    /// What it refers to, itself included where it does.
    pub references: BTreeSet<StorePath>,
    /// What made it.
    pub derivation: Option<StorePath>,
    /// How its name follows from its content, where it does.
    pub content_address: Option<String>,
    /// The cache's address, without credentials.
    pub cache: String,
}

impl Info {
    /// As the lock has it, without what its maker says of it.
    pub fn locked(&self) -> LockedStorePath {
        LockedStorePath {
            nar: self.nar,
            references: self.references.iter().cloned().collect(),
            derivation: self.derivation.clone(),
            content_address: self.content_address.clone(),
            about: AboutStorePath::default(),
        }
    }
}

impl<'a> Caches<'a> {
    /// Caches at `addresses` (`https:`, `http:`, `file:`, `s3:`); each once. Nothing is asked yet.
    ///
    /// # Errors
    /// When an address is none.
    pub fn new<T: AsRef<str>>(
        addresses: &[T],
        keys: &[NixKey],
        client: &'a Client,
        store: &'a Store,
        progress: &'a dyn Progress,
    ) -> Result<Self, Error> {
        let mut locations: Vec<Location> = Vec::new();
        for address in addresses {
            let location = Location::read(address.as_ref())?;
            if !locations.iter().any(|known| known.url == location.url) {
                locations.push(location);
            }
        }
        Ok(Self { locations, keys: keys.to_vec(), client, store, progress, known: OnceLock::new() })
    }

    /// Whether they may be asked at all.
    pub(super) fn network(&self) -> Access {
        self.client.access()
    }

    /// What the first cache says of `path` that has it and is believed.
    pub fn look_up(&self, path: &StorePath) -> Result<Info, Error> {
        self.first(path, |cache| {
            let trusted = self.narinfo(cache, path)?;
            let NarInfo { path, nar, references, derivation, content_address, .. } = trusted.info().clone();
            Ok(Info { path, nar, references, derivation, content_address, cache: cache.shown.clone() })
        })
    }

    /// What is known of `tops` and all that they refer to, directly or not.
    pub fn closure(&self, tops: &BTreeSet<StorePath>) -> Result<BTreeMap<StorePath, Info>, Error> {
        let mut found = BTreeMap::new();
        let mut next: Vec<StorePath> = tops.iter().cloned().collect();
        while !next.is_empty() {
            let infos = self.client.each(&next, |path| self.look_up(path))?;
            let wanted: BTreeSet<_> = infos.iter().flat_map(|info| info.references.iter().cloned()).collect();
            found.extend(next.into_iter().zip(infos));
            next = wanted.into_iter().filter(|path| !found.contains_key(path)).collect();
        }
        Ok(found)
    }

    /// What `path` holds, from the first cache that has it as it was locked; nothing is asked when the store has it.
    pub fn fetch(&self, path: &StorePath, locked: &LockedStorePath) -> Result<Unpacked, Error> {
        if let Some(known) = recorded(path, &locked.nar, self.store, Trust::Blobs)? {
            return Ok(known);
        }
        let unpacked = self.first(path, |cache| {
            let trusted = self.narinfo(cache, path)?;
            agrees(trusted.info(), locked)?;
            self.archive(cache, &trusted)
        })?;
        record(path, &unpacked, self.store)?;
        Ok(unpacked)
    }

    /// What all of them hold, in order, several at once.
    pub fn fetch_all(&self, wanted: &[(&StorePath, &LockedStorePath)]) -> Result<Vec<Unpacked>, Error> {
        self.client.each(wanted, |(path, locked)| self.fetch(path, locked))
    }

    /// What the first cache that can gives.
    fn first<T>(&self, path: &StorePath, give: impl Fn(&Location) -> Result<T, Reason>) -> Result<T, Error> {
        if self.locations.is_empty() {
            return Err(Error::NoCaches { path: Box::new(path.clone()) });
        }
        let mut misses: Vec<Miss> = Vec::new();
        let known = self.known.get_or_init(|| self.ask());
        for cache in &known.open {
            match give(cache) {
                Ok(found) => {
                    for miss in misses.iter().filter(|miss| miss.reason.is_damage()) {
                        self.progress.warn(&format!("`{path}`: {miss}"));
                    }
                    return Ok(found);
                }
                Err(Reason::Store(error)) => return Err(Error::Store(error)),
                Err(reason) => misses.push(Miss::new(cache, reason)),
            }
        }
        misses.extend(known.closed.iter().cloned());
        Err(Error::Nowhere { path: Box::new(path.clone()), misses })
    }

    /// Asks all caches what they are.
    fn ask(&self) -> Known {
        let asked = self.client.each(&self.locations, |cache| Ok::<_, Infallible>(self.priority(cache)));
        let Ok(asked) = asked;
        let mut known = Known { open: Vec::new(), closed: Vec::new() };
        let mut open = Vec::new();
        for (cache, answer) in self.locations.iter().zip(asked) {
            match answer {
                Ok(priority) => open.push((priority, cache.clone())),
                Err(reason) => known.closed.push(Miss::new(cache, reason)),
            }
        }
        // Of equals, the first one mentioned.
        open.sort_by_key(|(priority, _)| *priority);
        known.open.extend(open.into_iter().map(|(_, cache)| cache));
        known
    }

    fn priority(&self, cache: &Location) -> Result<u32, Reason> {
        let bytes = self.client.get_decoded(&cache.url.join("nix-cache-info"), MAX_CACHE_INFO);
        let bytes = bytes.map_err(|error| match status(&error) {
            _ if error.is_gone() => Reason::NoCache,
            Some(403) if cache.bucket => Reason::Private,
            _ => Reason::Net(Box::new(error)),
        })?;
        let info = CacheInfo::read(&bytes).map_err(Reason::CacheInfo)?;
        if info.store_dir != STORE_DIR {
            return Err(Reason::StoreDir { found: info.store_dir });
        }
        Ok(cache.priority.unwrap_or(info.priority))
    }

    fn narinfo(&self, cache: &Location, path: &StorePath) -> Result<Trusted, Reason> {
        let bytes =
            self.client.get_decoded(&cache.url.join(&format!("{}.narinfo", path.hash())), MAX_NARINFO);
        let bytes = bytes.map_err(|error| match status(&error) {
            // So answer buckets that nobody may list, and the cache itself can be read.
            Some(403) => Reason::Absent,
            _ if error.is_gone() => Reason::Absent,
            _ => Reason::Net(Box::new(error)),
        })?;
        let info = NarInfo::read(&bytes).map_err(Reason::Narinfo)?;
        if info.path != *path {
            return Err(Reason::OtherPath { found: Box::new(info.path) });
        }
        info.trusted(&self.keys).map_err(Reason::Untrusted)
    }

    /// Fetches and unpacks the archive.
    fn archive(&self, cache: &Location, trusted: &Trusted) -> Result<Unpacked, Reason> {
        let info = trusted.info();
        let url =
            archive_url(&cache.url, &info.url).ok_or_else(|| Reason::ArchiveUrl { url: info.url.clone() })?;
        let file = self
            .progress
            .during("Fetching", info.path.name(), info.file_size, |step| self.download(info, url, step))?;
        let unpacked = self
            .progress
            .during("Unpacking", info.path.name(), Some(info.nar.size), |_| self.unpack(info, file))?;
        if unpacked.nar != info.nar {
            return Err(Reason::Different { url: info.url.clone(), expected: info.nar, found: unpacked.nar });
        }
        if let Some(expected) = trusted.file()
            && nar::single(&unpacked, &info.path).is_none_or(|found| found.digest != expected)
        {
            return Err(Reason::Misnamed { expected });
        }
        Ok(unpacked)
    }

    /// Brings the archive into the store as the cache has it.
    fn download(&self, info: &NarInfo, url: Url, step: &dyn Step) -> Result<Content, Reason> {
        let failed = |error| match error {
            NetError::Store(error) => Reason::Store(error),
            error => Reason::Archive { error: Box::new(error) },
        };
        let known = match (info.compression, info.file_hash, info.file_size) {
            (Compression::None, ..) => {
                self.client.download_decoded(&[url], &info.nar, self.store, step).map_err(failed)?;
                return Ok(info.nar);
            }
            (_, Some(digest), Some(size)) => Content { digest, size },
            (_, digest, size) => {
                let limit = size.unwrap_or_else(|| most_compressed(info.nar.size));
                let found = self.client.learn(&url, limit, self.store, step).map_err(failed)?;
                let expected =
                    Content { digest: digest.unwrap_or(found.digest), size: size.unwrap_or(found.size) };
                if found != expected {
                    return Err(Reason::File { url: info.url.clone(), expected, found });
                }
                return Ok(found);
            }
        };
        self.client.download(&[url], &known, self.store, step).map_err(failed)?;
        Ok(known)
    }

    fn unpack(&self, info: &NarInfo, file: Content) -> Result<Unpacked, Reason> {
        let blob = self.store.open_blob(&file).map_err(Reason::Store)?;
        let bad = |problem| match problem {
            nar::Problem::Store(error) => Reason::Store(error),
            problem => Reason::Nar { url: info.url.clone(), problem },
        };
        let archive = info.compression.decode(blob, file.size, info.nar.size);
        let archive = archive.map_err(|error| bad(nar::Problem::Io(error)))?;
        nar::unpack(archive, &info.path, info.nar.size, self.store).map_err(bad)
    }
}

impl Miss {
    fn new(cache: &Location, reason: Reason) -> Self {
        Self { cache: cache.shown.clone(), reason: Arc::new(reason) }
    }
}

/// Fails unless a cache says what the lock says.
fn agrees(info: &NarInfo, locked: &LockedStorePath) -> Result<(), Reason> {
    let differs = |what, expected: String, found: String| Err(Reason::Differs { what, expected, found });
    if info.nar.digest != locked.nar.digest {
        return differs("NarHash", locked.nar.digest.to_string(), info.nar.digest.to_string());
    }
    if info.nar.size != locked.nar.size {
        return differs("NarSize", locked.nar.size.to_string(), info.nar.size.to_string());
    }
    let expected: BTreeSet<_> = locked.references.iter().cloned().collect();
    if info.references != expected {
        return Err(Reason::References {
            more: info.references.difference(&expected).cloned().collect(),
            missing: expected.difference(&info.references).cloned().collect(),
        });
    }
    Ok(())
}

/// Where the archive is: `text` is relative to the cache or absolute. From nowhere less safe than the cache, and from no file
/// unless the cache is one.
fn archive_url(cache: &Url, text: &str) -> Option<Url> {
    let url = cache.join("narinfo").redirected(text).ok()?;
    let is_less_safe = cache.scheme() == "https" && url.scheme() != "https";
    let is_file = url.file().is_some() && cache.file().is_none();
    (!is_less_safe && !is_file).then_some(url)
}

/// The status that the only address answered with.
fn status(error: &NetError) -> Option<u16> {
    match error {
        NetError::Failed { attempts } => attempts.iter().find_map(|attempt| match attempt.failure {
            Failure::Status { status } => Some(status),
            _ => None,
        }),
        _ => None,
    }
}
