//! What shows that a violation is as the backend stored it: HMAC-SHA256 over all its fields, each with its length before it.

use std::fmt;

use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::proto::Violation;

/// Bytes that a key must have.
pub const KEY_BYTES: usize = 16;

#[derive(Clone)]
pub struct Key(Vec<u8>);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

/// Keys that stand in documentation and examples, so that no signature made with them shows anything.
const KNOWN: &[&str] = &[
    "betrace",
    "change-me",
    "changeme",
    "default",
    "default-signature-key",
    "dev-signature-key",
    "insecure-default-key",
    "password",
    "secret",
    "your-secret-key-here",
    "0123456789abcdef",
    "00000000000000000000000000000000",
];

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("the signature key has {0} bytes; {KEY_BYTES} are the least")]
    Short(usize),
    #[error("the signature key is one that everybody knows")]
    Known,
}

impl Key {
    /// # Errors
    /// If the key is too short, or one that everybody knows.
    pub fn new(bytes: Vec<u8>) -> Result<Self, KeyError> {
        let text = String::from_utf8_lossy(&bytes).to_ascii_lowercase().replace('_', "-");
        let repeated = bytes.windows(2).all(|pair| pair[0] == pair[1]);
        if KNOWN.contains(&text.as_str()) || (repeated && !bytes.is_empty()) {
            return Err(KeyError::Known);
        }
        if bytes.len() < KEY_BYTES {
            return Err(KeyError::Short(bytes.len()));
        }
        Ok(Self(bytes))
    }

    /// Any key at all; for development.
    pub fn unchecked(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// 64 hexadecimal digits. `signature` and `verified` themselves don't count.
    pub fn sign(&self, violation: &Violation) -> String {
        hex::encode(self.mac(violation).finalize().into_bytes())
    }

    pub fn verifies(&self, violation: &Violation) -> bool {
        hex::decode(&violation.signature)
            .is_ok_and(|signature| self.mac(violation).verify_slice(&signature).is_ok())
    }

    fn mac(&self, violation: &Violation) -> Hmac<Sha256> {
        let mut mac = Fields(Hmac::new_from_slice(&self.0).expect("HMAC takes keys of any length"));
        mac.field(b"betrace.violation.v1");
        let text = [
            &violation.id,
            &violation.rule_id,
            &violation.rule_name,
            &violation.trace_id,
            &violation.span_id,
            &violation.severity,
            &violation.message,
        ];
        for text in text {
            mac.field(text.as_bytes());
        }
        let time = violation.timestamp.unwrap_or_default();
        mac.field(&time.seconds.to_be_bytes());
        mac.field(&time.nanos.to_be_bytes());
        mac.count(violation.context.len());
        for (key, value) in &violation.context {
            mac.field(key.as_bytes());
            mac.field(value.as_bytes());
        }
        mac.count(violation.span_ids.len());
        for id in &violation.span_ids {
            mac.field(id.as_bytes());
        }
        mac.0
    }
}

/// Writes fields so that no two lists of fields give the same bytes.
struct Fields(Hmac<Sha256>);

impl Fields {
    fn field(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.0.update(bytes);
    }

    fn count(&mut self, count: usize) {
        self.0.update(&(count as u64).to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::timestamp;

    fn violation() -> Violation {
        Violation {
            id: "aa".into(),
            rule_id: "b".into(),
            rule_name: "cc".into(),
            trace_id: "d".into(),
            span_id: "ee".into(),
            timestamp: Some(timestamp(5)),
            severity: "LOW".into(),
            message: "ff".into(),
            context: [("k".to_owned(), "vw".to_owned()), ("l".to_owned(), "x".to_owned())].into(),
            span_ids: vec!["gg".into(), "h".into()],
            ..Violation::default()
        }
    }

    #[test]
    fn no_two_violations_are_signed_alike() {
        type Change = fn(&mut Violation);
        let changes: [Change; 16] = [
            |_| {},
            |it| it.id.push('x'),
            // Over the border of two fields.
            |it| (it.id, it.rule_id) = ("a".into(), "ab".into()),
            |it| (it.rule_id, it.rule_name) = ("bc".into(), "c".into()),
            |it| (it.trace_id, it.span_id) = (String::new(), "dee".into()),
            |it| (it.severity, it.message) = ("LO".into(), "Wff".into()),
            |it| (it.rule_name, it.trace_id) = ("d".into(), "cc".into()),
            |it| it.timestamp = Some(timestamp(6)),
            |it| it.timestamp = Some(timestamp(5_000_000_000)),
            |it| it.context = [("kv".to_owned(), "w".to_owned()), ("l".to_owned(), "x".to_owned())].into(),
            |it| it.context = [("k".to_owned(), "vwlx".to_owned())].into(),
            |it| it.context.clear(),
            |it| it.span_ids = vec!["g".into(), "gh".into()],
            |it| it.span_ids = vec!["h".into(), "gg".into()],
            |it| it.span_ids = vec!["ggh".into()],
            // From one list to the other.
            |it| {
                it.context = [("k".to_owned(), "vw".to_owned())].into();
                it.span_ids = vec!["l".into(), "x".into(), "gg".into(), "h".into()];
            },
        ];
        let key = Key::unchecked(b"key".to_vec());
        let signed = changes.map(|change| {
            let mut violation = violation();
            change(&mut violation);
            violation.signature = key.sign(&violation);
            assert!(key.verifies(&violation));
            violation
        });
        let signatures: std::collections::BTreeSet<_> = signed.iter().map(|it| &it.signature).collect();
        assert_eq!(signatures.len(), signed.len());
        for other in &signed[1..] {
            let moved = Violation { signature: signed[0].signature.clone(), ..other.clone() };
            assert!(!key.verifies(&moved), "{moved:?}");
        }
    }

    #[test]
    fn what_is_no_signature_of_this_key_is_not_verified() {
        let (key, other) = (Key::unchecked(b"key".to_vec()), Key::unchecked(b"kez".to_vec()));
        let right = key.sign(&violation());
        assert_eq!(right.len(), 64);
        let verified =
            |signature: &str| key.verifies(&Violation { signature: signature.into(), ..violation() });
        // `verified` itself is not of what is signed.
        assert!(key.verifies(&Violation { signature: right.clone(), verified: true, ..violation() }));
        for wrong in ["", "xyz", &right[..62], &format!("{right}00"), &other.sign(&violation())] {
            assert!(!verified(wrong), "{wrong}");
        }
    }
}
