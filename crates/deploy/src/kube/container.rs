//! The container of a service.

use k8s_openapi::api::core::v1::{
    Capabilities, ConfigMap, Container, ContainerPort, EnvVar, SecurityContext,
};
use longshore_stack::model::{Protocol, ServiceSpec, Text};

use super::{network, probes, resources, volumes};

pub(super) fn container(
    name: &str,
    spec: &ServiceSpec,
    image: String,
    config: Option<&ConfigMap>,
) -> Container {
    let env = spec.env.iter().map(|(name, value)| EnvVar {
        name: name.clone(),
        value: Some(text(value)),
        value_from: None,
    });
    let probes = spec.health.as_ref().map(probes::Probes::of);
    Container {
        name: name.to_owned(),
        // The image's entrypoint stays: its command is what Kubernetes calls arguments.
        args: spec.command.as_ref().map(|command| command.iter().map(text).collect()),
        env: some(env.collect()),
        ports: some(ports(spec)),
        resources: resources::of(&spec.resources),
        startup_probe: probes.as_ref().map(|probes| probes.startup.clone()),
        readiness_probe: probes.as_ref().map(|probes| probes.readiness.clone()),
        liveness_probe: probes.map(|probes| probes.liveness),
        volume_mounts: some(volumes::mounts(spec, config)),
        // A program that ends has often said why, and to standard error alone.
        termination_message_policy: Some("FallbackToLogsOnError".to_owned()),
        ..bare(image)
    }
}

/// A container without anything that it does not need.
pub(super) fn bare(image: String) -> Container {
    Container {
        image: Some(image),
        image_pull_policy: Some("IfNotPresent".to_owned()),
        security_context: Some(SecurityContext {
            allow_privilege_escalation: Some(false),
            capabilities: Some(Capabilities { drop: Some(vec!["ALL".to_owned()]), add: None }),
            read_only_root_filesystem: Some(true),
            ..SecurityContext::default()
        }),
        ..Container::default()
    }
}

/// A text as Kubernetes takes it in commands and variables, where `$(NAME)` is replaced and `$$` is a `$`.
pub(super) fn text(text: &Text) -> String {
    let text = text.in_containers();
    let mut escaped = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        escaped.push(c);
        if c == '$' && matches!(rest.peek(), Some('$' | '(')) {
            escaped.push('$');
        }
    }
    escaped
}

fn ports(spec: &ServiceSpec) -> Vec<ContainerPort> {
    let ports = network::ports(spec).into_iter().map(|(name, port)| ContainerPort {
        name: Some(name),
        container_port: port.number.into(),
        protocol: Some(protocol(port.protocol).to_owned()),
        ..ContainerPort::default()
    });
    ports.collect()
}

/// Its word for a protocol.
pub(super) fn protocol(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Tcp => "TCP",
        Protocol::Udp => "UDP",
    }
}

/// The list, unless there is nothing in it.
pub(super) fn some<T>(list: Vec<T>) -> Option<Vec<T>> {
    (!list.is_empty()).then_some(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_stay_dollars() {
        for (plain, written) in [
            ("a$b", "a$b"),
            ("$(HOME)", "$$(HOME)"),
            ("$$", "$$$"),
            ("$$(A)", "$$$$(A)"),
            ("$", "$"),
            ("a$$x", "a$$$x"),
        ] {
            assert_eq!(text(&Text::from(plain)), written);
        }
    }
}
