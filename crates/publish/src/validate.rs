//! The validator with the codecs that longshore writes, and those of images that it builds on.

use std::path::Path;

use longshore_image::pack::decode;
use longshore_oci::validate::Problem;

/// Checks everything in the layout at `root`; no problems, a sound layout.
pub fn validate(root: &Path) -> Vec<Problem> {
    longshore_oci::validate::validate(root, &decode)
}
