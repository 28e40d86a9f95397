//! Health checks, which Kubernetes does itself.

use std::time::Duration;

use k8s_openapi::api::core::v1::{ExecAction, GRPCAction, HTTPGetAction, Probe, TCPSocketAction};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use longshore_stack::model::{HealthCheck, HealthSpec};

use super::container;

/// The same question for three purposes.
pub(super) struct Probes {
    /// Has it started? Until then nothing else is asked, and after it took too long it is started again.
    pub(super) startup: Probe,
    /// Is it to be sent requests?
    pub(super) readiness: Probe,
    /// Is it beyond help? Asked half as often, and believed later: a service that has too much to do gets no better by a new start.
    pub(super) liveness: Probe,
}

/// So many times the failures that readiness takes.
const PATIENCE: i32 = 3;

impl Probes {
    pub(super) fn of(health: &HealthSpec) -> Self {
        let interval = seconds(health.interval);
        let retries = i32::try_from(health.retries).unwrap_or(i32::MAX);
        // Failures don't count in the start period; then they do.
        let starting = (seconds(health.start_period) + interval - 1) / interval;
        let probe = |period, failures| Probe {
            period_seconds: Some(period),
            failure_threshold: Some(failures),
            timeout_seconds: Some(seconds(health.timeout)),
            ..ask(&health.check)
        };
        Self {
            startup: probe(interval, starting.saturating_add(retries)),
            readiness: probe(interval, retries),
            liveness: probe(interval.saturating_mul(2), retries.saturating_mul(PATIENCE)),
        }
    }
}

fn ask(check: &HealthCheck) -> Probe {
    let port = |port: u16| IntOrString::Int(port.into());
    match check {
        HealthCheck::Http { port: number, path } => Probe {
            http_get: Some(HTTPGetAction {
                path: Some(path.clone()),
                port: port(*number),
                ..HTTPGetAction::default()
            }),
            ..Probe::default()
        },
        HealthCheck::Tcp { port: number } => Probe {
            tcp_socket: Some(TCPSocketAction { port: port(*number), host: None }),
            ..Probe::default()
        },
        HealthCheck::Grpc { port, service } => Probe {
            grpc: Some(GRPCAction {
                port: (*port).into(),
                service: (!service.is_empty()).then(|| service.clone()),
            }),
            ..Probe::default()
        },
        HealthCheck::Exec { command } => Probe {
            exec: Some(ExecAction { command: Some(command.iter().map(container::text).collect()) }),
            ..Probe::default()
        },
    }
}

/// Whole seconds, one at least. The stack file takes a week at most.
fn seconds(duration: Duration) -> i32 {
    i32::try_from(duration.as_secs()).unwrap_or(i32::MAX).max(1)
}
