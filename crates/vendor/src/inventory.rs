//! The artifact's configuration: a list of every input, and where its bytes are.

use std::collections::BTreeMap;

use longshore_oci::{Content, Digest};
use serde::{Deserialize, Serialize};

use crate::{Error, Kind, Place};

/// The form of the list that is written and read.
const VERSION: u32 = 1;
/// Most bytes of a list.
pub(crate) const MAX_BYTES: u64 = 64 << 20;

/// One input.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Input {
    /// What it is.
    pub kind: Kind,
    /// By what people know it.
    pub name: String,
    /// Its version; empty where it has none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// The platform that it is for; none where it is for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// What no other input of its kind has: see [`Kind`].
    pub id: String,
    /// Its bytes.
    #[serde(flatten)]
    pub content: Content,
}

/// An input, and where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// What it is.
    #[serde(flatten)]
    pub input: Input,
    /// The layer that has it.
    pub layer: Digest,
    /// Where in the layer its bytes begin; none where the layer is the input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
}

/// The list, by kind and id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inventory {
    by_id: BTreeMap<(Kind, String), Listed>,
}

#[derive(Serialize, Deserialize)]
struct Document {
    version: u32,
    inputs: Vec<Listed>,
}

impl Inventory {
    /// Of these.
    pub(crate) fn new(inputs: impl IntoIterator<Item = Listed>) -> Self {
        let by_id = inputs.into_iter().map(|listed| ((listed.input.kind, listed.input.id.clone()), listed));
        Self { by_id: by_id.collect() }
    }

    /// Reads one that says of nothing that it is where no layer is: `sizes` are those of the layers.
    pub(crate) fn parse(bytes: &[u8], sizes: &BTreeMap<Digest, u64>, place: &Place) -> Result<Self, Error> {
        let refuse = |reason: String| Error::NotInputs { place: place.to_string(), reason };
        let document: Document = serde_json::from_slice(bytes)
            .map_err(|error| refuse(format!("its list of inputs can't be read: {error}")))?;
        if document.version != VERSION {
            let found = document.version;
            return Err(refuse(format!(
                "its list has version {found}; this longshore knows version {VERSION}"
            )));
        }
        for Listed { input, layer, offset } in &document.inputs {
            let size = sizes.get(layer).copied().ok_or_else(|| {
                refuse(format!("its list says that `{}` is in {layer}, which is no layer of it", input.name))
            })?;
            let fits = match offset {
                None => *layer == input.content.digest && size == input.content.size,
                Some(offset) => offset.checked_add(input.content.size).is_some_and(|end| end <= size),
            };
            if !fits {
                return Err(refuse(format!(
                    "its list says where `{}` is, and it can't be there",
                    input.name
                )));
            }
        }
        Ok(Self::new(document.inputs))
    }

    /// The document's bytes, sorted by what inputs are.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut inputs: Vec<_> = self.by_id.values().cloned().collect();
        inputs.sort_by(|a, b| a.input.cmp(&b.input));
        // They hold nothing that JSON can't.
        serde_json::to_vec(&Document { version: VERSION, inputs }).unwrap_or_default()
    }

    /// The input of that kind and id.
    pub fn get(&self, kind: Kind, id: &str) -> Option<&Listed> {
        self.by_id.get(&(kind, id.to_owned()))
    }

    /// All of them.
    pub fn inputs(&self) -> impl Iterator<Item = &Input> {
        self.by_id.values().map(|listed| &listed.input)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_points_outside_of_its_layers_is_refused() {
        let (inside, outside) = (Digest::of(b"layer"), Digest::of(b"other"));
        let sizes = BTreeMap::from([(inside, 100)]);
        let place: Place = "x".parse().unwrap();
        let read = |version: u32, layer: Digest, offset: &str| {
            let digest = Digest::of(b"input");
            let text = format!(
                r#"{{"version":{version},"inputs":[{{"kind":"deb","name":"a","id":"1","digest":"{digest}","size":10,"layer":"{layer}"{offset}}}]}}"#
            );
            Inventory::parse(text.as_bytes(), &sizes, &place)
        };
        assert_eq!(read(1, inside, r#","offset":90"#).unwrap().get(Kind::Deb, "1").unwrap().offset, Some(90));
        for (result, expected) in [
            (read(1, inside, r#","offset":91"#), "it can't be there"),
            (read(1, inside, r#","offset":18446744073709551615"#), "it can't be there"),
            (read(1, inside, ""), "it can't be there"),
            (read(1, outside, r#","offset":0"#), "which is no layer of it"),
            (read(2, inside, ""), "its list has version 2"),
        ] {
            let error = result.unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        let error = Inventory::parse(b"{", &sizes, &place).unwrap_err().to_string();
        assert!(error.contains("can't be read"), "{error}");
    }
}
