//! A chart for Helm: the same objects as templates, with the plain ones' own values as defaults.
//!
//! Names stay as they are, since services are known to each other by them: a namespace holds one release.

mod chart;
mod holes;
mod schema;
mod values;

use std::collections::BTreeMap;

use self::holes::{Hole, Template};
use self::values::{Values, service};
use super::object::{Body, Object};
use super::{Error, View, names};
use crate::{Files, yaml};

pub(super) fn chart(view: &View<'_>, objects: &[Object], header: &str) -> Result<Files, Error> {
    let values = Values::of(view)?;
    let mut files = BTreeMap::from([
        ("Chart.yaml".to_owned(), format!("{header}{}", chart::chart(view)?)),
        ("values.yaml".to_owned(), format!("{header}{}", values.text()?)),
        ("values.schema.json".to_owned(), schema::schema(&values)),
        ("templates/_helpers.tpl".to_owned(), chart::helpers(view)),
        ("templates/NOTES.txt".to_owned(), chart::notes(view)),
    ]);
    for object in objects.iter().filter(|object| !matches!(object.body, Body::Namespace(_))) {
        let text = template(view, &values, object)?;
        files.insert(format!("templates/{}.yaml", object.file()), format!("{header}{text}"));
    }
    Ok(Files(files))
}

/// An object with holes for what clusters differ in.
fn template(view: &View<'_>, values: &Values<'_>, object: &Object) -> Result<String, Error> {
    let mut template = Template::of(&object.body).map_err(|source| Error::Template {
        kind: object.kind(),
        name: object.name().to_owned(),
        source,
    })?;
    template.put("/metadata/namespace", Hole::Text(".Release.Namespace".to_owned()));
    if let Some(name) = object.service.as_deref() {
        let own = service(name);
        match &object.body {
            Body::Deployment(_) => workload(&mut template, view, name),
            Body::StatefulSet(_) => {
                workload(&mut template, view, name);
                for volume in view.services[name].volumes.keys() {
                    claim(&mut template, name, volume);
                }
            }
            Body::Job(job) => {
                workload(&mut template, view, name);
                let plain = job.metadata.name.clone().unwrap_or_default();
                template.put("/metadata/name", Hole::Raw(job_name(view, values, name, &plain)?));
            }
            Body::PersistentVolumeClaim(_) => {
                let volume = object.stem.strip_prefix(&format!("{name}-")).unwrap_or_default();
                claim_at(&mut template, "/spec", name, volume);
            }
            Body::Service(body) if body.spec.as_ref().is_some_and(|spec| spec.type_.is_some()) => {
                template.put("/spec/type", Hole::Text(format!("{own}.serviceType")));
            }
            Body::HorizontalPodAutoscaler(_) => {
                template.put("/spec/minReplicas", Hole::Number(format!("{own}.scale.min")));
                template.put("/spec/maxReplicas", Hole::Number(format!("{own}.scale.max")));
                let used = "/spec/metrics/0/resource/target/averageUtilization";
                template.put(used, Hole::Number(format!("{own}.scale.cpu")));
            }
            Body::Service(_)
            | Body::Namespace(_)
            | Body::ServiceAccount(_)
            | Body::NetworkPolicy(_)
            | Body::ConfigMap(_)
            | Body::PodDisruptionBudget(_) => {}
        }
    }
    let text = yaml::text(template.value()).map_err(|source| Error::Write {
        kind: object.kind(),
        name: object.name().to_owned(),
        source,
    })?;
    Ok(template.fill(&text))
}

fn workload(template: &mut Template, view: &View<'_>, name: &str) {
    let own = service(name);
    if template.has("/spec/replicas") {
        template.put("/spec/replicas", Hole::Number(format!("{own}.replicas")));
    }
    let image =
        format!("include {:?} {}", chart::image_helper(view), values::image(&view.services[name].image));
    let pod = "/spec/template/spec";
    for kind in ["containers", "initContainers"] {
        for index in 0..template.length(&format!("{pod}/{kind}")) {
            template.put(&format!("{pod}/{kind}/{index}/image"), Hole::Text(image.clone()));
        }
    }
    template.put(&format!("{pod}/containers/0/resources"), Hole::Block(format!("{own}.resources")));
    for index in 0..template.length(&format!("{pod}/volumes")) {
        let secret = format!("{pod}/volumes/{index}/secret/secretName");
        if template.has(&secret) {
            template.put(&secret, Hole::Text(".Values.secretName".to_owned()));
        }
    }
}

/// The claim of a StatefulSet for `volume`.
fn claim(template: &mut Template, service: &str, volume: &str) {
    let own = names::label(volume, names::LABEL);
    let claims = "/spec/volumeClaimTemplates";
    for index in 0..template.length(claims) {
        if template.text(&format!("{claims}/{index}/metadata/name")) == Some(&own) {
            claim_at(template, &format!("{claims}/{index}/spec"), service, volume);
        }
    }
}

fn claim_at(template: &mut Template, spec: &str, name: &str, volume: &str) {
    let own = format!("(index {}.volumes {volume:?})", service(name));
    template.put(&format!("{spec}/resources/requests/storage"), Hole::Text(format!("{own}.size")));
    template.put(&format!("{spec}/storageClassName"), Hole::Optional(format!("{own}.storageClass")));
}

/// A Job can't be changed: other values than the defaults are another Job, of another name.
fn job_name(view: &View<'_>, values: &Values<'_>, name: &str, plain: &str) -> Result<String, Error> {
    let template = |source| Error::Template { kind: "Job", name: plain.to_owned(), source };
    let image = &view.services[name].image;
    let default = serde_json::to_string(&values.of_job(name, image)).map_err(template)?;
    Ok(format!(
        "{plain}{{{{ $now := toJson (dict \"image\" {} \"resources\" {}.resources \"secretName\" .Values.secretName) }}}}\
         {{{{ if ne $now `{default}` }}}}-{{{{ $now | sha256sum | trunc 10 }}}}{{{{ end }}}}",
        values::image(image),
        service(name),
    ))
}
