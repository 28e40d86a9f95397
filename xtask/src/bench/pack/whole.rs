//! A whole stack at once, against each of its images alone.

use std::path::Path;
use std::process::Command;

use super::super::goal::Goal;
use super::super::measure::Figure::{Cpu, Wall};
use super::super::report::Section;
use super::super::rounds::{Contestant, rounds};
use super::super::stack::Stack;
use super::super::{Effort, empty};
use crate::run::{Result, shipped};

const STACK: &str = include_str!("images.toml");
const TOGETHER: &str = "longshore, eight images";
const ALONE: &str = "longshore, each image in a store of its own";
/// Builds each image with its own store.
const SCRIPT: &str = "longshore=$1 stack=$2; shift 2\n\
                      for image; do LONGSHORE_STORE=stores/$image $longshore -C $stack --offline --quiet build $image -o layouts/$image; done";

/// The stack, with its packages in its seed.
pub fn stack(work: &Path) -> Result<Stack> {
    let stack = Stack::begin(work, "images")?;
    stack.lock(STACK)?;
    stack.unpack()?;
    Ok(stack)
}

pub fn section(work: &Path, effort: Effort) -> Result<Section> {
    let stack = stack(work)?;
    let images: Vec<&str> =
        STACK.lines().filter_map(|line| line.strip_prefix("[image.")?.strip_suffix(']')).collect();
    let (store, layout, alone) = (work.join("store"), work.join("layout"), work.join("alone"));
    let stores = || {
        empty(&alone.join("stores"))?;
        images.iter().try_for_each(|image| stack.unpacked(&alone.join("stores").join(image)))
    };
    let one_by_one = || {
        let mut shell = Command::new("sh");
        shell
            .args(["-e", "-c", SCRIPT, "sh"])
            .arg(shipped())
            .arg(&stack.folder)
            .args(&images)
            .current_dir(&alone);
        shell
    };
    let contestants = vec![
        Contestant::new(TOGETHER, || stack.layout(&store, &layout, &[]))
            .before(|| stack.unpacked(&store))
            .writes(&layout),
        Contestant::new(ALONE, one_by_one).before(stores).writes(&alone.join("layouts")),
    ];
    let rows = rounds(effort, work, contestants)?;
    Ok(Section {
        title: String::from("eight images that share packages, to a layout"),
        key: "pack-whole",
        goals: vec![
            Goal::times(&rows, Wall, TOGETHER, ALONE, 3.0),
            Goal::times(&rows, Cpu, TOGETHER, ALONE, 3.0),
        ],
        rows,
        ..Section::default()
    })
}
