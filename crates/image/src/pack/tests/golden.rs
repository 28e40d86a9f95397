//! The bytes of a fixed layer never change under one assembler number.

use longshore_oci::Silent;
use longshore_oci::validate::read_tar;

use super::super::{ASSEMBLER, Codec, compress};
use super::{everything, layer, store, tar};

#[test]
fn the_bytes_of_layers_are_pinned() {
    let (_folder, store) = store();
    let layer = layer(&store, &everything(&store));
    // Readable first: when this differs, the test's own tree was changed.
    insta::assert_snapshot!("everything", read_tar(&*tar(&store, &layer)).unwrap().dump());
    let digest = |codec| compress(&layer, codec, &store, 2, &Silent).unwrap().descriptor.digest.to_string();
    let found = format!(
        "assembler {ASSEMBLER}\ntar {}\ngzip {}\ngzip-fast {}\nzstd {}",
        layer.diff_id,
        digest(Codec::Gzip),
        digest(Codec::GzipFast),
        digest(Codec::Zstd)
    );
    let pinned = include_str!("pinned.txt").trim();
    assert_eq!(
        found, pinned,
        "the bytes of layers changed: every image that anyone built gets another digest. If that is meant, \
         raise `ASSEMBLER`, say so in CHANGELOG.md, and put the new lines into `pack/tests/pinned.txt`"
    );
}
