//! Names on the network, and who may speak to whom.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec as ServiceObject};
use k8s_openapi::api::networking::v1::{
    IPBlock, NetworkPolicy, NetworkPolicyEgressRule, NetworkPolicyIngressRule, NetworkPolicyPeer,
    NetworkPolicyPort, NetworkPolicySpec,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use longshore_stack::model::{PortSpec, Protocol, ServiceSpec};

use super::container::{protocol, some};
use super::{View, labels, names};

/// The policy that everything else is an exception from.
pub(super) const DENY: &str = "default-deny";

/// The ports of a service with the names that they have here; each number and protocol once.
pub(super) fn ports(spec: &ServiceSpec) -> Vec<(String, PortSpec)> {
    let (mut seen, mut taken) = (BTreeSet::new(), BTreeSet::new());
    let mut ports = Vec::new();
    for (name, port) in &spec.ports {
        if !seen.insert((port.number, protocol(port.protocol))) {
            continue;
        }
        let own = names::port(name, port.number);
        let own = if taken.contains(&own) { format!("port-{}-{}", port.number, ports.len()) } else { own };
        taken.insert(own.clone());
        ports.push((own, *port));
    }
    ports
}

/// The name by which others reach a service, if it has ports.
pub(super) fn service(view: &View<'_>, name: &str, spec: &ServiceSpec) -> Option<Service> {
    let ports = some(service_ports(spec))?;
    Some(Service {
        metadata: labels::meta(view, name, Some(name)),
        spec: Some(ServiceObject {
            type_: Some("ClusterIP".to_owned()),
            selector: Some(labels::selecting(view, name)),
            ports: Some(ports),
            ..ServiceObject::default()
        }),
        status: None,
    })
}

/// The name of a StatefulSet's own Service.
pub(super) fn headless_name(name: &str) -> String {
    names::label(&format!("{name}-pods"), names::LABEL)
}

/// What gives each pod of a StatefulSet a name.
pub(super) fn headless(view: &View<'_>, name: &str, spec: &ServiceSpec) -> Service {
    Service {
        metadata: labels::meta(view, &headless_name(name), Some(name)),
        spec: Some(ServiceObject {
            cluster_ip: Some("None".to_owned()),
            publish_not_ready_addresses: Some(true),
            selector: Some(labels::selecting(view, name)),
            ports: some(service_ports(spec)),
            ..ServiceObject::default()
        }),
        status: None,
    }
}

fn service_ports(spec: &ServiceSpec) -> Vec<ServicePort> {
    let ports = ports(spec).into_iter().map(|(name, port)| ServicePort {
        target_port: Some(IntOrString::String(name.clone())),
        name: Some(name),
        port: port.number.into(),
        protocol: Some(protocol(port.protocol).to_owned()),
        ..ServicePort::default()
    });
    ports.collect()
}

/// Nobody speaks to anybody.
pub(super) fn deny(view: &View<'_>) -> NetworkPolicy {
    NetworkPolicy {
        metadata: labels::meta(view, DENY, None),
        spec: Some(NetworkPolicySpec {
            pod_selector: Some(LabelSelector::default()),
            policy_types: Some(both_ways()),
            ..NetworkPolicySpec::default()
        }),
    }
}

/// What a service may: be spoken to by those that name it, and on ports that are published by anybody; speak to those that it
/// names, and to networks that the stack file allows.
pub(super) fn policy(view: &View<'_>, name: &str, spec: &ServiceSpec) -> NetworkPolicy {
    NetworkPolicy {
        metadata: labels::meta(view, name, Some(name)),
        spec: Some(NetworkPolicySpec {
            pod_selector: Some(labels::selector(view, name)),
            ingress: some(ingress(view, name, spec)),
            egress: some(egress(view, spec)),
            policy_types: Some(both_ways()),
        }),
    }
}

fn ingress(view: &View<'_>, name: &str, spec: &ServiceSpec) -> Vec<NetworkPolicyIngressRule> {
    let published = spec.publish.keys().filter_map(|port| spec.ports.get(port)).map(policy_port);
    let anybody =
        some(published.collect()).map(|ports| NetworkPolicyIngressRule { ports: Some(ports), from: None });
    let callers = view.services.iter().filter(|(_, caller)| caller.connections().contains(&name));
    let callers = some(callers.map(|(caller, _)| pods(view, caller)).collect());
    // A rule without ports would be one for all ports.
    let named = callers.zip(some(policy_ports(spec)));
    let named = named.map(|(from, ports)| NetworkPolicyIngressRule { from: Some(from), ports: Some(ports) });
    named.into_iter().chain(anybody).collect()
}

fn egress(view: &View<'_>, spec: &ServiceSpec) -> Vec<NetworkPolicyEgressRule> {
    let callees = view.callees(spec).filter_map(|(name, callee)| {
        let ports = some(policy_ports(callee))?;
        Some(NetworkPolicyEgressRule { to: Some(vec![pods(view, name)]), ports: Some(ports) })
    });
    let networks = spec.egress.iter().map(|network| NetworkPolicyPeer {
        ip_block: Some(IPBlock { cidr: network.clone(), except: None }),
        ..NetworkPolicyPeer::default()
    });
    let networks = some(networks.collect()).map(|to| NetworkPolicyEgressRule { to: Some(to), ports: None });
    let rules: Vec<_> = callees.chain(networks).collect();
    // Who speaks to nobody needs no names.
    let names = (!rules.is_empty()).then(dns);
    names.into_iter().chain(rules).collect()
}

/// The cluster's DNS, under the labels that it has everywhere.
fn dns() -> NetworkPolicyEgressRule {
    let labelled = |key: &str, value: &str| LabelSelector {
        match_labels: Some([(key.to_owned(), value.to_owned())].into()),
        match_expressions: None,
    };
    let server = NetworkPolicyPeer {
        namespace_selector: Some(labelled("kubernetes.io/metadata.name", "kube-system")),
        pod_selector: Some(labelled("k8s-app", "kube-dns")),
        ip_block: None,
    };
    let port = |protocol| policy_port(&PortSpec { number: 53, protocol });
    NetworkPolicyEgressRule {
        to: Some(vec![server]),
        ports: Some(vec![port(Protocol::Udp), port(Protocol::Tcp)]),
    }
}

fn pods(view: &View<'_>, service: &str) -> NetworkPolicyPeer {
    NetworkPolicyPeer { pod_selector: Some(labels::selector(view, service)), ..NetworkPolicyPeer::default() }
}

fn policy_ports(spec: &ServiceSpec) -> Vec<NetworkPolicyPort> {
    ports(spec).iter().map(|(_, port)| policy_port(port)).collect()
}

fn policy_port(port: &PortSpec) -> NetworkPolicyPort {
    NetworkPolicyPort {
        port: Some(IntOrString::Int(port.number.into())),
        protocol: Some(protocol(port.protocol).to_owned()),
        end_port: None,
    }
}

fn both_ways() -> Vec<String> {
    ["Ingress", "Egress"].map(str::to_owned).to_vec()
}
