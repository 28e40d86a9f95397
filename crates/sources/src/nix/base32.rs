//! Nix's base 32 (Nix manual, "Store Path": "Nix32"): own digits, and the bits in the reverse of the usual order.

/// No `e`, `o`, `u`, `t`.
const DIGITS: &[u8; 32] = b"0123456789abcdfghijklmnpqrsvwxyz";

/// The digits of `bytes`, most significant first.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let digits = (bytes.len() * 8).div_ceil(5);
    let bits = |digit: usize| {
        let (byte, shift) = (digit * 5 / 8, digit * 5 % 8);
        let high = bytes.get(byte + 1).copied().unwrap_or_default();
        (u16::from_le_bytes([bytes[byte], high]) >> shift) & 31
    };
    (0..digits).rev().map(|digit| char::from(DIGITS[usize::from(bits(digit))])).collect()
}

/// The `N` bytes of `text`; none where it is not exactly them.
pub(crate) fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != (N * 8).div_ceil(5) {
        return None;
    }
    let mut bytes = [0; N];
    for (digit, found) in text.bytes().rev().enumerate() {
        let value = DIGITS.iter().position(|known| *known == found)?;
        let (byte, shift) = (digit * 5 / 8, digit * 5 % 8);
        let [low, high] = (u16::try_from(value).ok()? << shift).to_le_bytes();
        bytes[byte] |= low;
        match bytes.get_mut(byte + 1) {
            Some(next) => *next |= high,
            // The first digit has more bits than are left.
            None if high != 0 => return None,
            None => {}
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_texts() {
        // `nix-hash --type sha256 --to-base32` of the digest of nothing, and of all bits.
        let empty = *longshore_oci::Digest::of(b"").as_bytes();
        let text = "0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73";
        assert_eq!(encode(&empty), text);
        assert_eq!(decode(text), Some(empty));
        assert_eq!(encode(&[0xff; 32]), format!("1{}", "z".repeat(51)));
        assert_eq!(decode::<32>(&format!("1{}", "z".repeat(51))), Some([0xff; 32]));
        assert_eq!(encode(b""), "");
    }

    #[test]
    fn there_and_back() {
        for start in 0..=255_u8 {
            let bytes: [u8; 20] = std::array::from_fn(|n| start.wrapping_mul(n as u8 + 3).wrapping_add(7));
            assert_eq!(decode(&encode(&bytes)), Some(bytes));
        }
    }

    #[test]
    fn what_is_none() {
        for text in
            ["", "0", &"0".repeat(51), &"0".repeat(53), &"e".repeat(52), &"z".repeat(52), &"é".repeat(26)]
        {
            assert_eq!(decode::<32>(text), None, "{text}");
        }
    }
}
