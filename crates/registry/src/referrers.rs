//! What refers to a manifest: signatures, attestations (distribution specification, "Listing Referrers", "Pushing Manifests with
//! Subject", "Referrers Tag Schema"). Registries that keep no lists of their own have them in an index under a tag.

use longshore_net::{Failure, Method, header};
use longshore_oci::layout::MAX_MANIFEST;
use longshore_oci::{Content, Descriptor, Digest, media_type};
use serde_json::{Map, Value, json};

use crate::Error;
use crate::auth::Scope;
use crate::exchange::{Ask, held};
use crate::manifests::{At, Subject};
use crate::repository::Repository;

/// As often an addition to a list is tried while others change it.
const TRIES: usize = 8;
/// Most entries of a list that are read.
const MOST: usize = 1000;

/// Who keeps the list of referrers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// The registry itself.
    ByRegistry,
    /// Its clients, under the tag of the fallback.
    UnderTag,
}

/// A list of referrers as it stands under a tag. Entries are kept as they were written, whatever is in them.
struct Listed {
    root: Map<String, Value>,
    etag: Option<String>,
}

/// The tag of the fallback: `sha256-abcd…`.
fn fallback_tag(subject: &Digest) -> String {
    subject.to_string().replace(':', "-")
}

impl Repository {
    /// What refers to `subject`, in the registry's order, and who keeps the list. Only what a referrer's own manifest says is
    /// to be believed: its type here, and its annotations, are anybody's.
    ///
    /// # Errors
    /// When the registry does not say, or says something else than a list.
    pub fn referrers(&self, subject: &Digest) -> Result<(Vec<Descriptor>, Kept), Error> {
        if let Some(list) = self.listed_by_registry(subject)? {
            return Ok((list, Kept::ByRegistry));
        }
        let list = self.listed_under_tag(subject)?;
        Ok((self.descriptors(subject, list.map(|list| list.root).unwrap_or_default())?, Kept::UnderTag))
    }

    /// Puts a manifest that has a subject, so that it is found among the referrers of `subject`. `entry` describes it: with
    /// type and annotations, which lists repeat.
    ///
    /// # Errors
    /// [`Error::Contended`] when others change the list all the time.
    pub fn put_referrer(&self, subject: &Digest, entry: &Descriptor, bytes: &[u8]) -> Result<Kept, Error> {
        let digest = entry.digest;
        if self.put(&At::Digest(digest), &entry.media_type, bytes)? == Subject::Noted {
            return Ok(Kept::ByRegistry);
        }
        // Some note it and do not say so.
        let list = self.listed_by_registry(subject)?;
        if list.is_some_and(|list| list.iter().any(|entry| entry.digest == digest)) {
            return Ok(Kept::ByRegistry);
        }
        self.change(subject, |entries| {
            if entries.iter().any(|entry| is_about(entry, &digest)) {
                return Change::None;
            }
            entries.push(json!(entry));
            Change::Made
        })?;
        Ok(Kept::UnderTag)
    }

    /// Takes `referrer`, whose manifest is to be removed, out of the list under the tag, where there is one.
    ///
    /// # Errors
    /// [`Error::Contended`] when others change the list all the time.
    pub fn forget_referrer(&self, subject: &Digest, referrer: &Digest) -> Result<(), Error> {
        if self.listed_under_tag(subject)?.is_none() {
            return Ok(());
        }
        self.change(subject, |entries| {
            let before = entries.len();
            entries.retain(|entry| !is_about(entry, referrer));
            if entries.len() < before { Change::Made } else { Change::None }
        })
    }

    /// The registry's own list; none where it keeps none.
    fn listed_by_registry(&self, subject: &Digest) -> Result<Option<Vec<Descriptor>>, Error> {
        let way = self.origin()?;
        let what = format!("the referrers of {subject}");
        let scope = Scope::pull(&way.name);
        let mut ask = Ask::new(Method::GET, &way.name, &format!("referrers/{subject}"), scope, what.clone());
        ask.headers = vec![(header::ACCEPT, media_type::INDEX.to_owned())];
        let response = match way.registry.ask(&ask) {
            // Those that know no such thing say so in many ways.
            Err(Error::NotFound { .. } | Error::Status { status: 400 | 405 | 406 | 501, .. }) => {
                return Ok(None);
            }
            other => other?,
        };
        if response.media_type() == "text/html" {
            return Ok(None);
        }
        let bytes = response.bytes(MAX_MANIFEST).map_err(|failure| match failure {
            Failure::TooLarge { limit } => {
                self.malformed(subject, format!("the list has more than {limit} bytes"))
            }
            failure => Error::Unreachable { host: way.registry.host.clone(), failure },
        })?;
        let root =
            serde_json::from_slice(&bytes).map_err(|error| self.malformed(subject, error.to_string()))?;
        self.descriptors(subject, root).map(Some)
    }

    /// The list under the tag; none where there is none.
    fn listed_under_tag(&self, subject: &Digest) -> Result<Option<Listed>, Error> {
        let found = match self.manifest(&At::Tag(fallback_tag(subject))) {
            Err(error) if error.is_not_found() => return Ok(None),
            other => other?,
        };
        let root: Map<String, Value> = serde_json::from_slice(&found.bytes)
            .map_err(|error| self.malformed(subject, error.to_string()))?;
        if found.descriptor.media_type != media_type::INDEX {
            let reason =
                format!("under the tag of the list is `{}`, which is no list", found.descriptor.media_type);
            return Err(self.malformed(subject, reason));
        }
        Ok(Some(Listed { root, etag: found.etag }))
    }

    /// Changes the list under the tag: read, changed, written, read again, until the change is in it.
    fn change(&self, subject: &Digest, change: impl Fn(&mut Vec<Value>) -> Change) -> Result<(), Error> {
        let tag = At::Tag(fallback_tag(subject));
        let _one = held(&self.origin()?.registry.lists);
        for _ in 0..TRIES {
            let list = self.listed_under_tag(subject)?;
            let (mut root, etag) = match list {
                Some(Listed { root, etag }) => (root, etag),
                None => {
                    let empty =
                        json!({ "schemaVersion": 2, "mediaType": media_type::INDEX, "manifests": [] });
                    (empty.as_object().cloned().unwrap_or_default(), None)
                }
            };
            let entries = root.entry("manifests").or_insert_with(|| json!([]));
            let Some(entries) = entries.as_array_mut() else {
                return Err(self.malformed(subject, "`manifests` is no list".to_owned()));
            };
            if let Change::None = change(entries) {
                return Ok(());
            }
            let bytes = serde_json::to_vec(&root).unwrap_or_default();
            match self.put_if(&tag, media_type::INDEX, &bytes, etag.as_deref()) {
                // Changed by somebody else in between (RFC 9110, 13.1.1).
                Err(Error::Status { status: 409 | 412, .. }) => {}
                other => drop(other?),
            }
        }
        Err(Error::Contended { host: self.host().to_owned(), subject: *subject })
    }

    fn descriptors(&self, subject: &Digest, root: Map<String, Value>) -> Result<Vec<Descriptor>, Error> {
        let entries = root.get("manifests").and_then(Value::as_array).cloned().unwrap_or_default();
        if entries.len() > MOST {
            return Err(self.malformed(subject, format!("the list has more than {MOST} entries")));
        }
        let read =
            |entry| serde_json::from_value(entry).map_err(|error| self.malformed(subject, error.to_string()));
        entries.into_iter().map(read).collect()
    }

    fn malformed(&self, subject: &Digest, reason: String) -> Error {
        Error::Malformed { host: self.host().to_owned(), what: format!("the referrers of {subject}"), reason }
    }

    /// The manifest of a referrer, if it is one of `subject`.
    ///
    /// # Errors
    /// [`Error::Malformed`] when it refers to something else.
    pub fn referrer(&self, subject: &Content, entry: &Descriptor) -> Result<crate::Found, Error> {
        #[derive(serde::Deserialize)]
        struct WithSubject {
            subject: Option<Descriptor>,
        }
        let found = self.manifest(&At::Digest(entry.digest))?;
        let read: WithSubject = serde_json::from_slice(&found.bytes)
            .map_err(|error| self.malformed(&subject.digest, error.to_string()))?;
        match read.subject {
            Some(said) if said.digest == subject.digest => Ok(found),
            _ => Err(self.malformed(&subject.digest, format!("{} does not refer to it", entry.digest))),
        }
    }
}

enum Change {
    Made,
    None,
}

fn is_about(entry: &Value, digest: &Digest) -> bool {
    entry.get("digest").and_then(Value::as_str) == Some(&digest.to_string())
}
