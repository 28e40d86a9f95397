//! What is to be planned, without a file system: components, images, and how the layers were cut last.

use std::collections::BTreeMap;

use longshore_oci::Digest;
use longshore_stack::lock::LayoutLayer;
use serde::Serialize;

use super::ImageSet;

/// How often something changes, in thousandths of a change a year.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rate(pub u64);

/// What kind of thing something is, by which it changes where nothing better is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// A package of a distribution's stable release, and what is made of packages.
    Package,
    /// A package of a release that is in the making.
    RollingPackage,
    /// Somebody's program or library that is no package: a pinned archive, a published module, a part of an image.
    Vendored,
    /// What the stack's own people write.
    Application,
    /// Settings, accounts, folders.
    Configuration,
    /// What changes whenever anything does.
    Metadata,
}

impl Class {
    /// How often things of the class change, as measured for Debian's packages and guessed for the rest.
    pub fn rate(self) -> Rate {
        Rate(match self {
            Self::Package => 500,
            Self::RollingPackage => 3_600,
            Self::Vendored => 6_000,
            Self::Application => 50_000,
            Self::Configuration => 12_000,
            Self::Metadata => 52_000,
        })
    }

    /// The rate of something of the class that changed `changes` times in `years` thousandths of a year: the class counts as
    /// half a year of watching.
    pub fn rate_after(self, changes: u64, years: u64) -> Rate {
        match self {
            Self::Metadata => self.rate(),
            _ => Rate((changes * 1000 + self.rate().0 / 2) * 1000 / (years + 500)),
        }
    }
}

/// An image and how many layers it may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    /// Its name.
    pub image: String,
    /// As many layers as it may have, one at least.
    pub max_layers: usize,
}

/// Something that goes into layers whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component {
    /// Its name, which no other has and which it keeps from version to version.
    pub name: String,
    /// What changes at once with it: all of one source have the same rate.
    pub source: String,
    /// What kind of thing it is.
    pub class: Class,
    /// How often its source changes.
    pub rate: Rate,
    /// Bytes that a host pulls for it: compressed, at a guess.
    pub bytes: u64,
    /// Names what is in it: equal, and nothing of it changed.
    pub content: Digest,
    /// Its images, one at least.
    pub images: ImageSet,
    /// The pin of the stack file that holds it, by name: it shares a layer with others of that pin only.
    pub pin: Option<String>,
    /// Components that it does not run without, by their place in [`Problem::components`].
    pub needs: Vec<usize>,
}

/// What is to be planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Every image, sorted by name.
    pub images: Vec<Budget>,
    /// Every component, sorted by name.
    pub components: Vec<Component>,
}

/// One layer of a layout.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Group {
    /// The images that have it.
    pub images: ImageSet,
    /// Its components, by their place in [`Problem::components`], ascending.
    pub members: Vec<usize>,
    /// Whether the layer is one of the last layout's, with nothing in it changed.
    pub state: State,
}

/// What became of a layer since the last layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It is as it was.
    Kept,
    /// Nobody has it yet.
    New,
}

/// A component's name without the number that tells it from others of its name.
pub(super) fn short(name: &str) -> &str {
    name.split_once(" #").map_or(name, |(short, _)| short)
}

impl Problem {
    /// What `images` have of the components called `names`; none where one of them is not there.
    pub(super) fn members(&self, names: &[String], images: &ImageSet) -> Option<Vec<usize>> {
        let mut members = names.iter().map(|name| self.member(name, images)).collect::<Option<Vec<_>>>()?;
        members.sort_unstable();
        members.dedup();
        Some(members)
    }

    /// Numbers tell apart what is not the same in all images, and are others once an image is gone. So it is the one of that very
    /// name, as two versions in one image have, or else the one of its name that `images` have.
    fn member(&self, name: &str, images: &ImageSet) -> Option<usize> {
        let start = short(name);
        let from = self.components.partition_point(|other| other.name.as_str() < start);
        let alike = self.components[from..].iter().take_while(|other| other.name.starts_with(start));
        let had = alike
            .enumerate()
            .filter(|(_, other)| short(&other.name) == start && images.is_subset(&other.images));
        had.min_by_key(|(_, other)| other.name != name).map(|(place, _)| from + place)
    }

    /// The images called `names`, without those that are gone.
    pub(super) fn set(&self, names: &[String]) -> ImageSet {
        let place = |name: &String| self.images.binary_search_by(|other| other.image.cmp(name)).ok();
        names.iter().filter_map(place).collect()
    }

    /// Names what is in a layer of `members`.
    pub fn content(&self, members: &[usize]) -> Digest {
        let all: Vec<u8> =
            members.iter().flat_map(|&member| *self.components[member].content.as_bytes()).collect();
        Digest::of(&all)
    }

    /// What each image has, of all components.
    pub(super) fn wants(&self) -> Vec<ImageSet> {
        self.components.iter().map(|component| component.images.clone()).collect()
    }

    /// The layers of what is pinned: one for each pin and set of images. `wants` loses what they give.
    pub(super) fn pinned(&self, prior: &[LayoutLayer], wants: &mut [ImageSet]) -> Vec<Group> {
        let mut layers: BTreeMap<(ImageSet, &str), Vec<usize>> = BTreeMap::new();
        for (member, component) in self.components.iter().enumerate() {
            if let Some(pin) = &component.pin {
                layers.entry((std::mem::take(&mut wants[member]), pin)).or_default().push(member);
            }
        }
        let state = |images: &ImageSet, members: &[usize]| {
            let content = self.content(members);
            let same = |layer: &LayoutLayer| layer.content == content && self.set(&layer.images) == *images;
            if prior.iter().any(same) { State::Kept } else { State::New }
        };
        let layers = layers.into_iter().map(|((images, _), members)| {
            let state = state(&images, &members);
            Group { images, members, state }
        });
        layers.collect()
    }

    /// The layers of `prior` in which nothing changed and that all their images still want whole.
    ///
    /// `wants` loses what they give.
    pub(super) fn clean(&self, prior: &[LayoutLayer], wants: &mut [ImageSet]) -> Vec<Group> {
        let mut kept = Vec::new();
        for layer in prior {
            let images = self.set(&layer.images);
            let Some(members) = self.members(&layer.members, &images) else { continue };
            let wanted = |&member: &usize| images.is_subset(&wants[member]);
            if images.is_empty()
                || members.is_empty()
                || self.content(&members) != layer.content
                || !members.iter().all(wanted)
            {
                continue;
            }
            members.iter().for_each(|&member| wants[member].remove_all(&images));
            kept.push(Group { images, members, state: State::Kept });
        }
        kept
    }
}
