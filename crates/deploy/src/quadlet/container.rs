//! One service as a `.container` unit.

use longshore_oci::TreePath;
use longshore_stack::model::{Condition, Protocol, Restart, ServiceKind, ServiceSpec};

use super::names::Names;
use super::unit::{Unit, sayable};
use super::{Error, secret_name};
use crate::quantity::{bytes, processors};
use crate::{Deployment, Note, Rendered, Single, config, header, health};

/// How much a folder in memory may hold.
const IN_MEMORY: u64 = 1 << 30;
/// Seconds that an image may take to be pulled, which counts for the start.
const PULL: u64 = 300;
/// Seconds that systemd waits longer than podman does for a container's end.
const MARGIN: u64 = 10;

/// The unit of the service called `name`.
pub(super) fn container(
    deployment: &Deployment<'_>,
    names: &Names<'_>,
    name: &str,
    spec: &ServiceSpec,
    rendered: &mut Rendered,
) -> Result<String, Error> {
    if spec.replicas > 1 {
        let note =
            Note::OneReplica { service: name.to_owned(), replicas: spec.replicas, because: Single::Unit };
        rendered.notes.push(note);
    }
    let mut unit = Unit::new(&comment(deployment, names, spec));
    unit.section("Unit");
    unit.set("Description", &format!("{name} of the stack {}", names.stack));
    order(&mut unit, names, spec);
    unit.section("Container");
    let image = deployment.image_of(name, &spec.image)?;
    unit.set("Image", &image.to_string());
    // What has no digest was loaded, and no registry would know its name.
    unit.set("Pull", if image.digest.is_some() { "missing" } else { "never" });
    unit.set("ContainerName", &names.container(name));
    process(&mut unit, name, spec)?;
    confine(&mut unit, name, spec)?;
    mounts(&mut unit, names, name, spec, rendered)?;
    unit.set("Network", &names.network_file());
    unit.set("NetworkAlias", name);
    ports(&mut unit, spec);
    check(&mut unit, name, spec)?;
    limits(&mut unit, spec);
    unit.set("StopSignal", &spec.stop.signal);
    unit.set("StopTimeout", &spec.stop.grace.as_secs().to_string());
    service(&mut unit, spec);
    // What is in a group is started by hand, or by what needs it.
    if spec.groups.is_empty() {
        unit.section("Install");
        unit.set("WantedBy", "default.target");
    }
    Ok(unit.finish())
}

fn comment(deployment: &Deployment<'_>, names: &Names<'_>, spec: &ServiceSpec) -> String {
    let mut comment = header::header(deployment, "quadlet");
    if !spec.secrets.is_empty() {
        comment.push_str(
            "\n\nIts secrets are podman's, from the files that `longshore secrets export secrets` writes:",
        );
    }
    for secret in spec.secrets.keys() {
        let known = secret_name(names.stack, secret);
        comment.push_str(&format!("\npodman secret create {known} secrets/{secret}"));
    }
    comment
}

/// After what it needs: a unit with a health check has started when it is healthy, and one of a job when that has ended well.
fn order(unit: &mut Unit, names: &Names<'_>, spec: &ServiceSpec) {
    for (need, until) in &spec.needs {
        let need = names.container_unit(need);
        // Who needs a start only goes on without one that fails.
        unit.set(if *until == Condition::Started { "Wants" } else { "Requires" }, &need);
        unit.set("After", &need);
    }
}

fn process(unit: &mut Unit, name: &str, spec: &ServiceSpec) -> Result<(), Error> {
    if let Some(command) = &spec.command {
        let words: Vec<String> = command.iter().map(|text| text.in_containers()).collect();
        for word in &words {
            sayable(word).map_err(|_| Error::Word { service: name.to_owned(), word: word.clone() })?;
        }
        unit.words("Exec", &words);
    }
    for (variable, text) in &spec.env {
        unit.words("Environment", &[format!("{variable}={}", text.in_containers())]);
    }
    Ok(())
}

fn confine(unit: &mut Unit, name: &str, spec: &ServiceSpec) -> Result<(), Error> {
    unit.set("User", &spec.user.uid.to_string());
    unit.set("Group", &spec.user.gid.to_string());
    unit.set("ReadOnly", "true");
    unit.set("DropCapability", "all");
    unit.set("NoNewPrivileges", "true");
    // Docker has this for all containers; podman has not.
    if spec.ports.values().any(|port| port.number < 1024) {
        unit.set("Sysctl", "net.ipv4.ip_unprivileged_port_start=0");
    }
    let size = bytes(IN_MEMORY);
    unit.set("Tmpfs", &format!("/tmp:mode=1777,size={size}"));
    for folder in spec.scratch.iter().filter(|folder| folder.path.to_string() != "/tmp") {
        let path = path(name, &folder.path)?;
        // Podman can give it to the container's user, and to nobody else.
        let owner = if folder.owner.0 == spec.user.uid { ",U" } else { "" };
        unit.set("Tmpfs", &format!("{path}:mode={:04o},size={size}{owner}", folder.mode));
    }
    Ok(())
}

fn mounts(
    unit: &mut Unit,
    names: &Names<'_>,
    name: &str,
    spec: &ServiceSpec,
    rendered: &mut Rendered,
) -> Result<(), Error> {
    for (volume, volume_spec) in &spec.volumes {
        let source = names.volume_file(name, volume);
        unit.set("Volume", &format!("{source}:{}", path(name, &volume_spec.path)?));
    }
    for (at, file) in &spec.files {
        let at_text = path(name, at)?;
        let source = config::add(rendered, name, at, file);
        // Beside the unit, wherever that is. `Z`: where SELinux is, it is labelled for this container.
        unit.set("Volume", &format!("./{source}:{at_text}:ro,Z"));
    }
    for (secret, at) in &spec.secrets {
        let known = secret_name(names.stack, secret);
        let (uid, gid) = (spec.user.uid, spec.user.gid);
        let target = path(name, at)?;
        unit.set("Secret", &format!("{known},type=mount,target={target},uid={uid},gid={gid},mode=0400"));
    }
    Ok(())
}

/// A path without what separates something in a value, or is special to systemd.
fn path(service: &str, path: &TreePath) -> Result<String, Error> {
    let text = path.to_string();
    let wrong = |c: &char| {
        c.is_whitespace() || c.is_control() || matches!(c, ':' | ',' | '"' | '\'' | '\\' | '$' | '%')
    };
    match text.chars().find(wrong) {
        Some(character) => Err(Error::Path { service: service.to_owned(), path: text, character }),
        None => Ok(text),
    }
}

fn ports(unit: &mut Unit, spec: &ServiceSpec) {
    for (name, place) in &spec.publish {
        let Some(port) = spec.ports.get(name) else { continue };
        let protocol = match port.protocol {
            Protocol::Tcp => "tcp",
            Protocol::Udp => "udp",
        };
        let address = std::net::SocketAddr::new(place.address, place.number);
        unit.set("PublishPort", &format!("{address}:{}/{protocol}", port.number));
    }
}

/// A health check. Podman runs an array of two and more words as it is, and one word in a shell, which images don't have: that one is
/// written in the older form, whose words are separated by spaces.
fn check(unit: &mut Unit, name: &str, spec: &ServiceSpec) -> Result<(), Error> {
    let Some(health) = &spec.health else { return Ok(()) };
    let command = health::command(health);
    let text = match command.as_slice() {
        [only] if only.contains(|c: char| c.is_whitespace() || c == '"') => {
            return Err(Error::Word { service: name.to_owned(), word: only.clone() });
        }
        [only] => format!("CMD {only}"),
        words => json(words),
    };
    unit.set("HealthCmd", &text);
    unit.set("HealthInterval", &format!("{}s", health.interval.as_secs()));
    unit.set("HealthTimeout", &format!("{}s", health::patience(health)));
    unit.set("HealthRetries", &health.retries.to_string());
    unit.set("HealthStartPeriod", &format!("{}s", health.start_period.as_secs()));
    unit.set("Notify", "healthy");
    Ok(())
}

/// Words as an array of JSON.
fn json(words: &[String]) -> String {
    serde_json::Value::from(words).to_string()
}

fn limits(unit: &mut Unit, spec: &ServiceSpec) {
    let allowed = &spec.resources;
    if let Some(pids) = allowed.pids {
        unit.set("PidsLimit", &pids.to_string());
    }
    let more = [
        allowed.memory.map(|size| format!("--memory={}", bytes(size))),
        allowed.reserve_memory.map(|size| format!("--memory-reservation={}", bytes(size))),
        allowed.cpu.map(|share| format!("--cpus={}", processors(share))),
    ];
    // Keys for these came with podman 5.6.
    for argument in more.into_iter().flatten() {
        unit.words("PodmanArgs", &[argument]);
    }
}

fn service(unit: &mut Unit, spec: &ServiceSpec) {
    unit.section("Service");
    let restart = match (spec.restart, spec.kind) {
        (Restart::Always, ServiceKind::Service) => "always",
        // A job that has ended well is not started again.
        (Restart::Always, ServiceKind::Job) | (Restart::OnFailure, _) => "on-failure",
        (Restart::Never, _) => "no",
    };
    if spec.kind == ServiceKind::Job {
        unit.set("Type", "oneshot");
        unit.set("RemainAfterExit", "yes");
    }
    unit.set("Restart", restart);
    if restart != "no" {
        // More than five starts in ten seconds are the last.
        unit.set("RestartSec", "3");
    }
    if let Some(health) = &spec.health {
        let checks = (health.interval.as_secs() + health::patience(health)) * u64::from(health.retries);
        unit.set("TimeoutStartSec", &(PULL + health.start_period.as_secs() + checks).to_string());
    }
    unit.set("TimeoutStopSec", &(spec.stop.grace.as_secs() + MARGIN).to_string());
}
