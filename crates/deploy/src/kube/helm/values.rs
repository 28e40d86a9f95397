//! What one cluster may have otherwise than another, with what the stack file says as defaults.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ResourceRequirements;
use serde::Serialize;
use serde_json::{Value, json};

use crate::kube::{Error, View, network, resources};
use crate::yaml;

/// `values.yaml`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Values<'a> {
    /// The Secret that holds the stack's secrets.
    pub(super) secret_name: &'a str,
    /// By what images are pulled, by the name that they have in the stack.
    pub(super) images: BTreeMap<&'a str, Image>,
    /// By service.
    pub(super) services: BTreeMap<&'a str, Service<'a>>,
}

/// By what an image is pulled.
#[derive(Serialize)]
pub(super) struct Image {
    /// Registry and repository.
    repository: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
}

/// What a service may have otherwise.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Service<'a> {
    /// Where it is not scaled by load, and does not end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) replicas: Option<u32>,
    /// Where it is scaled by load.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) scale: Option<Scale>,
    resources: ResourceRequirements,
    /// Where it has ports.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) service_type: Option<&'static str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) volumes: BTreeMap<&'a str, Volume>,
}

#[derive(Serialize)]
pub(super) struct Scale {
    min: u32,
    max: u32,
    cpu: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Volume {
    size: String,
    /// The cluster's own when empty.
    storage_class: &'static str,
}

/// What the values are for, before each of them.
const NOTES: [(&str, &str); 3] = [
    (
        "secretName:",
        "# A Secret in the release's namespace; its keys are the names of the stack's secrets.\n",
    ),
    (
        "images:",
        "# By what images are pulled. With another `repository`, such as a mirror's, the digest still holds.\n",
    ),
    (
        "services:",
        "# `storageClass` is the cluster's default when empty. `serviceType` may be LoadBalancer or NodePort for ports that are published.\n",
    ),
];

impl<'a> Values<'a> {
    pub(super) fn of(view: &'a View<'_>) -> Result<Self, Error> {
        let mut values =
            Self { secret_name: &view.secret, images: BTreeMap::new(), services: BTreeMap::new() };
        for (name, spec) in &view.services {
            let reference = view.deployment.image_of(name, &spec.image)?;
            let image = Image {
                repository: reference.name(),
                tag: reference.tag.clone(),
                digest: reference.digest.map(|digest| digest.to_string()),
            };
            values.images.insert(&spec.image, image);
            let ends = spec.kind == longshore_stack::model::ServiceKind::Job;
            let volumes = spec.volumes.iter().map(|(name, volume)| {
                (name.as_str(), Volume { size: resources::bytes(volume.size).0, storage_class: "" })
            });
            let service = Service {
                replicas: (!ends && spec.scale.is_none()).then_some(spec.replicas),
                scale: spec.scale.filter(|_| !ends).map(|scale| Scale {
                    min: spec.replicas,
                    max: scale.max,
                    cpu: scale.cpu,
                }),
                resources: resources::of(&spec.resources).unwrap_or_default(),
                service_type: network::service(view, name, spec).map(|_| "ClusterIP"),
                volumes: volumes.collect(),
            };
            values.services.insert(name, service);
        }
        Ok(values)
    }

    pub(super) fn text(&self) -> Result<String, Error> {
        let text = yaml::text(self).map_err(|source| Error::File { file: "values.yaml", source })?;
        let lines = text.lines().map(|line| {
            let note = NOTES.iter().find(|(key, _)| line.starts_with(key)).map_or("", |(_, note)| note);
            format!("{note}{line}\n")
        });
        Ok(lines.collect())
    }

    /// What a Job of a service is made of, as Helm's `toJson` writes it: with its keys sorted.
    pub(super) fn of_job(&self, service: &str, image: &str) -> BTreeMap<&str, Value> {
        let service = self.services.get(service);
        // Small maps whose keys are sorted as they are.
        let image = self.images.get(image).map(|image| {
            let parts = [
                ("digest", &image.digest),
                ("repository", &Some(image.repository.clone())),
                ("tag", &image.tag),
            ];
            let parts =
                parts.into_iter().filter_map(|(key, part)| Some((key.to_owned(), json!(part.as_ref()?))));
            Value::Object(parts.collect())
        });
        BTreeMap::from([
            ("image", image.unwrap_or_default()),
            ("resources", json!(service.map(|service| &service.resources))),
            ("secretName", json!(self.secret_name)),
        ])
    }
}

/// The expression for the values of a service.
pub(super) fn service(name: &str) -> String {
    format!("(index .Values.services {name:?})")
}

/// The expression for the values of an image.
pub(super) fn image(name: &str) -> String {
    format!("(index .Values.images {name:?})")
}
