//! What a layer is expected to cost a year, in thousandths of bytes: pulled again when something in it changes, once by every
//! host with one of its images and once by a host with the whole stack, and pulled cold a dozen times.

use serde::Serialize;

use crate::plan::problem::{Group, Problem};

/// Bytes that a layer costs whatever is in it: a request, what manifest and configuration say of it, and what compresses worse.
/// How long a request takes is what `max-layers` is for.
const REQUEST: u64 = 4_000;
/// Cold pulls of every image a year.
const COLD: u64 = 12;
/// Builds a year, in thousandths: a layer changes no more often.
const BUILDS: u64 = 52_000;
/// One, as fractions are held here: squares of them fit.
const ONE: u64 = 1 << 31;
/// How often a fraction is squared.
const SQUARES: u32 = 10;
/// Thousandths.
const MILLI: i128 = 1000;

/// How often a layer is another one at a build, where its sources change `rate` thousand times a year in all, each when it
/// will: `BUILDS * (1 - e^(-rate / BUILDS))`. The sum itself, cut off at the builds, would let whatever changes often travel with
/// everything else that does, as if they always changed at once.
///
/// In integers, so that every machine finds the same: `e^x` is `(1 + x / 2^n)^(2^n)` for large `n`, and the power is `n` squares.
pub(super) fn shown(rate: u64) -> u64 {
    let part = rate.saturating_mul(ONE) / (BUILDS << SQUARES);
    let unchanged = (0..SQUARES).fold(ONE.saturating_sub(part), |power, _| power * power / ONE);
    BUILDS * (ONE - unchanged) / ONE
}

/// A year of a layer of `bytes`, which is another one at `shown` builds of a thousand years, for each host that has it: one for every
/// image that it is in, and the one with the whole stack.
pub(super) fn yearly(shown: u64, bytes: u64) -> i128 {
    i128::from(shown) * i128::from(bytes.saturating_add(REQUEST)) + i128::from(REQUEST * COLD) * MILLI
}

/// A host's pulling `bytes` once.
pub(super) fn once(bytes: u64) -> i128 {
    i128::from(bytes) * MILLI
}

/// What a layout is expected to move.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Weighed {
    /// Bytes that a host with the whole stack pulls a week.
    pub stack: u64,
    /// Bytes that hosts with one image each pull a week, all of them together.
    pub single: u64,
}

/// Bytes that are expected to be pulled of one layer, a week.
pub fn expected(problem: &Problem, group: &Group) -> Weighed {
    let mut sources: Vec<_> = group.members.iter().map(|&n| &problem.components[n]).collect();
    let bytes: u64 = sources.iter().map(|component| component.bytes).sum();
    sources.sort_by_key(|component| &component.source);
    sources.dedup_by_key(|component| &component.source);
    let rate = shown(sources.iter().map(|component| component.rate.0).sum());
    let stack = bytes.saturating_mul(rate) / BUILDS;
    Weighed { stack, single: stack.saturating_mul(group.images.len() as u64) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_year_of_builds_shows_fewer_changes_than_there_are() {
        let exact = |rate: u64| {
            let builds = BUILDS as f64;
            builds * (1.0 - (-(rate as f64) / builds).exp())
        };
        for rate in [0, 1, 500, 3_600, 6_000, 50_000, 52_000, 102_000, 1_000_000] {
            let (shown, exact) = (shown(rate) as f64, exact(rate));
            assert!((shown - exact).abs() <= 1.0 + exact / 1000.0, "{rate}: {shown}, {exact}");
        }
        assert_eq!((shown(0), shown(u64::MAX)), (0, BUILDS));
    }
}
