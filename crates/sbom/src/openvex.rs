//! OpenVEX 0.2.0 (openvex/spec, `OPENVEX-SPEC.md`): which vulnerabilities do not matter though a version has them, because whoever
//! made the package patched it.
//!
//! Known of paths of the Nix store alone, whose derivations name their patches: `…-CVE-2024-1234.patch`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::bill::{Algorithm, Bill, Component, Id, Kind, Party, Relation};
use crate::document::{Uuid, json as text};

/// The document that says what is patched of what `bill` is about; none where nothing is known to be, as a document of no statement
/// is not valid.
pub(crate) fn write(bill: &Bill) -> Option<String> {
    // By vulnerability: the images that hold what is patched, and that.
    let mut all: BTreeMap<&str, BTreeMap<&Id, BTreeSet<&str>>> = BTreeMap::new();
    for edge in bill.edges.iter().filter(|edge| edge.relation == Relation::Contains) {
        let Some(part) = bill.components.get(&edge.to).filter(|_| is_image(bill, &edge.from)) else {
            continue;
        };
        for name in &part.patched {
            all.entry(name).or_default().entry(&edge.from).or_default().extend(part.purl.as_deref());
        }
    }
    if all.is_empty() {
        return None;
    }
    let statement = |(name, images): (&str, BTreeMap<&Id, BTreeSet<&str>>)| {
        let products =
            images.into_iter().filter_map(|(id, parts)| Some(product(bill.components.get(id)?, parts)));
        json!({
            "vulnerability": { "name": name },
            "products": products.collect::<Vec<_>>(),
            "status": "fixed",
            "status_notes": "patched where the package is built",
        })
    };
    let statements: Vec<Value> = all.into_iter().map(statement).collect();
    let (Party::Person(author, _) | Party::Organisation(author, _)) = &bill.author;
    let id = Uuid::of(&(author, bill.created.to_string(), &statements));
    Some(text(&json!({
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": id.to_string(),
        "author": author,
        "timestamp": bill.created.to_string(),
        "version": 1,
        "tooling": "longshore",
        "statements": statements,
    })))
}

/// What is handed out is an image.
fn is_image(bill: &Bill, id: &Id) -> bool {
    bill.components.get(id).is_some_and(|component| component.kind == Kind::Image)
}

fn product(image: &Component, parts: BTreeSet<&str>) -> Value {
    let parts: Vec<Value> = parts.into_iter().map(|purl| json!({ "@id": purl })).collect();
    let hashes: Map<String, Value> =
        image.hashes.iter().map(|hash| (name(hash.algorithm).to_owned(), json!(hash.hex))).collect();
    json!({ "@id": image.purl, "hashes": hashes, "subcomponents": parts })
}

/// What an algorithm is called ("Product Data Structure", `hashes`).
fn name(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Sha256 => "sha-256",
        Algorithm::Sha512 => "sha-512",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bill::{Edge, Hash};

    /// A stack of two images. Both hold the patched `libgreet`, one the patched `hello`; a module of a build is in neither.
    fn bill(patched: bool) -> Bill {
        let id = |name: &str| Id(name.to_owned());
        let mut bill = Bill {
            name: "test".to_owned(),
            created: longshore_oci::Epoch(1_700_000_000),
            author: Party::Organisation("Example".to_owned(), None),
            root: id("stack:test"),
            components: BTreeMap::from([(id("stack:test"), Component::new(Kind::Stack, "test", "1"))]),
            edges: BTreeSet::new(),
        };
        let mut add = |of: Kind, name: &str, purl: &str, vulnerabilities: &[&str]| {
            let mut component = Component::new(of, name, "1");
            component.purl = Some(purl.to_owned());
            if of == Kind::Image {
                let hex = if name == "app" { "aa" } else { "bb" }.to_owned();
                component.hashes.insert(Hash { algorithm: Algorithm::Sha256, hex });
            }
            if patched {
                component.patched = vulnerabilities.iter().map(|name| (*name).to_owned()).collect();
            }
            bill.components.insert(id(name), component);
        };
        add(Kind::Image, "app", "pkg:oci/app", &[]);
        add(Kind::Image, "tool", "pkg:oci/tool", &[]);
        add(Kind::Package, "hello", "pkg:nix/hello@2.12?outputhash=h", &["CVE-2024-1234"]);
        add(
            Kind::Package,
            "libgreet",
            "pkg:nix/libgreet@1.4?outputhash=l",
            &["CVE-2023-1000", "CVE-2024-1234"],
        );
        add(Kind::Module, "crate", "pkg:cargo/crate@1", &["CVE-2020-0001"]);
        for (from, relation, to) in [
            ("stack:test", Relation::Contains, "app"),
            ("app", Relation::Contains, "hello"),
            ("app", Relation::Contains, "libgreet"),
            ("tool", Relation::Contains, "libgreet"),
            ("hello", Relation::DependsOn, "libgreet"),
            ("app", Relation::MadeFrom, "crate"),
        ] {
            bill.edges.insert(Edge { from: id(from), relation, to: id(to) });
        }
        bill
    }

    /// `CVE: IMAGE [PART …] …`, a statement a line.
    fn said(document: &str) -> Vec<String> {
        let document: Value = serde_json::from_str(document).unwrap();
        let name = |value: &Value| value["@id"].as_str().unwrap().to_owned();
        let all = |value: &Value| value.as_array().unwrap().clone();
        let statements = all(&document["statements"]).into_iter().map(|statement| {
            assert_eq!(statement["status"], "fixed");
            let products = all(&statement["products"]).into_iter().map(|product| {
                let parts: Vec<String> = all(&product["subcomponents"]).iter().map(name).collect();
                format!("{} {} [{}]", name(&product), product["hashes"]["sha-256"], parts.join(", "))
            });
            let products: Vec<String> = products.collect();
            format!("{}: {}", statement["vulnerability"]["name"].as_str().unwrap(), products.join(" and "))
        });
        statements.collect()
    }

    #[test]
    fn an_image_is_said_to_be_fixed_by_what_it_holds() {
        let document = write(&bill(true)).unwrap();
        assert_eq!(
            said(&document),
            [
                "CVE-2023-1000: pkg:oci/app \"aa\" [pkg:nix/libgreet@1.4?outputhash=l] and pkg:oci/tool \"bb\" \
                 [pkg:nix/libgreet@1.4?outputhash=l]",
                "CVE-2024-1234: pkg:oci/app \"aa\" [pkg:nix/hello@2.12?outputhash=h, pkg:nix/libgreet@1.4?outputhash=l] and \
                 pkg:oci/tool \"bb\" [pkg:nix/libgreet@1.4?outputhash=l]",
            ]
        );
        let head: Value = serde_json::from_str(&document).unwrap();
        assert_eq!(head["author"], "Example");
        assert_eq!(head["timestamp"], "2023-11-14T22:13:20Z");
    }

    #[test]
    fn the_name_is_that_of_what_it_says() {
        let name = |bill: &Bill| {
            let document: Value = serde_json::from_str(&write(bill).unwrap()).unwrap();
            document["@id"].as_str().unwrap().to_owned()
        };
        let mut other = bill(true);
        assert_eq!(name(&bill(true)), name(&other));
        for component in other.components.values_mut().filter(|component| component.name == "hello") {
            component.patched.push("CVE-2025-0001".to_owned());
        }
        assert_ne!(name(&bill(true)), name(&other));
    }

    #[test]
    fn nothing_is_said_of_nothing() {
        assert_eq!(write(&bill(false)), None);
    }
}
