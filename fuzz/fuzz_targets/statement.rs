//! What is signed: statements, and the payload of older signatures. A key of the target's own signs them, so that no signature
//! stands before what reads them. The first byte says which.
#![no_main]

use std::sync::LazyLock;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use libfuzzer_sys::fuzz_target;
use longshore_oci::Digest;
use longshore_trust::attachment::{OlderLayer, SIGNATURE};
use longshore_trust::key::{PrivateKey, Sign as _};
use longshore_trust::{Evidence, Expected, Signer, Statement, Verifier};

static KEY: LazyLock<PrivateKey> = LazyLock::new(|| {
    let key = PrivateKey::generate().expect("there is randomness");
    PrivateKey::from_pkcs8(&key, "of the target").expect("it is one")
});

fuzz_target!(|bytes: &[u8]| {
    let Some((first, payload)) = bytes.split_first() else { return };
    // The one that the seeds are about.
    let subject = Digest::of(b"image");
    if first % 2 == 0 {
        if let Ok(statement) = Statement::read(payload, &subject) {
            // But for numbers that no machine keeps as they are written.
            let again = Statement::read(&statement.to_bytes(), &subject).expect("it was written by us");
            assert_eq!((again.name, again.predicate_type), (statement.name, statement.predicate_type));
        }
        return;
    }
    let signature = KEY.sign(payload).expect("it can sign");
    let annotations = [(SIGNATURE.to_owned(), BASE64_STANDARD.encode(signature))].into();
    let older = Evidence::Older { payload: payload.to_vec(), annotations };
    let signer = Signer::Key(Box::new(KEY.public().clone()));
    let verifier = Verifier::new(None).expect("there is nothing wrong with none");
    if older.held(&subject, &signer, Expected::Unlogged, &verifier).is_ok() {
        let again = OlderLayer::payload(&subject, "x");
        let read: serde_json::Value = serde_json::from_slice(payload).expect("it was read");
        let ours: serde_json::Value = serde_json::from_slice(&again).expect("it is ours");
        assert_eq!(read["critical"]["image"], ours["critical"]["image"]);
        assert_eq!(read["critical"]["type"], ours["critical"]["type"]);
    }
});
