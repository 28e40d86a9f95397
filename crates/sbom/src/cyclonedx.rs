//! CycloneDX 1.6 as JSON: only what is written of it (<https://cyclonedx.org/docs/1.6/json/>).

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::bill::{self, Algorithm, Bill, Id, Kind, Part, Party};
use crate::document::{self, Uuid, VERSION};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    bom_format: &'static str,
    spec_version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    serial_number: Option<String>,
    version: u32,
    metadata: Metadata,
    components: Vec<Component>,
    dependencies: Vec<Dependency>,
}

#[derive(Serialize)]
struct Metadata {
    timestamp: String,
    tools: Tools,
    component: Option<Component>,
    supplier: Entity,
}

#[derive(Serialize)]
struct Tools {
    components: Vec<Tool>,
}

#[derive(Serialize)]
struct Tool {
    #[serde(rename = "type")]
    kind: &'static str,
    name: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Component {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "bom-ref")]
    reference: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    supplier: Option<Entity>,
    name: String,
    version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hashes: Vec<Hash>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    licenses: Vec<Licence>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cpe: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    purl: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pedigree: Option<Pedigree>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    external_references: Vec<ExternalReference>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    properties: Vec<Property>,
}

#[derive(Serialize)]
struct Entity {
    name: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    contact: Vec<Contact>,
}

#[derive(Serialize)]
struct Contact {
    email: String,
}

#[derive(Serialize)]
struct Hash {
    alg: &'static str,
    content: String,
}

#[derive(Serialize)]
struct Licence {
    expression: String,
}

/// What was changed of it.
#[derive(Serialize)]
struct Pedigree {
    patches: Vec<Patch>,
}

#[derive(Serialize)]
struct Patch {
    #[serde(rename = "type")]
    kind: &'static str,
    resolves: Vec<Issue>,
}

#[derive(Serialize)]
struct Issue {
    #[serde(rename = "type")]
    kind: &'static str,
    id: String,
}

#[derive(Serialize)]
struct ExternalReference {
    #[serde(rename = "type")]
    kind: &'static str,
    url: String,
}

#[derive(Serialize)]
struct Property {
    name: String,
    value: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Dependency {
    #[serde(rename = "ref")]
    from: String,
    depends_on: BTreeSet<String>,
}

/// The document.
pub fn write(bill: &Bill) -> String {
    let mut components = bill.components.iter().map(|(id, held)| (id, component(id, held)));
    let (roots, others): (Vec<_>, Vec<_>) = components.by_ref().partition(|(id, _)| **id == bill.root);
    let mut document = Document {
        bom_format: "CycloneDX",
        spec_version: "1.6",
        serial_number: None,
        version: 1,
        metadata: Metadata {
            timestamp: bill.created.to_string(),
            tools: Tools {
                components: vec![Tool { kind: "application", name: "longshore", version: VERSION }],
            },
            component: roots.into_iter().map(|(_, component)| component).next(),
            supplier: entity(&bill.author),
        },
        components: others.into_iter().map(|(_, component)| component).collect(),
        dependencies: dependencies(bill),
    };
    document.serial_number = Some(Uuid::of(&document).to_string());
    document::json(&document)
}

fn component(id: &Id, of: &bill::Component) -> Component {
    let place =
        |place: &bill::Place| Property { name: "longshore:place".to_owned(), value: place.to_string() };
    let known = |(name, value): (&String, &String)| Property {
        name: format!("longshore:{name}"),
        value: value.clone(),
    };
    let only_source = !of.places.is_empty() && of.places.iter().all(|place| place.part == Part::Source);
    let references = [("website", &of.homepage), ("distribution", &of.download)];
    let references = references.into_iter().filter_map(|(kind, url)| {
        let url = url.clone()?;
        Some(ExternalReference { kind: if url.starts_with("git+") { "vcs" } else { kind }, url })
    });
    Component {
        kind: match of.kind {
            Kind::Stack | Kind::Program => "application",
            Kind::Index | Kind::Image | Kind::BaseImage => "container",
            Kind::Package | Kind::Module => "library",
            Kind::Download | Kind::File => "file",
        },
        reference: id.to_string(),
        supplier: of.supplier.as_ref().map(entity),
        name: of.name.clone(),
        version: of.version.clone(),
        description: of.summary.clone(),
        scope: only_source.then_some("excluded"),
        hashes: of.hashes.iter().map(hash).collect(),
        licenses: of.licence.iter().map(|one| Licence { expression: one.expression().to_owned() }).collect(),
        cpe: of.cpe.clone(),
        purl: of.purl.clone(),
        pedigree: pedigree(&of.patched),
        external_references: references.collect(),
        properties: of.properties.iter().map(known).chain(of.places.iter().map(place)).collect(),
    }
}

fn pedigree(patched: &[String]) -> Option<Pedigree> {
    let resolves: Vec<_> = patched.iter().map(|id| Issue { kind: "security", id: id.clone() }).collect();
    (!resolves.is_empty()).then(|| Pedigree { patches: vec![Patch { kind: "unofficial", resolves }] })
}

fn hash(hash: &bill::Hash) -> Hash {
    let alg = match hash.algorithm {
        Algorithm::Sha256 => "SHA-256",
        Algorithm::Sha512 => "SHA-512",
    };
    Hash { alg, content: hash.hex.clone() }
}

fn entity(party: &Party) -> Entity {
    let (Party::Person(name, mail) | Party::Organisation(name, mail)) = party;
    Entity { name: name.clone(), contact: mail.iter().map(|mail| Contact { email: mail.clone() }).collect() }
}

/// What each needs, whether it holds it, was made of it or wants it beside it: the format knows no difference.
fn dependencies(bill: &Bill) -> Vec<Dependency> {
    let mut all: BTreeMap<&Id, BTreeSet<String>> =
        bill.components.keys().map(|id| (id, BTreeSet::new())).collect();
    for edge in &bill.edges {
        all.entry(&edge.from).or_default().insert(edge.to.to_string());
    }
    all.into_iter().map(|(id, depends_on)| Dependency { from: id.to_string(), depends_on }).collect()
}
