//! What is asked of a service, as the command that asks it.

use std::net::Ipv6Addr;
use std::time::Duration;

use crate::PATH;

/// Milliseconds in an hour.
const HOUR: u128 = 3_600_000;

/// What is asked of a service. A host is an IPv4 or IPv6 address, `localhost`, or a name: in the container's `/etc/hosts`, or
/// else of the name servers in its `/etc/resolv.conf`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Check {
    /// Whether the status of a page is 2xx or 3xx.
    Http {
        /// On which machine.
        host: String,
        /// At which port; not 0.
        port: u16,
        /// Path and query: begins with `/`, visible ASCII, at most 2,000 bytes.
        path: String,
    },
    /// Whether a connection is taken.
    Tcp {
        /// On which machine.
        host: String,
        /// At which port; not 0.
        port: u16,
    },
    /// Whether the health service of gRPC (`grpc.health.v1`) says `SERVING`.
    Grpc {
        /// On which machine.
        host: String,
        /// At which port; not 0.
        port: u16,
        /// Which service's health, visible ASCII of at most 255 bytes that don't begin with `-`; that of the whole server when not said.
        service: Option<String>,
    },
}

impl Check {
    /// The command: the program at [`PATH`] in the image, and its arguments. `timeout` is for all of it together, from 1 ms to an
    /// hour, of which what is shorter or longer is rounded to the nearer end.
    pub fn argv(&self, timeout: Duration) -> Vec<String> {
        let mut argv = vec![PATH.to_owned()];
        match self {
            Self::Http { host, port, path } => {
                argv.extend(["http".to_owned(), format!("http://{}{path}", authority(host, *port))]);
            }
            Self::Tcp { host, port } => argv.extend(["tcp".to_owned(), authority(host, *port)]),
            Self::Grpc { host, port, service } => {
                argv.extend(["grpc".to_owned(), authority(host, *port)]);
                argv.extend(service.clone().filter(|service| !service.is_empty()));
            }
        }
        argv.extend(["--timeout".to_owned(), time(timeout, HOUR)]);
        argv
    }

    /// The command that waits until the service is healthy, for `wait` at the longest, from 1 ms to 1,000 hours: it checks again
    /// and again, each time as [`Check::argv`] does.
    pub fn waiting(&self, timeout: Duration, wait: Duration) -> Vec<String> {
        let mut argv = self.argv(timeout);
        argv.extend(["--wait".to_owned(), time(wait, 1_000 * HOUR)]);
        argv
    }
}

/// `HOST:PORT`, with IPv6 in brackets.
fn authority(host: &str, port: u16) -> String {
    match host.parse::<Ipv6Addr>() {
        Ok(_) => format!("[{host}]:{port}"),
        Err(_) => format!("{host}:{port}"),
    }
}

/// Seconds where they are whole, else milliseconds; `longest` is in milliseconds.
fn time(time: Duration, longest: u128) -> String {
    match time.as_millis().clamp(1, longest) {
        whole if whole % 1_000 == 0 => (whole / 1_000).to_string(),
        rest => format!("{rest}ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::address::Host;
    use crate::probe::arguments::{self, Check as Read};

    #[test]
    fn commands_are_what_a_person_would_write() {
        let check = |check: Check, timeout, expected: &str| {
            assert_eq!(check.argv(timeout).join(" "), format!("/usr/libexec/longshore-probe {expected}"));
        };
        let host = || String::from("127.0.0.1");
        let http = |path: &str| Check::Http { host: host(), port: 80, path: path.to_owned() };
        check(http("/a?b"), Duration::from_secs(3), "http http://127.0.0.1:80/a?b --timeout 3");
        let tcp = Check::Tcp { host: "::1".to_owned(), port: 5432 };
        check(tcp, Duration::from_millis(1_500), "tcp [::1]:5432 --timeout 1500ms");
        let grpc = |service| Check::Grpc { host: host(), port: 1, service };
        check(grpc(None), Duration::ZERO, "grpc 127.0.0.1:1 --timeout 1ms");
        check(grpc(Some("a.B".to_owned())), Duration::MAX, "grpc 127.0.0.1:1 a.B --timeout 3600");
        let tcp = Check::Tcp { host: "db".to_owned(), port: 5432 };
        let waiting = |wait| tcp.waiting(Duration::from_secs(2), wait).join(" ");
        let command =
            |wait: &str| format!("/usr/libexec/longshore-probe tcp db:5432 --timeout 2 --wait {wait}");
        assert_eq!(waiting(Duration::from_secs(60)), command("60"));
        assert_eq!(waiting(Duration::MAX), command("3600000"));
    }

    proptest::proptest! {
        /// The program reads from a command what it was made from.
        #[test]
        fn the_program_understands(
            ip: std::net::IpAddr, port in 1u16.., path in "/[!-~&&[^#]]{0,40}", service in "[!-~&&[^-]][!-~]{0,254}", milliseconds in 1u64..=3_600_000,
            wait in 1u64..=3_600_000_000
        ) {
            let host = ip.to_string();
            let (timeout, wait) = (Duration::from_millis(milliseconds), Duration::from_millis(wait));
            for check in [
                Check::Http { host: host.clone(), port, path },
                Check::Tcp { host: host.clone(), port },
                Check::Grpc { host, port, service: Some(service) },
            ] {
                let argv = check.waiting(timeout, wait);
                let read = arguments::parse(argv.iter().skip(1).map(String::as_bytes)).unwrap();
                proptest::prop_assert_eq!(u64::from(read.timeout.milliseconds), milliseconds);
                proptest::prop_assert_eq!(read.wait.map(|wait| u128::from(wait.milliseconds)), Some(wait.as_millis()));
                let endpoint = match (read.check, &check) {
                    (Read::Http(url), Check::Http { path, .. }) => {
                        proptest::prop_assert_eq!(url.path, path.as_bytes());
                        url.endpoint
                    }
                    (Read::Tcp(endpoint), Check::Tcp { .. }) => endpoint,
                    (Read::Grpc { endpoint, service }, Check::Grpc { service: expected, .. }) => {
                        proptest::prop_assert_eq!(service, expected.as_ref().unwrap().as_bytes());
                        endpoint
                    }
                    (read, _) => panic!("{read:?} from {argv:?}"),
                };
                proptest::prop_assert_eq!((endpoint.host, endpoint.port), (Host::Address(ip), port));
            }
        }
    }
}
