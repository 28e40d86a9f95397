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
