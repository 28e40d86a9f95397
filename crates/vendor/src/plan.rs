//! From inputs to layers: what is large is a layer, what is small is packed with its like.
//!
//! Which pack an input is in follows from its kind and name alone, so that another version of one input makes one pack
//! another one, and the rest stay what they are, in the folder and in the registry.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Seek as _, SeekFrom};

use longshore_oci::layout::MAX_MANIFEST;
use longshore_oci::{Annotations, Content, Descriptor, Digest, Manifest, Store, VerifiedReader, media_type};

use crate::pack::Pack;
use crate::{ARTIFACT, CONFIG, Error, FILE, Input, Inventory, Kind, Listed, PACK};

/// Inputs of this size and more are layers of their own.
const LARGE: u64 = 1 << 20;
/// So many of them; beyond that, larger ones alone are. Registries are asked for each layer.
const MAX_FILES: usize = 1000;
/// Packs a kind.
const PACKS: u8 = 16;
/// The annotation by which clients name a layer's file (image specification, "Pre-Defined Annotation Keys").
const TITLE: &str = "org.opencontainers.image.title";

/// A layer.
pub struct Layer {
    /// What it is.
    pub descriptor: Descriptor,
    bytes: Bytes,
}

enum Bytes {
    /// A blob of the store.
    Blob,
    Pack(Pack),
    /// In memory.
    Text(&'static [u8]),
}

/// The artifact, before it is anywhere.
pub struct Plan {
    /// Its layers, in order.
    pub layers: Vec<Layer>,
    /// The list of inputs.
    pub inventory: Inventory,
}

impl Layer {
    /// What people call it.
    pub fn title(&self) -> &str {
        self.descriptor.annotations.get(TITLE).map_or("nothing", String::as_str)
    }

    /// Its bytes from an offset on; from the first on, what is in the store is verified as it is read.
    pub fn open<'a>(&'a self, store: &'a Store, from: u64) -> io::Result<Box<dyn Read + 'a>> {
        match &self.bytes {
            Bytes::Pack(pack) => Ok(Box::new(pack.open(store, from)?)),
            Bytes::Text(text) => Ok(Box::new(&text[usize::try_from(from).unwrap_or(0).min(text.len())..])),
            Bytes::Blob => {
                let content = self.descriptor.content();
                let mut file = store.open_blob(&content).map_err(io::Error::other)?;
                if from == 0 {
                    return Ok(Box::new(VerifiedReader::new(file, content)));
                }
                file.seek(SeekFrom::Start(from))?;
                Ok(Box::new(file))
            }
        }
    }
}

impl Plan {
    /// The artifact's configuration.
    pub fn config(&self) -> Vec<u8> {
        self.inventory.to_bytes()
    }

    /// The artifact's manifest.
    pub fn manifest(&self) -> Vec<u8> {
        let config = Descriptor::new(CONFIG, Content::of(&self.config()));
        let layers = self.layers.iter().map(|layer| layer.descriptor.clone()).collect();
        let mut manifest = Manifest::new(config, layers, Annotations::new());
        manifest.artifact_type = Some(ARTIFACT.to_owned());
        manifest.to_bytes()
    }
}

/// How `inputs`, all of them in `store`, become layers. Reads those that are packed.
pub fn plan(inputs: &BTreeSet<Input>, store: &Store) -> Result<Plan, Error> {
    plan_with(inputs, store, LARGE, MAX_FILES)
}

fn plan_with(
    inputs: &BTreeSet<Input>,
    store: &Store,
    mut large: u64,
    max_files: usize,
) -> Result<Plan, Error> {
    let distinct = |large: u64| {
        let found = inputs.iter().filter(|input| input.content.size >= large).map(|input| input.content);
        found.collect::<BTreeSet<_>>().len()
    };
    while distinct(large) > max_files {
        large *= 2;
    }
    let (mut layers, mut places) = (Vec::new(), BTreeMap::new());
    let mut packs: BTreeMap<(Kind, u8), Packing> = BTreeMap::new();
    let mut packed = BTreeSet::new();
    for input in inputs {
        let content = input.content;
        if content.size >= large {
            if places.insert(content, (content.digest, None)).is_none() {
                layers.push(layer(FILE, content, title(input), Bytes::Blob));
            }
        } else if packed.insert(content) {
            let Packing { pack, members } = packs.entry((input.kind, pack_of(input))).or_default();
            let offset = pack.add(content);
            members.push((content, offset));
        }
    }
    for ((kind, number), Packing { pack, members }) in packs {
        let content = pack.content(store)?;
        places.extend(members.into_iter().map(|(member, offset)| (member, (content.digest, Some(offset)))));
        let title = format!("{}-{number:x}.tar", kind.word());
        layers.push(layer(PACK, content, title, Bytes::Pack(pack)));
    }
    if layers.is_empty() {
        // Not every registry takes a manifest without layers (image specification, "Guidance for an Empty Descriptor").
        let text = b"{}";
        let descriptor = Descriptor::new(media_type::EMPTY, Content::of(text));
        layers.push(Layer { descriptor, bytes: Bytes::Text(text) });
    }
    let listed = inputs.iter().filter_map(|input| {
        let (layer, offset) = *places.get(&input.content)?;
        Some(Listed { input: input.clone(), layer, offset })
    });
    let plan = Plan { inventory: Inventory::new(listed), layers };
    // Names are of any length.
    if plan.manifest().len() as u64 > MAX_MANIFEST && max_files > 1 {
        return plan_with(inputs, store, large, max_files / 2);
    }
    Ok(plan)
}

/// A pack, and where in it each of its members begins.
#[derive(Default)]
struct Packing {
    pack: Pack,
    members: Vec<(Content, u64)>,
}

/// The pack that an input goes into, from its name.
fn pack_of(input: &Input) -> u8 {
    Digest::of(input.name.as_bytes()).as_bytes()[0] % PACKS
}

fn layer(media_type: &str, content: Content, title: String, bytes: Bytes) -> Layer {
    let mut descriptor = Descriptor::new(media_type, content);
    descriptor.annotations.insert(TITLE.to_owned(), title);
    Layer { descriptor, bytes }
}

/// A file's name for an input, which no other has: `deb/hello_1.0-1_0a1b2c3d4e5f`.
fn title(input: &Input) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || ".+-".contains(c) { c } else { '_' };
    let name: String = [input.name.as_str(), &input.version].join("_").chars().map(plain).take(200).collect();
    format!("{}/{name}_{}", input.kind.word(), input.content.digest.short())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(kind: Kind, name: &str, bytes: &[u8], store: &Store) -> Input {
        let content = store.put(bytes).unwrap();
        Input {
            kind,
            name: name.to_owned(),
            version: "1".to_owned(),
            platform: None,
            id: content.digest.to_string(),
            content,
        }
    }

    #[test]
    fn large_ones_are_layers_small_ones_are_packed_and_another_version_changes_one_pack() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let mut inputs: BTreeSet<_> = (0..100)
            .map(|n| input(Kind::Crate, &format!("c{n}"), format!("{n}").as_bytes(), &store))
            .collect();
        let big = input(Kind::Deb, "big/name", &vec![1; 2 << 20], &store);
        inputs.insert(big.clone());
        // One file under two names.
        inputs.insert(Input { kind: Kind::Url, id: "other".to_owned(), ..big.clone() });
        let first = plan(&inputs, &store).unwrap();
        assert_eq!(first.manifest(), plan(&inputs, &store).unwrap().manifest());
        assert_eq!(first.layers.len(), 17);
        assert_eq!(first.layers[0].title(), format!("deb/big_name_1_{}", big.content.digest.short()));
        assert_eq!(first.layers[1].title(), "crate-0.tar");
        let listed = first.inventory.get(Kind::Url, "other").unwrap();
        assert_eq!((listed.layer, listed.offset), (big.content.digest, None));

        let old = inputs.iter().find(|input| input.name == "c7").unwrap().clone();
        inputs.remove(&old);
        inputs.insert(input(Kind::Crate, "c7", b"newer", &store));
        let second = plan(&inputs, &store).unwrap();
        let digests = |plan: &Plan| plan.layers.iter().map(|l| l.descriptor.digest).collect::<BTreeSet<_>>();
        assert_eq!(digests(&first).difference(&digests(&second)).count(), 1);
    }

    #[test]
    fn too_many_large_ones_are_packed_and_nothing_is_still_an_artifact() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let inputs =
            (1..=8_u8).map(|n| input(Kind::Url, &format!("u{n}"), &vec![n; usize::from(n) * 100], &store));
        let planned = plan_with(&inputs.collect(), &store, 1, 3).unwrap();
        let files = planned.layers.iter().filter(|layer| layer.descriptor.media_type == FILE).count();
        assert_eq!(files, 3, "those of 512 bytes and more");
        let nothing = plan(&BTreeSet::new(), &store).unwrap();
        assert_eq!(nothing.layers[0].descriptor.media_type, media_type::EMPTY);
        let mut bytes = Vec::new();
        nothing.layers[0].open(&store, 0).unwrap().read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes, b"{}");
    }
}
