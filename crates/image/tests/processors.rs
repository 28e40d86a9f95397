//! Layers are the same bytes whatever processor makes them: codecs and hashes choose their instructions when they run.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail loudly")]

use std::path::Path;

use longshore_testkit::Tool;

const PROGRAM: &str = env!("CARGO_BIN_EXE_packed_digests");
/// A target that is neither this machine's nor of its family.
const FOREIGN: &str = "aarch64-unknown-linux-gnu";

/// What the program says on a processor, in a store of its own.
fn said(on: Tool) -> String {
    let folder = tempfile::tempdir().unwrap();
    let said = on.arg(folder.path().join("store")).run();
    assert_eq!(said.lines().count(), 49, "{said}");
    said
}

#[test]
fn other_models_of_the_processor_pack_the_same() {
    let here = said(Tool::new(PROGRAM));
    // Without AVX, without carry-less multiplication and without SHA's own instructions; with AVX2; with all that is emulated.
    for model in ["core2duo", "Nehalem", "Haswell", "max"] {
        let there = said(Tool::new("qemu-x86_64-static").args(["-cpu", model]).arg(PROGRAM));
        assert_eq!(there, here, "{model}");
    }
}

/// Half of its time is the compiler's.
#[test]
#[ignore = "long: builds the packer for another architecture"]
fn another_architecture_packs_the_same() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let target = root.join("target/foreign");
    Tool::new(env!("CARGO"))
        .args(["build", "--release", "--quiet", "--package", "longshore-image", "--bin", "packed_digests"])
        .args(["--target", FOREIGN, "--manifest-path"])
        .arg(root.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(&target)
        .env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER", "aarch64-linux-gnu-gcc")
        .run();
    let program = target.join(FOREIGN).join("release/packed_digests");
    let emulated = Tool::new("qemu-aarch64-static").args(["-L", "/usr/aarch64-linux-gnu"]).arg(program);
    assert_eq!(said(emulated), said(Tool::new(PROGRAM)));
}
