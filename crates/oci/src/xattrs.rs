//! Extended attributes of an entry.

use std::collections::{BTreeMap, btree_map};
use std::ops::{Deref, DerefMut};

use serde::{Deserialize, Serialize};

type Attributes = BTreeMap<Vec<u8>, Vec<u8>>;

static NONE: Attributes = BTreeMap::new();

/// Extended attributes by full name (`user.x`, `security.capability`). Hardly any entry has some: without them they take a
/// pointer's room, since a tree has very many entries.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Attributes", into = "Attributes")]
pub struct Xattrs(Option<Box<Attributes>>);

impl From<Attributes> for Xattrs {
    fn from(attributes: Attributes) -> Self {
        Self((!attributes.is_empty()).then(|| Box::new(attributes)))
    }
}

impl FromIterator<(Vec<u8>, Vec<u8>)> for Xattrs {
    fn from_iter<I: IntoIterator<Item = (Vec<u8>, Vec<u8>)>>(attributes: I) -> Self {
        Attributes::from_iter(attributes).into()
    }
}

impl From<Xattrs> for Attributes {
    fn from(Xattrs(attributes): Xattrs) -> Self {
        attributes.map(|attributes| *attributes).unwrap_or_default()
    }
}

impl Deref for Xattrs {
    type Target = Attributes;

    fn deref(&self) -> &Attributes {
        self.0.as_deref().unwrap_or(&NONE)
    }
}

impl DerefMut for Xattrs {
    fn deref_mut(&mut self) -> &mut Attributes {
        self.0.get_or_insert_default()
    }
}

impl<'a> IntoIterator for &'a Xattrs {
    type Item = (&'a Vec<u8>, &'a Vec<u8>);
    type IntoIter = btree_map::Iter<'a, Vec<u8>, Vec<u8>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
