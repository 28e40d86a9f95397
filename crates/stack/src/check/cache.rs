//! `[cache]`.

use std::path::Path;

use longshore_oci::Reference;

use crate::file::CacheTable;
use crate::findings::Findings;
use crate::model::CacheSpec;

pub(super) fn check(table: CacheTable, folder: &Path, findings: &mut Findings) -> CacheSpec {
    match table.registry.parse::<Reference>() {
        Ok(reference) if reference.tag.is_none() && reference.digest.is_none() => {}
        Ok(_) => {
            let message = format!("`{}` names one image; a repository is expected", table.registry.value);
            findings
                .error("stack::cache", &table.registry.span, message)
                .help("leave out the tag and the digest".to_owned());
        }
        Err(error) => drop(findings.error("stack::cache", &table.registry.span, error.to_string())),
    }
    for key in &table.keys {
        if !folder.join(&key.value).is_file() {
            findings
                .error("stack::cache", &key.span, format!("there is no file `{}`", key.value))
                .help("a public key in PEM form is expected there, `cosign.pub` for one".to_owned());
        }
    }
    CacheSpec {
        repository: table.registry.value,
        keys: table.keys.into_iter().map(|key| key.value).collect(),
    }
}
