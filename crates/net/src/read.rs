//! Reading from an address, from any byte on, redirects followed by our own rules.

use std::io::Read;

use ureq::http::{Method, StatusCode, header};

use crate::coding::{Coding, undone};
use crate::http::{Http, Request, Response};
use crate::{Failure, Url};

/// As many redirects are followed.
const MAX_REDIRECTS: usize = 8;

/// What a server began to send.
pub(crate) struct Answer {
    /// The bytes from `start` on.
    pub(crate) body: Box<dyn Read>,
    /// The first byte's place in the whole: 0 unless the server took up where we asked it to.
    pub(crate) start: u64,
    /// The size of the whole, where the server says it.
    pub(crate) size: Option<u64>,
    /// The media type, lower-case, without parameters.
    pub(crate) media_type: String,
    /// What the server did to the bytes for the way (`Content-Encoding`), lower-case; mostly empty.
    pub(crate) coding: String,
}

impl Answer {
    /// The file's own bytes, if that is `wanted`; how many they are is then not known.
    pub(crate) fn with(self, wanted: Coding) -> Result<Self, Failure> {
        if wanted == Coding::Kept || matches!(self.coding.as_str(), "" | "identity") {
            return Ok(self);
        }
        Ok(Self { body: undone(&self.coding, self.body)?, size: None, ..self })
    }
}

/// Begins to read `url`, from byte `offset` on where the server can.
pub(crate) fn open(http: &Http, url: &Url, offset: u64) -> Result<Answer, Failure> {
    let mut url = url.clone();
    for _ in 0..=MAX_REDIRECTS {
        let mut request = Request::new(Method::GET, &url);
        if offset > 0 {
            request.headers.push((header::RANGE, format!("bytes={offset}-")));
        }
        let response = http.send(request)?;
        if let Some(to) = response.redirect(&url)? {
            url = to;
            continue;
        }
        return match response.status {
            StatusCode::OK | StatusCode::PARTIAL_CONTENT => answer(response, offset),
            StatusCode::NOT_FOUND | StatusCode::GONE => Err(Failure::NotFound),
            // What we have is not the beginning of what the server has: begin anew.
            StatusCode::RANGE_NOT_SATISFIABLE if offset > 0 => open(http, &url, 0),
            status => Err(Failure::Status { status: status.as_u16() }),
        };
    }
    Err(Failure::Redirect(None))
}

impl Response {
    /// Where the server sends us on to from `url`, if it does; never from `https` to `http` or to a file.
    ///
    /// # Errors
    /// When it sends us nowhere, or to where it is less safe.
    pub fn redirect(&self, url: &Url) -> Result<Option<Url>, Failure> {
        if !self.status.is_redirection() || self.status == StatusCode::NOT_MODIFIED {
            return Ok(None);
        }
        let location = self.header(header::LOCATION).ok_or(Failure::Redirect(None))?;
        let to = url.redirected(location).map_err(|error| Failure::Redirect(Some(error)))?;
        if to.file().is_some() || url.scheme() == "https" && to.scheme() != "https" {
            return Err(Failure::Downgrade { to });
        }
        Ok(Some(to))
    }

    /// Where the content begins in the whole, and how large that is where the server says it: of an answer to a request for
    /// all bytes from `offset` on.
    ///
    /// # Errors
    /// When it is another part than the one asked for.
    pub fn span(&self, offset: u64) -> Result<(u64, Option<u64>), Failure> {
        if self.status != StatusCode::PARTIAL_CONTENT {
            return Ok((0, self.size));
        }
        // `bytes 100-199/200` (RFC 9110, 14.4); anything else is not what was asked for.
        let range = self.header(header::CONTENT_RANGE).and_then(|range| range.strip_prefix("bytes "));
        let (span, whole) =
            range.and_then(|range| range.split_once('/')).ok_or(Failure::Status { status: 206 })?;
        match span.split_once('-').and_then(|(start, _)| start.parse::<u64>().ok()) {
            Some(start) if start == offset => Ok((offset, whole.parse().ok())),
            _ => Err(Failure::Status { status: 206 }),
        }
    }
}

fn answer(response: Response, offset: u64) -> Result<Answer, Failure> {
    let (start, size) = response.span(offset)?;
    let coding = response.header(header::CONTENT_ENCODING).unwrap_or_default().trim().to_ascii_lowercase();
    Ok(Answer { media_type: response.media_type(), body: response.body, start, size, coding })
}
