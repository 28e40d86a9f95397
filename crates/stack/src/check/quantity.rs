//! Durations and sizes: text into numbers.

use crate::file::At;
use crate::findings::Findings;

/// `30m` in seconds; at most a week. `what` it is: `a time that a build may take`.
pub(super) fn seconds(what: &str, text: &At<String>, findings: &mut Findings) -> Option<u64> {
    const UNITS: [(char, u64); 3] = [('s', 1), ('m', 60), ('h', 3600)];
    let seconds = number(text, &UNITS).filter(|seconds| (1..=7 * 24 * 3600).contains(seconds));
    if seconds.is_none() {
        findings
            .error("stack::quantity", &text.span, format!("`{}` is not {what}", text.value))
            .help("write a number with `s`, `m` or `h`, as in \"30m\"; a week at most".to_owned());
    }
    seconds
}

/// `30d` in seconds; at most a century.
pub(super) fn age(text: &At<String>, findings: &mut Findings) -> Option<u64> {
    const UNITS: [(char, u64); 3] = [('h', 3600), ('d', 86_400), ('w', 7 * 86_400)];
    let seconds = number(text, &UNITS).filter(|seconds| (1..=36_525 * 86_400).contains(seconds));
    if seconds.is_none() {
        findings
            .error("stack::quantity", &text.span, format!("`{}` is not an age", text.value))
            .help("write a number with `h`, `d` or `w`, as in \"30d\"".to_owned());
    }
    seconds
}

/// `4G` in bytes.
pub(super) fn bytes(text: &At<String>, findings: &mut Findings) -> Option<u64> {
    const UNITS: [(char, u64); 4] = [('K', 1 << 10), ('M', 1 << 20), ('G', 1 << 30), ('T', 1 << 40)];
    let bytes = number(text, &UNITS).filter(|bytes| *bytes > 0);
    if bytes.is_none() {
        findings
            .error("stack::quantity", &text.span, format!("`{}` is not a size", text.value))
            .help("write a number with `K`, `M`, `G` or `T`, as in \"4G\"".to_owned());
    }
    bytes
}

fn number(text: &str, units: &[(char, u64)]) -> Option<u64> {
    let (unit, factor) = units.iter().find(|(unit, _)| text.ends_with(*unit))?;
    let digits = text.strip_suffix(*unit)?;
    let plain = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    digits.parse::<u64>().ok().filter(|_| plain)?.checked_mul(*factor)
}
