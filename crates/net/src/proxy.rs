//! Which proxy an address goes through.

use crate::{NetError, Proxies, Url};

/// The proxies of [`Proxies`], parsed.
#[derive(Clone)]
pub(crate) struct Routes {
    /// For `http:` addresses.
    pub(crate) http: Option<ureq::Proxy>,
    /// For `https:` addresses.
    pub(crate) https: Option<ureq::Proxy>,
    direct: Vec<String>,
}

impl Routes {
    pub(crate) fn new(proxies: &Proxies) -> Result<Self, NetError> {
        let parse = |name: &'static str, own: &Option<String>| {
            let chosen = own.as_ref().or(proxies.all.as_ref()).filter(|text| !text.is_empty());
            // What ureq says of a bad proxy quotes it, password included.
            chosen.map(|text| ureq::Proxy::new(text).map_err(|_| NetError::Proxy { name })).transpose()
        };
        let direct = proxies.direct.as_deref().unwrap_or_default();
        Ok(Self {
            http: parse("http_proxy", &proxies.http)?,
            https: parse("https_proxy", &proxies.https)?,
            direct: direct
                .split(',')
                .map(|entry| entry.trim().to_ascii_lowercase())
                .filter(|entry| !entry.is_empty())
                .collect(),
        })
    }

    /// Whether `url` is reached without a proxy.
    pub(crate) fn is_direct(&self, url: &Url) -> bool {
        let with_port = url.host().to_ascii_lowercase();
        // An IPv6 address is in brackets, so a colon after the last bracket starts the port.
        let host = match with_port.rfind(':') {
            Some(at) if !with_port[at..].contains(']') => &with_port[..at],
            _ => &with_port,
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        self.direct.iter().any(|entry| {
            let name = entry.trim_start_matches("*.").trim_start_matches('.');
            entry == "*"
                || *entry == with_port
                || host == name
                || host.strip_suffix(name).is_some_and(|rest| rest.ends_with('.'))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn direct_hosts() {
        let proxies = Proxies {
            http: Some("http://user:pass@proxy:3128".to_owned()),
            direct: Some("localhost, .corp.example,10.0.0.1,host:8080".to_owned()),
            ..Proxies::default()
        };
        let routes = Routes::new(&proxies).unwrap();
        for (url, direct) in [
            ("http://localhost:90/", true),
            ("http://a.corp.example/", true),
            ("http://corp.example/", true),
            ("http://notcorp.example/", false),
            ("http://10.0.0.1/", true),
            ("http://host:8080/", true),
            ("http://host/", false),
            ("https://anything/", false),
        ] {
            assert_eq!(routes.is_direct(&url.parse().unwrap()), direct, "{url}");
        }
    }

    #[test]
    fn a_bad_proxy_is_named_by_its_variable_only() {
        let proxies = Proxies { all: Some("ftp://user:secret@proxy".to_owned()), ..Proxies::default() };
        let error = Routes::new(&proxies).err().unwrap();
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}
