//! One service of a Compose file.

use std::collections::BTreeMap;

use longshore_oci::{Reference, TreePath};
use longshore_stack::model::{self, ServiceKind, ServiceSpec};

use super::document::{
    Amounts, Bind, Condition, Dependency, Deploy, Health, Logging, Mount, Port, PullPolicy, Resources,
    Restart, SecretMount, Service,
};
use super::escape::{literal, seconds};
use super::{Error, volume_name};
use crate::quantity::{bytes, processors};
use crate::{Deployment, Note, Rendered, Single, config, health};

/// How much a folder in memory may hold. It counts for the memory of its service.
const IN_MEMORY: u64 = 1 << 30;

/// The service called `name`, which runs when one of `groups` is asked for.
pub(super) fn service<'a>(
    deployment: &Deployment<'a>,
    name: &'a str,
    spec: &'a ServiceSpec,
    groups: Vec<&str>,
    rendered: &mut Rendered,
) -> Result<Service<'a>, Error> {
    let image = deployment.image_of(name, &spec.image)?;
    let command = spec.command.as_ref();
    Ok(Service {
        image: image.to_string(),
        pull_policy: pull_policy(image),
        profiles: groups.into_iter().map(literal).collect(),
        command: command.map(|command| command.iter().map(|text| literal(&text.in_containers())).collect()),
        environment: spec
            .env
            .iter()
            .map(|(name, text)| (name.as_str(), literal(&text.in_containers())))
            .collect(),
        user: format!("{}:{}", spec.user.uid, spec.user.gid),
        read_only: true,
        cap_drop: ["ALL"],
        security_opt: ["no-new-privileges:true"],
        tmpfs: tmpfs(name, spec)?,
        volumes: mounts(name, spec, rendered),
        secrets: spec.secrets.iter().map(|(secret, path)| secret_mount(secret, path)).collect(),
        ports: ports(spec),
        depends_on: spec.needs.iter().map(|(need, until)| (need.as_str(), dependency(*until))).collect(),
        healthcheck: spec.health.as_ref().map(healthcheck),
        deploy: deploy(spec, replicas(name, spec, rendered)),
        restart: restart(spec),
        stop_signal: &spec.stop.signal,
        stop_grace_period: seconds(spec.stop.grace.as_secs()),
        logging: Logging {
            driver: "json-file",
            options: BTreeMap::from([("max-file", "3"), ("max-size", "10m")]),
        },
    })
}

/// What has no digest was loaded, and no registry would know its name.
fn pull_policy(image: &Reference) -> PullPolicy {
    match image.digest {
        Some(_) => PullPolicy::Missing,
        None => PullPolicy::Never,
    }
}

/// `/tmp`, and every folder that the service writes and nobody keeps.
fn tmpfs(name: &str, spec: &ServiceSpec) -> Result<Vec<String>, Error> {
    let size = bytes(IN_MEMORY);
    let mut all = vec![format!("/tmp:mode=1777,size={size}")];
    for folder in spec.scratch.iter().filter(|folder| folder.path.to_string() != "/tmp") {
        let path = folder.path.to_string();
        if path.contains(':') {
            return Err(Error::Folder { service: name.to_owned(), path });
        }
        let ((uid, gid), mode) = (folder.owner, folder.mode);
        all.push(format!("{}:mode={mode:04o},uid={uid},gid={gid},size={size}", literal(&path)));
    }
    Ok(all)
}

fn mounts(name: &str, spec: &ServiceSpec, rendered: &mut Rendered) -> Vec<Mount> {
    let volumes = spec.volumes.iter().map(|(volume, spec)| Mount::Volume {
        source: volume_name(name, volume),
        target: literal(&spec.path.to_string()),
    });
    let files = spec.files.iter().map(|(path, file)| Mount::Bind {
        source: literal(&format!("./{}", config::add(rendered, name, path, file))),
        target: literal(&path.to_string()),
        read_only: true,
        // A file that is not there would become a folder.
        bind: Bind { create_host_path: false },
    });
    volumes.chain(files).collect()
}

fn secret_mount<'a>(secret: &'a str, path: &TreePath) -> SecretMount<'a> {
    SecretMount { source: secret, target: literal(&path.to_string()) }
}

fn ports(spec: &ServiceSpec) -> Vec<Port> {
    let all = spec.publish.iter().filter_map(|(name, place)| {
        let port = spec.ports.get(name)?;
        Some(Port {
            target: port.number,
            published: place.number.to_string(),
            host_ip: place.address.to_string(),
            protocol: port.protocol,
        })
    });
    all.collect()
}

fn dependency(until: model::Condition) -> Dependency {
    let condition = match until {
        model::Condition::Ready => Condition::Healthy,
        model::Condition::Started => Condition::Started,
        model::Condition::Completed => Condition::Completed,
    };
    Dependency { condition }
}

/// Without `start_interval`, which engines before 25 refuse.
fn healthcheck(spec: &model::HealthSpec) -> Health {
    let command = health::command(spec);
    Health {
        test: std::iter::once("CMD".to_owned()).chain(command.iter().map(|word| literal(word))).collect(),
        interval: seconds(spec.interval.as_secs()),
        timeout: seconds(health::patience(spec)),
        retries: spec.retries,
        start_period: seconds(spec.start_period.as_secs()),
    }
}

/// How many run: as many as the stack file says, where each can have what it needs.
fn replicas(name: &str, spec: &ServiceSpec, rendered: &mut Rendered) -> Option<u32> {
    let replicas = Some(spec.replicas).filter(|replicas| *replicas > 1)?;
    let because = match (spec.publish.is_empty(), spec.volumes.is_empty()) {
        (true, true) => return Some(replicas),
        (false, _) => Single::Published,
        (true, false) => Single::Volume,
    };
    rendered.notes.push(Note::OneReplica { service: name.to_owned(), replicas, because });
    None
}

fn deploy(spec: &ServiceSpec, replicas: Option<u32>) -> Option<Deploy> {
    let allowed = &spec.resources;
    let some = |amounts: Amounts| Some(amounts).filter(|amounts| *amounts != Amounts::default());
    let limits = some(Amounts {
        cpus: allowed.cpu.map(processors),
        memory: allowed.memory.map(bytes),
        pids: allowed.pids,
    });
    let reservations = some(Amounts {
        cpus: allowed.reserve_cpu.map(processors),
        memory: allowed.reserve_memory.map(bytes),
        pids: None,
    });
    let any = limits.is_some() || reservations.is_some();
    let resources = any.then_some(Resources { limits, reservations });
    (replicas.is_some() || any).then_some(Deploy { replicas, resources })
}

/// A job that has ended well is not started again, whatever is said: nobody could wait for it.
fn restart(spec: &ServiceSpec) -> Restart {
    match (spec.restart, spec.kind) {
        // What was stopped by hand stays so when the machine starts again.
        (model::Restart::Always, ServiceKind::Service) => Restart::UnlessStopped,
        (model::Restart::Always, ServiceKind::Job) | (model::Restart::OnFailure, _) => Restart::OnFailure,
        (model::Restart::Never, _) => Restart::No,
    }
}
