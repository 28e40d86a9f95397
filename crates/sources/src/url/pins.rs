//! From addresses to pins: what is there is learnt once, by one bounded download.

use longshore_oci::{Platform, Progress, Store};
use longshore_stack::lock::{Lock, LockedUrl};
use longshore_stack::model::{Stack, UrlFile};

use super::{Error, address};
use crate::deb::lock::Refresh;
use longshore_net::Client;

/// Most bytes of one file.
const LIMIT: u64 = 8 << 30;

/// The pins of all `[url.*]` of `stack`, sorted by name and platform.
///
/// Those of `previous` are kept where they are of the same address and `refresh` does not name them; others are
/// downloaded to learn what they are, and held against the stack file's `sha256` where it has one.
pub fn lock(
    stack: &Stack,
    previous: &Lock,
    refresh: &Refresh,
    client: &Client,
    store: &Store,
    progress: &dyn Progress,
) -> Result<Vec<LockedUrl>, Error> {
    let mut wanted: Vec<(&String, Option<&Platform>, &UrlFile)> = Vec::new();
    for (name, spec) in &stack.urls {
        wanted.extend(spec.files.iter().map(|(platform, file)| (name, platform.as_ref(), file)));
    }
    wanted.sort_by_cached_key(|(name, platform, _)| ((*name).clone(), platform.map(ToString::to_string)));
    client.each(&wanted, |(name, platform, file)| {
        let moves = match refresh {
            Refresh::Missing => false,
            Refresh::All => file.sha256.is_none(),
            Refresh::Packages(names) => names.contains(*name),
        };
        if let Some(pin) = previous.url_file(name, *platform, file).filter(|_| !moves) {
            return Ok(pin.clone());
        }
        learn(name, *platform, file, client, store, progress)
    })
}

fn learn(
    name: &str,
    platform: Option<&Platform>,
    file: &UrlFile,
    client: &Client,
    store: &Store,
    progress: &dyn Progress,
) -> Result<LockedUrl, Error> {
    let url = address(name, &file.url)?;
    let learnt = progress.during("Fetching", name, None, |step| client.learn(&url, LIMIT, store, step));
    let content = learnt.map_err(|error| Error::Net { name: name.to_owned(), error: Box::new(error) })?;
    if let Some(expected) = file.sha256.filter(|expected| *expected != content.digest) {
        return Err(Error::Different { name: name.to_owned(), expected, found: content.digest });
    }
    let platform = platform.map(ToString::to_string);
    Ok(LockedUrl { name: name.to_owned(), platform, url: file.url.clone(), content })
}
