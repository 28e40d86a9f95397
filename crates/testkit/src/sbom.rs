//! Bills of materials, as other people's validators see them.

use std::path::Path;

use crate::Tool;

/// Where `./x setup` keeps them.
const FOLDER: &str = "sbom-1/bin";

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

/// Fails unless a document of SPDX has the minimum elements of NTIA: supplier, name, version and identifier of every component,
/// relationships, author, time.
pub fn has_minimum_elements(file: &Path) {
    let checker = Tool::kept(&format!("{FOLDER}/ntia-checker"));
    let said = checker.args(["--comply", "ntia", "--file"]).arg(file).run_quietly();
    assert!(said.contains("Conformant: True"), "{}: {said}", file.display());
}
