//! Which name servers are asked, and for what: `/etc/resolv.conf` (`resolv.conf(5)`).

use core::iter::once;
use core::net::IpAddr;

use super::bytes::{Bytes, decimal};

/// As many name servers as are asked.
const MOST_SERVERS: usize = 3;
/// As many domains as a name is looked for in; Kubernetes allows no more.
const MOST_DOMAINS: usize = 32;
/// The highest `ndots`.
const MOST_DOTS: u32 = 15;

/// What the file says.
#[derive(Debug, Clone, Copy)]
pub struct Resolv<'a> {
    servers: [Option<IpAddr>; MOST_SERVERS],
    /// Domains with spaces between them.
    search: &'a [u8],
    /// A name of as many dots is looked for as it is first.
    dots: u32,
}

impl<'a> Resolv<'a> {
    /// Reads the file, or as much of it as was read. What it says of other things is passed over.
    pub fn parse(text: &'a [u8]) -> Self {
        let mut resolv = Self { servers: [None; MOST_SERVERS], search: b"", dots: 1 };
        for line in text.split(|byte| *byte == b'\n') {
            let line = line.trim_ascii();
            let end = line.iter().position(u8::is_ascii_whitespace).unwrap_or(line.len());
            let (word, rest) = line.split_at_checked(end).unwrap_or_default();
            match word {
                b"nameserver" => resolv.server(rest),
                // The last one counts.
                b"search" | b"domain" => resolv.search = rest,
                b"options" => {
                    for dots in words(rest).filter_map(|word| decimal(word.strip_prefix(b"ndots:")?)) {
                        resolv.dots = dots.min(MOST_DOTS);
                    }
                }
                _ => {}
            }
        }
        resolv
    }

    fn server(&mut self, text: &[u8]) {
        let address = words(text).next().and_then(|word| core::str::from_utf8(word).ok()?.parse().ok());
        if let (Some(address), Some(free)) = (address, self.servers.iter_mut().find(|slot| slot.is_none())) {
            *free = Some(address);
        }
    }

    /// The name servers, in the order in which they are asked; at most three.
    pub fn servers(&self) -> impl Iterator<Item = IpAddr> + Clone + '_ {
        self.servers.iter().flatten().copied()
    }

    /// What `name` may mean, in the order in which it is looked for; without dots at the end. A name with one is meant as it is.
    pub fn candidates(&self, name: &'a [u8]) -> impl Iterator<Item = Bytes<253>> + '_ {
        let (name, search) = match name.strip_suffix(b".") {
            Some(name) => (name, &b""[..]),
            None => (name, self.search),
        };
        let dots = name.iter().filter(|byte| **byte == b'.').count();
        let early = search.is_empty() || u32::try_from(dots).is_ok_and(|dots| dots >= self.dots);
        let as_it_is = move |now: bool| once(&b""[..]).filter(move |_| now);
        let domains =
            words(search).take(MOST_DOMAINS).map(|domain| domain.strip_suffix(b".").unwrap_or(domain));
        as_it_is(early).chain(domains).chain(as_it_is(!early)).filter_map(move |domain| {
            let mut candidate = Bytes::new();
            candidate.put(name).ok()?;
            if !domain.is_empty() {
                candidate.put(b".").ok()?;
                candidate.put(domain).ok()?;
            }
            Some(candidate)
        })
    }
}

fn words(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Kubernetes writes it.
    const KUBERNETES: &str = "search web.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n";

    fn servers(text: &str) -> Vec<String> {
        Resolv::parse(text.as_bytes()).servers().map(|server| server.to_string()).collect()
    }

    fn candidates(text: &str, name: &str) -> Vec<String> {
        let resolv = Resolv::parse(text.as_bytes());
        resolv
            .candidates(name.as_bytes())
            .map(|name| String::from_utf8(name.get().to_vec()).unwrap())
            .collect()
    }

    #[test]
    fn three_servers_are_asked() {
        assert_eq!(servers(KUBERNETES), ["10.96.0.10"]);
        let text = "# nameserver 1.1.1.1\n;nameserver 2.2.2.2\nnameserver ::1\r\nnameserver x\nnameserver fe80::1%lo\n\
             nameserver\nnameserver\t127.0.0.2 x\nnameservers 3.3.3.3\nnameserver 4.4.4.4\nnameserver 5.5.5.5";
        assert_eq!(servers(text), ["::1", "127.0.0.2", "4.4.4.4"]);
        assert!(servers("").is_empty());
    }

    #[test]
    fn names_are_looked_for_in_domains() {
        let four = |name: &str| {
            ["web.svc.cluster.local", "svc.cluster.local", "cluster.local"]
                .map(|domain| format!("{name}.{domain}"))
        };
        assert_eq!(candidates(KUBERNETES, "db"), [&four("db")[..], &["db".to_owned()]].concat());
        assert_eq!(
            candidates(KUBERNETES, "a.b.c.d.e"),
            [&four("a.b.c.d.e")[..], &["a.b.c.d.e".to_owned()]].concat()
        );
        assert_eq!(candidates(KUBERNETES, "a.b.c.d.e.f")[0], "a.b.c.d.e.f");
        assert_eq!(candidates(KUBERNETES, "a.b.c.d.e.f")[1..], four("a.b.c.d.e.f"));
        assert_eq!(candidates(KUBERNETES, "db.other."), ["db.other"]);
    }

    #[test]
    fn the_last_list_and_one_dot_count() {
        let text = "search a b\ndomain c. \noptions rotate ndots:x\n";
        assert_eq!(candidates(text, "db"), ["db.c", "db"]);
        assert_eq!(candidates(text, "db.x"), ["db.x", "db.x.c"]);
        assert_eq!(candidates("", "db"), ["db"]);
        assert_eq!(candidates("search a\noptions ndots:0\n", "db"), ["db", "db.a"]);
        assert_eq!(candidates("search . a\n", "db"), ["db", "db.a", "db"]);
        let most = format!("{}.x", ["a"; 16].join("."));
        assert_eq!(candidates("search b\noptions ndots:99\n", &most)[0], most);
    }

    #[test]
    fn lists_have_an_end_and_names_too() {
        let many = format!("search {}\n", "a ".repeat(1_000));
        assert_eq!(candidates(&many, "db").len(), 33);
        let long = format!("search {}\n", "a.".repeat(126));
        assert_eq!(candidates(&long, "db"), ["db"]);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_taken(bytes: Vec<u8>) {
            let resolv = Resolv::parse(&bytes);
            proptest::prop_assert!(resolv.servers().count() <= 3);
            proptest::prop_assert!((1..=33).contains(&resolv.candidates(b"db").count()));
        }
    }
}
