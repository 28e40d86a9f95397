//! Which packages are in an image, how much of each, and what stayed out.

use std::collections::BTreeMap;

use longshore_oci::{Node, PackageId};
use serde::Serialize;

use super::LeftOut;
use super::builder::Builder;
use super::leave::left_out;
use super::view::View;

/// How a package came into an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Brought {
    /// Asked for, or depended on by one that was.
    Whole,
    /// Only files that were asked for, or that those need.
    Slice,
    /// A fragment was made from it.
    Fragment,
}

/// One package in an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PackageUse {
    /// Which.
    pub id: PackageId,
    /// How it came in.
    pub brought: Brought,
    /// Files and links of it that are in the image.
    pub files: usize,
    /// Bytes of those.
    pub bytes: u64,
    /// Files and bytes that stayed out, by reason.
    pub left_out: BTreeMap<LeftOut, (usize, u64)>,
    /// What its maintainer scripts would have done and did not do.
    pub skipped: Vec<String>,
}

/// The report on every package that contributes.
pub(super) fn packages(build: &Builder<'_>, view: &View<'_>) -> Vec<PackageUse> {
    let report = |(id, brought): (&PackageId, &Brought)| {
        let component = view.loaded.get(id)?;
        let mut taken: Vec<_> = view.taken.get(id).into_iter().flatten().collect();
        taken.sort_unstable();
        taken.dedup();
        let mut taken = taken.into_iter().peekable();
        let mut report = PackageUse {
            id: id.clone(),
            brought: *brought,
            files: 0,
            bytes: 0,
            left_out: BTreeMap::new(),
            skipped: component.package.as_ref().map(|meta| meta.skipped.clone()).unwrap_or_default(),
        };
        for (path, entry) in component.tree.iter() {
            let goes_in = taken.next_if_eq(&path).is_some();
            if entry.node == Node::Directory {
                continue;
            }
            if goes_in {
                report.files += 1;
                report.bytes += entry.size();
                continue;
            }
            let why = left_out(path, &build.input.spec.keep).unwrap_or(LeftOut::NotNeeded);
            let (files, bytes) = report.left_out.entry(why).or_default();
            *files += 1;
            *bytes += entry.size();
        }
        Some(report)
    };
    view.used.iter().filter_map(report).collect()
}
