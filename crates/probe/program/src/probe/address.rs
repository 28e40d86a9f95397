//! `HOST:PORT`: IPv4, `[IPv6]`, or a name.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::bytes::decimal;

/// Where something listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Endpoint<'a> {
    /// On which machine.
    pub host: Host<'a>,
    /// At which port, never 0.
    pub port: u16,
    /// Both as they were written: what servers are told they were called.
    pub text: &'a [u8],
}

/// A machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Host<'a> {
    /// By address.
    Address(IpAddr),
    /// By a name of letters, digits, `-`, `_` and `.`; with a dot at its end, it is meant as it is.
    Name(&'a [u8]),
}

/// The longest name (RFC 1035, 2.3.4, as text).
const LONGEST_NAME: usize = 253;

impl<'a> Endpoint<'a> {
    /// Reads `HOST:PORT`; `HOST` alone where there is a port that is meant then.
    pub fn parse(text: &'a [u8], port: Option<u16>) -> Option<Self> {
        // The colons of an IPv6 address are in brackets.
        let end = match text.first() {
            Some(b'[') => text.iter().position(|byte| *byte == b']')?.checked_add(1)?,
            _ => text.iter().position(|byte| *byte == b':').unwrap_or(text.len()),
        };
        let (host, rest) = text.split_at_checked(end)?;
        let port = match rest.strip_prefix(b":") {
            Some(digits) => u16::try_from(decimal(digits)?).ok().filter(|port| *port != 0)?,
            None if rest.is_empty() => port?,
            None => return None,
        };
        Some(Self { host: Host::parse(host)?, port, text })
    }
}

impl<'a> Host<'a> {
    fn parse(text: &'a [u8]) -> Option<Self> {
        if let Some(inner) = text.strip_prefix(b"[") {
            let address: Ipv6Addr = core::str::from_utf8(inner.strip_suffix(b"]")?).ok()?.parse().ok()?;
            return Some(Self::Address(IpAddr::V6(address)));
        }
        let name = text.strip_suffix(b".").unwrap_or(text);
        let last = name.rsplit(|byte| *byte == b'.').next()?;
        if last.iter().all(u8::is_ascii_digit) {
            // Nothing else ends in a number (RFC 3696, 2); `256.0.0.1` is no name.
            let address: Ipv4Addr = core::str::from_utf8(text).ok()?.parse().ok()?;
            return Some(Self::Address(IpAddr::V4(address)));
        }
        let known = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        let name = Some(name).filter(|name| name.len() <= LONGEST_NAME && name.iter().all(known))?;
        name.split(|byte| *byte == b'.').all(|label| !label.is_empty()).then_some(Self::Name(text))
    }
}

/// The kernel's `sockaddr_in` or `sockaddr_in6`, and how long it is (Linux `ip(7)`, `ipv6(7)`).
pub fn socket_address(address: IpAddr, port: u16) -> ([u8; 28], usize) {
    let mut bytes = [0; 28];
    let (family, at, octets, length): (u16, usize, &[u8], usize) = match &address {
        IpAddr::V4(v4) => (2, 4, &v4.octets(), 16),
        IpAddr::V6(v6) => (10, 8, &v6.octets(), 28),
    };
    let fields = [(0, &family.to_ne_bytes()[..]), (2, &port.to_be_bytes()[..]), (at, octets)];
    for (at, field) in fields {
        for (to, from) in bytes.iter_mut().skip(at).zip(field) {
            *to = *from;
        }
    }
    (bytes, length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(String, u16)> {
        let endpoint = Endpoint::parse(text.as_bytes(), None)?;
        assert_eq!(endpoint.text, text.as_bytes());
        let host = match endpoint.host {
            Host::Address(address) => address.to_string(),
            Host::Name(name) => format!("name {}", String::from_utf8(name.to_vec()).unwrap()),
        };
        Some((host, endpoint.port))
    }

    #[test]
    fn addresses_and_names_are_read() {
        for (text, host, port) in [
            ("127.0.0.1:80", "127.0.0.1", 80),
            ("[::1]:65535", "::1", 65535),
            ("[::ffff:10.0.0.1]:1", "::ffff:10.0.0.1", 1),
            ("localhost:8080", "name localhost", 8080),
            ("my_db-1.internal.:5432", "name my_db-1.internal.", 5432),
        ] {
            assert_eq!(read(text), Some((host.to_owned(), port)), "{text}");
        }
    }

    #[test]
    fn what_is_neither_is_refused() {
        let long = format!("{}:80", "a.".repeat(200));
        for text in [
            "",
            ":",
            ":80",
            "a",
            "a:",
            "a:0",
            "a:65536",
            "a:+1",
            "a:1:2",
            "::1:80",
            "[::1]",
            "[::1]80",
            "[::1:80",
            "[1.2.3.4]:80",
            "[fe80::1%lo]:80",
            "256.0.0.1:80",
            "127.1:80",
            "1.2.3.4.:80",
            "a..b:80",
            ".:80",
            "a b:80",
            "ä:80",
            "a@b:80",
            &long,
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn a_port_may_be_left_out_where_one_is_meant() {
        let read = |text: &'static str| Endpoint::parse(text.as_bytes(), Some(80)).map(|at| at.port);
        assert_eq!(read("a"), Some(80));
        assert_eq!(read("[::1]"), Some(80));
        assert_eq!(read("a:81"), Some(81));
        assert_eq!(read("a:"), None);
    }

    #[test]
    fn socket_addresses_are_those_of_linux() {
        let (bytes, length) = socket_address("127.0.0.2".parse().unwrap(), 0x1234);
        assert_eq!(bytes[..length], [&2u16.to_ne_bytes()[..], &[0x12, 0x34, 127, 0, 0, 2], &[0; 8]].concat());
        let (bytes, length) = socket_address("::1".parse().unwrap(), 80);
        let expected = [&10u16.to_ne_bytes()[..], &[0, 80], &[0; 4], &[0; 15], &[1], &[0; 4]].concat();
        assert_eq!(bytes[..length], expected);
    }

    proptest::proptest! {
        #[test]
        fn addresses_come_back(address: std::net::SocketAddr, port in 1u16..) {
            let address = std::net::SocketAddr::new(address.ip(), port);
            let (host, read) = read(&address.to_string()).unwrap();
            proptest::prop_assert_eq!((host, read), (address.ip().to_string(), port));
        }

        #[test]
        fn any_bytes_are_taken(bytes: Vec<u8>) {
            let endpoint = Endpoint::parse(&bytes, Some(1));
            proptest::prop_assert!(endpoint.is_none_or(|endpoint| endpoint.port > 0));
        }
    }
}
