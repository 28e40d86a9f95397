//! Manifests and indexes (distribution specification, end-3, end-7, end-9).

use longshore_net::{HeaderName, Method, Response, header};
use longshore_oci::layout::MAX_MANIFEST;
use longshore_oci::{Content, Descriptor, Digest, Verify, media_type};

use crate::Error;
use crate::auth::Scope;
use crate::exchange::{Ask, Body, PATIENCE};
use crate::repository::{By, Repository, Way};

/// What we can read, best first.
const ACCEPT: [&str; 4] =
    [media_type::INDEX, media_type::MANIFEST, media_type::DOCKER_LIST, media_type::DOCKER_MANIFEST];
const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");
const OCI_SUBJECT: HeaderName = HeaderName::from_static("oci-subject");

/// By what a manifest is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum At {
    /// By a tag, which may move.
    Tag(String),
    /// By what it is.
    Digest(Digest),
}

impl std::fmt::Display for At {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tag(tag) => f.write_str(tag),
            Self::Digest(digest) => digest.fmt(f),
        }
    }
}

impl At {
    fn by(&self) -> By {
        match self {
            Self::Tag(_) => By::Name,
            Self::Digest(_) => By::Digest,
        }
    }

    fn what(&self) -> String {
        format!("manifest `{self}`")
    }
}

/// A manifest or an index, verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What it is.
    pub descriptor: Descriptor,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The registry's word for this state of the name that was asked for (RFC 9110, 8.8.3).
    pub etag: Option<String>,
}

/// Whether the registry keeps lists of referrers by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    /// It says that it took note of the subject.
    Noted,
    /// It says nothing about it.
    Unsaid,
}

impl Repository {
    /// The manifest at a tag or digest.
    ///
    /// # Errors
    /// [`Error::NotFound`] where there is none; [`Error::Different`] where the registry sends another one.
    pub fn manifest(&self, at: &At) -> Result<Found, Error> {
        self.read(at.by(), |way| {
            let response = way.registry.ask(&way.manifest_ask(Method::GET, at))?;
            way.verified(at, response)
        })
    }

    /// What is at a tag or digest, without fetching it; none where there is nothing.
    ///
    /// # Errors
    /// When the registry does not say what it is, or nothing at all.
    pub fn probe(&self, at: &At) -> Result<Option<Digest>, Error> {
        let way = self.origin()?;
        let response = match way.registry.ask(&way.manifest_ask(Method::HEAD, at)) {
            Err(error) if error.is_not_found() => return Ok(None),
            other => other?,
        };
        if let At::Digest(digest) = at {
            return Ok(Some(*digest));
        }
        match response.header(CONTENT_DIGEST).and_then(|text| text.parse().ok()) {
            Some(digest) => Ok(Some(digest)),
            // Not every registry says it: what it sends does.
            None => Ok(Some(self.manifest(at)?.descriptor.digest)),
        }
    }

    /// Puts a manifest or an index under its digest.
    ///
    /// # Errors
    /// When the registry refuses, or says that it took another one.
    pub fn put_manifest(&self, media_type: &str, bytes: &[u8]) -> Result<Content, Error> {
        let content = Content::of(bytes);
        self.put(&At::Digest(content.digest), media_type, bytes)?;
        Ok(content)
    }

    /// Makes `tag` name this manifest or index, which is there already.
    ///
    /// # Errors
    /// When the registry refuses.
    pub fn tag(&self, tag: &str, media_type: &str, bytes: &[u8]) -> Result<(), Error> {
        self.put(&At::Tag(tag.to_owned()), media_type, bytes).map(drop)
    }

    pub(crate) fn put(&self, at: &At, media_type: &str, bytes: &[u8]) -> Result<Subject, Error> {
        self.put_if(at, media_type, bytes, None)
    }

    /// The same, if what is there is still what it was: `etag` is the registry's word for that.
    pub(crate) fn put_if(
        &self,
        at: &At,
        media_type: &str,
        bytes: &[u8],
        etag: Option<&str>,
    ) -> Result<Subject, Error> {
        let way = self.origin()?;
        let digest = Digest::of(bytes);
        let mut ask = way.manifest_ask(Method::PUT, at);
        ask.scope = Scope::push(&way.name);
        ask.headers = vec![(header::CONTENT_TYPE, media_type.to_owned())];
        ask.headers.extend(etag.map(|etag| (header::IF_MATCH, etag.to_owned())));
        ask.body = Body::Bytes(bytes);
        ask.patience = Some(PATIENCE);
        let response = way.registry.ask(&ask)?;
        match response.header(CONTENT_DIGEST) {
            Some(found) if found != digest.to_string() => {
                let found = found.chars().filter(|c| c.is_ascii_graphic()).take(100).collect();
                return Err(Error::Mistaken { host: way.registry.host.clone(), what: digest, found });
            }
            _ => {}
        }
        Ok(if response.header(OCI_SUBJECT).is_some() { Subject::Noted } else { Subject::Unsaid })
    }

    /// Removes a manifest or an index, with every tag that names it.
    ///
    /// # Errors
    /// When the registry refuses: many know no deletion.
    pub fn delete(&self, digest: &Digest) -> Result<(), Error> {
        let way = self.origin()?;
        let mut ask = way.manifest_ask(Method::DELETE, &At::Digest(*digest));
        ask.scope = Scope::delete(&way.name);
        way.registry.ask(&ask).map(drop)
    }
}

impl Way {
    fn manifest_ask(&self, method: Method, at: &At) -> Ask<'_> {
        let scope = Scope::pull(&self.name);
        let mut ask = Ask::new(method, &self.name, &format!("manifests/{at}"), scope, at.what());
        // One line for each: some registries read the first only, where they should read all (RFC 9110, 5.3).
        ask.headers = vec![(header::ACCEPT, ACCEPT.join(", "))];
        ask
    }

    /// What the registry sent, if it is what was asked for.
    fn verified(&self, at: &At, response: Response) -> Result<Found, Error> {
        let host = || self.registry.host.clone();
        let sent = response.media_type();
        if sent == "text/html" {
            return Err(Error::WebPage { host: host(), what: at.what() });
        }
        let etag = response.header(header::ETAG).map(str::to_owned);
        let claimed = response.header(CONTENT_DIGEST).and_then(|text| text.parse::<Digest>().ok());
        let bytes = response.bytes(MAX_MANIFEST).map_err(|failure| match failure {
            longshore_net::Failure::TooLarge { limit } => Error::Malformed {
                host: host(),
                what: at.what(),
                reason: format!("it is larger than the {limit} bytes that a manifest may have"),
            },
            failure => Error::Unreachable { host: host(), failure },
        })?;
        let content = Content::of(&bytes);
        let expected = match at {
            At::Digest(digest) => Some(*digest),
            At::Tag(_) => claimed,
        };
        if let Some(digest) = expected.filter(|digest| *digest != content.digest) {
            let reason =
                Verify::Mismatch { expected: Content { digest, size: content.size }, found: content };
            return Err(Error::Different { host: host(), what: at.what(), reason: Box::new(reason) });
        }
        let media_type = said_media_type(&bytes).unwrap_or(sent);
        Ok(Found { descriptor: Descriptor::new(&media_type, content), bytes, etag })
    }
}

/// What the document says that it is, which is signed with it where the header is not.
fn said_media_type(bytes: &[u8]) -> Option<String> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Typed {
        media_type: String,
    }
    serde_json::from_slice::<Typed>(bytes).ok().map(|typed| typed.media_type)
}
