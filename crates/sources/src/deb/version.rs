//! Versions of packages: syntax and order are dpkg's (Debian policy 5.6.12, `deb-version(7)`).

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use super::relation::Comparison;

/// A package version: `[epoch:]upstream[-revision]`.
///
/// Two versions are equal when dpkg says so (`1.0` and `1.00-0` are); the text is kept as written.
#[derive(Debug, Clone)]
pub struct Version(String);

/// Text that dpkg takes for no version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a version: {problem}")]
pub struct VersionError {
    /// What was read, shortened to 100 characters.
    pub text: String,
    /// What is wrong with it.
    pub problem: VersionProblem,
}

/// What can be wrong with a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VersionProblem {
    /// Nothing, or nothing but blanks.
    #[error("it is empty")]
    Empty,
    /// Blanks inside.
    #[error("it has blanks inside")]
    Blanks,
    /// The part before the first colon is no number from 0 to 2³¹-1.
    #[error("its epoch is not a number from 0 to 2147483647")]
    Epoch,
    /// Nothing between epoch and revision.
    #[error("it has no upstream version")]
    NoUpstream,
    /// Nothing after the last hyphen.
    #[error("its revision is empty")]
    NoRevision,
}

impl Version {
    /// The text as written, without blanks around it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `self` stands in relation `comparison` to `other`.
    pub fn satisfies(&self, comparison: Comparison, other: &str) -> bool {
        comparison.holds(compare(&self.0, other))
    }
}

/// Checks `text` as dpkg does where it refuses; what dpkg only warns about (a first character that is no digit, odd
/// characters) is taken. Returns the text without blanks around it.
pub fn check(text: &str) -> Result<&str, VersionError> {
    let error = |problem| VersionError { text: text.chars().take(100).collect(), problem };
    let version = text.trim_matches([' ', '\t']);
    if version.is_empty() {
        return Err(error(VersionProblem::Empty));
    }
    if version.contains(|c: char| c.is_ascii_whitespace() || c == '\0') {
        return Err(error(VersionProblem::Blanks));
    }
    let rest = match version.split_once(':') {
        None => version,
        Some((epoch, rest)) => {
            // dpkg reads the epoch by strtol(3), which takes a sign.
            let digits = epoch.strip_prefix('+').or_else(|| epoch.strip_prefix("-")).unwrap_or(epoch);
            let significant = digits.trim_start_matches('0');
            let number = digits.bytes().all(|c| c.is_ascii_digit()) && !digits.is_empty();
            let small = significant.is_empty() || significant.parse().is_ok_and(|n: i32| n >= 0);
            if !number || !small || (epoch.starts_with('-') && !significant.is_empty()) {
                return Err(error(VersionProblem::Epoch));
            }
            rest
        }
    };
    let (upstream, revision) = rest.rsplit_once('-').map_or((rest, None), |(u, r)| (u, Some(r)));
    if revision == Some("") {
        return Err(error(VersionProblem::NoRevision));
    }
    if upstream.is_empty() {
        return Err(error(VersionProblem::NoUpstream));
    }
    Ok(version)
}

/// dpkg's order of two versions. Total over any text; meaningful for what [`check`] takes.
pub fn compare(a: &str, b: &str) -> Ordering {
    if a == b {
        return Ordering::Equal;
    }
    let ((epoch_a, a), (epoch_b, b)) = (split_epoch(a), split_epoch(b));
    let (upstream_a, revision_a) = a.rsplit_once('-').unwrap_or((a, ""));
    let (upstream_b, revision_b) = b.rsplit_once('-').unwrap_or((b, ""));
    compare_part(epoch_a.as_bytes(), epoch_b.as_bytes())
        .then_with(|| compare_part(upstream_a.as_bytes(), upstream_b.as_bytes()))
        .then_with(|| compare_part(revision_a.as_bytes(), revision_b.as_bytes()))
}

/// The digits of the epoch, without sign, and the rest.
fn split_epoch(version: &str) -> (&str, &str) {
    let (epoch, rest) = version.split_once(':').unwrap_or(("", version));
    (epoch.trim_start_matches(['+', '-']), rest)
}

/// Alternates runs of non-digits, by [`weight`], and of digits, by value. Runs of digits may be longer than any integer.
fn compare_part(mut a: &[u8], mut b: &[u8]) -> Ordering {
    let digit = |text: &[u8]| text.first().is_some_and(u8::is_ascii_digit);
    while !a.is_empty() || !b.is_empty() {
        while (!a.is_empty() && !digit(a)) || (!b.is_empty() && !digit(b)) {
            let order = weight(a.first()).cmp(&weight(b.first()));
            if order.is_ne() {
                return order;
            }
            (a, b) = (a.get(1..).unwrap_or_default(), b.get(1..).unwrap_or_default());
        }
        let (run_a, rest_a) = split_digits(a);
        let (run_b, rest_b) = split_digits(b);
        let order = run_a.len().cmp(&run_b.len()).then_with(|| run_a.cmp(run_b));
        if order.is_ne() {
            return order;
        }
        (a, b) = (rest_a, rest_b);
    }
    Ordering::Equal
}

/// A tilde sorts before the end, the end before letters, letters before everything else; a digit ends the run.
fn weight(c: Option<&u8>) -> i32 {
    match c {
        None => 0,
        Some(c) if c.is_ascii_digit() => 0,
        Some(b'~') => -1,
        Some(c) if c.is_ascii_alphabetic() => i32::from(*c),
        Some(c) => i32::from(*c) + 256,
    }
}

/// The leading digits without leading zeros, and the rest.
fn split_digits(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|c| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    let zeros = digits.iter().take_while(|c| **c == b'0').count();
    (&digits[zeros..], rest)
}

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        check(text).map(|version| Self(version.to_owned()))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        compare(&self.0, &other.0)
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Version {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order() {
        use Ordering::{Equal, Greater, Less};
        let table = [
            // Policy 5.6.12: "~~, ~~a, ~, the empty part, a".
            ("~~", "~~a", Less),
            ("~~a", "~", Less),
            ("~", "", Less),
            ("", "a", Less),
            ("1.0~beta1~svn1245", "1.0~beta1", Less),
            ("1.0~beta1", "1.0", Less),
            ("1.0", "1.0-0", Equal),
            ("1.0", "1.00", Equal),
            ("1.0", "1.0-1", Less),
            ("1.0-1", "1.0-1~bpo12+1", Greater),
            ("0:1.0", "1.0", Equal),
            ("00:1.0", "1.0", Equal),
            ("+1:1.0", "1:1.0", Equal),
            ("1:0.1", "2.0", Greater),
            ("10:1", "9:1", Greater),
            ("1.2", "1.10", Less),
            ("1.0a", "1.0+", Less),
            ("1.0+b1", "1.0a", Greater),
            ("1.0-1-1", "1.0-1-2", Less),
            ("1.0-a-1", "1.0-a-0", Greater),
            ("1:2:3-1", "1:2:4-1", Less),
            // A dot, then the end: not the same as a dot, then a tilde.
            ("1.0.0~rc0-1+b3", "1.0.", Less),
            ("1.0.0~rc1+git20210721-0.1", "1.0.", Less),
            ("1.0.", "1.0.0", Equal),
            ("1.99999999999999999999999999", "1.100000000000000000000000000", Less),
            ("000000000000000000000000000001", "1", Equal),
            ("1.2.3+really1.0-1", "1.2.4-1", Less),
            ("5.40.1-6", "5.40.1-6+b1", Less),
        ];
        for (a, b, expected) in table {
            assert_eq!(compare(a, b), expected, "{a} {b}");
            assert_eq!(compare(b, a), expected.reverse(), "{b} {a}");
        }
    }

    #[test]
    fn syntax() {
        use VersionProblem::{Blanks, Empty, Epoch, NoRevision, NoUpstream};
        let table = [
            ("1.0", None),
            (" 1.0-1\t", None),
            ("v1.0", None),
            ("1.0_1", None),
            ("2147483647:1", None),
            ("+1:1", None),
            ("-0:1", None),
            ("1:2:3", None),
            ("", Some(Empty)),
            ("  ", Some(Empty)),
            ("1 0", Some(Blanks)),
            ("1\n0", Some(Blanks)),
            (":1", Some(Epoch)),
            ("a:1", Some(Epoch)),
            ("-1:1", Some(Epoch)),
            ("+:1", Some(Epoch)),
            ("2147483648:1", Some(Epoch)),
            ("99999999999999999999:1", Some(Epoch)),
            ("1:", Some(NoUpstream)),
            ("-1", Some(NoUpstream)),
            ("1:-1", Some(NoUpstream)),
            ("1.0-", Some(NoRevision)),
            ("1-", Some(NoRevision)),
        ];
        for (text, expected) in table {
            assert_eq!(check(text).err().map(|e| e.problem), expected, "`{text}`");
        }
    }
}
