//! Validators of bills of materials, and a scanner to compare them with, for tests: kept in `target/test-tools`, nothing of them is installed.

use std::process::Command;

use crate::kubernetes::{fresh, go};
use crate::run::{Result, root, run, say};

/// Raised with what is installed, so that what was installed before is installed anew.
const FOLDER: &str = "target/test-tools/sbom-2";
/// The validator of SPDX, that of CycloneDX with its schemas, a reader of OpenVEX, the checker of NTIA's minimum elements, and all that
/// they need.
const PACKAGES: [&str; 45] = [
    "annotated-types==0.8.0",
    "arrow==1.4.0",
    "attrs==26.1.0",
    "beartype==0.23.1",
    "boolean.py==5.0",
    "click==8.5.1",
    "cyclonedx-python-lib==11.12.0",
    "defusedxml==0.7.1",
    "fqdn==1.6.0",
    "idna==3.20",
    "isoduration==20.11.0",
    "jsonpointer==3.12",
    "jsonschema==4.26.0",
    "jsonschema-specifications==2025.9.1",
    "lark==1.3.1",
    "license-expression==30.4.4",
    "ntia_conformance_checker==6.0.0",
    "packageurl-python==0.17.6",
    "ply==3.11",
    "py-serializable==2.2.0",
    "pydantic==2.14.4",
    "pydantic_core==2.50.5",
    "pyparsing==3.3.3",
    "python-dateutil==4.0.0",
    "PyYAML==6.0.4",
    "rdflib==7.6.0",
    "referencing==0.37.0",
    "rfc3339-validator==0.1.4",
    "rfc3986-validator==0.1.1",
    "rfc3987==1.3.8",
    "rfc3987-syntax==1.1.0",
    "rpds-py==2026.9.1",
    "semantic-version==2.10.0",
    "six==1.17.0",
    "sortedcontainers==2.4.0",
    "spdx-python-model==0.0.6",
    "spdx-tools==0.8.5",
    "typing-inspection==0.4.5",
    "typing_extensions==4.16.0",
    "tzdata==2026.6",
    "uri-template==1.3.0",
    "uritools==6.1.5",
    "vexipy==0.3.0",
    "webcolors==25.10.0",
    "xmltodict==1.0.4",
];

/// What finds packages in images by looking at their files.
const SCANNER: &str = "github.com/anchore/syft/cmd/syft@v1.57.1";

/// Builds a program of OpenVEX's own library.
pub fn openvex() -> Result {
    fresh(&root().join("target/test-tools/openvex-1"), |folder| {
        let mut go = go("build");
        go.args(["-ldflags", "-s -w", "-o"]).arg(folder.join("openvex")).arg(".");
        run(go.current_dir(root().join("crates/testkit/openvex")))
    })
}

/// Builds the scanner: five minutes of processor time, once.
pub fn scanner() -> Result {
    fresh(&root().join("target/test-tools/scanner-1"), |folder| {
        say("building a scanner into target/test-tools");
        let mut go = go("install");
        run(go.args(["-ldflags", "-s -w", SCANNER]).env("GOBIN", folder))
    })
}

/// Installs them into an environment of their own.
pub fn validators() -> Result {
    fresh(&root().join(FOLDER), |folder| {
        say("fetching validators of bills of materials into target/test-tools");
        run(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
        let mut pip = Command::new(folder.join("bin/python"));
        run(pip.args(["-m", "pip", "install", "--quiet", "--only-binary=:all:", "--no-deps"]).args(PACKAGES))
    })
}
