//! Names, found in `/etc/hosts` (`hosts(5)`).

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::address::Host;

/// As many addresses as one name has, up to eight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Addresses {
    found: [Option<IpAddr>; 8],
}

impl Addresses {
    /// In the order in which they are tried.
    pub fn iter(&self) -> impl Iterator<Item = IpAddr> + '_ {
        self.found.iter().flatten().copied()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// Adds one, if there is room for it.
    pub fn add(&mut self, address: IpAddr) {
        // Docker writes a name of a container that has two networks twice.
        if self.iter().any(|known| known == address) {
            return;
        }
        if let Some(free) = self.found.iter_mut().find(|slot| slot.is_none()) {
            *free = Some(address);
        }
    }
}

/// The addresses of `host`; `text` is the hosts file, or as much of it as was read. None where it has no such name.
pub fn resolve(host: Host<'_>, text: &[u8]) -> Addresses {
    let mut addresses = Addresses::default();
    let name = match host {
        Host::Address(address) => {
            addresses.add(address);
            return addresses;
        }
        Host::Name(name) => name.strip_suffix(b".").unwrap_or(name),
    };
    for line in text.split(|byte| *byte == b'\n') {
        let line = line.split(|byte| *byte == b'#').next().unwrap_or_default();
        let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        let address = words.next().and_then(|word| core::str::from_utf8(word).ok()?.parse().ok());
        match address {
            Some(address) if words.any(|word| word.eq_ignore_ascii_case(name)) => addresses.add(address),
            _ => {}
        }
    }
    if addresses.is_empty() && name.eq_ignore_ascii_case(b"localhost") {
        // It is the machine itself whatever a file says (RFC 6761, 6.3).
        addresses.add(IpAddr::V4(Ipv4Addr::LOCALHOST));
        addresses.add(IpAddr::V6(Ipv6Addr::LOCALHOST));
    }
    addresses
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTS: &str = "# written by hand\n127.0.0.1\tlocalhost\n::1 localhost ip6-localhost\n\
         10.0.0.2   Tempo tempo.local # tempo.hidden\r\n10.0.0.2 tempo\nfe80::1%eth0 scoped\nnonsense tempo\n10.0.0.3 loki";

    fn find(name: &str, text: &str) -> Vec<String> {
        resolve(Host::Name(name.as_bytes()), text.as_bytes()).iter().map(|ip| ip.to_string()).collect()
    }

    #[test]
    fn names_are_found_in_the_hosts_file() {
        assert_eq!(find("localhost", HOSTS), ["127.0.0.1", "::1"]);
        assert_eq!(find("tempo", HOSTS), ["10.0.0.2"]);
        assert_eq!(find("TEMPO.local", HOSTS), ["10.0.0.2"]);
        assert_eq!(find("tempo.local.", HOSTS), ["10.0.0.2"]);
        assert_eq!(find("loki", HOSTS), ["10.0.0.3"]);
        for name in ["tempo.hidden", "temp", "scoped", "10.0.0.3"] {
            assert!(find(name, HOSTS).is_empty(), "{name}");
        }
    }

    #[test]
    fn localhost_needs_no_file() {
        assert_eq!(find("LocalHost", ""), ["127.0.0.1", "::1"]);
        assert_eq!(find("localhost", "127.0.3.1 localhost"), ["127.0.3.1"]);
    }

    #[test]
    fn eight_addresses_are_kept() {
        let text: String = (0..20).map(|n| format!("10.0.0.{n} many\n")).collect();
        assert_eq!(find("many", &text).len(), 8);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_taken(bytes: Vec<u8>) {
            let found = resolve(Host::Name(b"localhost"), &bytes).iter().count();
            proptest::prop_assert!((1..=8).contains(&found));
        }
    }
}
