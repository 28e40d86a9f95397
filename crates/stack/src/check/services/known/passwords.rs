//! Passwords that everybody knows.

use super::Known;
use crate::findings::Findings;

/// What comes first to those who guess.
const GUESSED: [&str; 12] = [
    "admin", "changeme", "default", "guest", "letmein", "password", "passw0rd", "postgres", "root", "secret",
    "test", "123456",
];

pub(super) fn check(known: &Known<'_>, findings: &mut Findings) {
    for said in known.env() {
        let name = said.name.as_deref().unwrap_or_default().to_ascii_uppercase();
        let secret = ["PASSWORD", "PASSWD", "SECRET", "TOKEN", "KEY"].iter().any(|part| name.contains(part));
        if secret && GUESSED.contains(&said.text.to_ascii_lowercase().as_str()) {
            let message = format!("`{name}` of service `{}` is one that everybody knows", known.name.value);
            findings.error("stack::password", &said.span, message).help(
                "declare `[secret.NAME]` with `generate = 24`, and let the program read the file".to_owned(),
            );
        }
    }
}
