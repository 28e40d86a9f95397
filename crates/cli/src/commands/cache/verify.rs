//! `longshore cache verify`: what is damaged is found, and leaves the store.

use longshore_oci::Progress;
use longshore_oci::upkeep::{Damage, verify};
use serde_json::json;

use crate::args::{Global, VerifyStore};
use crate::report::{Failure, bytes, plural, print, print_json};
use crate::settings::Settings;

pub fn run(
    args: &VerifyStore,
    global: &Global,
    settings: &Settings,
    progress: &dyn Progress,
) -> Result<(), Failure> {
    let store = super::open(&settings.store, progress)?;
    let damage = verify(&store, settings.jobs.get(), progress)?;
    // Others may use what is whole while it is read.
    drop(store);
    if damage.is_none() {
        report(global, &damage);
        return Ok(());
    }
    if !args.dry_run {
        super::alone(&settings.store, progress)?.mend(&damage)?;
    }
    let blobs = damage.blobs.iter().map(|digest| format!("{digest} is not what it is called"));
    let place =
        |path: &std::path::Path| path.strip_prefix(&settings.store).unwrap_or(path).display().to_string();
    let records = damage.records.iter().map(|path| format!("`{}` is damaged", place(path)));
    let incomplete =
        damage.incomplete.iter().map(|path| format!("`{}` names blobs that are not there", place(path)));
    Err(Failure::Damaged {
        found: blobs.chain(records).chain(incomplete).collect(),
        hint: match args.dry_run {
            true => {
                "`longshore cache verify` without `--dry-run` removes it; it is made again when it is needed"
            }
            false => "it was removed, with the records that named it; it is made again when it is needed",
        }
        .to_owned(),
    })
}

fn report(global: &Global, damage: &Damage) {
    match global.json {
        true => print_json(&json!({
            "ok": true,
            "blobs": damage.blobs_read,
            "records": damage.records_read,
            "bytes": damage.bytes_read,
        })),
        false => print(&format!(
            "{} ({}) and {} are as they were stored",
            plural(damage.blobs_read, "blob"),
            bytes(damage.bytes_read),
            plural(damage.records_read, "record")
        )),
    }
}
