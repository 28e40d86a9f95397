//! What a pod sees besides its image: data, folders that are empty at every start, files, secrets.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::{
    ConfigMap, ConfigMapVolumeSource, EmptyDirVolumeSource, KeyToPath, PersistentVolumeClaim,
    PersistentVolumeClaimSpec, PersistentVolumeClaimVolumeSource, SecretVolumeSource, Volume, VolumeMount,
    VolumeResourceRequirements,
};
use longshore_oci::TreePath;
use longshore_stack::model::{ServiceKind, ServiceSpec, VolumeSpec};

use super::{View, config, labels, names, resources};

/// The volume of the service's files.
const FILES: &str = "files";
/// Where programs put what they need for a moment.
const TMP: &str = "/tmp";
/// A pod that leaves more than this in a folder that is empty at every start is ended, before it fills the node.
const SCRATCH: u64 = 1 << 30;
/// Read by the owner, which is root, and by the service through its group: Kubernetes adds that to what it mounts for an `fsGroup`.
const SECRET_MODE: i32 = 0o400;

/// The volumes of a pod. Those of a StatefulSet's claims are left out: it adds them.
pub(super) fn volumes(
    view: &View<'_>,
    spec: &ServiceSpec,
    name: &str,
    config: Option<&ConfigMap>,
) -> Vec<Volume> {
    let claims = own_claims(view, name, spec).into_iter().map(|(volume, claim)| Volume {
        name: names::label(volume, names::LABEL),
        persistent_volume_claim: Some(PersistentVolumeClaimVolumeSource {
            claim_name: claim.metadata.name.unwrap_or_default(),
            read_only: None,
        }),
        ..Volume::default()
    });
    let scratch = scratch(spec).into_iter().map(|path| Volume {
        name: scratch_name(&path),
        empty_dir: Some(EmptyDirVolumeSource { size_limit: Some(resources::bytes(SCRATCH)), medium: None }),
        ..Volume::default()
    });
    let files = config.map(|config| Volume {
        name: FILES.to_owned(),
        config_map: Some(ConfigMapVolumeSource {
            name: config.metadata.name.clone().unwrap_or_default(),
            items: Some(items(spec)),
            ..ConfigMapVolumeSource::default()
        }),
        ..Volume::default()
    });
    let secrets = secrets(spec).into_iter().map(|(folder, names)| Volume {
        name: secret_name(&folder),
        secret: Some(SecretVolumeSource {
            secret_name: Some(view.secret.clone()),
            items: Some(names.into_iter().map(|(key, path)| item(key, path, SECRET_MODE)).collect()),
            ..SecretVolumeSource::default()
        }),
        ..Volume::default()
    });
    claims.chain(scratch).chain(files).chain(secrets).collect()
}

/// Where the container sees them.
pub(super) fn mounts(spec: &ServiceSpec, config: Option<&ConfigMap>) -> Vec<VolumeMount> {
    let at = |name: String, path: String| VolumeMount { name, mount_path: path, ..VolumeMount::default() };
    let data = spec
        .volumes
        .iter()
        .map(|(name, volume)| at(names::label(name, names::LABEL), volume.path.to_string()));
    let scratch = scratch(spec).into_iter().map(|path| at(scratch_name(&path), path));
    let keys = config.map(|_| config::keys(spec)).unwrap_or_default();
    // One by one: a folder of them would hide what the image has in it.
    let files = spec.files.keys().zip(keys).map(|(path, key)| VolumeMount {
        sub_path: Some(key),
        read_only: Some(true),
        ..at(FILES.to_owned(), path.to_string())
    });
    let secrets = secrets(spec)
        .into_keys()
        .map(|folder| VolumeMount { read_only: Some(true), ..at(secret_name(&folder), folder) });
    data.chain(scratch).chain(files).chain(secrets).collect()
}

/// What a StatefulSet claims for each of its pods.
pub(super) fn claim_templates(
    view: &View<'_>,
    service: &str,
    spec: &ServiceSpec,
) -> Vec<PersistentVolumeClaim> {
    let claims = spec.volumes.iter().map(|(name, volume)| {
        let mut claim = claim(view, service, &names::label(name, names::LABEL), volume);
        // Templates can't be changed, so nothing is in them that will be.
        claim.metadata.namespace = None;
        claim.metadata.labels = Some(labels::selecting(view, service));
        claim
    });
    claims.collect()
}

/// What a job claims, by the volume: it has no StatefulSet that would.
pub(super) fn own_claims<'a>(
    view: &View<'_>,
    service: &str,
    spec: &'a ServiceSpec,
) -> Vec<(&'a str, PersistentVolumeClaim)> {
    if spec.kind != ServiceKind::Job {
        return Vec::new();
    }
    let claims = spec.volumes.iter().map(|(name, volume)| {
        let own = names::label(&format!("{service}-{name}"), names::LABEL);
        (name.as_str(), claim(view, service, &own, volume))
    });
    claims.collect()
}

fn claim(view: &View<'_>, service: &str, name: &str, volume: &VolumeSpec) -> PersistentVolumeClaim {
    let size = BTreeMap::from([("storage".to_owned(), resources::bytes(volume.size))]);
    PersistentVolumeClaim {
        metadata: labels::meta(view, name, Some(service)),
        spec: Some(PersistentVolumeClaimSpec {
            access_modes: Some(vec!["ReadWriteOnce".to_owned()]),
            resources: Some(VolumeResourceRequirements { requests: Some(size), limits: None }),
            ..PersistentVolumeClaimSpec::default()
        }),
        status: None,
    }
}

/// Folders that are empty at every start; `/tmp` is always one.
fn scratch(spec: &ServiceSpec) -> BTreeSet<String> {
    spec.scratch.iter().map(|folder| folder.path.to_string()).chain([TMP.to_owned()]).collect()
}

fn scratch_name(path: &str) -> String {
    names::label(&format!("empty{}", path.replace('/', "-")), names::LABEL)
}

/// Secrets by the folder that they are seen in: by name, with the name of the file.
fn secrets(spec: &ServiceSpec) -> BTreeMap<String, Vec<(String, String)>> {
    let mut folders: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for (name, path) in &spec.secrets {
        let folder = path.parent().as_ref().map(TreePath::to_string).unwrap_or_default();
        let file = String::from_utf8_lossy(path.name()).into_owned();
        folders.entry(folder).or_default().push((name.clone(), file));
    }
    folders
}

fn secret_name(folder: &str) -> String {
    names::label(&format!("secrets{}", folder.replace('/', "-")), names::LABEL)
}

fn items(spec: &ServiceSpec) -> Vec<KeyToPath> {
    let files = spec.files.values().zip(config::keys(spec));
    files.map(|(file, key)| item(key.clone(), key, file.mode.into())).collect()
}

fn item(key: String, path: String, mode: i32) -> KeyToPath {
    KeyToPath { key, path, mode: Some(mode) }
}
