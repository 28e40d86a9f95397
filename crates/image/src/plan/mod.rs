//! Dealing the entries of all images into layers: pure, and printable before anything is packed.
//!
//! For now a layer is what one input contributes: the same package with the same files and the same folders above them
//! in two images is one layer. Images with more layers than they may have get their smallest ones merged.

mod components;
mod merge;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use longshore_oci::{Origin, Platform, TreePath};
use serde::Serialize;

use crate::rootfs::RootFs;

/// An image on one platform, by the image's name in the stack file.
pub type ImageKey = (String, Platform);

/// What is planned for one image.
#[derive(Debug, Clone, Copy)]
pub struct ImageInput<'a> {
    /// What is in it.
    pub rootfs: &'a RootFs,
    /// As many layers as it may have; none counts as one.
    pub max_layers: usize,
}

/// One layer to be packed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedLayer {
    /// For people: the inputs it holds.
    pub name: String,
    /// The inputs it holds, sorted.
    pub origins: Vec<Origin>,
    /// Its entries, sorted; the directories above them travel along. Entry and parents are the same in all of `images`.
    pub paths: Vec<TreePath>,
    /// Bytes of its files.
    pub bytes: u64,
    /// The images that have it, sorted.
    pub images: Vec<ImageKey>,
}

/// The layers of all images.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LayerPlan {
    /// Every layer once.
    pub layers: Vec<PlannedLayer>,
    /// The layers of every image, lowest first, as indices into `layers`.
    pub images: BTreeMap<ImageKey, Vec<usize>>,
}

/// Plans the layers of all images together.
pub fn plan(images: &BTreeMap<ImageKey, ImageInput<'_>>) -> LayerPlan {
    let mut parts = components::split(images);
    for (image, input) in images {
        merge::fit(&mut parts, image, input.max_layers.max(1));
    }
    components::finish(parts, images.keys())
}

impl fmt::Display for LayerPlan {
    /// One line a layer, then the layers of every image.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, layer) in self.layers.iter().enumerate() {
            let images: Vec<_> =
                layer.images.iter().map(|(name, platform)| format!("{name} {platform}")).collect();
            writeln!(
                f,
                "{n:>3} {:>10} {:>5} {} [{}]",
                layer.bytes,
                layer.paths.len(),
                layer.name,
                images.join(", ")
            )?;
        }
        for ((name, platform), layers) in &self.images {
            let mut line = String::new();
            for n in layers {
                write!(line, " {n}")?;
            }
            writeln!(f, "{name} {platform}:{line}")?;
        }
        Ok(())
    }
}
