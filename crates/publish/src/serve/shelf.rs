//! What a registry that is only read answers (distribution specification 1.1, "Pull", "Content Discovery").

use std::collections::BTreeMap;

use longshore_oci::{Annotations, Descriptor, Digest, Index, media_type};
use serde_json::json;

use crate::registry::{Blob, Parcel};

/// What is on offer.
#[derive(Debug, Default)]
pub struct Shelf {
    /// By name, without a host.
    repositories: BTreeMap<String, Repository>,
    /// Of all repositories together.
    blobs: BTreeMap<Digest, (Blob, u64)>,
}

#[derive(Debug, Default)]
struct Repository {
    tags: BTreeMap<String, Digest>,
    manifests: BTreeMap<Digest, (String, Vec<u8>)>,
    referrers: BTreeMap<Digest, Vec<Descriptor>>,
}

/// An answer: status, header lines, content.
#[derive(Debug)]
pub struct Answer {
    /// 200 and so on.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// The content; of a `HEAD` it is not sent.
    pub content: Content,
}

/// What an answer holds.
#[derive(Debug)]
pub enum Content {
    /// These bytes.
    Bytes(Vec<u8>),
    /// So many bytes of a blob from an offset on.
    Blob(Blob, u64, u64),
}

impl Content {
    /// How many bytes it has.
    pub fn size(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Blob(_, _, size) => *size,
        }
    }
}

impl Shelf {
    /// A shelf with `parcels` on it, whose blobs must be here.
    pub fn new(parcels: Vec<Parcel>) -> Self {
        let mut shelf = Self::default();
        for parcel in parcels {
            let repository = shelf.repositories.entry(parcel.repository.repository.clone()).or_default();
            repository.tags.extend(parcel.tags.iter().map(|tag| (tag.clone(), parcel.top.digest)));
            for (descriptor, bytes) in parcel.manifests {
                repository.manifests.insert(descriptor.digest, (descriptor.media_type, bytes));
            }
            for referrer in parcel.referrers {
                repository.referrers.entry(referrer.subject.digest).or_default().push(referrer.entry.clone());
                repository
                    .manifests
                    .insert(referrer.entry.digest, (referrer.entry.media_type, referrer.bytes));
            }
            shelf.blobs.extend(
                parcel.blobs.into_iter().map(|(content, blob)| (content.digest, (blob, content.size))),
            );
        }
        shelf
    }

    /// What is answered to a request for `path` (with its query) with this `Range:`.
    pub fn answer(&self, method: &str, path: &str, range: Option<&str>) -> Answer {
        if !matches!(method, "GET" | "HEAD") {
            return error(
                405,
                "UNSUPPORTED",
                "this registry is only read; push elsewhere with `longshore push`",
            );
        }
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        if path == "/v2" || path == "/v2/" {
            return ok("application/json", b"{}".to_vec());
        }
        let unknown = || error(404, "NAME_UNKNOWN", "there is no such repository here");
        let Some(rest) = path.strip_prefix("/v2/") else {
            return error(404, "UNSUPPORTED", "this is a registry, at /v2/");
        };
        if rest == "_catalog" {
            let names: Vec<_> = self.repositories.keys().collect();
            return ok("application/json", json!({ "repositories": names }).to_string().into_bytes());
        }
        // Names have slashes, too: the last of these words parts name and rest.
        let found = ["/manifests/", "/blobs/", "/tags/", "/referrers/"]
            .into_iter()
            .filter_map(|word| rest.rfind(word).map(|at| (at, word)))
            .max();
        let Some((at, word)) = found else { return unknown() };
        let (name, what) = (&rest[..at], &rest[at + word.len()..]);
        let Some(repository) = self.repositories.get(name) else { return unknown() };
        match word {
            "/manifests/" => repository.manifest(what),
            "/tags/" if what == "list" => repository.tags(name, query),
            "/referrers/" => repository.referrers(what, query),
            "/blobs/" => self.blob(what, range),
            _ => error(404, "UNSUPPORTED", "there is no such end point"),
        }
    }

    fn blob(&self, digest: &str, range: Option<&str>) -> Answer {
        let found = digest.parse::<Digest>().ok().and_then(|digest| Some((digest, self.blobs.get(&digest)?)));
        let Some((digest, (blob, size))) = found else {
            return error(404, "BLOB_UNKNOWN", "there is no such blob here");
        };
        let mut headers = vec![
            ("content-type", "application/octet-stream".to_owned()),
            ("docker-content-digest", digest.to_string()),
            ("etag", format!("\"{digest}\"")),
            ("accept-ranges", "bytes".to_owned()),
        ];
        let Some((from, to)) = range.and_then(|range| span(range, *size)) else {
            return match range.is_some_and(|range| range.starts_with("bytes=")) && *size > 0 {
                true => {
                    headers.push(("content-range", format!("bytes */{size}")));
                    Answer { status: 416, headers, content: Content::Bytes(Vec::new()) }
                }
                false => Answer { status: 200, headers, content: Content::Blob(blob.clone(), 0, *size) },
            };
        };
        headers.push(("content-range", format!("bytes {from}-{to}/{size}")));
        Answer { status: 206, headers, content: Content::Blob(blob.clone(), from, to - from + 1) }
    }
}

impl Repository {
    fn manifest(&self, at: &str) -> Answer {
        let digest = at.parse().ok().or_else(|| self.tags.get(at).copied());
        let found = digest.and_then(|digest| Some((digest, self.manifests.get(&digest)?)));
        let Some((digest, (media_type, bytes))) = found else {
            return error(404, "MANIFEST_UNKNOWN", "there is no such manifest here");
        };
        let mut answer = ok(media_type, bytes.clone());
        answer.headers.push(("docker-content-digest", digest.to_string()));
        answer.headers.push(("etag", format!("\"{digest}\"")));
        answer
    }

    fn tags(&self, name: &str, query: &str) -> Answer {
        let value = |key: &str| query.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='));
        let last = value("last").unwrap_or_default();
        let most = value("n").and_then(|n| n.parse().ok()).unwrap_or(usize::MAX);
        let after = self.tags.keys().filter(|tag| last.is_empty() || tag.as_str() > last);
        let tags: Vec<_> = after.clone().take(most).collect();
        let more = after.count() > tags.len();
        let mut answer =
            ok("application/json", json!({ "name": name, "tags": tags }).to_string().into_bytes());
        if let Some(last) = tags.last().filter(|_| more) {
            answer
                .headers
                .push(("link", format!("</v2/{name}/tags/list?n={most}&last={last}>; rel=\"next\"")));
        }
        answer
    }

    fn referrers(&self, subject: &str, query: &str) -> Answer {
        let Ok(subject) = subject.parse::<Digest>() else {
            return error(400, "DIGEST_INVALID", "that is no digest");
        };
        let wanted = query.split('&').find_map(|pair| pair.strip_prefix("artifactType="));
        let wanted = wanted
            .map(|text| text.replace("%2F", "/").replace("%2f", "/").replace("%2B", "+").replace("%2b", "+"));
        let listed = self.referrers.get(&subject).into_iter().flatten();
        let listed = listed.filter(|entry| wanted.is_none() || entry.artifact_type == wanted);
        let index = Index::new(listed.cloned().collect(), Annotations::new());
        let mut answer = ok(media_type::INDEX, index.to_bytes());
        if wanted.is_some() {
            answer.headers.push(("oci-filters-applied", "artifactType".to_owned()));
        }
        answer
    }
}

fn ok(media_type: &str, bytes: Vec<u8>) -> Answer {
    Answer {
        status: 200,
        headers: vec![("content-type", media_type.to_owned())],
        content: Content::Bytes(bytes),
    }
}

fn error(status: u16, code: &str, message: &str) -> Answer {
    let body = json!({ "errors": [{ "code": code, "message": message }] });
    Answer { status, ..ok("application/json", body.to_string().into_bytes()) }
}

/// The first and last byte that `range` asks for, of `size`; none when it asks for none, or for several parts.
fn span(range: &str, size: u64) -> Option<(u64, u64)> {
    let (from, to) = range.strip_prefix("bytes=")?.split_once('-')?;
    let last = size.checked_sub(1)?;
    let (from, to) = match (from, to) {
        ("", suffix) => (size.saturating_sub(suffix.parse().ok().filter(|n| *n > 0)?), last),
        (from, "") => (from.parse().ok()?, last),
        (from, to) => (from.parse().ok()?, to.parse::<u64>().ok()?.min(last)),
    };
    (from <= to).then_some((from, to))
}

#[cfg(test)]
mod tests {
    use super::span;

    #[test]
    fn ranges() {
        for (range, expected) in [
            ("bytes=0-", Some((0, 9))),
            ("bytes=3-5", Some((3, 5))),
            ("bytes=3-99", Some((3, 9))),
            ("bytes=-4", Some((6, 9))),
            ("bytes=-0", None),
            ("bytes=10-", None),
            ("bytes=5-3", None),
            ("bytes=1-2,4-5", None),
            ("lines=1-2", None),
        ] {
            assert_eq!(span(range, 10), expected, "{range}");
        }
        assert_eq!(span("bytes=0-", 0), None);
    }
}
