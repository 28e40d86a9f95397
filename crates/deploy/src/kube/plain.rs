//! Objects as they are: in one file, in a folder, or as a base for kustomize.

use serde::Serialize;

use super::Error;
use super::object::Object;
use crate::{Files, yaml};

/// One file.
pub(super) fn file(objects: &[Object], header: &str) -> Result<Files, Error> {
    let texts = objects.iter().map(text).collect::<Result<Vec<_>, _>>()?;
    Ok(Files([("kube.yaml".to_owned(), format!("{header}---\n{}", texts.join("---\n")))].into()))
}

/// One file each.
pub(super) fn folder(objects: &[Object], header: &str) -> Result<Files, Error> {
    let files = objects.iter().map(|object| {
        let path = format!("{:02}-{}.yaml", object.rank(), object.file());
        Ok((path, format!("{header}{}", text(object)?)))
    });
    Ok(Files(files.collect::<Result<_, Error>>()?))
}

/// What kustomize makes variants of.
pub(super) fn kustomize(objects: &[Object], header: &str) -> Result<Files, Error> {
    let path = |object: &Object| format!("resources/{}.yaml", object.file());
    let kustomization = Kustomization {
        api_version: "kustomize.config.k8s.io/v1beta1",
        kind: "Kustomization",
        resources: objects.iter().map(path).collect(),
    };
    const FILE: &str = "kustomization.yaml";
    let own = yaml::text(&kustomization).map_err(|source| Error::File { file: FILE, source })?;
    let files = objects.iter().map(|object| Ok((path(object), format!("{header}{}", text(object)?))));
    let own = Ok((FILE.to_owned(), format!("{header}{own}")));
    Ok(Files(files.chain([own]).collect::<Result<_, Error>>()?))
}

/// The little of a kustomization that a base needs.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Kustomization {
    api_version: &'static str,
    kind: &'static str,
    resources: Vec<String>,
}

fn text(object: &Object) -> Result<String, Error> {
    yaml::text(&object.body).map_err(|source| Error::Write {
        kind: object.kind(),
        name: object.name().to_owned(),
        source,
    })
}
