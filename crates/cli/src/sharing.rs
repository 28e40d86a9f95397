//! The cache that machines share, as this one uses it. Nothing of it is needed: what fails is told, and done here.

use std::path::PathBuf;

use longshore_build::{Output, Recipe, Shared};
use longshore_image::ImageIndex;
use longshore_image::pack::{self, Body, Codec, Layer, Wanted};
use longshore_net::Access;
use longshore_oci::{Content, Descriptor, Node, Progress, Store};
use longshore_publish::cache::{Cache, Lookup, Made, SigningKey, VerifyingKey};
use longshore_registry::Client;

use crate::inputs::Loader;
use crate::machine::Machine;
use crate::project::Project;
use crate::report::Failure;

/// Whether the cache is given what it lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writes {
    /// `--write-cache`.
    Yes,
    No,
}

/// The cache of a stack.
pub struct Sharing {
    cache: Cache,
    client: Client,
    store: Store,
    progress: std::sync::Arc<dyn Progress>,
}

impl Machine {
    /// The cache of `project`'s stack, where it has one and this machine may reach it.
    pub fn sharing(&self, project: &Project) -> Option<&Sharing> {
        let open = || match Sharing::open(project, self) {
            Ok(sharing) => sharing,
            Err(failure) => {
                self.warn(&format!("the cache is not used: {failure}"));
                None
            }
        };
        self.shared.get_or_init(open).as_ref()
    }

    /// What of layers is made at once for a sink that wants them compressed. A cache finds them by what they are uncompressed,
    /// so where there is one that comes first.
    pub fn wanted(&self, project: &Project, codec: Codec) -> Wanted {
        match project.stack.cache.is_some() && self.access == Access::Online {
            true => Wanted::DiffIds,
            false => Wanted::Blobs(codec),
        }
    }

    /// Looks in the cache for layers of `indexes` that are not compressed yet.
    pub fn take_layers(&self, project: &Project, indexes: &[ImageIndex], codec: Codec) {
        let lacks =
            |layer: &&Layer| !matches!(pack::recorded(layer.diff_id, codec, &self.store), Ok(Some(_)));
        let lacking: Vec<&Layer> = made(indexes).filter(lacks).collect();
        // Who we are in the cache's registry is a helper's to say: nobody is asked for nothing.
        if let Some(sharing) = (!lacking.is_empty()).then(|| self.sharing(project)).flatten() {
            sharing.take_layers(&lacking, codec);
        }
    }

    /// Gives the cache the layers of `indexes`, if it is to be written.
    pub fn give_layers(&self, project: &Project, indexes: &[ImageIndex], codec: Codec) {
        if let Some(sharing) = (self.writes == Writes::Yes).then(|| self.sharing(project)).flatten() {
            sharing.give_layers(indexes, codec);
        }
    }
}

impl Sharing {
    fn open(project: &Project, machine: &Machine) -> Result<Option<Self>, Failure> {
        let Some(spec) = project.stack.cache.as_ref().filter(|_| machine.access == Access::Online) else {
            return Ok(None);
        };
        let client = machine.registries();
        let repository = client.repository(&spec.repository.parse().map_err(Failure::Reference)?)?;
        let read = |path: &String| VerifyingKey::read(&project.folder.join(path));
        let trusted = spec
            .keys
            .iter()
            .map(read)
            .collect::<Result<Vec<_>, _>>()
            .map_err(longshore_publish::Error::from)?;
        let key: Option<&PathBuf> =
            machine.settings.cache_key.as_ref().filter(|_| machine.writes == Writes::Yes);
        let signing =
            key.map(|path| SigningKey::read(path)).transpose().map_err(longshore_publish::Error::from)?;
        Ok(Some(Self {
            cache: Cache::new(repository, trusted, signing),
            client,
            store: machine.store.clone(),
            progress: machine.progress.clone(),
        }))
    }

    fn take_layers(&self, layers: &[&Layer], codec: Codec) {
        for layer in layers {
            let key = pack::blob_key(layer.diff_id, codec);
            let what = format!("layer {} of the cache", layer.diff_id.0.short());
            let found = self.progress.during("Looking for", &what, None, |step| {
                self.cache.layer(&key, &layer.tar(), codec.media_type(), &self.client, step)
            });
            match found {
                Ok(Lookup::Found(content)) => {
                    if let Err(error) = pack::record(layer.diff_id, codec, content, &self.store) {
                        self.progress.warn(&format!("{what} can't be kept: {error}"));
                    }
                }
                Ok(Lookup::Absent) => {}
                Ok(Lookup::Refused(reason)) => self.progress.warn(&format!("{what} is not used: {reason}")),
                // One that does not answer would not answer for the next, either.
                Err(error) => return self.progress.warn(&format!("the cache is not used: {error}")),
            }
        }
    }

    fn give_layers(&self, indexes: &[ImageIndex], codec: Codec) {
        for layer in made(indexes) {
            let Ok(Some(content)) = pack::recorded(layer.diff_id, codec, &self.store) else { continue };
            let what = format!("layer {}", layer.diff_id.0.short());
            let blob = Descriptor::new(codec.media_type(), content);
            let kept = self.progress.during("Caching", &what, Some(content.size), |step| {
                self.cache.keep_layer(&pack::blob_key(layer.diff_id, codec), blob, &self.client, step)
            });
            if let Err(error) = kept {
                return self.progress.warn(&format!("the cache is not written: {error}"));
            }
        }
    }
}

impl Shared for Loader<'_> {
    fn take(&self, recipe: &Recipe) -> Option<Output> {
        self.machine().sharing(self.project())?.take(recipe)
    }

    fn give(&self, recipe: &Recipe, output: &Output) {
        if let Some(sharing) =
            (self.machine().writes == Writes::Yes).then(|| self.machine().sharing(self.project())).flatten()
        {
            sharing.give(recipe, output);
        }
    }
}

impl Sharing {
    fn take(&self, recipe: &Recipe) -> Option<Output> {
        let what = format!("build {} of the cache", recipe.name);
        let read = |record: &[u8]| Output::from_record(record).map(|output| files(&output));
        let found = self.progress.during("Looking for", &what, None, |step| {
            self.cache.build(&recipe.key(), read, &self.client, step)
        });
        match found {
            Ok(Lookup::Found(record)) => Output::from_record(&record),
            Ok(Lookup::Absent) => None,
            Ok(Lookup::Refused(reason)) => {
                self.progress.warn(&format!("{what} is not used: {reason}"));
                None
            }
            Err(error) => {
                self.progress.warn(&format!("the cache is not used: {error}"));
                None
            }
        }
    }

    fn give(&self, recipe: &Recipe, output: &Output) {
        let made = Made { record: output.to_record(), files: files(output) };
        let kept = self.progress.during("Caching", &recipe.name, None, |step| {
            self.cache.keep_build(&recipe.key(), &made, &self.client, step)
        });
        if let Err(error) = kept {
            self.progress.warn(&format!("build {} is not in the cache: {error}", recipe.name));
        }
    }
}

/// The layers that we make, each as often as it is in an image; those of bases are their registries' to keep.
fn made(indexes: &[ImageIndex]) -> impl Iterator<Item = &Layer> {
    let layers = indexes.iter().flat_map(|index| &index.images).flat_map(|image| &image.layers);
    layers.filter(|layer| matches!(layer.body, Body::Made(_)))
}

/// The files of an output, each once, in order.
fn files(output: &Output) -> Vec<Content> {
    let contents = output.tree.iter().filter_map(|(_, entry)| match &entry.node {
        Node::File(content) => Some(*content),
        Node::Directory | Node::Symlink(_) | Node::Hardlink(_) => None,
    });
    contents.collect::<std::collections::BTreeSet<_>>().into_iter().collect()
}
