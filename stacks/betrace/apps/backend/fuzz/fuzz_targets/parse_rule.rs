//! Any text is an error, or a rule that prints as text of an equal rule.
#![no_main]

use betrace_language::{MAX_LENGTH, Rule};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|source: &str| {
    let rule: Rule = match source.parse() {
        Ok(rule) => rule,
        Err(error) => {
            assert!(error.start <= error.end);
            return;
        }
    };
    let printed = rule.to_string();
    if printed.len() <= MAX_LENGTH {
        let again: Rule = printed.parse().expect("what is printed is a rule");
        assert_eq!(again, rule);
        assert_eq!(again.to_string(), printed);
    }
});
