//! The command line.

use super::address::Endpoint;
use super::bytes::Bytes;
use super::timeout::{DEFAULT, LONGEST, LONGEST_WAIT, Timeout};
use super::url::{Url, UrlError};

/// What is said for `--help`.
pub const HELP: &str = "\
longshore-probe: asks a service whether it does its work

  longshore-probe http http://HOST[:PORT][/PATH]   healthy: the status is 2xx or 3xx
  longshore-probe tcp HOST:PORT                    healthy: a connection is taken
  longshore-probe grpc HOST:PORT [SERVICE]         healthy: grpc.health.v1 says SERVING

  --timeout TIME   for all of it: 3, 0.5, 500ms; 3 seconds unless said
  --wait TIME      ask again until it is healthy, for no longer than this: 60s, 10m, 24h

HOST is an IPv4 address, an [IPv6] address, or a name, in /etc/hosts or of a name server.
Says in one line what it saw.
Exit code: 0 healthy, 1 not, 2 wrong arguments.
";

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request<'a> {
    /// What is looked at.
    pub check: Check<'a>,
    /// How long all of it may take, once.
    pub timeout: Timeout,
    /// For how long it is asked again and again, until it is healthy.
    pub wait: Option<Timeout>,
}

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check<'a> {
    /// The status of a page.
    Http(Url<'a>),
    /// Whether a connection is taken.
    Tcp(Endpoint<'a>),
    /// gRPC's own health service.
    Grpc {
        /// Where it is.
        endpoint: Endpoint<'a>,
        /// Which service's health; empty for that of the whole server.
        service: &'a [u8],
    },
}

/// Why nothing is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal<'a> {
    /// `--help`.
    Help,
    /// Something is missing, of this name.
    Missing(&'static str),
    /// The first argument is none of the commands.
    Command(&'a [u8]),
    /// An option that there is none of.
    Option(&'a [u8]),
    /// More arguments than the command takes.
    Extra(&'a [u8]),
    /// No time for a check.
    Timeout(&'a [u8]),
    /// No time to wait for.
    Wait(&'a [u8]),
    /// No `HOST:PORT`.
    Endpoint(&'a [u8]),
    /// No URL.
    Url(&'a [u8]),
    /// `https://`.
    Tls,
    /// No name of a gRPC service.
    Service,
}

/// The longest name of a gRPC service.
pub const LONGEST_SERVICE: usize = 255;

/// Reads the arguments, without the program's own name.
pub fn parse<'a>(arguments: impl Iterator<Item = &'a [u8]>) -> Result<Request<'a>, Refusal<'a>> {
    let mut arguments = arguments;
    let mut words: [Option<&[u8]>; 3] = [None; 3];
    let (mut timeout, mut wait) = (DEFAULT, None);
    while let Some(argument) = arguments.next() {
        if matches!(argument, b"--help" | b"-h") {
            return Err(Refusal::Help);
        }
        let mut given = |name: &[u8]| match argument.strip_prefix(name) {
            Some(b"") => arguments.next().ok_or(Refusal::Missing("TIME")).map(Some),
            Some(rest) => Ok(rest.strip_prefix(b"=")),
            None => Ok(None),
        };
        if let Some(given) = given(b"--timeout")? {
            timeout = Timeout::parse(given, LONGEST).ok_or(Refusal::Timeout(given))?;
        } else if let Some(given) = given(b"--wait")? {
            wait = Some(Timeout::parse(given, LONGEST_WAIT).ok_or(Refusal::Wait(given))?);
        } else if argument.starts_with(b"-") {
            return Err(Refusal::Option(argument));
        } else {
            *words.iter_mut().find(|word| word.is_none()).ok_or(Refusal::Extra(argument))? = Some(argument);
        }
    }
    Ok(Request { check: check(words)?, timeout, wait })
}

fn check(words: [Option<&[u8]>; 3]) -> Result<Check<'_>, Refusal<'_>> {
    let [command, target, service] = words;
    let command = command.ok_or(Refusal::Missing("COMMAND"))?;
    let target = |what| target.ok_or(Refusal::Missing(what));
    let endpoint = || {
        let target = target("HOST:PORT")?;
        Endpoint::parse(target, None).ok_or(Refusal::Endpoint(target))
    };
    let check = match command {
        b"http" => {
            let target = target("URL")?;
            Check::Http(Url::parse(target).map_err(|error| match error {
                UrlError::Tls => Refusal::Tls,
                UrlError::Form => Refusal::Url(target),
            })?)
        }
        b"tcp" => Check::Tcp(endpoint()?),
        b"grpc" => {
            let (endpoint, service) = (endpoint()?, service.unwrap_or_default());
            if service.len() > LONGEST_SERVICE || !service.iter().all(u8::is_ascii_graphic) {
                return Err(Refusal::Service);
            }
            return Ok(Check::Grpc { endpoint, service });
        }
        _ => return Err(Refusal::Command(command)),
    };
    service.map_or(Ok(check), |extra| Err(Refusal::Extra(extra)))
}

impl Refusal<'_> {
    /// One line: what was found, what was expected.
    pub fn line(&self) -> Bytes<400> {
        let mut line = Bytes::new();
        let mut quote = |before: &str, found: &[u8], after: &str| {
            line.say(before.as_bytes());
            line.say(b"`");
            line.say(found.get(..found.len().min(200)).unwrap_or_default());
            line.say(b"`");
            line.say(after.as_bytes());
        };
        match self {
            Self::Help => {}
            Self::Missing(what) => quote("missing ", what.as_bytes(), "; try --help"),
            Self::Command(found) => quote("no such command: ", found, "; expected http, tcp or grpc"),
            Self::Option(found) => quote("no such option: ", found, "; expected --timeout, --wait or --help"),
            Self::Extra(found) => quote("one argument too many: ", found, ""),
            Self::Timeout(found) => {
                quote("not a time: ", found, "; expected 1ms to an hour, as 3, 0.5 or 500ms");
            }
            Self::Wait(found) => quote("not a time: ", found, "; expected 1ms to 1000h, as 60s, 10m or 24h"),
            Self::Endpoint(found) => {
                quote("not an address: ", found, "; expected HOST:PORT, with IPv6 in brackets");
            }
            Self::Url(found) => quote("not a URL: ", found, "; expected http://HOST[:PORT][/PATH]"),
            Self::Tls => {
                line.say(b"https:// can't be asked; expected http://, where the service listens without TLS")
            }
            Self::Service => line.say(b"not a service's name: expected at most 255 visible ASCII characters"),
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<'a>(words: &[&'a str]) -> Result<Request<'a>, String> {
        parse(words.iter().map(|word| word.as_bytes()))
            .map_err(|refusal| String::from_utf8(refusal.line().get().to_vec()).unwrap())
    }

    #[test]
    fn checks_are_read() {
        let endpoint = Endpoint::parse(b"[::1]:80", None).unwrap();
        let check = |words: &[&str], check, milliseconds| {
            assert_eq!(
                read(words),
                Ok(Request { check, timeout: Timeout { milliseconds }, wait: None }),
                "{words:?}"
            );
        };
        check(&["tcp", "[::1]:80"], Check::Tcp(endpoint), 3_000);
        check(&["--timeout", "1", "tcp", "[::1]:80"], Check::Tcp(endpoint), 1_000);
        check(&["grpc", "[::1]:80", "--timeout=20ms"], Check::Grpc { endpoint, service: b"" }, 20);
        check(&["grpc", "[::1]:80", "a.B"], Check::Grpc { endpoint, service: b"a.B" }, 3_000);
        let url = Url::parse(b"http://a/b").unwrap();
        check(&["http", "http://a/b"], Check::Http(url), 3_000);
        let wait = |words: &[&str]| read(words).unwrap().wait.unwrap().milliseconds;
        assert_eq!(wait(&["tcp", "a:1", "--wait", "24h"]), 86_400_000);
        assert_eq!(wait(&["--wait=10m", "tcp", "a:1"]), 600_000);
    }

    #[test]
    fn refusals_say_what_was_expected() {
        let long = "a".repeat(256);
        for (words, expected) in [
            (&[][..], "missing `COMMAND`; try --help"),
            (&["tcp"], "missing `HOST:PORT`; try --help"),
            (&["http"], "missing `URL`; try --help"),
            (&["tcp", "a:1", "--timeout"], "missing `TIME`; try --help"),
            (&["ping", "a:1"], "no such command: `ping`; expected http, tcp or grpc"),
            (&["tcp", "-4", "a:1"], "no such option: `-4`; expected --timeout, --wait or --help"),
            (&["tcp", "a:1", "b"], "one argument too many: `b`"),
            (&["grpc", "a:1", "b", "c"], "one argument too many: `c`"),
            (
                &["tcp", "a:1", "--timeout", "0"],
                "not a time: `0`; expected 1ms to an hour, as 3, 0.5 or 500ms",
            ),
            (&["tcp", "a:1", "--wait"], "missing `TIME`; try --help"),
            (
                &["tcp", "a:1", "--wait=1001h"],
                "not a time: `1001h`; expected 1ms to 1000h, as 60s, 10m or 24h",
            ),
            (
                &["tcp", "a:1", "--waiting"],
                "no such option: `--waiting`; expected --timeout, --wait or --help",
            ),
            (&["tcp", "a"], "not an address: `a`; expected HOST:PORT, with IPv6 in brackets"),
            (&["http", "a:1/b"], "not a URL: `a:1/b`; expected http://HOST[:PORT][/PATH]"),
            (
                &["http", "https://a/"],
                "https:// can't be asked; expected http://, where the service listens without TLS",
            ),
            (&["grpc", "a:1", &long], "not a service's name: expected at most 255 visible ASCII characters"),
            (&["grpc", "a:1", "a b"], "not a service's name: expected at most 255 visible ASCII characters"),
        ] {
            assert_eq!(read(words), Err(expected.to_owned()), "{words:?}");
        }
        assert_eq!(parse([&b"tcp"[..], b"-h"].into_iter()), Err(Refusal::Help));
    }

    #[test]
    fn help_has_every_command_and_fits_a_terminal() {
        for word in ["http", "tcp", "grpc", "--timeout", "--wait"] {
            assert!(
                HELP.contains(&format!("  longshore-probe {word} ")) || HELP.contains(&format!("  {word} "))
            );
        }
        assert!(HELP.lines().all(|line| line.len() <= 100));
    }

    proptest::proptest! {
        #[test]
        fn any_arguments_are_taken(words: Vec<Vec<u8>>) {
            if let Err(refusal) = parse(words.iter().map(Vec::as_slice)) {
                proptest::prop_assert!(refusal.line().get().iter().all(|byte| matches!(byte, b' '..=b'~')));
            }
        }
    }
}
