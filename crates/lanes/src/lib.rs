//! Two SHA-256 hashes at once on one processor.
//!
//! SHA-256 (FIPS 180-4) is a chain: every round waits for the one before, and a processor that has instructions for it stands still
//! half of the time. Rounds of a second hash fill that time. Where there are no such instructions, one hash follows the other.

use sha2::block_api::compress256;

#[cfg(target_arch = "x86_64")]
mod x86;

/// What a hash is between two blocks (FIPS 180-4, section 6.2: H).
pub type State = [u32; 8];
/// What it takes at a time.
pub type Block = [u8; 64];

/// Takes the same number of blocks into each of two hashes; of two numbers, the lower.
pub fn compress(states: &mut [State; 2], blocks: [&[Block]; 2]) {
    let count = blocks[0].len().min(blocks[1].len());
    let blocks = blocks.map(|blocks| &blocks[..count]);
    #[cfg(target_arch = "x86_64")]
    if x86::compress(states, blocks) {
        return;
    }
    for (state, blocks) in states.iter_mut().zip(blocks) {
        compress256(state, blocks);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn each_is_what_it_is_alone(
            mut states in any::<[State; 2]>(),
            blocks in prop::collection::vec(prop::array::uniform2(prop::array::uniform32(any::<[u8; 2]>())), 0..20),
        ) {
            let [one, two]: [Vec<Block>; 2] = [0, 1].map(|lane| {
                let block = |pair: &[[[u8; 2]; 32]; 2]| std::array::from_fn(|at| pair[lane][at / 2][at % 2]);
                blocks.iter().map(block).collect()
            });
            let mut alone = states;
            compress256(&mut alone[0], &one);
            compress256(&mut alone[1], &two);
            compress(&mut states, [&one, &two]);
            prop_assert_eq!(states, alone);
        }
    }

    #[test]
    fn of_two_numbers_of_blocks_the_lower_is_taken() {
        let mut states = [[1; 8], [2; 8]];
        let mut alone = states;
        compress(&mut states, [&[[3; 64]; 2], &[[4; 64]; 5]]);
        compress256(&mut alone[0], &[[3; 64]; 2]);
        compress256(&mut alone[1], &[[4; 64]; 2]);
        assert_eq!(states, alone);
    }
}
