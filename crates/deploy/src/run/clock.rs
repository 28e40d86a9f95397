//! What time it is, for log lines: the one look at the clock in this crate.

use std::time::{SystemTime, UNIX_EPOCH};

use longshore_oci::Epoch;

/// Now, as log lines begin: `2026-11-23T15:06:07.042Z`.
#[allow(clippy::disallowed_methods, reason = "log lines have the time; no rendering calls this")]
pub(super) fn now() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = Epoch(u32::try_from(now.as_secs()).unwrap_or(u32::MAX)).to_string();
    format!("{}.{:03}Z", seconds.trim_end_matches('Z'), now.subsec_millis())
}
