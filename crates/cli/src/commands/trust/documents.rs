//! What is attested of images as they are pushed: how they were made, and of what.

use std::collections::{BTreeMap, BTreeSet};

use longshore_image::pack::ASSEMBLER;
use longshore_oci::{Descriptor, Digest, Platform};
use longshore_publish::registry::Parcel;
use longshore_sbom::{Bill, Detail, Format, Making, Subject, provenance};
use longshore_sources::path::{self, WorkTree};
use longshore_stack::lock::Lock;
use longshore_trust::Statement;
use longshore_trust::statement::PROVENANCE;

use super::repository;
use crate::machine::Machine;
use crate::pipeline::Built;
use crate::project::Project;
use crate::report::Failure;
use crate::{bills, builds};

/// The label that says where a stack is from.
const SOURCE: &str = "org.opencontainers.image.source";

/// Documents about the images of a stack.
pub struct Documents<'a> {
    project: &'a Project,
    bill: Bill,
    platforms: Vec<Platform>,
    builder: String,
    files: BTreeMap<String, Digest>,
    /// The commit that the files are those of.
    commit: Option<String>,
}

impl<'a> Documents<'a> {
    /// Those about `names`, which were built. `builder` is the address of who builds.
    pub fn new(
        project: &'a Project,
        lock: &Lock,
        machine: &Machine,
        names: &BTreeSet<String>,
        built: &Built,
        builder: &str,
    ) -> Result<Self, Failure> {
        let bill = bills::bill(project, lock, machine, names, built, Detail::Components)?;
        let commit = path::commit(&project.folder, &machine.settings.path);
        // What was changed since is no commit's.
        let commit = commit.filter(|commit| commit.tree != WorkTree::Changed).map(|commit| commit.sha);
        let stack = fs_err::read(project.folder.join("stack.toml")).map_err(Failure::Io)?;
        let files = BTreeMap::from([
            ("stack.toml".to_owned(), Digest::of(&stack)),
            (project.lock_name(), Digest::of(lock.to_string().as_bytes())),
        ]);
        let platforms = built.keys().cloned().collect();
        Ok(Self { project, bill, platforms, builder: builder.to_owned(), files, commit })
    }

    /// What is said of one manifest or index of a parcel.
    pub fn about(&self, parcel: &Parcel, manifest: &Descriptor) -> Vec<Statement> {
        let digest = manifest.digest;
        let platform = parcel.platforms.iter().find(|(_, own)| **own == digest);
        let platform = platform.and_then(|(platform, _)| platform.parse::<Platform>().ok());
        let subject = match &platform {
            Some(platform) => Subject::Image(parcel.image.clone(), platform.clone()),
            None => Subject::Index(parcel.image.clone()),
        };
        let Some(bill) = self.bill.about(&subject) else { return Vec::new() };
        let name = repository(&parcel.repository);
        let statement = |predicate_type: &str, predicate| Statement {
            subject: digest,
            name: Some(name.clone()),
            predicate_type: predicate_type.to_owned(),
            predicate,
        };
        let platforms = platform.map_or_else(|| self.platforms.clone(), |platform| vec![platform]);
        let mut said = vec![statement(PROVENANCE, provenance(&bill, &self.making(&parcel.image, platforms)))];
        for format in [Format::Spdx, Format::CycloneDx, Format::OpenVex] {
            let Some(document) = format.write(&bill) else { continue };
            // What a writer of JSON wrote is JSON.
            let document = serde_json::from_str(&document).unwrap_or_default();
            said.push(statement(format.predicate_type(), document));
        }
        said
    }

    fn making(&self, image: &str, platforms: Vec<Platform>) -> Making {
        let stack = &self.project.stack;
        let address = stack.images.get(image).and_then(|image| image.labels.get(SOURCE));
        Making {
            builder: self.builder.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            stack: stack.name.clone(),
            profile: stack.profile.clone(),
            image: image.to_owned(),
            platforms,
            files: self.files.clone(),
            source: address.cloned().zip(self.commit.clone()),
            hermetic: self.is_hermetic(image),
            assembler: ASSEMBLER,
        }
    }
    /// Whether no build that the image takes something from used the machine's own toolchain, nor one that such a build needs.
    fn is_hermetic(&self, image: &str) -> bool {
        let mut left: Vec<String> =
            builds::wanted(self.project, &BTreeSet::from([image.to_owned()])).into_iter().collect();
        let mut seen = BTreeSet::new();
        while let Some(name) = left.pop() {
            if builds::toolchain(self.project, &name) == "host" {
                return false;
            }
            let needed = self.project.stack.builds.get(&name);
            let needed = needed.into_iter().flat_map(|spec| spec.tool_builds().chain(spec.input_builds()));
            let needed: Vec<String> = needed.map(str::to_owned).collect();
            if seen.insert(name) {
                left.extend(needed);
            }
        }
        true
    }
}
