//! Packing: a tree of real packages and others, from files to layers, against those who do the same.

mod again;
mod cold;
mod efficiency;
pub mod peers;
mod tree;
mod whole;

use std::path::Path;

use super::report::Section;
use super::{Effort, empty};
use crate::run::{Result, say};
use tree::Tree;

/// Against those who do the same.
pub fn cold(work: &Path, effort: Effort) -> Result<Vec<Section>> {
    empty(work)?;
    let tree = Tree::prepare(work, effort)?;
    say("to a layout");
    let layout = cold::section(&tree, effort)?;
    say("diff ids");
    let ids = cold::diff_ids(&tree, effort)?;
    drop(tree);
    empty(work)?;
    Ok(vec![layout, ids])
}

/// Against what can't be saved, and against itself.
pub fn sections(work: &Path, effort: Effort) -> Result<Vec<Section>> {
    empty(work)?;
    let mut sections = Vec::new();
    let tree = Tree::prepare(work, effort)?;
    say("efficiency");
    sections.push(efficiency::section(&tree, effort)?);
    say("packed before");
    sections.push(again::packed_before(&tree, effort)?);
    // Room for what follows.
    drop(tree);
    empty(work)?;
    say("eight images");
    sections.push(whole::section(work, effort)?);
    empty(work)?;
    say("one file, nothing");
    sections.push(again::one_file(work, effort)?);
    sections.push(again::nothing(work, effort)?);
    empty(work)?;
    say("memory");
    sections.push(cold::memory(work, effort)?);
    empty(work)?;
    Ok(sections)
}
