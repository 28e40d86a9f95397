//! What manifests say of layers, so that a lost lock costs nothing: which components a layer holds, as annotations of its
//! descriptor (OCI image specification, "Content Descriptors").

use std::collections::BTreeMap;

use longshore_oci::{Annotations, Digest};
use longshore_stack::lock::LayoutLayer;

use super::PlannedLayer;

/// The names of a layer's components: a JSON list.
pub const COMPONENTS: &str = "dev.longshore.layer.components";
/// Names what they hold.
pub const CONTENT: &str = "dev.longshore.layer.content";

/// What a manifest says of `layer`.
pub fn of(layer: &PlannedLayer) -> Annotations {
    // Strings are always serialised.
    let components = serde_json::to_string(&layer.members).unwrap_or_default();
    [(COMPONENTS.to_owned(), components), (CONTENT.to_owned(), layer.content.to_string())].into()
}

/// The layout of images, of the annotations of the layers of each, by its name. What has none of ours is passed over.
pub fn layout(images: &BTreeMap<String, Vec<Annotations>>) -> Vec<LayoutLayer> {
    let mut layers: BTreeMap<(Vec<String>, Digest), Vec<String>> = BTreeMap::new();
    for (image, annotations) in images {
        for notes in annotations {
            let read = || {
                let members: Vec<String> = serde_json::from_str(notes.get(COMPONENTS)?).ok()?;
                Some((members, notes.get(CONTENT)?.parse().ok()?))
            };
            if let Some(layer) = read() {
                layers.entry(layer).or_default().push(image.clone());
            }
        }
    }
    let layer = |((members, content), images)| LayoutLayer { images, members, content };
    let mut layout: Vec<_> = layers.into_iter().map(layer).collect();
    layout.sort();
    layout
}
