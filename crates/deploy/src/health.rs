//! Health checks as commands that run inside of a container.

use longshore_stack::model::{HealthCheck, HealthSpec};

/// Where the probe is in images.
pub(crate) const PROBE: &str = "/usr/libexec/longshore-probe";

/// Seconds that an engine waits longer than the probe does, whose words say more than the engine's.
const MARGIN: u64 = 2;

/// Program and arguments. The service is asked at the loopback of its own container.
pub(crate) fn command(health: &HealthSpec) -> Vec<String> {
    let mut argv = match &health.check {
        HealthCheck::Exec { command } => return command.iter().map(|text| text.in_containers()).collect(),
        HealthCheck::Http { port, path } => vec!["http".to_owned(), format!("http://127.0.0.1:{port}{path}")],
        HealthCheck::Tcp { port } => vec!["tcp".to_owned(), format!("127.0.0.1:{port}")],
        HealthCheck::Grpc { port, service } => {
            let mut argv = vec!["grpc".to_owned(), format!("127.0.0.1:{port}")];
            argv.extend(Some(service.clone()).filter(|service| !service.is_empty()));
            argv
        }
    };
    argv.insert(0, PROBE.to_owned());
    argv.extend(["--timeout".to_owned(), health.timeout.as_secs().to_string()]);
    argv
}

/// Seconds after which the engine takes a check for failed.
pub(crate) fn patience(health: &HealthSpec) -> u64 {
    match health.check {
        HealthCheck::Exec { .. } => health.timeout.as_secs(),
        _ => health.timeout.as_secs() + MARGIN,
    }
}
