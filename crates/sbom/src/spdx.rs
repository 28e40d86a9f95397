//! SPDX 2.3 as JSON: only what is written of it (<https://spdx.github.io/spdx-spec/v2.3/>).

use std::collections::BTreeMap;

use longshore_oci::Digest;
use serde::Serialize;

use crate::bill::{Algorithm, Bill, Component, Hash, Id, Kind, Party, Relation};
use crate::document::{self, Uuid, VERSION};

/// What is said of what is not known (7.7 and others).
const NOT_KNOWN: &str = "NOASSERTION";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    spdx_version: &'static str,
    data_license: &'static str,
    #[serde(rename = "SPDXID")]
    id: &'static str,
    name: String,
    document_namespace: String,
    creation_info: CreationInfo,
    document_describes: Vec<String>,
    packages: Vec<Package>,
    relationships: Vec<Relationship>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    has_extracted_licensing_infos: Vec<ExtractedLicence>,
}

#[derive(Serialize)]
struct CreationInfo {
    created: String,
    creators: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Package {
    name: String,
    #[serde(rename = "SPDXID")]
    id: String,
    version_info: String,
    supplier: String,
    download_location: String,
    files_analyzed: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    checksums: Vec<Checksum>,
    #[serde(skip_serializing_if = "Option::is_none")]
    homepage: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_info: Option<String>,
    license_concluded: &'static str,
    license_declared: String,
    copyright_text: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
    primary_package_purpose: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    external_refs: Vec<ExternalRef>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    annotations: Vec<Annotation>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Checksum {
    algorithm: &'static str,
    checksum_value: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExternalRef {
    reference_category: &'static str,
    reference_type: &'static str,
    reference_locator: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Annotation {
    annotation_date: String,
    annotation_type: &'static str,
    annotator: String,
    comment: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Relationship {
    spdx_element_id: String,
    relationship_type: &'static str,
    related_spdx_element: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExtractedLicence {
    license_id: String,
    extracted_text: String,
    name: String,
}

/// The document.
pub fn write(bill: &Bill) -> String {
    let (packages, licences) = packages(bill);
    let mut document = Document {
        spdx_version: "SPDX-2.3",
        data_license: "CC0-1.0",
        id: "SPDXRef-DOCUMENT",
        name: bill.name.clone(),
        document_namespace: String::new(),
        creation_info: CreationInfo {
            created: bill.created.to_string(),
            creators: vec![party(&bill.author), tool()],
        },
        document_describes: vec![reference(&bill.root)],
        packages,
        relationships: relationships(bill),
        has_extracted_licensing_infos: licences,
    };
    document.document_namespace = Uuid::of(&document).to_string();
    document::json(&document)
}

fn packages(bill: &Bill) -> (Vec<Package>, Vec<ExtractedLicence>) {
    let mut unlisted = BTreeMap::new();
    let mut all = Vec::new();
    for (id, component) in &bill.components {
        if let Some(licence) = &component.licence {
            unlisted.extend(licence.unlisted().clone());
        }
        all.push(package(id, component, bill));
    }
    let licences = unlisted.into_iter().map(|(license_id, name)| ExtractedLicence {
        license_id,
        extracted_text: format!("What packages call `{name}`; the text is in them."),
        name,
    });
    (all, licences.collect())
}

fn package(id: &Id, component: &Component, bill: &Bill) -> Package {
    let purl = component.purl.iter().map(|purl| ExternalRef {
        reference_category: "PACKAGE-MANAGER",
        reference_type: "purl",
        reference_locator: purl.clone(),
    });
    let cpe = component.cpe.iter().map(|cpe| ExternalRef {
        reference_category: "SECURITY",
        reference_type: "cpe23Type",
        reference_locator: cpe.clone(),
    });
    let annotations = component.places.iter().map(|place| Annotation {
        annotation_date: bill.created.to_string(),
        annotation_type: "OTHER",
        annotator: tool(),
        comment: place.to_string(),
    });
    let (download, address) = match &component.download {
        Some(address) if is_listed(address) => (address.clone(), None),
        other => (NOT_KNOWN.to_owned(), other.as_ref()),
    };
    let known = component.properties.iter().map(|(name, value)| format!("longshore:{name}: {value}"));
    let patched = component.patched.iter().map(|id| format!("longshore:patched: {id}"));
    let comment: Vec<_> = address
        .map(|address| format!("longshore:address: {address}"))
        .into_iter()
        .chain(known)
        .chain(patched)
        .collect();
    let source = component.properties.get("source-package");
    Package {
        name: component.name.clone(),
        id: reference(id),
        version_info: component.version.clone(),
        supplier: component.supplier.as_ref().map_or_else(|| NOT_KNOWN.to_owned(), party),
        download_location: download,
        files_analyzed: false,
        checksums: component.hashes.iter().map(checksum).collect(),
        homepage: component.homepage.clone(),
        source_info: source.map(|source| format!("built from source package {source}")),
        license_concluded: NOT_KNOWN,
        license_declared: component
            .licence
            .as_ref()
            .map_or_else(|| NOT_KNOWN.to_owned(), |licence| licence.expression().to_owned()),
        copyright_text: NOT_KNOWN,
        summary: component.summary.clone(),
        comment: Some(comment.join("\n")).filter(|comment| !comment.is_empty()),
        primary_package_purpose: match component.kind {
            Kind::Stack | Kind::Program => "APPLICATION",
            Kind::Index | Kind::Image | Kind::BaseImage => "CONTAINER",
            Kind::Package | Kind::Module => "LIBRARY",
            Kind::Download => "ARCHIVE",
            Kind::File => "FILE",
        },
        external_refs: purl.chain(cpe).collect(),
        annotations: annotations.collect(),
    }
}

/// Whether SPDX's own validators take it as a location: their hosts are names that end in two to five letters.
fn is_listed(address: &str) -> bool {
    let rest = address.split_once("://").map(|(_, rest)| rest).unwrap_or_default();
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let host = host.split(':').next().unwrap_or_default();
    let plain =
        |part: &str| !part.is_empty() && part.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    let last = host.rsplit('.').next().unwrap_or_default();
    let named = host.contains('.') && host.split(['.', '-']).all(plain);
    named && (2..=5).contains(&last.len()) && last.bytes().all(|c| c.is_ascii_lowercase())
}

fn checksum(hash: &Hash) -> Checksum {
    let algorithm = match hash.algorithm {
        Algorithm::Sha256 => "SHA256",
        Algorithm::Sha512 => "SHA512",
    };
    Checksum { algorithm, checksum_value: hash.hex.clone() }
}

fn relationships(bill: &Bill) -> Vec<Relationship> {
    let described = Relationship {
        spdx_element_id: String::from("SPDXRef-DOCUMENT"),
        relationship_type: "DESCRIBES",
        related_spdx_element: reference(&bill.root),
    };
    let mut all = vec![described];
    for edge in &bill.edges {
        all.push(Relationship {
            spdx_element_id: reference(&edge.from),
            relationship_type: match edge.relation {
                Relation::Contains => "CONTAINS",
                Relation::DependsOn | Relation::Bundles => "DEPENDS_ON",
                Relation::BuiltOn => "DESCENDANT_OF",
                Relation::MadeFrom => "GENERATED_FROM",
                Relation::Links => "STATIC_LINK",
            },
            related_spdx_element: reference(&edge.to),
        });
    }
    all
}

/// `Organization: Debian (debian@example.org)`, as creators and suppliers are written (6.8, 7.5).
fn party(party: &Party) -> String {
    let (kind, name, mail) = match party {
        Party::Person(name, mail) => ("Person", name, mail),
        Party::Organisation(name, mail) => ("Organization", name, mail),
    };
    match mail {
        Some(mail) => format!("{kind}: {name} ({mail})"),
        None => format!("{kind}: {name}"),
    }
}

fn tool() -> String {
    format!("Tool: longshore-{VERSION}")
}

/// `SPDXRef-` with letters, digits, dots and dashes (7.2); the end keeps apart what looks the same without the rest.
fn reference(id: &Id) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
    let name: String = id.0.chars().take(100).map(plain).collect();
    let hash = Digest::of(id.0.as_bytes()).hex();
    format!("SPDXRef-{name}-{}", &hash[..8])
}

#[cfg(test)]
mod tests {
    use super::is_listed;

    #[test]
    fn locations_that_validators_take() {
        for (address, expected) in [
            ("https://deb.debian.org/debian/x", true),
            ("git+https://git.example.org:8080/x@abc", true),
            ("http://127.0.0.1:8080/x", false),
            ("http://localhost/x", false),
            ("https://apt.example/x", false),
            ("x", false),
            ("", false),
        ] {
            assert_eq!(is_listed(address), expected, "{address}");
        }
    }
}
