//! Where a binary cache is: what its address says, and the address it is read at.

use longshore_net::Url;

use super::Error;

/// Amazon's region where an address says none, as for Nix.
const REGION: &str = "us-east-1";

/// A cache's address, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Location {
    /// As it was written, for people: without credentials and settings.
    pub(super) shown: String,
    /// Where its files are.
    pub(super) url: Url,
    /// `?priority=N`, which counts more than what the cache says of itself.
    pub(super) priority: Option<u32>,
    /// Whether it is a bucket of S3's.
    pub(super) bucket: bool,
}

impl Location {
    /// Reads `https:`, `http:`, `file:` and `s3:` addresses. Settings that are no matter of reading (`compression=…`,
    /// `secret-key=…`) count for nothing, and `trusted=…` doesn't either: who is trusted, the stack file says.
    pub(super) fn read(text: &str) -> Result<Self, Error> {
        let (base, query) = text.split_once('?').unwrap_or((text, ""));
        let base = base.trim_end_matches('/');
        let bad = |reason| Error::Address { address: shown(base), reason };
        let setting = |name: &str| {
            let mut settings = query.split('&').filter_map(|setting| setting.split_once('='));
            settings.find(|(key, _)| *key == name).map(|(_, value)| value).filter(|value| !value.is_empty())
        };
        let priority = match setting("priority") {
            None => None,
            Some(text) => Some(text.parse().map_err(|_| bad("its `priority` is no whole number"))?),
        };
        let bucket = base.strip_prefix("s3://");
        let address = match bucket {
            None => base.to_owned(),
            Some(bucket) => s3(bucket, &setting).map_err(bad)?,
        };
        let url = address
            .parse()
            .map_err(|_| bad("expected `https://…`, `http://…`, `file:///…` or `s3://BUCKET`"))?;
        Ok(Self { shown: shown(base), url, priority, bucket: bucket.is_some() })
    }
}

/// Without credentials.
fn shown(base: &str) -> String {
    match base.split_once("://") {
        Some((scheme, rest)) => {
            let authority = rest.split('/').next().unwrap_or_default();
            let hidden = authority.rfind('@').map_or(0, |at| at + 1);
            format!("{scheme}://{}", &rest[hidden..]).chars().take(200).collect()
        }
        None => base.chars().take(200).collect(),
    }
}

/// The address of a bucket's objects: of Amazon's under the bucket's own host, of others' below their endpoint, as Nix has it.
fn s3<'t>(bucket: &str, setting: &impl Fn(&str) -> Option<&'t str>) -> Result<String, &'static str> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._/".contains(&byte);
    if bucket.is_empty() || !bucket.bytes().all(allowed) || bucket.split('/').any(|part| part == "..") {
        return Err("its bucket is none: expected `s3://BUCKET`");
    }
    let scheme = setting("scheme").unwrap_or("https");
    if !matches!(scheme, "http" | "https") {
        return Err("its `scheme` is neither `https` nor `http`");
    }
    if let Some(endpoint) = setting("endpoint") {
        // Newer Nix takes a whole address, too.
        let endpoint = endpoint.trim_end_matches('/');
        return Ok(match endpoint.contains("://") {
            true => format!("{endpoint}/{bucket}"),
            false => format!("{scheme}://{endpoint}/{bucket}"),
        });
    }
    let region = setting("region").unwrap_or(REGION);
    let (name, folder) = bucket.split_once('/').map_or((bucket, ""), |(name, folder)| (name, folder));
    let below = if folder.is_empty() { String::new() } else { format!("/{folder}") };
    // The certificate for buckets' hosts is of one label.
    Ok(match name.contains('.') {
        true => format!("{scheme}://s3.{region}.amazonaws.com/{bucket}"),
        false => format!("{scheme}://{name}.s3.{region}.amazonaws.com{below}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let check = |text: &str, expected: &str| {
            let found = Location::read(text).map(|found| found.url.bare());
            assert_eq!(found.as_deref().unwrap_or("none"), expected, "{text}");
        };
        check("https://cache.example/", "https://cache.example");
        check("http://cache.example/nix?compression=zstd", "http://cache.example/nix");
        check("file:///srv/cache", "file:///srv/cache");
        check("s3://bucket", "https://bucket.s3.us-east-1.amazonaws.com");
        check("s3://bucket/a?region=eu-west-1", "https://bucket.s3.eu-west-1.amazonaws.com/a");
        check("s3://a.b?region=eu-west-1&profile=x", "https://s3.eu-west-1.amazonaws.com/a.b");
        check("s3://bucket?endpoint=minio.example:9000&scheme=http", "http://minio.example:9000/bucket");
        check("s3://bucket?endpoint=minio.example", "https://minio.example/bucket");
        check("s3://bucket?endpoint=http://minio.example:9000/", "http://minio.example:9000/bucket");
        for bad in [
            "",
            "s3://",
            "s3://a b",
            "s3://a/../b",
            "s3://a?scheme=ftp",
            "ssh://host",
            "file://x",
            "https://a?priority=x",
        ] {
            check(bad, "none");
        }
    }

    #[test]
    fn settings_and_secrets_are_not_shown() {
        let found = Location::read("https://me:secret@cache.example/x?priority=7&token=abc").unwrap();
        assert_eq!((found.shown.as_str(), found.priority), ("https://cache.example/x", Some(7)));
        assert_eq!(found.url.credentials(), Some(("me".to_owned(), "secret".to_owned())));
        let error = Location::read("ssh://me:secret@host").unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}
