//! A repository of a registry as a cache that machines share: what builds made and how layers were compressed, each found by its
//! key.
//!
//! What is to be trusted: a layer's blob is nothing but the compressed form of bytes that the taker has made itself, and it is
//! uncompressed and compared before it is used; so nobody has to be trusted with layers. What a build made can't be checked without
//! building it again; so it is taken only when its entry is signed by a key that the stack file names.
//!
//! ```text
//! layer-<key>    a manifest with the compressed layer
//! build-<key>    a manifest with the record of what a build made, its files one after the other, and a signature
//! ```

mod entry;
mod keys;

use std::io::{self, Read as _};

use longshore_oci::{Content, Descriptor, Digest, Sha256, Silent, Step};
use longshore_registry::{At, Client, Repository};

use entry::{Entry, Kind};
pub use keys::{KeyError, SigningKey, VerifyingKey};

use crate::Error;

/// A repository that keeps entries.
pub struct Cache {
    repository: Repository,
    trusted: Vec<VerifyingKey>,
    signing: Option<SigningKey>,
}

/// What a build made, as the cache keeps it: the record of its tree, and the files that the record speaks of.
pub struct Made {
    /// The record's bytes.
    pub record: Vec<u8>,
    /// The files, each once, in an order that the record determines.
    pub files: Vec<Content>,
}

/// What came of looking for an entry.
pub enum Lookup<T> {
    /// It is there and may be used.
    Found(T),
    /// There is none.
    Absent,
    /// There is one that may not be used.
    Refused(String),
}

impl Cache {
    /// The cache in `repository`. What builds made is taken when one of `trusted` signed it, and given when there is a key to sign
    /// with.
    pub fn new(repository: Repository, trusted: Vec<VerifyingKey>, signing: Option<SigningKey>) -> Self {
        Self { repository, trusted, signing }
    }

    /// The blob of this media type that compresses `tar`, by the key of that; brought into the store, uncompressed and compared.
    ///
    /// # Errors
    /// When the registry does not answer, or not as it should.
    pub fn layer(
        &self,
        key: &Digest,
        tar: &Content,
        media_type: &str,
        client: &Client,
        step: &dyn Step,
    ) -> Result<Lookup<Content>, Error> {
        let Some(entry) = self.find(Kind::Layer, key)? else { return Ok(Lookup::Absent) };
        let [blob] = &entry.layers[..] else { return Ok(Lookup::Refused("it is not one blob".to_owned())) };
        // A manifest would call it by another type than it is of.
        if blob.media_type != media_type {
            return Ok(Lookup::Refused(format!("it is no `{media_type}`")));
        }
        self.repository.fetch_blob(&blob.content(), step)?;
        let file = client.store().open_blob(&blob.content())?;
        let plain = crate::decode(&blob.media_type, Box::new(file));
        match plain.and_then(|plain| is(plain, tar)) {
            Ok(true) => Ok(Lookup::Found(blob.content())),
            Ok(false) | Err(_) => {
                Ok(Lookup::Refused("it is not the compressed form of this layer".to_owned()))
            }
        }
    }

    /// Keeps the blob that compresses a layer.
    ///
    /// # Errors
    /// When it can't be sent.
    pub fn keep_layer(
        &self,
        key: &Digest,
        blob: Descriptor,
        client: &Client,
        step: &dyn Step,
    ) -> Result<(), Error> {
        if self.has(Kind::Layer, key)? {
            return Ok(());
        }
        self.send(&blob.content(), client, step)?;
        self.put(Entry::layer(key, blob))
    }

    /// What the build with this key made, if a trusted key signed it. Its files are in the store then.
    ///
    /// # Errors
    /// When the registry does not answer, or not as it should.
    pub fn build(
        &self,
        key: &Digest,
        files: impl Fn(&[u8]) -> Option<Vec<Content>>,
        client: &Client,
        step: &dyn Step,
    ) -> Result<Lookup<Vec<u8>>, Error> {
        if self.trusted.is_empty() {
            return Ok(Lookup::Absent);
        }
        let Some(entry) = self.find(Kind::Build, key)? else { return Ok(Lookup::Absent) };
        let [record, pack] = &entry.layers[..] else {
            return Ok(Lookup::Refused("it has not the parts that it should have".to_owned()));
        };
        // Before anything of it is looked at.
        let statement = entry::statement(key, &record.digest);
        let signed = entry.signature().is_some_and(|signature| {
            self.trusted.iter().any(|trusted| trusted.verify(statement.as_bytes(), &signature))
        });
        if !signed {
            return Ok(Lookup::Refused("no key of `[cache]` signed it".to_owned()));
        }
        let store = client.store();
        self.repository.fetch_blob(&record.content(), &Silent)?;
        let record = store.read_blob(&record.content())?;
        let Some(files) = files(&record) else {
            return Ok(Lookup::Refused("its record can't be read".to_owned()));
        };
        if files.iter().any(|content| !store.has(content)) {
            self.repository.fetch_blob(&pack.content(), step)?;
            if let Err(reason) = entry::unpack(store, &pack.content(), &files)? {
                return Ok(Lookup::Refused(reason));
            }
        }
        Ok(Lookup::Found(record))
    }

    /// Keeps what a build made, signed.
    ///
    /// # Errors
    /// When it can't be sent; when there is no key to sign with, nothing is kept and nothing fails.
    pub fn keep_build(
        &self,
        key: &Digest,
        made: &Made,
        client: &Client,
        step: &dyn Step,
    ) -> Result<(), Error> {
        let Some(signing) = &self.signing else { return Ok(()) };
        if self.has(Kind::Build, key)? {
            return Ok(());
        }
        let store = client.store();
        let record = store.put(&made.record)?;
        let pack = entry::pack(store, &made.files)?;
        self.send(&record, client, step)?;
        self.send(&pack, client, step)?;
        let signature = signing.sign(entry::statement(key, &record.digest).as_bytes())?;
        self.put(Entry::build(key, record, pack, &signature))
    }

    fn has(&self, kind: Kind, key: &Digest) -> Result<bool, Error> {
        Ok(self.repository.probe(&At::Tag(kind.tag(key)))?.is_some())
    }

    /// The entry of that kind and key; one of another key or kind under its name counts as none.
    fn find(&self, kind: Kind, key: &Digest) -> Result<Option<Entry>, Error> {
        let found = match self.repository.manifest(&At::Tag(kind.tag(key))) {
            Err(error) if error.is_not_found() => return Ok(None),
            other => other?,
        };
        Ok(Entry::read(&found.bytes).filter(|entry| entry.is(kind, key)))
    }

    fn put(&self, entry: Entry) -> Result<(), Error> {
        let empty = Content::of(b"{}");
        if !self.repository.has_blob(&empty)? {
            self.repository.upload(&empty, &|_| Ok(Box::new(&b"{}"[..])), None, &Silent)?;
        }
        let bytes = entry.manifest().to_bytes();
        self.repository.tag(&entry.tag(), longshore_oci::media_type::MANIFEST, &bytes)?;
        Ok(())
    }

    fn send(&self, content: &Content, client: &Client, step: &dyn Step) -> Result<(), Error> {
        if self.repository.has_blob(content)? {
            return Ok(());
        }
        let blob = crate::registry::Blob::File(client.store().blob_path(&content.digest));
        Ok(self.repository.upload(content, &|offset| blob.open(offset), None, step)?)
    }
}

/// Whether `reader` gives `content` and no more. No more is read than one byte beyond it, whoever wrote what it reads.
fn is(reader: impl io::Read, content: &Content) -> io::Result<bool> {
    let mut reader = reader.take(content.size.saturating_add(1));
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; 1 << 16]);
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok(hash.finish() == *content),
            read => hash.update(&buffer[..read]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives zeros without end, and counts them.
    struct Endless(u64);

    impl io::Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            buffer.fill(0);
            self.0 += buffer.len() as u64;
            Ok(buffer.len())
        }
    }

    #[test]
    fn no_more_is_read_than_tells_them_apart() {
        let content = Content::of(&[0; 1000]);
        let mut endless = Endless(0);
        assert!(!is(&mut endless, &content).unwrap());
        assert_eq!(endless.0, 1001);
        assert!(is(&[0; 1000][..], &content).unwrap());
        assert!(!is(&[0; 999][..], &content).unwrap());
        assert!(!is(&[1; 1000][..], &content).unwrap());
    }
}
