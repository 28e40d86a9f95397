//! What nobody can guess.

use super::call;
use super::machine::Call;
use crate::probe::failure::Failure;

/// `GRND_NONBLOCK`: a machine that has just started may have none yet.
const AT_ONCE: usize = 1;

/// Two random bytes.
pub fn bytes() -> Result<[u8; 2], Failure> {
    let mut bytes = [0; 2];
    // SAFETY: the kernel writes at most two bytes to `bytes`, which is borrowed. So few are never fewer (`getrandom(2)`).
    unsafe {
        call(Call::GetRandom, [bytes.as_mut_ptr().expose_provenance(), bytes.len(), AT_ONCE, 0, 0, 0])
    }?;
    Ok(bytes)
}
