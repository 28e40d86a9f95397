//! Pods, as restricted as Pod Security Standards go.

use k8s_openapi::api::core::v1::{
    ConfigMap, PodOS, PodSecurityContext, PodSpec, PodTemplateSpec, SeccompProfile, Sysctl,
    TopologySpreadConstraint,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use longshore_stack::model::{Restart, ServiceKind, ServiceSpec};

use super::{Error, View, container, labels, volumes, wait};

/// The pods of a service. `config` is where its files are.
pub(super) fn template(
    view: &View<'_>,
    name: &str,
    spec: &ServiceSpec,
    config: Option<&ConfigMap>,
) -> Result<PodTemplateSpec, Error> {
    if spec.user.uid == 0 {
        return Err(Error::Root { service: name.to_owned(), image: spec.image.clone() });
    }
    let image = view.deployment.image_of(name, &spec.image)?.to_string();
    let waiting = wait::containers(view, spec, &image);
    let pod = PodSpec {
        automount_service_account_token: Some(false),
        service_account_name: Some(name.to_owned()),
        // `TEMPO_PORT=tcp://…` is no port that a program would understand.
        enable_service_links: Some(false),
        os: Some(PodOS { name: "linux".to_owned() }),
        init_containers: (!waiting.is_empty()).then_some(waiting),
        containers: vec![container::container(name, spec, image, config)],
        restart_policy: Some(restart(spec).to_owned()),
        security_context: Some(security(spec)),
        termination_grace_period_seconds: Some(spec.stop.grace.as_secs().try_into().unwrap_or(i64::MAX)),
        topology_spread_constraints: (spec.kind == ServiceKind::Service).then(|| spread(view, name)),
        volumes: Some(volumes::volumes(view, spec, name, config)),
        ..PodSpec::default()
    };
    let metadata = ObjectMeta { labels: Some(labels::selecting(view, name)), ..ObjectMeta::default() };
    Ok(PodTemplateSpec { metadata: Some(metadata), spec: Some(pod) })
}

/// What runs on is always started again: Deployments know nothing else.
fn restart(spec: &ServiceSpec) -> &'static str {
    match (spec.kind, spec.restart) {
        (ServiceKind::Service, _) => "Always",
        (ServiceKind::Job, Restart::Never) => "Never",
        (ServiceKind::Job, Restart::Always | Restart::OnFailure) => "OnFailure",
    }
}

fn security(spec: &ServiceSpec) -> PodSecurityContext {
    // One of the "safe" sysctls, which restricted namespaces allow; engines differ in what they begin with.
    let low = spec.ports.values().any(|port| port.number < 1024);
    let ports = Sysctl { name: "net.ipv4.ip_unprivileged_port_start".to_owned(), value: "0".to_owned() };
    PodSecurityContext {
        run_as_non_root: Some(true),
        run_as_user: Some(spec.user.uid.into()),
        run_as_group: Some(spec.user.gid.into()),
        // Folders and secrets belong to root; the group is what lets the service in.
        fs_group: Some(spec.user.gid.into()),
        fs_group_change_policy: Some("OnRootMismatch".to_owned()),
        seccomp_profile: Some(SeccompProfile { type_: "RuntimeDefault".to_owned(), localhost_profile: None }),
        sysctls: low.then(|| vec![ports]),
        ..PodSecurityContext::default()
    }
}

/// On different machines, and in different zones where there are any. Of one pod it asks nothing.
fn spread(view: &View<'_>, name: &str) -> Vec<TopologySpreadConstraint> {
    let over = |key: &str| TopologySpreadConstraint {
        label_selector: Some(labels::selector(view, name)),
        max_skew: 1,
        topology_key: key.to_owned(),
        when_unsatisfiable: "ScheduleAnyway".to_owned(),
        ..TopologySpreadConstraint::default()
    };
    vec![over("kubernetes.io/hostname"), over("topology.kubernetes.io/zone")]
}
