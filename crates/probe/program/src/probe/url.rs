//! `http://HOST[:PORT][/PATH]`.

use super::address::Endpoint;

/// Something to get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Url<'a> {
    /// From where.
    pub endpoint: Endpoint<'a>,
    /// Path and query: begins with `/`, visible ASCII.
    pub path: &'a [u8],
}

/// Why a text is no URL that can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UrlError {
    /// It begins with `https://`.
    Tls,
    /// Anything else.
    Form,
}

/// The longest path and query.
pub const LONGEST_PATH: usize = 2_000;

impl<'a> Url<'a> {
    /// Reads it. What follows `#` is for readers of the page and left out.
    pub fn parse(text: &'a [u8]) -> Result<Self, UrlError> {
        if scheme(text, b"https://").is_some() {
            return Err(UrlError::Tls);
        }
        let rest = scheme(text, b"http://").ok_or(UrlError::Form)?;
        let rest = rest.split(|byte| *byte == b'#').next().unwrap_or_default();
        let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(end).ok_or(UrlError::Form)?;
        let endpoint = Endpoint::parse(authority, Some(80)).ok_or(UrlError::Form)?;
        let path = if path.is_empty() { b"/" } else { path };
        let fits = path.first() == Some(&b'/')
            && path.len() <= LONGEST_PATH
            && path.iter().all(u8::is_ascii_graphic);
        if fits { Ok(Self { endpoint, path }) } else { Err(UrlError::Form) }
    }
}

/// What follows a scheme, in whatever case that is written (RFC 3986, 3.1).
fn scheme<'a>(text: &'a [u8], scheme: &[u8]) -> Option<&'a [u8]> {
    let (start, rest) = text.split_at_checked(scheme.len())?;
    start.eq_ignore_ascii_case(scheme).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(&str, u16, &str), UrlError> {
        let url = Url::parse(text.as_bytes())?;
        let text = |bytes| std::str::from_utf8(bytes).unwrap();
        Ok((text(url.endpoint.text), url.endpoint.port, text(url.path)))
    }

    #[test]
    fn urls_are_read() {
        assert_eq!(read("http://127.0.0.1:8080/v1/health"), Ok(("127.0.0.1:8080", 8080, "/v1/health")));
        assert_eq!(read("HTTP://localhost"), Ok(("localhost", 80, "/")));
        assert_eq!(read("http://[::1]:9/a?b=c&d#e"), Ok(("[::1]:9", 9, "/a?b=c&d")));
        assert_eq!(read("http://a/#b"), Ok(("a", 80, "/")));
    }

    #[test]
    fn other_texts_are_refused() {
        assert_eq!(read("https://a/"), Err(UrlError::Tls));
        let long = format!("http://a/{}", "b".repeat(LONGEST_PATH));
        for text in [
            "",
            "a",
            "http:/a",
            "http://",
            "http:///a",
            "ftp://a/",
            "http://a?b",
            "http://user@a/",
            "http://a/b c",
            "http://a/\r\nEvil: yes",
            "http://a/ä",
            "127.0.0.1:80/a",
            &long,
        ] {
            assert_eq!(read(text), Err(UrlError::Form), "{text}");
        }
    }
}
