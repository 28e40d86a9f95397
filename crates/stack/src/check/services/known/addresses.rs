//! Addresses that are written out: of a port that a service doesn't have, or that only references keep right.

use super::{Known, Said};
use crate::findings::Findings;
use crate::model::ServiceSpec;

pub(super) fn check(known: &Known<'_>, findings: &mut Findings) {
    for said in known.env().chain(known.arguments()).chain(known.files()) {
        written_out(known, &said, findings);
    }
    for said in known.env().chain(known.arguments()) {
        scheme(known, &said, findings);
        other_port(known, &said, findings);
    }
}

/// `tempo:4317` instead of `{{ tempo.otlp_grpc.addr }}`.
fn written_out(known: &Known<'_>, said: &Said<'_>, findings: &mut Findings) {
    for (host, port) in said.literals.iter().flat_map(|text| addresses(text)) {
        let Some((service, spec)) = known.services.get_key_value(host) else { continue };
        let own = &known.name.value;
        match port_of(spec, port) {
            Some(name) => {
                let message = format!("service `{own}` has the address `{host}:{port}` written out");
                findings.warning("stack::address", &said.span, message).help(format!(
                    "write `{{{{ {service}.{name}.addr }}}}`: it is right wherever the stack runs"
                ));
            }
            None => {
                let message = format!(
                    "service `{own}` speaks to `{host}:{port}`, and service `{service}` has no such port"
                );
                let ports: Vec<String> =
                    spec.ports.iter().map(|(name, port)| format!("`{name}` ({})", port.number)).collect();
                let help = match ports.as_slice() {
                    [] => "it has none".to_owned(),
                    ports => format!("it has {}", ports.join(", ")),
                };
                findings.error("stack::address", &said.span, message).help(help);
            }
        }
    }
}

fn port_of(spec: &ServiceSpec, number: u16) -> Option<&str> {
    spec.ports.iter().find(|(_, port)| port.number == number).map(|(name, _)| name.as_str())
}

/// Every `host:port` of a text.
fn addresses(text: &str) -> impl Iterator<Item = (&str, u16)> {
    let in_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    text.match_indices(':').filter_map(move |(at, _)| {
        let (before, after) = (text.get(..at)?, text.get(at + 1..)?);
        let host = before.rsplit(|c| !in_name(c)).next()?;
        let digits = after.split(|c: char| !c.is_ascii_digit()).next()?;
        Some((host, digits.parse().ok()?))
    })
}

/// OpenTelemetry's SDKs want an address with a scheme (OTLP exporter specification, "Endpoint URLs"); what a program listens
/// on has none.
fn scheme(known: &Known<'_>, said: &Said<'_>, findings: &mut Findings) {
    let own = &known.name.value;
    let (name, value) = match &said.name {
        Some(name) => (name.as_str(), said.text.as_str()),
        None => said.text.split_once('=').unwrap_or((said.text.as_str(), "")),
    };
    let has_scheme = value.starts_with("http://") || value.starts_with("https://");
    let wants = name.starts_with("OTEL_EXPORTER_OTLP") && name.ends_with("ENDPOINT");
    if wants && !has_scheme && !value.is_empty() {
        let message = format!("`{name}` of service `{own}` is `{value}`, which is no URL");
        findings
            .error("stack::address", &said.span, message)
            .help("it begins with `http://` or `https://`: a reference's `.url` does".to_owned());
    }
    let listens = ["LISTEN", "_ADDR", "_ADDRESS"].iter().any(|part| name.ends_with(part))
        || (name.starts_with('-') && name.contains("listen"));
    if listens && has_scheme {
        let message =
            format!("`{name}` of service `{own}` is the URL `{value}`, where an address is expected");
        findings
            .error("stack::address", &said.span, message)
            .help("write `{{ self.PORT.listen }}`, which is an address and a port".to_owned());
    }
}

/// `PORT = "80"` where it has no port 80.
fn other_port(known: &Known<'_>, said: &Said<'_>, findings: &mut Findings) {
    let Some(name) = said.name.as_deref().filter(|name| *name == "PORT" || name.ends_with("_PORT")) else {
        return;
    };
    let Ok(number) = said.text.parse::<u16>() else { return };
    // One that is said by a reference may be another service's.
    if said.written == said.text && port_of(known.spec, number).is_none() && !known.spec.ports.is_empty() {
        let message = format!("`{name}` is {number}, which is no port of service `{}`", known.name.value);
        let first = known.spec.ports.keys().next().map_or("http", String::as_str);
        findings
            .error("stack::port", &said.span, message)
            .help(format!("write `\"{{{{ self.{first}.port }}}}\"`, or declare {number} in `ports`"));
    }
}
