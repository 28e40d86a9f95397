//! Health checks as commands that run inside of a container.

use std::time::Duration;

use longshore_oci::Healthcheck;
use longshore_probe::Check;
use longshore_stack::model::{HealthCheck, HealthSpec};

/// Program and arguments. The service is asked at the loopback of its own container.
pub fn command(health: &HealthSpec) -> Vec<String> {
    let host = "127.0.0.1".to_owned();
    let check = match &health.check {
        HealthCheck::Exec { command } => return command.iter().map(|text| text.in_containers()).collect(),
        HealthCheck::Http { port, path } => Check::Http { host, port: *port, path: path.clone() },
        HealthCheck::Tcp { port } => Check::Tcp { host, port: *port },
        HealthCheck::Grpc { port, service } => Check::Grpc {
            host,
            port: *port,
            service: Some(service.clone()).filter(|service| !service.is_empty()),
        },
    };
    check.argv(health.timeout)
}

/// The same as Docker has it in an image's configuration.
pub(crate) fn docker(health: &HealthSpec) -> Healthcheck {
    let nanoseconds = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    Healthcheck {
        test: std::iter::once("CMD".to_owned()).chain(command(health)).collect(),
        interval: nanoseconds(health.interval),
        timeout: nanoseconds(health.timeout),
        start_period: nanoseconds(health.start_period),
        retries: health.retries,
    }
}
