//! What a service sees besides its image: volumes, files, secrets.

use std::collections::BTreeMap;

use longshore_oci::TreePath;

use super::Plain;
use super::scope::Scope;
use crate::check::{names, quantity, template};
use crate::file::{At, ServiceFileTable, ServiceTable, Shorthand, VolumeTable};
use crate::findings::Findings;
use crate::model::{SecretSpec, ServiceFile, Text, VolumeSpec, WritableSpec};

/// Where secrets are seen.
const SECRETS: &str = "/run/secrets";

/// The volumes, and the writable folders that are none.
pub(super) fn volumes(
    table: &ServiceTable,
    facts: &Plain<'_>,
    own: &str,
    findings: &mut Findings,
) -> (BTreeMap<String, VolumeSpec>, Vec<WritableSpec>) {
    let mut volumes: BTreeMap<String, VolumeSpec> = BTreeMap::new();
    let mut scratch = facts.image.writable.clone();
    for (name, written) in &table.volumes {
        if !names::is_name(name) || name.len() > 40 {
            findings
                .error("stack::name", &name.span, format!("`{}` can't be the name of a volume", name.value))
                .help(
                    "use at most 40 lower-case letters and digits, with single `-` between them".to_owned(),
                );
        }
        let full = match &written.value {
            Shorthand::Text(path) => {
                VolumeTable { path: At { value: path.clone(), span: written.span.clone() }, size: None }
            }
            Shorthand::Full(full) => full.clone(),
            // The schema has refused it.
            Shorthand::Number(_) => continue,
        };
        let Some(path) = names::below_root("a volume", &full.path, findings) else { continue };
        let size = full.size.as_ref().and_then(|size| quantity::bytes(size, findings)).unwrap_or(1 << 30);
        if let Some((other, _)) = volumes.iter().find(|(_, other)| overlap(&other.path, &path)) {
            let message =
                format!("volumes `{other}` and `{}` of service `{own}` are one in the other", name.value);
            findings.error("stack::doubled", &full.path.span, message);
        }
        let Some(place) = scratch.iter().position(|folder| folder.path == path) else {
            no_folder(&full.path, &path, facts, own, findings);
            continue;
        };
        let WritableSpec { path, owner, mode } = scratch.remove(place);
        if !may_write(facts, owner, mode) {
            let user = &facts.image.user;
            findings
                .error(
                    "stack::volume",
                    &full.path.span,
                    format!(
                        "service `{own}` runs as `{}` ({}), which can't write `{path}`",
                        user.name, user.uid
                    ),
                )
                .help(format!("it belongs to {}:{} with mode {mode:04o}", owner.0, owner.1));
        }
        volumes.insert(name.value.clone(), VolumeSpec { path, owner, mode, size });
    }
    (volumes, scratch)
}

/// A volume on a folder that the image doesn't have, or doesn't let its user write.
fn no_folder(written: &At<String>, path: &TreePath, facts: &Plain<'_>, own: &str, findings: &mut Findings) {
    if path.to_string() == "/tmp" {
        findings
            .error(
                "stack::volume",
                &written.span,
                format!("`/tmp` of service `{own}` is empty at every start"),
            )
            .help("keep data in a folder of its own, as in \"/var/lib/NAME\"".to_owned());
        return;
    }
    let image = &facts.image_name;
    let user = &facts.image.user;
    let message = format!(
        "image `{image}` has no folder `{path}` that `{}` ({}) may write, so a volume there would be root's",
        user.name, user.uid
    );
    let known: Vec<String> = facts.image.writable.iter().map(|folder| format!("`{}`", folder.path)).collect();
    let help = match known.as_slice() {
        [] => format!("add `writable = [\"{path}\"]` to `[image.{image}]`"),
        known => {
            format!("add `\"{path}\"` to `writable` of `[image.{image}]`, or use {}", known.join(" or "))
        }
    };
    findings.error("stack::volume", &written.span, message).help(help);
}

fn may_write(facts: &Plain<'_>, owner: (u32, u32), mode: u16) -> bool {
    let user = &facts.image.user;
    let bits = match owner {
        _ if user.uid == 0 => return true,
        (uid, _) if uid == user.uid => mode >> 6,
        (_, gid) if gid == user.gid => mode >> 3,
        _ => mode,
    };
    bits & 0o3 == 0o3
}

fn overlap(a: &TreePath, b: &TreePath) -> bool {
    a == b || a.is_under(b) || b.is_under(a)
}

/// The files that are rendered for it.
pub(super) fn files(
    table: &ServiceTable,
    facts: &Plain<'_>,
    scope: &Scope<'_>,
    volumes: &BTreeMap<String, VolumeSpec>,
    findings: &mut Findings,
) -> BTreeMap<TreePath, ServiceFile> {
    let mut files = BTreeMap::new();
    for (to, written) in &table.files {
        let Some(path) = names::below_root("a file", to, findings) else { continue };
        if to.ends_with('/') {
            findings
                .error("stack::path", &to.span, format!("`{}` names a folder, not the file in it", to.value))
                .help("name the whole path, without a `/` at its end".to_owned());
        }
        if let Some((name, _)) = volumes.iter().find(|(_, volume)| overlap(&volume.path, &path)) {
            let message = format!("file `{path}` of service `{}` is in its volume `{name}`", scope.own);
            findings
                .error("stack::doubled", &to.span, message)
                .help("volumes hold what the program writes; put configuration elsewhere".to_owned());
        }
        if folder_in_the_way(facts, &path) {
            let message = format!("`{path}` is a folder of image `{}`", facts.image_name);
            findings.error("stack::doubled", &to.span, message);
        }
        if let Some(file) = file(written, scope, findings) {
            files.insert(path, file);
        }
    }
    files
}

fn folder_in_the_way(facts: &Plain<'_>, path: &TreePath) -> bool {
    facts.image.writable.iter().any(|folder| folder.path == *path || folder.path.is_under(path))
}

fn file(
    written: &At<Shorthand<ServiceFileTable>>,
    scope: &Scope<'_>,
    findings: &mut Findings,
) -> Option<ServiceFile> {
    let short = |path: &String| At { value: path.clone(), span: written.span.clone() };
    let (table, template) = match &written.value {
        Shorthand::Text(path) => (None, Some(short(path))),
        Shorthand::Full(table) => (Some(table), table.template.clone()),
        Shorthand::Number(_) => return None,
    };
    let mode = names::mode(table.and_then(|table| table.mode.as_ref()), findings).unwrap_or(0o644);
    let beside = |path: &At<String>, findings: &mut Findings| {
        names::beside(names::Beside::File, path, scope.around.folder, findings)
    };
    if let Some(path) = &template {
        let (clean, really) = beside(path, findings)?;
        let text = scope.template(path, &really, findings)?;
        return Some(ServiceFile { text, mode, template: Some(clean) });
    }
    if let Some(text) = table.and_then(|table| table.text.as_ref()) {
        return Some(ServiceFile { text: scope.text(text, findings)?, mode, template: None });
    }
    let path = table.and_then(|table| table.file.as_ref())?;
    let (clean, really) = beside(path, findings)?;
    let text = template::read(path, &really, findings)?;
    Some(ServiceFile { text: Text::from(text.as_str()), mode, template: Some(clean) })
}

/// The secrets that it reads, each where it is seen.
pub(super) fn secrets(
    table: &ServiceTable,
    known: &BTreeMap<String, SecretSpec>,
    findings: &mut Findings,
) -> BTreeMap<String, TreePath> {
    let mut secrets = BTreeMap::new();
    for name in &table.secrets {
        if !known.contains_key(&name.value) {
            let known: Vec<&str> = known.keys().map(String::as_str).collect();
            super::super::unknown("secret", name, &known, findings);
        }
        if let Ok(path) = TreePath::new(format!("{SECRETS}/{}", name.value)) {
            secrets.insert(name.value.clone(), path);
        }
    }
    secrets
}
