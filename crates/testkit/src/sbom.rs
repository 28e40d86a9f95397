//! Bills of materials, as other people's validators see them.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;

use serde_json::Value;

use crate::Tool;

/// Where `./x setup` keeps them.
const FOLDER: &str = "sbom-2/bin";

/// Fails unless each file is valid SPDX 2.3, as SPDX's own tools see it.
pub fn valid_spdx(files: &[impl AsRef<Path>]) {
    for file in files {
        let said = Tool::kept(&format!("{FOLDER}/pyspdxtools")).arg("--infile").arg(file.as_ref()).run();
        assert!(said.trim().is_empty(), "{}: {said}", file.as_ref().display());
    }
}

/// Fails unless each file is valid CycloneDX 1.6 by its strict schema, unknown keys being errors.
pub fn valid_cyclonedx(files: &[impl AsRef<Path>]) {
    let program = "import sys\nfrom cyclonedx.schema import SchemaVersion\nfrom cyclonedx.validation.json import JsonStrictValidator\n\
                   for name in sys.argv[1:]:\n    error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(open(name).read())\n    \
                   if error: sys.exit(f'{name}: {error}')";
    let python = Tool::kept(&format!("{FOLDER}/python")).args(["-c", program]);
    python.args(files.iter().map(AsRef::as_ref)).run();
}

/// Fails unless each file is an OpenVEX document with statements, as somebody else's library reads it.
pub fn valid_openvex(files: &[impl AsRef<Path>]) {
    let program = "import sys\nfrom vexipy import Document\n\
                   for name in sys.argv[1:]:\n    document = Document.from_json(open(name).read())\n    \
                   if not document.statements: sys.exit(f'{name}: no statements')";
    let python = Tool::kept(&format!("{FOLDER}/python")).args(["-c", program]);
    python.args(files.iter().map(AsRef::as_ref)).run();
}

/// What OpenVEX's own library finds that a document says of `parts` of `product`, by their package URLs: `CVE-2024-1234 fixed PART`.
pub fn vexed(document: &Path, product: &str, parts: &BTreeSet<String>) -> BTreeSet<String> {
    let said = Tool::kept("openvex-1/openvex").arg(document).arg(product).args(parts).run();
    said.lines().map(str::to_owned).collect()
}

/// The package URLs of what a scanner finds in the only image of a layout, without qualifiers.
pub fn scanned(layout: &Path) -> BTreeSet<String> {
    found(layout).iter().map(|purl| plain(purl)).collect()
}

/// The same, as the scanner has them.
pub fn found(layout: &Path) -> BTreeSet<String> {
    let mut from = OsString::from("oci-dir:");
    from.push(layout);
    let scan = Tool::kept("scanner-1/syft").args(["scan", "--quiet", "--output", "json"]).arg(from);
    let found: Value = serde_json::from_str(&scan.env("SYFT_CHECK_FOR_APP_UPDATE", "false").run()).unwrap();
    let artifacts = found["artifacts"].as_array().unwrap().iter();
    artifacts.map(|one| one["purl"].as_str().unwrap().to_owned()).collect()
}

/// A package URL without its qualifiers, and with every character as itself.
pub fn plain(purl: &str) -> String {
    let (purl, _) = purl.split_once(['?', '#']).unwrap_or((purl, ""));
    let mut bytes = purl.bytes();
    let mut plain = Vec::new();
    while let Some(byte) = bytes.next() {
        let mut digit = || char::from(bytes.next().unwrap()).to_digit(16).unwrap();
        plain.push(if byte == b'%' { u8::try_from(digit() * 16 + digit()).unwrap() } else { byte });
    }
    String::from_utf8(plain).unwrap()
}

/// Fails unless a document of SPDX has the minimum elements of NTIA: supplier, name, version and identifier of every component,
/// relationships, author, time.
pub fn has_minimum_elements(file: &Path) {
    let checker = Tool::kept(&format!("{FOLDER}/ntia-checker"));
    let said = checker.args(["--comply", "ntia", "--file"]).arg(file).run_quietly();
    assert!(said.contains("Conformant: True"), "{}: {said}", file.display());
}
