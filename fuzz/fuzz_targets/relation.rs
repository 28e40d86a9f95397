//! Versions and relations. An order that is none would make resolution depend on the order of the lists.
#![no_main]

use std::cmp::Ordering;

use libfuzzer_sys::fuzz_target;
use longshore_sources::deb::{relation, version};

fuzz_target!(|text: &str| {
    for group in relation::groups(text) {
        for relation in relation::alternatives(group).flatten() {
            relation.applies("amd64");
            relation.names_architecture("arm64");
        }
    }
    let good: Vec<&str> =
        text.split_whitespace().take(8).filter(|text| version::check(text).is_ok()).collect();
    for a in &good {
        assert_eq!(version::compare(a, a), Ordering::Equal);
        for b in &good {
            assert_eq!(version::compare(a, b), version::compare(b, a).reverse());
            for c in &good {
                if version::compare(a, b).is_le() && version::compare(b, c).is_le() {
                    assert!(version::compare(a, c).is_le(), "{a} {b} {c}");
                }
            }
        }
    }
});
