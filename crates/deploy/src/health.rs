//! Health checks as commands that run inside of a container.

use longshore_probe::Check;
use longshore_stack::model::{HealthCheck, HealthSpec};

/// Seconds that an engine waits longer than the probe does, whose words say more than the engine's.
const MARGIN: u64 = 2;

/// Program and arguments. The service is asked at the loopback of its own container.
pub(crate) fn command(health: &HealthSpec) -> Vec<String> {
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

/// Seconds after which the engine takes a check for failed.
pub(crate) fn patience(health: &HealthSpec) -> u64 {
    match health.check {
        HealthCheck::Exec { .. } => health.timeout.as_secs(),
        _ => health.timeout.as_secs() + MARGIN,
    }
}
