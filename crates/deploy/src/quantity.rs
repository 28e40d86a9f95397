//! Sizes and shares as engines read them.

/// Bytes in the largest unit that has no remainder.
pub(crate) fn bytes(bytes: u64) -> String {
    let units = [(30, 'g'), (20, 'm'), (10, 'k')];
    let whole = units.iter().find(|(bits, _)| bytes != 0 && bytes.is_multiple_of(1 << bits));
    whole.map_or(format!("{bytes}b"), |(bits, unit)| format!("{}{unit}", bytes >> bits))
}

/// Thousandths of a processor as processors.
pub(crate) fn processors(thousandths: u32) -> String {
    let text = format!("{}.{:03}", thousandths / 1000, thousandths % 1000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_short() {
        let check = |text: String, expected: &str| assert_eq!(text, expected);
        check(bytes(1 << 30), "1g");
        check(bytes(1536 << 20), "1536m");
        check(bytes(1025 << 10), "1025k");
        check(bytes(1), "1b");
        check(bytes(0), "0b");
        check(processors(1500), "1.5");
        check(processors(10), "0.01");
        check(processors(10_000), "10");
    }
}
