//! Addresses that never print their credentials.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// An `http:`, `https:` or `file:` address. Shown and debugged without user, password and query.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Url {
    text: String,
}

/// Text that is no address longshore can fetch from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an address that starts with `http://`, `https://` or `file:///`")]
pub struct UrlError {
    /// What was read, credentials left out, shortened to 200 characters.
    pub text: String,
}

impl Url {
    /// The address for requests: without credentials, which go into a header, and with its query.
    pub fn bare(&self) -> String {
        self.userinfo()
            .map_or_else(|| self.text.clone(), |found| self.text.replacen(&format!("{found}@"), "", 1))
    }

    /// `http`, `https` or `file`.
    pub fn scheme(&self) -> &str {
        self.text.split_once("://").map_or("", |(scheme, _)| scheme)
    }

    /// Host and port, without credentials; empty for files.
    pub fn host(&self) -> &str {
        let authority = authority(&self.text);
        authority.rsplit_once('@').map_or(authority, |(_, host)| host)
    }

    /// User and password.
    pub fn credentials(&self) -> Option<(String, String)> {
        let userinfo = self.userinfo()?;
        let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
        Some((percent_decoded(user), percent_decoded(password)))
    }

    /// User and password as written, still percent-encoded.
    fn userinfo(&self) -> Option<&str> {
        authority(&self.text).rsplit_once('@').map(|(credentials, _)| credentials)
    }

    /// The file that a `file:` address names.
    pub fn file(&self) -> Option<PathBuf> {
        let path = self.text.strip_prefix("file://")?;
        Some(PathBuf::from(percent_decoded(path)))
    }

    /// The address of a file on this machine.
    pub fn of_file(path: &Path) -> Result<Self, UrlError> {
        format!("file://{}", encoded(&path.to_string_lossy())).parse()
    }

    /// The address of `path` below this one. `path` is taken as it is in an archive's index, not encoded.
    pub fn join(&self, path: &str) -> Self {
        let slash = if self.text.ends_with('/') { "" } else { "/" };
        Self { text: format!("{}{slash}{}", self.text, encoded(path)) }
    }

    /// Where a `Location:` header leads (RFC 3986, 5.2, without dot segments, which servers send in full).
    pub fn redirected(&self, location: &str) -> Result<Self, UrlError> {
        let start = self.text.find("://").map_or(0, |at| at + 3);
        let root = self.text[start..].find('/').map_or(self.text.len(), |at| start + at);
        if location.contains("://") {
            location.parse()
        } else if let Some(rest) = location.strip_prefix("//") {
            format!("{}://{rest}", self.scheme()).parse()
        } else if location.starts_with('/') {
            format!("{}{location}", &self.text[..root]).parse()
        } else {
            let folder = self
                .text
                .rfind('/')
                .filter(|at| *at >= root)
                .map_or(self.text.as_str(), |at| &self.text[..at]);
            format!("{folder}/{location}").parse()
        }
    }
}

impl FromStr for Url {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let url = Self { text: text.to_owned() };
        let clean = !text.bytes().any(|b| b.is_ascii_control() || b == b' ');
        let known = match url.scheme() {
            "http" | "https" => !url.host().is_empty(),
            "file" => text.starts_with("file:///"),
            _ => false,
        };
        if clean && known {
            Ok(url)
        } else {
            Err(UrlError { text: url.to_string().chars().take(200).collect() })
        }
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = match self.userinfo() {
            Some(found) => self.text.replacen(&format!("{found}@"), "***@", 1),
            None => self.text.clone(),
        };
        match shown.split_once('?') {
            Some((address, _query)) => write!(f, "{address}?***"),
            None => f.write_str(&shown),
        }
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn authority(text: &str) -> &str {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())]
}

/// Characters that a path in an archive may hold and an address may not (RFC 3986, 2).
fn encoded(path: &str) -> String {
    path.bytes().fold(String::new(), |mut out, byte| {
        match byte {
            b'A'..=b'Z'
            | b'a'..=b'z'
            | b'0'..=b'9'
            | b'-'
            | b'.'
            | b'_'
            | b'~'
            | b'/'
            | b'+'
            | b':'
            | b'@'
            | b'='
            | b',' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
        out
    })
}

/// Undoes percent-encoding; what is no encoding stays.
pub(crate) fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let byte = (bytes[at] == b'%')
            .then(|| text.get(at + 1..at + 3))
            .flatten()
            .filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        out.push(byte.unwrap_or(bytes[at]));
        at += if byte.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_never_show() {
        let url: Url = "https://user:se@cret@mirror.example/debian/x?token=abc".parse().unwrap();
        assert_eq!(url.to_string(), "https://***@mirror.example/debian/x?***");
        assert_eq!(format!("{url:?}"), url.to_string());
        assert_eq!(url.host(), "mirror.example");
        assert_eq!(url.credentials(), Some(("user".to_owned(), "se@cret".to_owned())));
        assert_eq!(url.bare(), "https://mirror.example/debian/x?token=abc");
        let url: Url = "http://me%40work:a%3Ab:c@host/".parse().unwrap();
        assert_eq!(url.credentials(), Some(("me@work".to_owned(), "a:b:c".to_owned())));
        let error = "ftp://user:secret@host/".parse::<Url>().unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
    }

    #[test]
    fn paths_are_joined_and_encoded() {
        for (base, path, expected) in [
            ("http://a/debian", "pool/g++_1~2.deb", "http://a/debian/pool/g++_1~2.deb"),
            ("http://a/debian/", "a b%c", "http://a/debian/a%20b%25c"),
        ] {
            assert_eq!(base.parse::<Url>().unwrap().join(path).bare(), expected);
        }
    }

    #[test]
    fn redirects_resolve() {
        let url: Url = "https://host:8443/a/b".parse().unwrap();
        for (location, expected) in [
            ("http://other/x", "http://other/x"),
            ("//other/x", "https://other/x"),
            ("/x", "https://host:8443/x"),
            ("c", "https://host:8443/a/c"),
        ] {
            assert_eq!(url.redirected(location).unwrap().bare(), expected);
        }
        assert!(url.redirected("ftp://other/x").is_err());
        for (base, expected) in [("https://host/a", "https://host/c"), ("https://host", "https://host/c")] {
            assert_eq!(base.parse::<Url>().unwrap().redirected("c").unwrap().bare(), expected);
        }
    }

    #[test]
    fn files_have_addresses() {
        let url = Url::of_file(Path::new("/srv/a b/x")).unwrap();
        assert_eq!(url.bare(), "file:///srv/a%20b/x");
        assert_eq!(url.file().unwrap(), Path::new("/srv/a b/x"));
        for text in ["", "debian", "file://relative", "http://", "http://a b/"] {
            assert!(text.parse::<Url>().is_err(), "{text}");
        }
    }
}
