//! What binary caches say of paths and of themselves.
#![no_main]

use libfuzzer_sys::fuzz_target;
use longshore_sources::nix::narinfo::{CacheInfo, NarInfo};
use longshore_stack::model::NixKey;

fuzz_target!(|bytes: &[u8]| {
    let _ = CacheInfo::read(bytes);
    let Ok(info) = NarInfo::read(bytes) else { return };
    assert!(info.fingerprint().starts_with("1;/nix/store/"));
    // No signature of this key can be made; only what is named by its content passes.
    let key = NixKey { name: "test-1".to_owned(), key: [7; 32] };
    let addressed = info.content_address.is_some();
    assert!(info.trusted(&[key]).is_err() || addressed);
});
