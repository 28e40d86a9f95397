//! Retention that deletes nothing: Loki's is a matter of its compactor
//! (<https://grafana.com/docs/loki/latest/operations/storage/retention/>).

use super::Known;
use crate::findings::Findings;

pub(super) fn check(known: &Known<'_>, findings: &mut Findings) {
    for said in known.files() {
        let has = |key: &str| said.text.lines().find_map(|line| line.trim().strip_prefix(key).map(str::trim));
        let loki = has("retention_period:").is_some() && has("schema_config:").is_some();
        if loki && has("retention_enabled:") != Some("true") {
            let message =
                format!("service `{}` has a `retention_period`, and deletes nothing", known.name.value);
            findings.error("stack::retention", &said.span, message).help(
                "add `retention_enabled: true` and `delete_request_store: filesystem` to `compactor:`"
                    .to_owned(),
            );
        }
    }
}
