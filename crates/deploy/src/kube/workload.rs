//! What runs the pods of a service: a Deployment, a StatefulSet where there are volumes, a Job for what ends.

use k8s_openapi::api::apps::v1::{
    Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment, StatefulSet,
    StatefulSetPersistentVolumeClaimRetentionPolicy, StatefulSetSpec,
};
use k8s_openapi::api::batch::v1::{Job, JobSpec};
use k8s_openapi::api::core::v1::{ConfigMap, PodTemplateSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use longshore_stack::model::{Restart, ServiceKind, ServiceSpec};

use super::{Error, View, labels, names, network, pod, volumes};

/// Old states that can be gone back to; each is an object that stays.
const HISTORY: i32 = 3;
/// Kubernetes writes a StatefulSet's name and ten characters into a label.
const SET_NAME: usize = names::LABEL - 11;
/// A Job's name is a label, and has a digest at its end; the chart for Helm may add another.
const JOB_NAME: usize = names::LABEL - 2 * 11;

/// What runs the pods.
pub(super) enum Workload {
    Deployment(Box<Deployment>),
    StatefulSet(Box<StatefulSet>),
    Job(Box<Job>),
}

pub(super) fn workload(
    view: &View<'_>,
    name: &str,
    spec: &ServiceSpec,
    config: Option<&ConfigMap>,
) -> Result<Workload, Error> {
    let template = pod::template(view, name, spec, config)?;
    match spec.kind {
        ServiceKind::Job => Ok(Workload::Job(Box::new(job(view, name, spec, template)?))),
        ServiceKind::Service if spec.volumes.is_empty() => {
            Ok(Workload::Deployment(Box::new(deployment(view, name, spec, template))))
        }
        ServiceKind::Service => Ok(Workload::StatefulSet(Box::new(set(view, name, spec, template)))),
    }
}

/// How many; left to the autoscaler where there is one.
fn replicas(spec: &ServiceSpec) -> Option<i32> {
    spec.scale.is_none().then(|| i32::try_from(spec.replicas).unwrap_or(i32::MAX))
}

fn deployment(view: &View<'_>, name: &str, spec: &ServiceSpec, template: PodTemplateSpec) -> Deployment {
    // A new pod is ready before an old one goes.
    let rolling = RollingUpdateDeployment {
        max_surge: Some(IntOrString::Int(1)),
        max_unavailable: Some(IntOrString::Int(0)),
    };
    let spec = DeploymentSpec {
        replicas: replicas(spec),
        revision_history_limit: Some(HISTORY),
        selector: labels::selector(view, name),
        strategy: Some(DeploymentStrategy {
            type_: Some("RollingUpdate".to_owned()),
            rolling_update: Some(rolling),
        }),
        template,
        ..DeploymentSpec::default()
    };
    Deployment { metadata: labels::meta(view, name, Some(name)), spec: Some(spec), status: None }
}

fn set(view: &View<'_>, name: &str, spec: &ServiceSpec, template: PodTemplateSpec) -> StatefulSet {
    let keep = Some("Retain".to_owned());
    let set = StatefulSetSpec {
        replicas: replicas(spec),
        revision_history_limit: Some(HISTORY),
        selector: labels::selector(view, name),
        service_name: Some(network::headless_name(name)),
        // The stack file knows no order among replicas of one service.
        pod_management_policy: Some("Parallel".to_owned()),
        persistent_volume_claim_retention_policy: Some(StatefulSetPersistentVolumeClaimRetentionPolicy {
            when_deleted: keep.clone(),
            when_scaled: keep,
        }),
        volume_claim_templates: Some(volumes::claim_templates(view, name, spec)),
        template,
        ..StatefulSetSpec::default()
    };
    let metadata = labels::meta(view, &names::label(name, SET_NAME), Some(name));
    StatefulSet { metadata, spec: Some(set), status: None }
}

/// A Job can't be changed, so that another template is another Job.
fn job(view: &View<'_>, name: &str, spec: &ServiceSpec, template: PodTemplateSpec) -> Result<Job, Error> {
    let written = serde_json::to_vec(&template).map_err(|source| Error::Template {
        kind: "Job",
        name: name.to_owned(),
        source,
    })?;
    let own = format!("{}-{}", names::label(name, JOB_NAME), names::digest(&written));
    // Six tries are ten minutes: what it needs may take as long to be there.
    let backoff_limit = if spec.restart == Restart::Never { 0 } else { 6 };
    let job = JobSpec { backoff_limit: Some(backoff_limit), template, ..JobSpec::default() };
    Ok(Job { metadata: labels::meta(view, &own, Some(name)), spec: Some(job), status: None })
}
