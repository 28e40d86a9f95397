//! `[service.*]` and `[secret.*]`: what images are run as, and what they need of each other.

mod health;
mod known;
mod mounts;
mod needs;
mod ports;
mod resources;
mod scope;
mod secrets;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

pub(crate) use self::scope::RESERVED;
use self::scope::Scope;
use super::template::Values;
use super::{names, quantity};
use crate::file::{At, SecretTable, ServiceTable};
use crate::findings::Findings;
use crate::model::{
    ContentSpec, ImageSpec, PortSpec, Restart, SecretSpec, ServiceKind, ServiceSpec, Stop, Text,
};

/// What services refer to.
pub(super) struct Around<'a> {
    pub(super) folder: &'a Path,
    pub(super) images: &'a BTreeMap<String, ImageSpec>,
    pub(super) values: &'a Values,
}

/// A service of which only its image, kind and ports are known yet: what others may speak of.
struct Plain<'a> {
    image: &'a ImageSpec,
    image_name: String,
    kind: ServiceKind,
    ports: BTreeMap<String, PortSpec>,
}

pub(super) fn check(
    services: BTreeMap<At<String>, ServiceTable>,
    secrets: BTreeMap<At<String>, At<SecretTable>>,
    around: &Around<'_>,
    findings: &mut Findings,
) -> (BTreeMap<String, ServiceSpec>, BTreeMap<String, SecretSpec>) {
    let origins = secrets::check(&secrets, around.folder, findings);
    let mut plain = BTreeMap::new();
    for (name, table) in &services {
        check_service_name(name, findings);
        if let Some(facts) = facts(name, table, around, findings) {
            plain.insert(name.value.clone(), facts);
        }
    }
    ports::check_published(&services, findings);
    needs::check_cycles(&services, findings);
    secrets::check_used(&secrets, &services, findings);
    // A service without an image is no name to complain about besides.
    let names: BTreeSet<&str> = services.keys().map(|name| name.as_str()).collect();
    let mut specs = BTreeMap::new();
    for (name, table) in &services {
        let known = plain.get(&name.value);
        let Some(facts) = known else { continue };
        let scope =
            Scope { around, services: &plain, names: &names, own: &name.value, secrets: &table.secrets };
        specs.insert(name.value.clone(), service(table, facts, &scope, &services, &origins, findings));
    }
    known::check(&services, &specs, around.images, findings);
    (specs, origins)
}

/// The services whose health check goes into their image, with its place.
pub(super) fn in_image(services: &BTreeMap<At<String>, ServiceTable>) -> BTreeMap<String, Range<usize>> {
    let wanted = services.iter().filter_map(|(name, table)| {
        let health = table.health.as_ref().filter(|health| health.in_image)?;
        Some((name.value.clone(), health.span.clone()))
    });
    wanted.collect()
}

/// What services bring into their images: the probe, and for Docker the health check itself.
pub(super) fn into_images(
    services: &BTreeMap<String, ServiceSpec>,
    in_image: &BTreeMap<String, Range<usize>>,
    images: &mut BTreeMap<String, ImageSpec>,
    findings: &mut Findings,
) {
    for (name, service) in services {
        let Some(image) = images.get_mut(&service.image) else { continue };
        if service.asks() && !image.contents.contains(&ContentSpec::Probe) {
            image.contents.push(ContentSpec::Probe);
        }
        if let (Some(span), Some(health)) = (in_image.get(name), &service.health)
            && image.healthcheck.replace(health.clone()).is_some_and(|other| other != *health)
        {
            let message = format!("image `{}` can hold the health check of one service only", service.image);
            findings.error("stack::health", span, message);
        }
    }
}

fn facts<'a>(
    name: &At<String>,
    table: &ServiceTable,
    around: &Around<'a>,
    findings: &mut Findings,
) -> Option<Plain<'a>> {
    let wanted = table.image.as_ref().unwrap_or(name);
    let Some((image_name, image)) = around.images.get_key_value(&wanted.value) else {
        let known: Vec<&str> = around.images.keys().map(String::as_str).collect();
        super::unknown("image", wanted, &known, findings);
        return None;
    };
    let kind = match table.kind.as_ref().map(|kind| kind.as_str()) {
        Some("job") => ServiceKind::Job,
        _ => ServiceKind::Service,
    };
    let mut ports = image.ports.clone();
    ports.extend(ports::check(name, table, findings));
    Some(Plain { image, image_name: image_name.clone(), kind, ports })
}

fn service(
    table: &ServiceTable,
    facts: &Plain<'_>,
    scope: &Scope<'_>,
    services: &BTreeMap<At<String>, ServiceTable>,
    secrets: &BTreeMap<String, SecretSpec>,
    findings: &mut Findings,
) -> ServiceSpec {
    let mut env: BTreeMap<String, Text> = BTreeMap::new();
    for (name, value) in &table.env {
        names::check_env(name, value, findings);
        if let Some(reason) = super::secrets::reason(name, value) {
            let message =
                format!("`{}` of service `{}` looks like a secret: {reason}", name.value, scope.own);
            findings.warning("stack::secret", &name.span, message).help(
                "declare `[secret.NAME]`, name it in `secrets`, and let the program read the file".to_owned(),
            );
        }
        env.extend(scope.text(value, findings).map(|text| (name.value.clone(), text)));
    }
    let command = table.command.as_ref().map(|command| check_command(command, scope, findings));
    let (volumes, scratch) = mounts::volumes(table, facts, scope.own, findings);
    let secrets = mounts::secrets(table, secrets, findings);
    ServiceSpec {
        image: facts.image_name.clone(),
        kind: facts.kind,
        command,
        env,
        files: mounts::files(table, facts, scope, &volumes, findings),
        publish: ports::published(table, facts, scope.own, findings),
        needs: needs::check(table, scope, services, findings),
        health: health::check(table, facts, scope, findings),
        volumes,
        scratch,
        secrets,
        resources: resources::check(table, findings),
        replicas: resources::replicas(table, facts, scope.own, findings),
        scale: resources::scale(table, findings),
        restart: match (table.restart.as_ref().map(|restart| restart.as_str()), facts.kind) {
            (Some("always"), _) => Restart::Always,
            (Some("on-failure"), _) | (None, ServiceKind::Job) => Restart::OnFailure,
            (Some("never"), _) => Restart::Never,
            // The schema has refused others.
            _ => Restart::Always,
        },
        stop: stop(table, facts, findings),
        egress: table.egress.iter().filter_map(|network| ports::network(network, findings)).collect(),
        groups: table.groups.iter().map(|group| group.value.clone()).collect(),
        user: facts.image.user.clone(),
        ports: facts.ports.clone(),
    }
}

fn check_command(command: &[At<String>], scope: &Scope<'_>, findings: &mut Findings) -> Vec<Text> {
    for argument in command.iter().filter(|argument| argument.contains('\0')) {
        findings.error("stack::command", &argument.span, "an argument holds a NUL character");
    }
    command.iter().filter_map(|argument| scope.text(argument, findings)).collect()
}

fn stop(table: &ServiceTable, facts: &Plain<'_>, findings: &mut Findings) -> Stop {
    let own = super::image::check_signal(table.stop_signal.as_ref(), findings);
    let signal = own.or_else(|| facts.image.stop_signal.clone()).unwrap_or_else(|| "SIGTERM".to_owned());
    let grace = duration("a time to stop in", table.stop_grace.as_ref(), 10, findings);
    Stop { signal, grace }
}

fn duration(what: &str, text: Option<&At<String>>, default: u64, findings: &mut Findings) -> Duration {
    Duration::from_secs(text.and_then(|text| quantity::seconds(what, text, findings)).unwrap_or(default))
}

/// A service's name is its name on the network (RFC 1123, section 2.1), and the first word of references to it.
fn check_service_name(name: &At<String>, findings: &mut Findings) {
    let label = name.len() <= 63
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && !name.ends_with('-')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    if !label {
        findings
            .error("stack::name", &name.span, format!("`{}` can't be the name of a service", name.value))
            .help(
                "it is a host name: at most 63 lower-case letters, digits and `-`, beginning with a letter"
                    .to_owned(),
            );
    }
    if RESERVED.contains(&name.as_str()) {
        findings
            .error(
                "stack::name",
                &name.span,
                format!("`{}` is something else in templates, and can't be a service's name", name.value),
            )
            .help("choose another name".to_owned());
    }
}
