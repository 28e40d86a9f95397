//! How all that a stack is made of looks: what is beside the stack file, by its path there.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::PathBuf;

use longshore_oci::Silent;
use longshore_sources::path::{Look, Which};
use longshore_stack::model::{BuildInput, BuildKind, ContentSpec, Installable, SecretOrigin};

use crate::builds::source_folder;
use crate::inputs;
use crate::project::Project;

/// As it is always called.
const STACK_FILE: &str = "stack.toml";
/// Paths that are named; of more it is said how many.
const NAMED: usize = 2;

/// How all of it looks. Two are equal unless something changed in between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looks {
    folder: PathBuf,
    /// Where `git` is looked for.
    search_path: OsString,
    all: BTreeMap<String, Look>,
    /// The stack file's own folder, while nobody knows what has to change in it.
    whole: Option<Look>,
}

impl Looks {
    /// Of what `project` is made of.
    pub fn of(project: &Project, search_path: OsString) -> Self {
        let folder = project.folder.clone();
        Self { folder, search_path, all: BTreeMap::new(), whole: None }.with(project)
    }

    /// The same for `project` as it was read since: what has been looked at already looks as it did then.
    pub fn with(&self, project: &Project) -> Self {
        let mut looks = Self { all: BTreeMap::new(), ..self.clone() };
        let lock = project.lock_name();
        for path in paths(project) {
            // The lock may have been written by this program.
            let before = self.all.get(&path).filter(|_| path != lock);
            let look = before.cloned().unwrap_or_else(|| self.look(&path, Which::Taken));
            looks.all.insert(path, look);
        }
        looks
    }

    /// How the same things look now.
    pub fn again(&self) -> Self {
        let all = self.all.keys().map(|path| (path.clone(), self.look(path, Which::Taken)));
        let whole = self.whole.as_ref().map(|_| self.look(".", Which::All));
        Self { all: all.collect(), whole, ..self.clone() }
    }

    /// From now on, everything in the stack file's folder counts.
    pub fn of_whole_folder(&mut self) {
        self.whole = Some(self.look(".", Which::All));
    }

    /// From now on, what the stack is made of counts and nothing else.
    pub fn of_project_alone(&mut self) {
        self.whole = None;
    }

    fn look(&self, path: &str, which: Which) -> Look {
        Look::at(&self.folder, path, which, &self.search_path, &Silent)
    }

    /// Whether the stack file itself looked otherwise.
    pub fn other_stack_file(&self, before: &Self) -> bool {
        self.all.get(STACK_FILE) != before.all.get(STACK_FILE)
    }

    /// What looked otherwise before, for people: `` `apps/web/main.c` ``.
    pub fn words_since(&self, before: &Self) -> String {
        let mut changed: BTreeSet<String> = BTreeSet::new();
        for (path, now) in &self.all {
            let found = before.all.get(path).map(|before| now.changed_since(before)).unwrap_or_default();
            changed
                .extend(found.iter().map(|below| format!("{path}{below}").trim_end_matches('/').to_owned()));
        }
        if changed.is_empty()
            && let (Some(now), Some(before)) = (&self.whole, &before.whole)
        {
            changed.extend(now.changed_since(before).iter().map(|path| path.to_string().split_off(1)));
        }
        let named = changed.iter().take(NAMED).map(|path| format!("`{path}`")).collect::<Vec<_>>();
        match changed.len().saturating_sub(NAMED) {
            0 => named.join(" and "),
            more => format!("{} and {more} more", named.join(", ")),
        }
    }
}

/// What `project` is made of beside the packages and archives that its lock pins.
fn paths(project: &Project) -> BTreeSet<String> {
    let stack = &project.stack;
    let mut paths = BTreeSet::from([STACK_FILE.to_owned(), project.lock_name()]);
    for build in stack.builds.values() {
        paths.extend(source_folder(&build.kind).map(str::to_owned));
        if let BuildKind::Command(command) = &build.kind {
            paths.extend(command.inputs.iter().filter_map(|input| match input {
                BuildInput::Path { path, .. } => Some(path.clone()),
                BuildInput::Build { .. } | BuildInput::Url { .. } => None,
            }));
        }
    }
    for image in stack.images.values() {
        paths.extend(inputs::beside(image).map(str::to_owned));
        paths.extend(image.contents.iter().filter_map(|content| match content {
            ContentSpec::Text(text) => text.template.clone(),
            ContentSpec::Nix(request) => match &request.installable {
                Installable::Flox { folder, .. } => Some(format!("{folder}/.flox/env/manifest.lock")),
                _ => None,
            },
            _ => None,
        }));
    }
    let files = stack.services.values().flat_map(|service| service.files.values());
    paths.extend(files.filter_map(|file| file.template.clone()));
    paths.extend(stack.secrets.values().filter_map(|secret| match &secret.origin {
        SecretOrigin::File(path) => Some(path.clone()),
        SecretOrigin::Generate { .. } | SecretOrigin::Env(_) | SecretOrigin::Command(_) => None,
    }));
    paths
}
