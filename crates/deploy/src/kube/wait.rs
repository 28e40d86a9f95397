//! `needs`: Kubernetes starts everything at once, so that a service waits by itself for what has to be ready before it.
//!
//! A container before the service's own asks for a connection, through the Service of what is needed: a cluster only lets
//! those through that are ready. It is the probe of the service's own image, which has nothing else to run, and finds the
//! other by the cluster's DNS.
//!
//! Nothing waits for what is only to be started, since nothing could come of it. And nothing waits for the end of a job: only the
//! API knows of it, and pods have no account there. A program that can't work before the end of a job must say so by its end, and
//! is then started again, later and later.

use std::time::Duration;

use k8s_openapi::api::core::v1::Container;
use longshore_probe::Check;
use longshore_stack::model::{Condition, HealthCheck, Protocol, ServiceSpec};

use super::{Services, View, container, names, resources};

/// How long a connection may take.
const TIMEOUT: Duration = Duration::from_secs(3);
/// After so long the container ends as failed, which is seen, and is started again.
const WAIT: Duration = Duration::from_secs(300);

/// Containers that end when what the service needs is ready.
pub(super) fn containers(view: &View<'_>, spec: &ServiceSpec, image: &str) -> Vec<Container> {
    let waiting = places(spec, &view.services).map(|(needed, port)| {
        let check = Check::Tcp { host: needed.to_owned(), port };
        Container {
            name: names::label(&format!("wait-for-{needed}"), names::LABEL),
            command: Some(check.waiting(TIMEOUT, WAIT)),
            resources: Some(resources::tiny()),
            termination_message_policy: Some("FallbackToLogsOnError".to_owned()),
            ..container::bare(image.to_owned())
        }
    });
    waiting.collect()
}

/// The services that have to be ready before `spec` starts, each with a port that takes connections then. Not those without any.
fn places<'a>(spec: &'a ServiceSpec, services: &'a Services<'_>) -> impl Iterator<Item = (&'a str, u16)> {
    spec.needs.iter().filter(|(_, until)| **until == Condition::Ready).filter_map(|(name, _)| {
        let needed = services.get(name.as_str())?;
        Some((name.as_str(), port(needed)?))
    })
}

fn port(spec: &ServiceSpec) -> Option<u16> {
    match spec.health.as_ref().map(|health| &health.check) {
        Some(HealthCheck::Http { port, .. } | HealthCheck::Tcp { port } | HealthCheck::Grpc { port, .. }) => {
            Some(*port)
        }
        Some(HealthCheck::Exec { .. }) | None => {
            spec.ports.values().find(|port| port.protocol == Protocol::Tcp).map(|port| port.number)
        }
    }
}
