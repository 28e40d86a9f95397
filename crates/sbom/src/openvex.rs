//! OpenVEX 0.2.0 (openvex/spec, `OPENVEX-SPEC.md`): which vulnerabilities do not matter though a version has them, because whoever
//! made the package patched it.
//!
//! Known of paths of the Nix store alone, whose derivations name their patches: `…-CVE-2024-1234.patch`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::bill::{Bill, Component, Kind, Party};
use crate::document::{Uuid, json as text};

/// The document that says what is patched of what `bill` is about.
pub(crate) fn write(bill: &Bill) -> String {
    let mut by_name: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for component in bill.components.values() {
        for name in &component.patched {
            by_name.entry(name).or_default().extend(component.purl.as_deref());
        }
    }
    let products: Vec<&str> = products(bill).filter_map(|component| component.purl.as_deref()).collect();
    let statement = |(name, parts): (&str, BTreeSet<&str>)| {
        let parts: Vec<Value> = parts.into_iter().map(|purl| json!({ "@id": purl })).collect();
        let product = |purl: &&str| json!({ "@id": purl, "subcomponents": parts });
        json!({
            "vulnerability": { "name": name },
            "products": products.iter().map(product).collect::<Vec<_>>(),
            "status": "fixed",
            "status_notes": "patched where the package is built",
        })
    };
    let statements: Vec<Value> = by_name.into_iter().map(statement).collect();
    let (Party::Person(author, _) | Party::Organisation(author, _)) = &bill.author;
    let id = Uuid::of(&(author, bill.created.to_string(), &statements, &products));
    text(&json!({
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": id.to_string(),
        "author": author,
        "timestamp": bill.created.to_string(),
        "version": 1,
        "tooling": "longshore",
        "statements": statements,
    }))
}

/// What is handed out: the images; of an index or the stack each of theirs.
fn products(bill: &Bill) -> impl Iterator<Item = &Component> {
    bill.components.values().filter(|component| component.kind == Kind::Image)
}
