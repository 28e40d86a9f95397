//! Ports, and where they are reached from outside.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use super::Plain;
use crate::check::runtime;
use crate::file::{At, ServiceTable, Shorthand};
use crate::findings::Findings;
use crate::model::{PortSpec, Published};

/// Names that references have for other things than ports.
const RESERVED: [&str; 4] = ["name", "host", "listen", "local"];
/// What Kubernetes takes as the name of a port.
const NAME_MAX: usize = 15;

/// The service's own ports.
pub(super) fn check(
    service: &At<String>,
    table: &ServiceTable,
    findings: &mut Findings,
) -> BTreeMap<String, PortSpec> {
    for name in table.ports.keys() {
        if RESERVED.contains(&name.as_str()) || name.len() > NAME_MAX {
            findings
                .error(
                    "stack::name",
                    &name.span,
                    format!("`{}` can't be the name of a service's port", name.value),
                )
                .help(format!(
                    "at most {NAME_MAX} characters, and none of `name`, `host`, `listen` and `local`"
                ));
        }
    }
    runtime::check_ports("service", service, &table.ports, findings)
}

/// Where ports of a service are reached from outside.
pub(super) fn published(
    table: &ServiceTable,
    facts: &Plain<'_>,
    own: &str,
    findings: &mut Findings,
) -> BTreeMap<String, Published> {
    let mut all = BTreeMap::new();
    for (name, place) in &table.publish {
        if !facts.ports.contains_key(&name.value) {
            let known: Vec<&str> = facts.ports.keys().map(String::as_str).collect();
            super::super::unknown("port", name, &known, findings);
        }
        match parse(place) {
            Some(published) => drop(all.insert(name.value.clone(), published)),
            None => {
                let message = format!("port `{}` of service `{own}` can't be published there", name.value);
                findings.error("stack::port", &place.span, message).help(
                    "write a number for loopback, or an address with a number: \"0.0.0.0:8080\"".to_owned(),
                );
            }
        }
    }
    all
}

/// Two services on one port of the host.
pub(super) fn check_published(services: &BTreeMap<At<String>, ServiceTable>, findings: &mut Findings) {
    let mut taken: Vec<(Published, String)> = Vec::new();
    for (service, table) in services {
        for (name, place) in &table.publish {
            let Some(published) = parse(place) else { continue };
            let who = format!("port `{}` of service `{}`", name.value, service.value);
            let clash = taken.iter().find(|(other, _)| clash(other, &published));
            if let Some((_, other)) = clash {
                let message = format!("{who} and {other} are both published as {}", published.number);
                findings
                    .error("stack::port", &place.span, message)
                    .help("give one of them another number".to_owned());
            }
            taken.push((published, who));
        }
    }
}

/// Whether one program only can have both.
fn clash(a: &Published, b: &Published) -> bool {
    let any = |published: &Published| published.address.is_unspecified();
    a.number == b.number && (a.address == b.address || any(a) || any(b))
}

fn parse(place: &At<Shorthand<String>>) -> Option<Published> {
    let number = |number: i64| u16::try_from(number).ok().filter(|number| *number != 0);
    let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
    match &place.value {
        Shorthand::Number(written) => Some(Published { address: loopback, number: number(*written)? }),
        Shorthand::Text(text) | Shorthand::Full(text) => {
            let address: std::net::SocketAddr = text.parse().ok()?;
            (address.port() != 0).then(|| Published { address: address.ip(), number: address.port() })
        }
    }
}

/// `10.0.0.0/8`.
pub(super) fn network(text: &At<String>, findings: &mut Findings) -> Option<String> {
    let parsed = text.split_once('/').and_then(|(address, bits)| {
        let address: IpAddr = address.parse().ok()?;
        let bits: u8 = bits.parse().ok()?;
        (bits <= if address.is_ipv4() { 32 } else { 128 }).then(|| format!("{address}/{bits}"))
    });
    if parsed.is_none() {
        findings
            .error("stack::network", &text.span, format!("`{}` is not a network", text.value))
            .help("write an address and how many of its bits count, as in \"10.0.0.0/8\"".to_owned());
    }
    parsed
}
