//! Proves that a recipe makes the same bytes under other conditions, or names the first file that differs.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Read;
use std::num::NonZeroUsize;

use longshore_oci::{Content, Entry, Node, Store, Tree, TreePath};

use crate::exec::{Caches, Conditions};
use crate::explain::{both, shown};
use crate::{Error, Executor, Limits, Output, Recipe};

/// Bytes that are shown around the first one that differs.
const CONTEXT: usize = 16;

/// Where two outputs of one recipe differ first, by path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The file.
    pub path: TreePath,
    /// How it differs, in one or several lines.
    pub what: String,
    /// How many more paths differ.
    pub more: usize,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}` {}", self.path, self.what)?;
        match self.more {
            0 => Ok(()),
            more => write!(f, "\n  {more} more paths differ"),
        }
    }
}

/// Makes `recipe` once more, in another folder, as another user, on one CPU, later and from nothing that an earlier build
/// left, and compares it with what it made before (or makes now). None when they are the same.
pub fn rebuild(
    executor: &Executor<'_>,
    recipe: &Recipe,
    limits: &Limits,
) -> Result<Option<Difference>, Error> {
    let before = executor.run_within(recipe, limits)?;
    let conditions = Conditions {
        ids: (4242, 4343),
        cpus: NonZeroUsize::new(1),
        folder: executor.store().scratch().join("rebuild/in/another/folder"),
        caches: Caches::Cold,
    };
    let again = executor.make(recipe, limits, &conditions, "logs-rebuild")?;
    compare(&before, &again, executor.store())
}

/// The first path where two outputs differ.
pub fn compare(old: &Output, new: &Output, store: &Store) -> Result<Option<Difference>, Error> {
    let by_path = |tree: &Tree| -> BTreeMap<TreePath, Entry> {
        tree.iter().map(|(path, entry)| (path.clone(), entry.clone())).collect()
    };
    let (old, new) = (by_path(&old.tree), by_path(&new.tree));
    let differ = both(&old, &new);
    let Some((path, first, second)) = differ.first() else { return Ok(None) };
    let what = match (first, second) {
        (Some(first), Some(second)) => entries(first, second, store)?,
        (None, _) => String::from("is there only the second time"),
        (_, None) => String::from("is there only the first time"),
    };
    Ok(Some(Difference { path: path.clone(), what, more: differ.len() - 1 }))
}

fn entries(first: &Entry, second: &Entry, store: &Store) -> Result<String, Error> {
    match (&first.node, &second.node) {
        (Node::File(a), Node::File(b)) if a != b => contents(a, b, store),
        _ => Ok(format!("differs: {} and {}", shown(first), shown(second))),
    }
}

fn contents(first: &Content, second: &Content, store: &Store) -> Result<String, Error> {
    let (mut a, mut b) = (store.open_blob(first)?, store.open_blob(second)?);
    let (mut here, mut there) = (vec![0; 64 << 10], vec![0; 64 << 10]);
    let mut offset = 0_u64;
    loop {
        let (n, m) = (fill(&mut a, &mut here)?, fill(&mut b, &mut there)?);
        let common = n.min(m);
        let differs = here[..common].iter().zip(&there[..common]).position(|(a, b)| a != b);
        let Some(at) = differs.or((n != m || n == 0).then_some(common)) else {
            offset += common as u64;
            continue;
        };
        let sizes = match first.size == second.size {
            true => format!("{} bytes both times", first.size),
            false => format!("{} bytes, then {}", first.size, second.size),
        };
        return Ok(format!(
            "differs at byte {} ({sizes}):\n  first  {}\n  second {}",
            offset + at as u64,
            around(&here[..n], at),
            around(&there[..m], at)
        ));
    }
}

/// Some bytes from a few before `at`, in hexadecimal and as text.
fn around(bytes: &[u8], at: usize) -> String {
    let part = &bytes[at.saturating_sub(CONTEXT / 2)..bytes.len().min(at + CONTEXT)];
    let mut hex = String::new();
    for byte in part {
        // Writing to a `String` can't fail.
        let _ = write!(hex, "{byte:02x} ");
    }
    let text: String = part
        .iter()
        .map(|&byte| if byte.is_ascii_graphic() || byte == b' ' { byte.into() } else { '.' })
        .collect();
    format!("{hex} |{text}|")
}

fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..])? {
            0 => break,
            count => filled += count,
        }
    }
    Ok(filled)
}
