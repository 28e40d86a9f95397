//! The objects, in the order in which they have to be there.

use std::collections::BTreeSet;

use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, PersistentVolumeClaim, Service, ServiceAccount};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Serialize;

use super::workload::Workload;
use super::{Error, View, config, elastic, labels, network, volumes, workload};

/// An object, and whose it is.
pub(super) struct Object {
    /// A word of a file's name that stays when the object's own name changes.
    pub(super) stem: String,
    /// The service, unless it belongs to all.
    pub(super) service: Option<String>,
    /// What it is.
    pub(super) body: Body,
}

/// An object of one of the kinds that a stack is made of.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Body {
    Namespace(Namespace),
    ServiceAccount(ServiceAccount),
    NetworkPolicy(NetworkPolicy),
    ConfigMap(ConfigMap),
    PersistentVolumeClaim(PersistentVolumeClaim),
    Service(Service),
    Deployment(Box<Deployment>),
    StatefulSet(Box<StatefulSet>),
    Job(Box<Job>),
    PodDisruptionBudget(PodDisruptionBudget),
    HorizontalPodAutoscaler(HorizontalPodAutoscaler),
}

impl Object {
    /// Its name in the namespace.
    pub(super) fn name(&self) -> &str {
        self.body.parts().1.name.as_deref().unwrap_or_default()
    }

    /// Its kind.
    pub(super) fn kind(&self) -> &'static str {
        self.body.parts().0
    }

    /// What has to be there before what: policies before the pods that they are about, configuration before its readers.
    pub(super) fn rank(&self) -> u8 {
        match self.body {
            Body::Namespace(_) => 0,
            Body::ServiceAccount(_) => 10,
            Body::NetworkPolicy(_) => 20,
            Body::ConfigMap(_) => 30,
            Body::PersistentVolumeClaim(_) => 40,
            Body::Service(_) => 50,
            Body::Deployment(_) | Body::StatefulSet(_) | Body::Job(_) => 60,
            Body::PodDisruptionBudget(_) => 70,
            Body::HorizontalPodAutoscaler(_) => 80,
        }
    }

    /// A file for it: `web-deployment`.
    pub(super) fn file(&self) -> String {
        match self.body {
            Body::Namespace(_) => "namespace".to_owned(),
            _ => format!("{}-{}", self.stem, self.kind().to_ascii_lowercase()),
        }
    }
}

impl Body {
    fn parts(&self) -> (&'static str, &ObjectMeta) {
        match self {
            Self::Namespace(object) => ("Namespace", &object.metadata),
            Self::ServiceAccount(object) => ("ServiceAccount", &object.metadata),
            Self::NetworkPolicy(object) => ("NetworkPolicy", &object.metadata),
            Self::ConfigMap(object) => ("ConfigMap", &object.metadata),
            Self::PersistentVolumeClaim(object) => ("PersistentVolumeClaim", &object.metadata),
            Self::Service(object) => ("Service", &object.metadata),
            Self::Deployment(object) => ("Deployment", &object.metadata),
            Self::StatefulSet(object) => ("StatefulSet", &object.metadata),
            Self::Job(object) => ("Job", &object.metadata),
            Self::PodDisruptionBudget(object) => ("PodDisruptionBudget", &object.metadata),
            Self::HorizontalPodAutoscaler(object) => ("HorizontalPodAutoscaler", &object.metadata),
        }
    }
}

/// All objects of a stack.
pub(super) fn all(view: &View<'_>) -> Result<Vec<Object>, Error> {
    let shared = |stem: &str, body| Object { stem: stem.to_owned(), service: None, body };
    let mut objects = vec![
        shared("namespace", Body::Namespace(namespace(view))),
        shared(network::DENY, Body::NetworkPolicy(network::deny(view))),
    ];
    for name in view.services.keys() {
        of_service(view, name, &mut objects)?;
    }
    // Stable: within a kind they stay in the order of their services.
    objects.sort_by_key(Object::rank);
    let mut seen = BTreeSet::new();
    match objects.iter().find(|object| !seen.insert((object.kind(), object.name()))) {
        Some(twice) => Err(Error::Name { kind: twice.kind(), name: twice.name().to_owned() }),
        None => Ok(objects),
    }
}

fn of_service(view: &View<'_>, name: &str, objects: &mut Vec<Object>) -> Result<(), Error> {
    let spec = view.services[name];
    let mut add = |stem: &str, body| {
        objects.push(Object { stem: stem.to_owned(), service: Some(name.to_owned()), body });
    };
    add(name, Body::ServiceAccount(service_account(view, name)));
    add(name, Body::NetworkPolicy(network::policy(view, name, spec)));
    let config = config::config(view, name, spec)?;
    if let Some(config) = &config {
        add(name, Body::ConfigMap(config.clone()));
    }
    for (volume, claim) in volumes::own_claims(view, name, spec) {
        add(&format!("{name}-{volume}"), Body::PersistentVolumeClaim(claim));
    }
    if let Some(service) = network::service(view, name, spec) {
        add(name, Body::Service(service));
    }
    let workload = workload::workload(view, name, spec, config.as_ref())?;
    let scaled = elastic::Scaled::of(&workload);
    match workload {
        Workload::Deployment(deployment) => add(name, Body::Deployment(deployment)),
        Workload::StatefulSet(set) => {
            add(&format!("{name}-pods"), Body::Service(network::headless(view, name, spec)));
            add(name, Body::StatefulSet(set));
        }
        Workload::Job(job) => add(name, Body::Job(job)),
    }
    if let Some(scaled) = scaled {
        add(name, Body::PodDisruptionBudget(elastic::budget(view, name)));
        if let Some(scale) = spec.scale {
            let autoscaler = elastic::autoscaler(view, name, spec, scale, scaled);
            add(name, Body::HorizontalPodAutoscaler(autoscaler));
        }
    }
    Ok(())
}

/// Everything in it is held to the strictest of the Pod Security Standards.
fn namespace(view: &View<'_>) -> Namespace {
    let mut metadata = labels::meta(view, &view.namespace, None);
    metadata.namespace = None;
    let restricted = ["enforce", "warn", "audit"]
        .map(|how| (format!("pod-security.kubernetes.io/{how}"), "restricted".to_owned()));
    metadata.labels.get_or_insert_default().extend(restricted);
    Namespace { metadata, ..Namespace::default() }
}

/// No service speaks to Kubernetes itself.
fn service_account(view: &View<'_>, name: &str) -> ServiceAccount {
    ServiceAccount {
        metadata: labels::meta(view, name, Some(name)),
        automount_service_account_token: Some(false),
        ..ServiceAccount::default()
    }
}
