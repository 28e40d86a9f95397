//! What grows: trees from 125 MB to 4 GB in one image, and stacks from one image to 64. Of generated files, in parts of 62.5 MB: a tree
//! is some of them, an image one.

use std::path::{Path, PathBuf};

use super::goal::{Goal, median};
use super::measure::Figure::{self, Cpu, Wall};
use super::report::Section;
use super::rounds::{Contestant, rounds};
use super::stack::Stack;
use super::{Effort, empty, generated};
use crate::run::{Result, say};

/// How many parts there are of everything.
const PARTS: usize = 64;
const FILES: u64 = 1250;
const BYTES: u64 = 50_000;

/// A name, and how many parts.
const TREES: [(&str, usize); 6] =
    [("125 MB", 2), ("250 MB", 4), ("500 MB", 8), ("1 GB", 16), ("2 GB", 32), ("4 GB", 64)];
const STACKS: [(&str, usize); 7] = [
    ("1 image", 1),
    ("2 images", 2),
    ("4 images", 4),
    ("8 images", 8),
    ("16 images", 16),
    ("32 images", 32),
    ("64 images", 64),
];

pub fn sections(work: &Path, effort: Effort) -> Result<Vec<Section>> {
    empty(work)?;
    say("generating files");
    let stack = Stack::begin(work, "parts")?;
    for part in 0..PARTS {
        generated::folder(&stack.folder.join(name(part)), part as u64, effort.part_of(FILES), BYTES)?;
    }
    stack.lock(&tree(PARTS))?;
    stack.unpack()?;
    let scale = Scale { work, effort, stack, store: work.join("store"), layout: work.join("layout") };
    say("trees");
    let trees =
        scale.section("scale-trees", "a tree that grows, in one image: seconds for 62.5 MB", &TREES, tree)?;
    say("stacks");
    let stacks = scale.section(
        "scale-images",
        "a stack that grows: seconds for an image of 62.5 MB",
        &STACKS,
        images,
    )?;
    empty(work)?;
    Ok(vec![trees, stacks])
}

struct Scale<'a> {
    work: &'a Path,
    effort: Effort,
    stack: Stack,
    store: PathBuf,
    layout: PathBuf,
}

impl Scale<'_> {
    /// Packs something of each size, whose stack file `text` gives.
    fn section(
        &self,
        key: &'static str,
        title: &str,
        sizes: &[(&'static str, usize)],
        text: fn(usize) -> String,
    ) -> Result<Section> {
        let contestant = |&(name, parts)| {
            let before =
                move || self.stack.lock(&text(parts)).and_then(|()| self.stack.unpacked(&self.store));
            let timed = || self.stack.layout(&self.store, &self.layout, &[]);
            Contestant::new(name, timed).before(before).writes(&self.layout)
        };
        let rows = rounds(self.effort, self.work, sizes.iter().map(contestant).collect())?;
        let all = &rows;
        let each =
            |figure: Figure| sizes.iter().map(move |(name, parts)| median(all, figure, name) / *parts as f64);
        let flat = |figure: Figure| {
            let (least, most) = each(figure)
                .fold((f64::INFINITY, 0.0_f64), |(least, most), one| (least.min(one), most.max(one)));
            most / least
        };
        let of_each = sizes.iter().zip(each(Cpu).zip(each(Wall)));
        let listed = of_each.map(|((name, _), (cpu, wall))| format!("{name}: {cpu:.3} CPU, {wall:.3} wall"));
        Ok(Section {
            title: title.to_owned(),
            key,
            targets: format!("\n{}\n", listed.collect::<Vec<_>>().join(" · ")),
            goals: vec![
                Goal::at_most("the most CPU for one over the least", flat(Cpu), 1.2, " ×"),
                Goal::at_most("the most wall time for one over the least", flat(Wall), 1.2, " ×"),
            ],
            rows,
            ..Section::default()
        })
    }
}

fn name(part: usize) -> String {
    format!("part-{part:02}")
}

fn content(part: usize) -> String {
    format!("{{ directory = \"{0}\", to = \"/srv/{0}\" }}", name(part))
}

fn stack(images: &str) -> String {
    format!("[stack]\nname = \"parts\"\nplatforms = [\"linux/amd64\"]\n{images}")
}

/// One image of all parts.
fn tree(parts: usize) -> String {
    let contents: Vec<_> = (0..parts).map(content).collect();
    stack(&format!("\n[image.tree]\ncontents = [\n  {},\n]\n", contents.join(",\n  ")))
}

/// An image of each part.
fn images(parts: usize) -> String {
    let images = (0..parts).map(|part| format!("\n[image.{}]\ncontents = [{}]\n", name(part), content(part)));
    stack(&images.collect::<String>())
}
