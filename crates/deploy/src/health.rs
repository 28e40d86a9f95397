//! Health checks as engines are told of them.

pub(crate) use longshore_image::health::command;
use longshore_stack::model::{HealthCheck, HealthSpec};

/// Seconds that an engine waits longer than the probe does, whose words say more than the engine's.
const MARGIN: u64 = 2;

/// Seconds after which the engine takes a check for failed.
pub(crate) fn patience(health: &HealthSpec) -> u64 {
    match health.check {
        HealthCheck::Exec { .. } => health.timeout.as_secs(),
        _ => health.timeout.as_secs() + MARGIN,
    }
}
