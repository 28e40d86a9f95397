//! Sending blobs (distribution specification, "Pushing blobs", end-4 to end-6, end-11, end-13): mounted from a neighbour, in one
//! piece when they are small, else in chunks, and taken up again where the connection broke, in this run or a later one.

use std::cell::Cell;
use std::io::{self, Read};
use std::time::Duration;

use longshore_net::{HeaderName, Method, Response, Url, header};
use longshore_oci::{Content, Digest, Step};

use crate::Error;
use crate::auth::Scope;
use crate::exchange::{Ask, Body, PATIENCE, Target};
use crate::repository::{Repository, Way};

/// Blobs up to this size are sent in one piece.
const WHOLE: u64 = 4 << 20;
/// Larger ones in chunks of this size, or what the registry wants at least: a broken connection costs less than one.
const CHUNK: u64 = 64 << 20;
/// As often in a row an upload may fail to get on.
const TRIES: u32 = 5;
/// The kind of the store's records of unfinished uploads.
const RECORD: &str = "upload";
const CHUNK_MIN: HeaderName = HeaderName::from_static("oci-chunk-min-length");

/// Opens what is sent, from an offset on.
pub type Source<'a> = dyn Fn(u64) -> io::Result<Box<dyn Read + 'a>> + Sync + 'a;

/// What came of asking for a mount.
pub enum Mounted {
    /// The blob is there.
    Yes,
    /// It has to be sent; the registry has begun an upload for it.
    No(Upload),
}

/// An upload under way.
pub struct Upload {
    location: Url,
    /// So many bytes are there.
    offset: u64,
    /// Least bytes of a chunk that is not the last.
    minimum: u64,
}

impl Repository {
    /// Has the registry take a blob from its repository `from`.
    ///
    /// # Errors
    /// When the registry refuses even to begin an upload.
    pub fn mount(&self, content: &Content, from: &Self) -> Result<Mounted, Error> {
        let (way, other) = (self.origin()?, from.origin()?);
        let path = format!("blobs/uploads/?mount={}&from={}", content.digest, other.name);
        let mut ask = way.upload_ask(Method::POST, &path, content);
        ask.scope = Scope::push(&way.name).and(Scope::pull(&other.name));
        let response = match way.registry.ask(&ask) {
            // Registries that give tokens for one repository only say no instead of beginning an upload.
            Err(Error::Denied { .. } | Error::NotFound { .. } | Error::Status { status: 400..=499, .. }) => {
                return way.begin(content).map(Mounted::No);
            }
            other => other?,
        };
        match response.status.as_u16() {
            201 => Ok(Mounted::Yes),
            _ => Ok(Mounted::No(way.begun(&response, content)?)),
        }
    }

    /// Sends a blob: what `source` opens. `begun` is an upload that [`Self::mount`] left.
    ///
    /// # Errors
    /// [`Error::Upload`] when it does not get on after some tries; a later run goes on from there.
    pub fn upload(
        &self,
        content: &Content,
        source: &Source<'_>,
        begun: Option<Upload>,
        step: &dyn Step,
    ) -> Result<(), Error> {
        let way = self.origin()?;
        let key = Digest::of(format!("{}/{} {}", way.registry.host, way.name, content.digest).as_bytes());
        let told = Told { step, most: Cell::new(0) };
        let mut upload = match begun {
            Some(upload) => Some(upload),
            None => self.remembered(way, content, &key)?,
        };
        let (mut tries, mut wait, mut seen) = (0, Duration::from_millis(250), 0);
        loop {
            let error = match way
                .advance(&mut upload, content, source, &told, &|upload| self.remember(&key, upload))
            {
                Ok(()) => {
                    self.forget(&key);
                    return Ok(());
                }
                Err(error) => error,
            };
            let offset = upload.as_ref().map_or(0, |upload| upload.offset);
            if is_final(&error) {
                return Err(error);
            }
            // One that gets on a little each time is worth any number of tries.
            tries = if offset > seen { 1 } else { tries + 1 };
            seen = seen.max(offset);
            if tries >= TRIES {
                return Err(Error::Upload {
                    host: way.registry.host.clone(),
                    content: *content,
                    tries,
                    last: Some(Box::new(error)),
                });
            }
            way.registry.pause(error, wait)?;
            wait = (wait * 2).min(Duration::from_secs(8));
            // What is there, the registry knows best.
            upload = match upload {
                Some(upload) => way.status(upload, content)?,
                None => None,
            };
        }
    }

    /// The upload that an earlier run left, if the registry still has it.
    fn remembered(&self, way: &Way, content: &Content, key: &Digest) -> Result<Option<Upload>, Error> {
        if content.size <= WHOLE {
            return Ok(None);
        }
        let Some(record) = self.store.record(RECORD, key)? else { return Ok(None) };
        let Some(location) = String::from_utf8(record).ok().and_then(|text| text.parse().ok()) else {
            return Ok(None);
        };
        way.status(Upload { location, offset: 0, minimum: 0 }, content)
    }

    fn remember(&self, key: &Digest, upload: &Upload) -> Result<(), Error> {
        Ok(self.store.put_record(RECORD, key, upload.location.bare().as_bytes(), [])?)
    }

    fn forget(&self, key: &Digest) {
        // An old record costs one request, in a run that has to send the same blob again.
        let _ = self.store.put_record(RECORD, key, b"", []);
    }
}

/// Tells of each byte once, however often it is sent.
struct Told<'a> {
    step: &'a dyn Step,
    most: Cell<u64>,
}

impl Told<'_> {
    fn at(&self, offset: u64) {
        self.step.advance(offset.saturating_sub(self.most.get()));
        self.most.set(self.most.get().max(offset));
    }
}

impl Way {
    fn upload_ask(&self, method: Method, path: &str, content: &Content) -> Ask<'_> {
        let what = format!("the upload of {}", content.digest);
        let mut ask = Ask::new(method, &self.name, path, Scope::push(&self.name), what);
        ask.body = Body::Bytes(b"");
        ask.patience = Some(PATIENCE);
        ask
    }

    fn begin(&self, content: &Content) -> Result<Upload, Error> {
        let response = self.registry.ask(&self.upload_ask(Method::POST, "blobs/uploads/", content))?;
        self.begun(&response, content)
    }

    fn begun(&self, response: &Response, content: &Content) -> Result<Upload, Error> {
        let location = self.registry.located(response, &format!("the upload of {}", content.digest))?;
        let minimum = response.header(CHUNK_MIN).and_then(|text| text.parse().ok()).unwrap_or(0);
        Ok(Upload { location, offset: 0, minimum })
    }

    /// Goes on with an upload, or begins one, to its end. `upload` is where it stands, also after a failure.
    fn advance(
        &self,
        upload: &mut Option<Upload>,
        content: &Content,
        source: &Source<'_>,
        told: &Told<'_>,
        remember: &dyn Fn(&Upload) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let upload = match upload {
            Some(upload) => upload,
            none => none.insert(self.begin(content)?),
        };
        if content.size <= WHOLE && upload.offset == 0 {
            return self.finish(upload, content, source, told);
        }
        while upload.offset < content.size {
            remember(upload)?;
            if !self.chunk(upload, content, source, told)? {
                return self.finish(upload, content, source, told);
            }
        }
        self.finish(upload, content, source, told)
    }

    /// Sends one chunk; says no when the registry takes none.
    fn chunk(
        &self,
        upload: &mut Upload,
        content: &Content,
        source: &Source<'_>,
        told: &Told<'_>,
    ) -> Result<bool, Error> {
        let size = CHUNK.max(upload.minimum).min(content.size - upload.offset);
        let (first, last) = (upload.offset, upload.offset + size - 1);
        let open =
            || Ok(Box::new(Counted { inner: source(first)?.take(size), at: first, told }) as Box<dyn Read>);
        let mut ask = self.upload_ask(Method::PATCH, "", content);
        ask.target = Target::At(upload.location.clone());
        ask.headers = vec![
            (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
            (header::CONTENT_RANGE, format!("{first}-{last}")),
        ];
        ask.body = Body::Stream(&open, size);
        let response = match self.registry.attempt(&ask) {
            Err(Error::Status { status: 405 | 501, .. }) if upload.offset == 0 => return Ok(false),
            other => other?,
        };
        upload.location = self.registry.located(&response, &ask.what)?;
        // It may have kept less than it was sent.
        upload.offset = range_end(&response).map_or(last + 1, |end| end.min(last + 1));
        told.at(upload.offset);
        Ok(true)
    }

    /// Ends an upload, sending what is not there yet.
    fn finish(
        &self,
        upload: &mut Upload,
        content: &Content,
        source: &Source<'_>,
        told: &Told<'_>,
    ) -> Result<(), Error> {
        let rest = content.size - upload.offset;
        let offset = upload.offset;
        let open =
            || Ok(Box::new(Counted { inner: source(offset)?.take(rest), at: offset, told }) as Box<dyn Read>);
        let mut ask = self.upload_ask(Method::PUT, "", content);
        let at = upload.location.bare();
        let separator = if at.contains('?') { '&' } else { '?' };
        let at = format!("{at}{separator}digest={}", content.digest);
        ask.target = Target::At(self.registry.parse(&at, &ask.what)?);
        if rest > 0 {
            ask.headers = vec![(header::CONTENT_TYPE, "application/octet-stream".to_owned())];
            ask.body = Body::Stream(&open, rest);
        }
        let response = self.registry.attempt(&ask)?;
        match response.header(HeaderName::from_static("docker-content-digest")) {
            Some(found) if found != content.digest.to_string() => {
                let found = found.chars().filter(|c| c.is_ascii_graphic()).take(100).collect();
                Err(Error::Mistaken { host: self.registry.host.clone(), what: content.digest, found })
            }
            _ => {
                told.at(content.size);
                Ok(())
            }
        }
    }

    /// How far an upload has come, by the registry's word; none where it knows nothing of it.
    fn status(&self, upload: Upload, content: &Content) -> Result<Option<Upload>, Error> {
        let mut ask = self.upload_ask(Method::GET, "", content);
        ask.body = Body::Nothing;
        ask.target = Target::At(upload.location.clone());
        let response = match self.registry.attempt(&ask) {
            Ok(response) => response,
            Err(error @ Error::Denied { .. }) => return Err(error),
            // Begun anew, it may do better.
            Err(_) => return Ok(None),
        };
        let Some(offset) = range_end(&response).filter(|offset| *offset <= content.size) else {
            return Ok(None);
        };
        let location = self.registry.located(&response, &ask.what).unwrap_or(upload.location);
        Ok(Some(Upload { location, offset, minimum: upload.minimum }))
    }
}

/// Whether another try would come to the same.
fn is_final(error: &Error) -> bool {
    match error {
        Error::Denied { .. }
        | Error::Read(_)
        | Error::Store(_)
        | Error::Mistaken { .. }
        | Error::Malformed { .. } => true,
        Error::Status { status, .. } => *status == 413,
        Error::Unreachable { failure, .. } => !failure.is_transient(),
        _ => false,
    }
}

/// How many bytes are there by `Range: 0-N`, where N is the last; a zero there means none, as servers have it.
fn range_end(response: &Response) -> Option<u64> {
    let text = response.header(header::RANGE)?.trim_start_matches("bytes=");
    let (start, end) = text.split_once('-')?;
    match (start, end.parse::<u64>().ok()?) {
        ("0", 0) => Some(0),
        ("0", end) => end.checked_add(1),
        _ => None,
    }
}

/// A reader that tells of what it gave.
struct Counted<'a, R> {
    inner: R,
    at: u64,
    told: &'a Told<'a>,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.at += read as u64;
        self.told.at(self.at);
        Ok(read)
    }
}
