//! Rules of the house that no compiler checks.

mod arrows;
mod docs;
mod source;

use crate::generate;
use crate::run::{Result, say, tracked};

/// Checks all of them; every breach is named before it fails.
pub fn tidy() -> Result {
    say("tidy");
    let files = tracked()?;
    let mut breaches = arrows::breaches()?;
    breaches.extend(source::breaches(&files)?);
    breaches.extend(docs::breaches(&files)?);
    if crate::run::longshore().exists() {
        breaches.extend(generate::stale()?);
    } else {
        breaches.push(String::from("generated files can't be checked before `cargo build --release`"));
    }
    for breach in &breaches {
        eprintln!("tidy: {breach}");
    }
    match breaches.len() {
        0 => Ok(()),
        count => Err(format!("{count} rules broken")),
    }
}
