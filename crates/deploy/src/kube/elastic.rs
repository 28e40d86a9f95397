//! How many pods there are, and how many may be missing.

use k8s_openapi::api::autoscaling::v2::{
    CrossVersionObjectReference, HorizontalPodAutoscaler, HorizontalPodAutoscalerSpec, MetricSpec,
    MetricTarget, ResourceMetricSource,
};
use k8s_openapi::api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use longshore_stack::model::{Scale, ServiceSpec};

use super::workload::Workload;
use super::{View, labels};

/// Something that there can be several of.
pub(super) struct Scaled {
    kind: &'static str,
    name: Option<String>,
}

impl Scaled {
    /// What runs the pods, unless it ends.
    pub(super) fn of(workload: &Workload) -> Option<Self> {
        let (kind, metadata) = match workload {
            Workload::Deployment(deployment) => ("Deployment", &deployment.metadata),
            Workload::StatefulSet(set) => ("StatefulSet", &set.metadata),
            Workload::Job(_) => return None,
        };
        Some(Self { kind, name: metadata.name.clone() })
    }
}

/// Nodes that are emptied take one pod at a time. It never stands in the way of the only one there is, and holds as soon as
/// there are more, whoever made them.
pub(super) fn budget(view: &View<'_>, name: &str) -> PodDisruptionBudget {
    PodDisruptionBudget {
        metadata: labels::meta(view, name, Some(name)),
        spec: Some(PodDisruptionBudgetSpec {
            max_unavailable: Some(IntOrString::Int(1)),
            selector: Some(labels::selector(view, name)),
            // A pod that does not work must not keep a node from being emptied.
            unhealthy_pod_eviction_policy: Some("AlwaysAllow".to_owned()),
            ..PodDisruptionBudgetSpec::default()
        }),
        status: None,
    }
}

pub(super) fn autoscaler(
    view: &View<'_>,
    name: &str,
    spec: &ServiceSpec,
    scale: Scale,
    scaled: Scaled,
) -> HorizontalPodAutoscaler {
    let int = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    let target = MetricTarget {
        type_: "Utilization".to_owned(),
        average_utilization: Some(int(scale.cpu)),
        ..MetricTarget::default()
    };
    let cpu = MetricSpec {
        type_: "Resource".to_owned(),
        resource: Some(ResourceMetricSource { name: "cpu".to_owned(), target }),
        ..MetricSpec::default()
    };
    HorizontalPodAutoscaler {
        metadata: labels::meta(view, name, Some(name)),
        spec: Some(HorizontalPodAutoscalerSpec {
            min_replicas: Some(int(spec.replicas)),
            max_replicas: int(scale.max),
            metrics: Some(vec![cpu]),
            scale_target_ref: CrossVersionObjectReference {
                api_version: Some("apps/v1".to_owned()),
                kind: scaled.kind.to_owned(),
                name: scaled.name.unwrap_or_default(),
            },
            behavior: None,
        }),
        status: None,
    }
}
