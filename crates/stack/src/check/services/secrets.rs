//! `[secret.*]`: where secrets come from.

use std::collections::BTreeMap;
use std::path::Path;

use crate::file::{At, SecretTable, ServiceTable};
use crate::findings::Findings;
use crate::model::{SecretFormat, SecretOrigin, SecretSpec};

pub(super) fn check(
    tables: &BTreeMap<At<String>, At<SecretTable>>,
    folder: &Path,
    findings: &mut Findings,
) -> BTreeMap<String, SecretSpec> {
    let mut secrets = BTreeMap::new();
    for (name, table) in tables {
        let fine = name.len() <= 63
            && name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-'));
        if !fine {
            findings
                .error("stack::name", &name.span, format!("`{}` can't be the name of a secret", name.value))
                .help(
                    "use at most 63 lower-case letters, digits, `_` and `-`, beginning with a letter"
                        .to_owned(),
                );
        }
        if let Some(origin) = origin(table, folder, findings) {
            let description = table.description.clone();
            secrets.insert(name.value.clone(), SecretSpec { origin, description });
        }
    }
    secrets
}

fn origin(table: &SecretTable, folder: &Path, findings: &mut Findings) -> Option<SecretOrigin> {
    if let Some(bytes) = &table.generate {
        let format = match table.format.as_ref().map(|format| format.as_str()) {
            Some("base64") => SecretFormat::Base64,
            _ => SecretFormat::Hex,
        };
        return Some(SecretOrigin::Generate { bytes: bytes.value, format });
    }
    if let Some(file) = &table.file {
        if file.is_empty() || file.contains('\0') {
            findings.error("stack::path", &file.span, "a secret's file needs a path");
        }
        check_private(file, folder, findings);
        return Some(SecretOrigin::File(file.value.clone()));
    }
    if let Some(name) = &table.env {
        if name.is_empty() || name.contains(['=', '\0']) {
            findings.error("stack::name", &name.span, format!("`{}` is no variable's name", name.value));
        }
        return Some(SecretOrigin::Env(name.value.clone()));
    }
    let command = table.command.as_ref()?;
    if command.first().is_none_or(|program| program.is_empty()) {
        findings.error("stack::command", &command.span, "a secret's command needs a program");
    }
    Some(SecretOrigin::Command(command.iter().map(|argument| argument.value.clone()).collect()))
}

/// A secret that everybody on the machine can read is none. One that is not there yet may come later.
fn check_private(file: &At<String>, folder: &Path, findings: &mut Findings) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs_err::metadata(folder.join(file.as_str())).map(|meta| meta.permissions().mode());
        if mode.is_ok_and(|mode| mode & 0o004 != 0) {
            findings
                .warning(
                    "stack::secret",
                    &file.span,
                    format!("everybody can read the secret `{}`", file.value),
                )
                .help(format!("run `chmod 600 {}`", file.value));
        }
    }
}

/// A secret that nobody reads was meant for somebody.
pub(super) fn check_used(
    secrets: &BTreeMap<At<String>, At<SecretTable>>,
    services: &BTreeMap<At<String>, ServiceTable>,
    findings: &mut Findings,
) {
    for name in secrets.keys() {
        let used =
            services.values().any(|service| service.secrets.iter().any(|used| used.value == name.value));
        if !used {
            findings
                .warning("stack::unused", &name.span, format!("no service reads secret `{}`", name.value))
                .help(format!("add `secrets = [\"{}\"]` to the service that does", name.value));
        }
    }
}
