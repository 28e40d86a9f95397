//! Text that Compose leaves as it is (<https://github.com/compose-spec/compose-spec/blob/main/12-interpolation.md>).

/// Text in which nothing is taken for a variable.
pub(super) fn literal(text: &str) -> String {
    text.replace('$', "$$")
}

/// Seconds.
pub(super) fn seconds(seconds: u64) -> String {
    format!("{seconds}s")
}
