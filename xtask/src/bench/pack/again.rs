//! What was packed before: by another stack, but for one file, or all of it.

use std::path::Path;

use super::super::generated;
use super::super::goal::{Goal, median};
use super::super::measure::Figure::{Cpu, Wall};
use super::super::report::Section;
use super::super::rounds::{Contestant, remove, rounds};
use super::super::stack::Stack;
use super::super::{Effort, ours};
use super::cold::{SEED, folder};
use super::tree::Tree;
use crate::run::Result;

/// Its packages are unpacked and its layers compressed since another stack has them too; against a store of packages alone.
pub fn packed_before(tree: &Tree, effort: Effort) -> Result<Section> {
    const COLD: &str = "longshore, from .deb files";
    const KNOWN: &str = "longshore, packed before";
    let another = tree.another(effort)?;
    let (packages, layers) = (tree.work.join("packages-store"), tree.work.join("layers-store"));
    let layout = tree.work.join("layout");
    tree.stack.build(&layers, &layout)?;
    remove(&layout)?;
    // What a run adds for the other stack: its plan, and the layers that hold its name.
    let first = tree.work.join("known-store");
    let known = || {
        remove(&first)?;
        let packed = Stack { folder: another.folder.clone(), seed: layers.clone() };
        packed.unpacked(&first)
    };
    let contestants = vec![
        Contestant::new(COLD, || another.layout(&packages, &layout, &[]))
            .before(|| ours::only_fetched(&packages, &tree.debs))
            .writes(&layout),
        Contestant::new(KNOWN, || another.layout(&first, &layout, &[])).before(known).writes(&layout),
    ];
    let rows = rounds(effort, &tree.work, contestants)?;
    for store in [&packages, &layers, &first] {
        remove(store)?;
    }
    Ok(Section {
        title: tree.title("packed before by another stack, to a layout"),
        key: "pack-known",
        goals: vec![Goal::times(&rows, Wall, KNOWN, COLD, 10.0)],
        rows,
        ..Section::default()
    })
}

/// One file of 10,000 in a layer of a gigabyte, in the middle.
pub fn one_file(work: &Path, effort: Effort) -> Result<Section> {
    const BUILD: &str = "longshore build, one file";
    const LAYOUT: &str = "longshore build -o, one file";
    let count = effort.part_of(10_000);
    let stack = folder(work, "one-file", count, 100_000)?;
    let stores = [work.join("build-store"), work.join("layout-store")];
    let layout = work.join("layout");
    for store in &stores {
        stack.build(store, &layout)?;
    }
    let files = stack.folder.join("files");
    let turn = std::cell::Cell::new(0);
    let change = || {
        turn.set(turn.get() + 1);
        generated::change(&files, SEED, count / 2, turn.get())
    };
    let contestants = vec![
        Contestant::new(BUILD, || stack.longshore(&stores[0], &["build"])).before(change),
        Contestant::new(LAYOUT, || stack.layout(&stores[1], &layout, &[])).before(change),
    ];
    let rows = rounds(effort, work, contestants)?;
    let goal = |name: &str| Goal::at_most(format!("{name}: CPU"), median(&rows, Cpu, name), 0.9, " s");
    let goals = [BUILD, LAYOUT].map(goal).into();
    Ok(Section {
        title: format!("one changed file of {count} generated ones of 100 kB, all in one layer"),
        key: "pack-one-file",
        goals,
        rows,
        ..Section::default()
    })
}

/// Nothing changed.
pub fn nothing(work: &Path, effort: Effort) -> Result<Section> {
    const PACKAGES: &str = "longshore, eight images of packages";
    const FOLDER: &str = "longshore, a folder of files";
    let packages = super::whole::stack(work)?;
    let count = effort.part_of(20_000);
    let files = folder(work, "files", count, 2000)?;
    let stores = [work.join("packages-store"), work.join("files-store")];
    for (stack, store) in [&packages, &files].into_iter().zip(&stores) {
        stack.build(store, &work.join("layout"))?;
        stack.settle(store)?;
    }
    let contestants = vec![
        Contestant::new(PACKAGES, || packages.longshore(&stores[0], &["build"])),
        Contestant::new(FOLDER, || files.longshore(&stores[1], &["build"])),
    ];
    let rows = rounds(effort, work, contestants)?;
    let goal = |name: &str, wanted| Goal::at_most(name, median(&rows, Wall, name) * 1e3, wanted, " ms");
    Ok(Section {
        title: format!("nothing changed: eight images of packages, and a folder of {count} files"),
        key: "pack-nothing",
        goals: vec![goal(PACKAGES, 10.0), goal(FOLDER, 60.0)],
        rows,
        ..Section::default()
    })
}
