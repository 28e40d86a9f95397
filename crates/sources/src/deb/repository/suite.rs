//! The release file of one suite: from the first mirror that has one to trust, or the last one that was.

use longshore_oci::{Content, Digest, StoreError};
use longshore_stack::lock::LockedRelease;
use longshore_stack::model::{AptLocation, AptSource};
use serde::{Deserialize, Serialize};

use super::{Archives, Suite};
use crate::deb::Error;
use crate::deb::error::{MirrorProblem, SuiteProblem};
use crate::deb::openpgp::{Keyring, verify_clearsigned, verify_detached};
use crate::deb::release::{Expected, Release};
use longshore_net::{Access, NetError, Url};

/// No release file is larger; Debian's have 0.2 MiB.
const MAX_RELEASE: u64 = 16 << 20;
/// No detached signature is larger.
const MAX_SIGNATURE: u64 = 1 << 20;
/// The kind of the store's records of which release files were verified last.
const RECORD: &str = "apt-release";

/// A release file as fetched, not verified yet.
struct Fetched {
    /// `InRelease`, or `Release` when there is a detached signature.
    text: Vec<u8>,
    signature: Option<Vec<u8>>,
}

/// What the store keeps of the last verified release file.
#[derive(Serialize, Deserialize)]
struct Last {
    text: Content,
    signature: Option<Content>,
}

pub(super) fn update(
    archives: &Archives,
    name: &str,
    spec: &AptSource,
    suite: &str,
    keyring: &Keyring,
    locked: Option<u64>,
) -> Result<Suite, Error> {
    let expected = Expected { suite, expired: spec.expired, locked, now: archives.now };
    let addresses = archives.mirrors.archives(name, spec, suite)?;
    let key = record_key(spec, suite);
    let verify = |fetched: &Fetched| -> Result<Release, SuiteProblem> {
        let signed = match &fetched.signature {
            None => verify_clearsigned(&fetched.text, keyring, &spec.signed_by, archives.now),
            Some(signature) => {
                verify_detached(&fetched.text, signature, keyring, &spec.signed_by, archives.now)
            }
        }?;
        Ok(Release::parse(&signed, &expected)?)
    };
    let finish = |fetched: &Fetched, release: Release, first: usize| -> Suite {
        let mut order = addresses.clone();
        order[..=first].rotate_right(1);
        let locked = LockedRelease {
            source: name.to_owned(),
            suite: suite.to_owned(),
            codename: release.codename().to_owned(),
            date: release.date(),
            release: Content::of(&fetched.text),
            signed_by: release.signed_by().to_vec(),
        };
        Suite { source: name.to_owned(), spec: spec.clone(), locked, release, archives: order }
    };
    let mut problems = Vec::new();
    let mut unreachable = 0;
    for (at, url) in addresses.iter().enumerate() {
        match fetch(archives, url, suite).map_err(SuiteProblem::from).and_then(|f| verify(&f).map(|r| (f, r)))
        {
            Ok((fetched, release)) => {
                for problem in &problems {
                    archives
                        .progress
                        .note(&format!("suite `{suite}` of source `{name}`: passed over {problem}"));
                }
                remember(archives, &key, &fetched)?;
                return Ok(finish(&fetched, release, at));
            }
            Err(problem) => {
                unreachable += usize::from(matches!(problem, SuiteProblem::Net(NetError::Offline { .. })));
                problems.push(MirrorProblem { url: url.clone(), problem });
            }
        }
    }
    if archives.client.access() == Access::Offline && unreachable == problems.len() {
        let Some(fetched) = recall(archives, &key)? else {
            return Err(Error::OfflineSuite { source_name: name.to_owned(), suite: suite.to_owned() });
        };
        match verify(&fetched) {
            Ok(release) => return Ok(finish(&fetched, release, 0)),
            Err(problem) => {
                problems = addresses
                    .first()
                    .map(|url| MirrorProblem { url: url.clone(), problem })
                    .into_iter()
                    .collect()
            }
        }
    }
    Err(Error::Suite { source_name: name.to_owned(), suite: suite.to_owned(), problems })
}

/// `InRelease`; where there is none, `Release` and `Release.gpg`.
fn fetch(archives: &Archives, archive: &Url, suite: &str) -> Result<Fetched, NetError> {
    let folder = archive.join("dists").join(suite);
    match archives.client.get_bounded(&folder.join("InRelease"), MAX_RELEASE) {
        Err(error) if error.is_gone() => {}
        other => return Ok(Fetched { text: other?, signature: None }),
    }
    let text = archives.client.get_bounded(&folder.join("Release"), MAX_RELEASE)?;
    let signature = archives.client.get_bounded(&folder.join("Release.gpg"), MAX_SIGNATURE)?;
    Ok(Fetched { text, signature: Some(signature) })
}

/// By what the repository is, not by what the stack calls it.
fn record_key(spec: &AptSource, suite: &str) -> Digest {
    let place = match &spec.location {
        AptLocation::Distribution(name) => format!("distribution {name}"),
        AptLocation::Url(url) => format!("url {url}"),
    };
    Digest::of(format!("{place}\n{suite}\n").as_bytes())
}

fn remember(archives: &Archives, key: &Digest, fetched: &Fetched) -> Result<(), StoreError> {
    let text = archives.store.put(&fetched.text)?;
    let signature = fetched.signature.as_ref().map(|bytes| archives.store.put(bytes)).transpose()?;
    let bytes = postcard::to_stdvec(&Last { text, signature }).map_err(std::io::Error::other)?;
    archives.store.put_record(RECORD, key, &bytes, [text].into_iter().chain(signature))
}

fn recall(archives: &Archives, key: &Digest) -> Result<Option<Fetched>, StoreError> {
    let Some(bytes) = archives.store.record(RECORD, key)? else { return Ok(None) };
    // What an older longshore wrote, or what was cleaned away, counts as never fetched.
    let Ok(last) = postcard::from_bytes::<Last>(&bytes) else { return Ok(None) };
    let whole =
        archives.store.has(&last.text) && last.signature.as_ref().is_none_or(|s| archives.store.has(s));
    if !whole {
        return Ok(None);
    }
    let text = archives.store.read_blob(&last.text)?;
    let signature = last.signature.as_ref().map(|content| archives.store.read_blob(content)).transpose()?;
    Ok(Some(Fetched { text, signature }))
}
