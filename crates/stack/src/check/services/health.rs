//! `health`: how it is known that a service works.

use super::scope::Scope;
use super::{Plain, duration};
use crate::file::{At, HealthTable, ServiceTable};
use crate::findings::Findings;
use crate::model::{HealthCheck, HealthSpec, Protocol, ServiceKind};

pub(super) fn check(
    table: &ServiceTable,
    facts: &Plain<'_>,
    scope: &Scope<'_>,
    findings: &mut Findings,
) -> Option<HealthSpec> {
    let health = table.health.as_ref()?;
    if facts.kind == ServiceKind::Job {
        findings
            .error("stack::health", &health.span, format!("job `{}` is done when it ends", scope.own))
            .help("take `health` away".to_owned());
        return None;
    }
    let interval = duration("a time between checks", health.interval.as_ref(), 5, findings);
    let timeout = duration("a time that a check may take", health.timeout.as_ref(), 3, findings);
    let start_period = duration("a time to start in", health.start_period.as_ref(), 30, findings);
    let check = what(health, facts, scope, findings)?;
    let retries = health.retries.as_ref().map_or(3, |retries| retries.value);
    Some(HealthSpec { check, interval, timeout, retries, start_period })
}

fn what(
    health: &HealthTable,
    facts: &Plain<'_>,
    scope: &Scope<'_>,
    findings: &mut Findings,
) -> Option<HealthCheck> {
    if let Some(path) = &health.http {
        // What the probe takes.
        if !path.starts_with('/') || path.len() > 2000 || !path.bytes().all(|byte| byte.is_ascii_graphic()) {
            findings
                .error("stack::path", &path.span, format!("`{}` is not a path to ask for", path.value))
                .help(
                    "it begins with `/`, as in \"/ready\", and has at most 2,000 visible characters of ASCII"
                        .to_owned(),
                );
        }
        let port = match &health.port {
            Some(port) => named(port, facts, scope.own, findings)?,
            None => only(path, facts, scope.own, findings)?,
        };
        return Some(HealthCheck::Http { port, path: path.value.clone() });
    }
    if let Some(port) = &health.tcp {
        return Some(HealthCheck::Tcp { port: named(port, facts, scope.own, findings)? });
    }
    if let Some(port) = &health.grpc {
        let service = health.service.as_ref().map(|service| service.value.clone()).unwrap_or_default();
        if service.len() > 255 {
            findings.error(
                "stack::health",
                &port.span,
                "the service asked about has a name of over 255 bytes",
            );
        }
        return Some(HealthCheck::Grpc { port: named(port, facts, scope.own, findings)?, service });
    }
    let exec = health.exec.as_ref()?;
    let Some(program) = exec.first() else {
        findings.error("stack::health", &exec.span, "`exec` has no program");
        return None;
    };
    if !program.starts_with('/') {
        findings
            .error("stack::path", &program.span, format!("`{}` is not an absolute path", program.value))
            .help(
                "there is no shell that would look for it: name where the program is in the image".to_owned(),
            );
    }
    let command = super::check_command(exec, scope, findings);
    Some(HealthCheck::Exec { command })
}

/// The number of a port by its name.
fn named(name: &At<String>, facts: &Plain<'_>, own: &str, findings: &mut Findings) -> Option<u16> {
    match facts.ports.get(&name.value) {
        Some(port) if port.protocol == Protocol::Tcp => Some(port.number),
        Some(port) => {
            let message =
                format!("port `{}` of service `{own}` is {port}, which nothing connects to", name.value);
            findings.error("stack::health", &name.span, message);
            None
        }
        None => {
            let known: Vec<&str> = facts.ports.keys().map(String::as_str).collect();
            super::super::unknown("port", name, &known, findings);
            None
        }
    }
}

/// The port called `http`, or the only one.
fn only(path: &At<String>, facts: &Plain<'_>, own: &str, findings: &mut Findings) -> Option<u16> {
    let mut tcp = facts.ports.iter().filter(|(_, port)| port.protocol == Protocol::Tcp);
    let port = match (facts.ports.get("http"), tcp.next(), tcp.next()) {
        (Some(port), ..) => Some(port.number),
        (None, Some((_, only)), None) => Some(only.number),
        _ => None,
    };
    if port.is_none() {
        let known: Vec<String> = facts.ports.keys().map(|name| format!("`{name}`")).collect();
        let help = match known.as_slice() {
            [] => format!("declare it in `ports` of its image or of `[service.{own}]`"),
            known => format!("say which of {} with `port`", known.join(", ")),
        };
        let message = format!("the health of service `{own}` is asked over HTTP, on no port that is known");
        findings.error("stack::health", &path.span, message).help(help);
    }
    port
}
