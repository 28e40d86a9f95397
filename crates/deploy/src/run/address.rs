//! Loopback addresses: all of `127.0.0.0/8` is this machine's own (RFC 1122, 3.2.1.3), so every service has one to itself.

use std::net::Ipv4Addr;

use longshore_oci::Digest;

/// The first address of a network goes to a service; what ends in 0 and 1 is left to others.
const FIRST: u8 = 2;
/// So many services have addresses in one network.
pub(super) const MOST: usize = (u8::MAX - FIRST) as usize;

/// The addresses of one stack: `127.X.Y.0/24`, where X is from 64 to 127.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network([u8; 2]);

impl Network {
    /// Of the stack whose state is in a folder of this name: always the same.
    pub fn of(folder: &[u8]) -> Self {
        let digest = Digest::of(folder);
        let [first, second, ..] = *digest.as_bytes();
        Self([64 | first & 63, second])
    }

    /// The address of the service that is the `index`th of all by name; none past the end.
    pub fn address(self, index: usize) -> Option<Ipv4Addr> {
        let [x, y] = self.0;
        let last = u8::try_from(index).ok()?.checked_add(FIRST).filter(|last| *last < u8::MAX)?;
        Some(Ipv4Addr::new(127, x, y, last))
    }

    /// Whether an address is of this network.
    pub fn has(self, address: Ipv4Addr) -> bool {
        let [x, y] = self.0;
        let [first, second, third, _] = address.octets();
        [first, second, third] == [127, x, y]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_service_has_an_address_to_itself() {
        let network = Network::of(b"/state/shop");
        let all: std::collections::BTreeSet<_> =
            (0..MOST).map(|index| network.address(index).unwrap()).collect();
        assert_eq!(all.len(), MOST);
        assert!(all.iter().all(|address| address.is_loopback() && (64..128).contains(&address.octets()[1])));
        assert!(all.iter().all(|address| network.has(*address)));
        assert!(!network.has(Ipv4Addr::LOCALHOST));
        assert_eq!(network.address(MOST), None);
        assert_ne!(network, Network::of(b"/state/other"));
    }
}
