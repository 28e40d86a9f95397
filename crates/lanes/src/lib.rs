//! Several SHA-256 hashes at once on one processor.
//!
//! SHA-256 (FIPS 180-4) is a chain: every round waits for the one before. A processor that has instructions for it stands still half
//! of the time, which rounds of a second hash fill; and one with long vectors takes sixteen hashes in less time than those
//! instructions take ten. Where there are neither, one hash follows the other.

use std::cmp::Reverse;

use sha2::block_api::compress256;

#[cfg(target_arch = "x86_64")]
mod x86;

/// What a hash is between two blocks (FIPS 180-4, section 6.2: H).
pub type State = [u32; 8];
/// What it takes at a time.
pub type Block = [u8; 64];

/// A hash, and what it is to take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lane<'a> {
    /// The hash.
    pub state: State,
    /// What it has not taken yet.
    pub blocks: &'a [Block],
}

impl Lane<'_> {
    /// Its next `count` blocks.
    fn take(&mut self, count: usize) -> &[Block] {
        let (next, others) = self.blocks.split_at(count);
        self.blocks = others;
        next
    }
}

/// How many hashes this processor takes in the least time for each.
pub fn at_once() -> usize {
    #[cfg(target_arch = "x86_64")]
    if x86::has_long_vectors() {
        return x86::LANES;
    }
    2
}

/// Has each hash take all of its blocks.
pub fn compress(lanes: &mut [Lane<'_>]) {
    let mut lanes: Vec<_> = lanes.iter_mut().collect();
    lanes.sort_by_key(|lane| Reverse(lane.blocks.len()));
    // All take as many as the last one has, which is done then.
    while let Some(last) = lanes.last() {
        let count = last.blocks.len();
        for some in lanes.chunks_mut(at_once()) {
            take(some, count);
        }
        lanes.pop();
    }
}

/// Has each hash take its next `count` blocks.
fn take(lanes: &mut [&mut Lane<'_>], count: usize) {
    #[cfg(target_arch = "x86_64")]
    if x86::take(lanes, count) {
        return;
    }
    lanes.iter_mut().for_each(|lane| alone(lane, count));
}

fn alone(lane: &mut Lane<'_>, count: usize) {
    let mut state = lane.state;
    compress256(&mut state, lane.take(count));
    lane.state = state;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn each_is_what_it_is_alone(
            states in prop::collection::vec(any::<State>(), 0..40),
            counts in prop::collection::vec(0..6_usize, 40),
            bytes in prop::collection::vec(any::<u8>(), 46 * 64),
        ) {
            let (blocks, _) = bytes.as_chunks();
            let lane = |(n, state)| Lane { state, blocks: &blocks[n..n + counts[n]] };
            let mut lanes: Vec<_> = states.into_iter().enumerate().map(lane).collect();
            let mut alone = lanes.clone();
            for Lane { state, blocks } in &mut alone {
                compress256(state, std::mem::take(blocks));
            }
            compress(&mut lanes);
            prop_assert_eq!(lanes, alone);
        }
    }
}
