//! What the environment says (`docs/configuration.md`).

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::signature::{Key, KeyError};

#[derive(Debug)]
pub struct Config {
    pub address: IpAddr,
    pub http_port: u16,
    pub grpc_port: u16,
    pub data: PathBuf,
    pub mode: Mode,
    /// None: the one in the data folder, made there the first time.
    pub signature_key: Option<Key>,
    pub api_key: Option<Secret>,
    /// Where violations and the backend's own spans go: an address with its scheme.
    pub otlp_endpoint: Option<String>,
    pub service_name: String,
    /// Which services `/v1/status` asks, and where.
    pub services: BTreeMap<String, String>,
    pub silence: Duration,
    pub max_age: Duration,
    pub buffer_spans: usize,
    pub buffer_bytes: usize,
    pub violations: usize,
    pub store_bytes: u64,
    /// How long stopping may take.
    pub grace: Duration,
    /// Variables that look like ours and are not.
    pub unknown: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Production,
    /// Any signature key will do.
    Development,
}

/// Not shown in logs.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("`{name}` can't be `{value}`: {expected}")]
    Value { name: &'static str, value: String, expected: &'static str },
    #[error("`{name}` names `{path}`, which can't be read: {source}")]
    File { name: String, path: String, source: std::io::Error },
    #[error("`{name}_FILE` names `{path}`, which is empty")]
    Empty { name: &'static str, path: String },
    #[error("`{0}` and `{0}_FILE` are both set: take one away")]
    Both(&'static str),
    #[error(
        "{source}; give another in BETRACE_SIGNATURE_KEY or BETRACE_SIGNATURE_KEY_FILE, or leave both away to have one made"
    )]
    Key { source: KeyError },
}

const MIB: usize = 1024 * 1024;

/// Every variable of ours, and what is taken when it is not set.
const DEFAULTS: &[(&str, &str)] = &[
    ("BETRACE_ADDRESS", "0.0.0.0"),
    ("BETRACE_API_KEY", ""),
    ("BETRACE_API_KEY_FILE", ""),
    ("BETRACE_BUFFER_MIB", "512"),
    ("BETRACE_BUFFER_SPANS", "1000000"),
    ("BETRACE_DATA_DIR", "/var/lib/betrace"),
    ("BETRACE_DEV", "false"),
    ("BETRACE_MAX_VIOLATIONS", "100000"),
    ("BETRACE_PORT_BACKEND", "12011"),
    ("BETRACE_PORT_GRPC", "12012"),
    ("BETRACE_SERVICES", ""),
    ("BETRACE_SHUTDOWN_GRACE_MS", "8000"),
    ("BETRACE_SIGNATURE_KEY", ""),
    ("BETRACE_SIGNATURE_KEY_FILE", ""),
    ("BETRACE_STORE_MIB", "1024"),
    ("BETRACE_TRACE_MAX_AGE_MS", "300000"),
    ("BETRACE_TRACE_SILENCE_MS", "3000"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", ""),
    ("OTEL_SERVICE_NAME", "betrace-backend"),
];

/// Of `DEFAULTS`, with what the environment gives in their place.
struct Settings<'a>(&'a BTreeMap<String, String>);

impl Settings<'_> {
    fn text(&self, name: &'static str) -> String {
        let default = DEFAULTS.iter().find(|(known, _)| *known == name).map_or("", |(_, default)| *default);
        self.0.get(name).map_or(default, |value| value.trim()).to_owned()
    }

    fn parsed<T: std::str::FromStr>(&self, name: &'static str, expected: &'static str) -> Result<T, Error> {
        let value = self.text(name);
        value.parse().map_err(|_| Error::Value { name, value, expected })
    }

    fn at_least<T: std::str::FromStr + PartialOrd>(
        &self,
        name: &'static str,
        least: T,
        expected: &'static str,
    ) -> Result<T, Error> {
        let value: T = self.parsed(name, expected)?;
        if value < least { Err(Error::Value { name, value: self.text(name), expected }) } else { Ok(value) }
    }

    fn millis(&self, name: &'static str) -> Result<Duration, Error> {
        self.at_least(name, 1, "a number of milliseconds from 1 on").map(Duration::from_millis)
    }

    /// The value itself, or what is in the file that `NAME_FILE` names.
    fn secret(&self, name: &'static str) -> Result<Option<String>, Error> {
        let (value, file_name) = (self.text(name), format!("{name}_FILE"));
        let file = self.0.get(&file_name).map(|path| path.trim()).filter(|path| !path.is_empty());
        match (value.is_empty(), file) {
            (false, Some(_)) => Err(Error::Both(name)),
            (false, None) => Ok(Some(value)),
            (true, None) => Ok(None),
            (true, Some(path)) => {
                let failed = |source| Error::File { name: file_name, path: path.to_owned(), source };
                let text = std::fs::read_to_string(path).map_err(failed)?;
                match text.trim_end_matches(['\r', '\n']) {
                    "" => Err(Error::Empty { name, path: path.to_owned() }),
                    secret => Ok(Some(secret.to_owned())),
                }
            }
        }
    }
}

impl Config {
    /// # Errors
    /// If a variable has a value that it can't have.
    pub fn from_environment(environment: &BTreeMap<String, String>) -> Result<Self, Error> {
        let it = Settings(environment);
        let mode = match it.text("BETRACE_DEV").as_str() {
            "true" | "1" => Mode::Development,
            "false" | "0" | "" => Mode::Production,
            value => {
                return Err(Error::Value {
                    name: "BETRACE_DEV",
                    value: value.to_owned(),
                    expected: "true or false",
                });
            }
        };
        let signature_key = match it.secret("BETRACE_SIGNATURE_KEY")?.map(String::into_bytes) {
            None => None,
            Some(bytes) if mode == Mode::Development => Some(Key::unchecked(bytes)),
            Some(bytes) => Some(Key::new(bytes).map_err(|source| Error::Key { source })?),
        };
        let mib =
            |name| it.at_least(name, 1usize, "a number of MiB from 1 on").map(|mib| mib.saturating_mul(MIB));
        Ok(Self {
            address: it.parsed("BETRACE_ADDRESS", "an IP address")?,
            http_port: it.parsed("BETRACE_PORT_BACKEND", "a port")?,
            grpc_port: it.parsed("BETRACE_PORT_GRPC", "a port")?,
            data: it.text("BETRACE_DATA_DIR").into(),
            mode,
            signature_key,
            api_key: it.secret("BETRACE_API_KEY")?.map(Secret),
            otlp_endpoint: endpoint(&it.text("OTEL_EXPORTER_OTLP_ENDPOINT"))?,
            service_name: it.text("OTEL_SERVICE_NAME"),
            services: services(&it.text("BETRACE_SERVICES"))?,
            silence: it.millis("BETRACE_TRACE_SILENCE_MS")?,
            max_age: it.millis("BETRACE_TRACE_MAX_AGE_MS")?,
            buffer_spans: it.at_least("BETRACE_BUFFER_SPANS", 1000, "a number of spans from 1000 on")?,
            buffer_bytes: mib("BETRACE_BUFFER_MIB")?,
            violations: it.at_least("BETRACE_MAX_VIOLATIONS", 1, "a number from 1 on")?,
            store_bytes: mib("BETRACE_STORE_MIB")? as u64,
            grace: it.millis("BETRACE_SHUTDOWN_GRACE_MS")?,
            unknown: unknown(environment),
        })
    }
}

/// `host:port` and `scheme://host:port` alike.
fn endpoint(text: &str) -> Result<Option<String>, Error> {
    let with_scheme = match text {
        "" => return Ok(None),
        text if text.contains("://") => text.trim_end_matches('/').to_owned(),
        text => format!("http://{}", text.trim_end_matches('/')),
    };
    let is_address = with_scheme
        .parse::<axum::http::Uri>()
        .is_ok_and(|uri| uri.host().is_some_and(|host| !host.is_empty()));
    if !is_address || !with_scheme.starts_with("http://") {
        let expected = "`host:port` or `http://host:port` of a receiver of OTLP over gRPC";
        return Err(Error::Value { name: "OTEL_EXPORTER_OTLP_ENDPOINT", value: text.to_owned(), expected });
    }
    Ok(Some(with_scheme))
}

fn services(text: &str) -> Result<BTreeMap<String, String>, Error> {
    let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    let parsed = entries.map(|entry| {
        let (name, url) = entry.split_once('=').filter(|(_, url)| url.starts_with("http://"))?;
        Some((name.trim().to_owned(), url.trim().to_owned()))
    });
    parsed.collect::<Option<_>>().ok_or_else(|| Error::Value {
        name: "BETRACE_SERVICES",
        value: text.to_owned(),
        expected: "a list such as `loki=http://loki:3100/ready,tempo=http://tempo:3200/ready`",
    })
}

fn unknown(environment: &BTreeMap<String, String>) -> Vec<String> {
    let ours = environment.keys().filter(|name| name.starts_with("BETRACE_"));
    ours.filter(|name| DEFAULTS.iter().all(|(known, _)| known != name)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(pairs: &[(&str, &str)]) -> Result<Config, Error> {
        let environment =
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Config::from_environment(&environment)
    }

    #[test]
    fn everything_has_a_default() {
        let config = config(&[]).unwrap();
        assert_eq!((config.http_port, config.grpc_port), (12011, 12012));
        assert_eq!(config.otlp_endpoint, None);
        assert_eq!(config.silence, Duration::from_secs(3));
    }

    #[test]
    fn endpoints_have_a_scheme_or_not() {
        for text in ["tempo:4317", "http://tempo:4317", "http://tempo:4317/"] {
            let config = config(&[("OTEL_EXPORTER_OTLP_ENDPOINT", text)]).unwrap();
            assert_eq!(config.otlp_endpoint.as_deref(), Some("http://tempo:4317"), "{text}");
        }
        for text in ["grpc://tempo:4317", "http://", "a b"] {
            let error = config(&[("OTEL_EXPORTER_OTLP_ENDPOINT", text)]).unwrap_err();
            assert!(error.to_string().contains("`host:port` or `http://host:port`"), "{error}");
        }
    }

    #[test]
    fn known_and_short_keys_are_refused_but_in_development() {
        for (key, why) in
            [("change-me", "everybody knows"), ("CHANGE_ME", "everybody knows"), ("short", "5 bytes")]
        {
            let error = config(&[("BETRACE_SIGNATURE_KEY", key)]).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
            assert!(!error.contains(key), "a key in a message: {error}");
            assert!(config(&[("BETRACE_SIGNATURE_KEY", key), ("BETRACE_DEV", "true")]).is_ok());
        }
        assert!(config(&[("BETRACE_SIGNATURE_KEY", "a long key of nobody else's")]).is_ok());
    }

    #[test]
    fn unknown_variables_of_ours_are_named() {
        let config = config(&[("BETRACE_PORT", "1"), ("PORT", "2"), ("BETRACE_DEV", "0")]).unwrap();
        assert_eq!(config.unknown, ["BETRACE_PORT"]);
    }

    #[test]
    fn a_bad_value_says_what_is_expected() {
        let error = config(&[("BETRACE_PORT_GRPC", "http")]).unwrap_err();
        assert_eq!(error.to_string(), "`BETRACE_PORT_GRPC` can't be `http`: a port");
        let error = config(&[("BETRACE_SERVICES", "loki:3100")]).unwrap_err();
        assert!(error.to_string().contains("loki=http://loki:3100/ready"), "{error}");
    }
}
