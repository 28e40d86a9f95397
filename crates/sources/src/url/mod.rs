//! Archives and files on the network, by SHA-256: `[url.*]`.
//!
//! [`lock`] pins what the stack file names, [`component`] fetches a pin and unpacks it. An archive is foreign: it is read
//! with the bounds of [`crate::deb::archive::Limits`], and what leads out of it, comes twice or is no file, folder or
//! link is refused by name. Owners and times are dropped; of permissions only whether a file is executable is kept.

mod error;
mod pins;
mod sink;
mod unpack;
mod zip;

use longshore_oci::{Component, Digest, Facts, Origin, Platform, Progress, Store, Tree};
use longshore_stack::lock::LockedUrl;
use longshore_stack::model::{UrlForm, UrlSpec};
use serde::{Deserialize, Serialize};

use longshore_net::{Client, Url};

pub use error::Error;
pub use pins::lock;
pub use zip::ZipProblem;

/// Kind of the store's records; a new number whenever the same file would give another component.
const RECORD: &str = "url-tree-1";

/// What a record holds.
#[derive(Serialize, Deserialize)]
struct Unpacked {
    tree: Tree,
    facts: Facts,
}

/// What `[url.NAME]` holds on `platform`: fetched as `pin` says unless the store has it, unpacked the first time only.
///
/// `pin` is the lock's for this name and platform. A file is a tree of its one name, `0755` if it is a program.
pub fn component(
    name: &str,
    spec: &UrlSpec,
    platform: &Platform,
    pin: &LockedUrl,
    client: &Client,
    store: &Store,
    progress: &dyn Progress,
) -> Result<Component, Error> {
    let file = spec.files.get(&Some(platform.clone())).or_else(|| spec.files.get(&None));
    let file = file.ok_or_else(|| Error::NoAddress { name: name.to_owned(), platform: platform.clone() })?;
    if pin.url != file.url || file.sha256.is_some_and(|digest| digest != pin.content.digest) {
        return Err(Error::NotLocked { name: name.to_owned() });
    }
    let file_name = file_name(&pin.url);
    let key = (pin.content, spec.strip, spec.form == UrlForm::Archive, &file_name);
    // Serialising plain data to memory can't fail.
    let key = Digest::of(&postcard::to_stdvec(&key).unwrap_or_default());
    let known = store.record(RECORD, &key)?.and_then(|bytes| postcard::from_bytes::<Unpacked>(&bytes).ok());
    let unpacked = match known.filter(|known| store.has_all(&known.tree)) {
        Some(known) => known,
        None => {
            let size = Some(pin.content.size);
            fetch(name, pin, client, store, progress)?;
            let unpacked = progress.during("Unpacking", name, size, |_| {
                unpack::unpack(name, spec, &file_name, &pin.content, store)
            })?;
            if let Ok(bytes) = postcard::to_stdvec(&unpacked) {
                store.put_record(RECORD, &key, &bytes, unpacked.tree.contents())?;
            }
            unpacked
        }
    };
    let Unpacked { tree, facts } = unpacked;
    Ok(Component { origin: Origin::Url(name.to_owned()), tree, facts, package: None })
}

/// Brings the file of a pin into the store, as it is; nothing is asked when it is there.
pub fn fetch(
    name: &str,
    pin: &LockedUrl,
    client: &Client,
    store: &Store,
    progress: &dyn Progress,
) -> Result<(), Error> {
    let url: Url = address(name, &pin.url)?;
    let fetched = progress.during("Fetching", name, Some(pin.content.size), |step| {
        client.download(&[url], &pin.content, store, step)
    });
    fetched.map_err(|error| Error::Net { name: name.to_owned(), error: Box::new(error) })
}

fn address(name: &str, url: &str) -> Result<Url, Error> {
    url.parse().map_err(|error| Error::Address { name: name.to_owned(), error })
}

/// The name of the file at an address: its path's last part, without query.
fn file_name(url: &str) -> String {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    path.rsplit('/').find(|part| !part.is_empty()).unwrap_or("file").to_owned()
}
