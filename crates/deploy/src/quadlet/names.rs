//! What things of a stack are called among all others of a machine.
//!
//! Names of services have no `_`, so nothing that has one after the stack's name is a service's.

/// Names of one stack's things.
#[derive(Debug, Clone, Copy)]
pub(super) struct Names<'a> {
    /// The stack.
    pub(super) stack: &'a str,
}

impl Names<'_> {
    /// The container's own name; others of the stack reach it by the service's.
    pub(super) fn container(&self, service: &str) -> String {
        format!("{}-{service}", self.stack)
    }

    pub(super) fn container_file(&self, service: &str) -> String {
        format!("{}.container", self.container(service))
    }

    /// What the generator makes of it.
    pub(super) fn container_unit(&self, service: &str) -> String {
        format!("{}.service", self.container(service))
    }

    /// As Compose calls it.
    pub(super) fn volume(&self, service: &str, volume: &str) -> String {
        format!("{}_{service}_{volume}", self.stack)
    }

    pub(super) fn volume_file(&self, service: &str, volume: &str) -> String {
        format!("{}.volume", self.volume(service, volume))
    }

    pub(super) fn network_file(&self) -> String {
        format!("{}_net.network", self.stack)
    }
}

/// The name by which podman knows the secret `name` of a stack: `podman secret create NAME FILE`.
pub fn secret_name(stack: &str, name: &str) -> String {
    format!("{stack}_{name}")
}
