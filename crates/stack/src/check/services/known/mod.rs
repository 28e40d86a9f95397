//! What is known of programs, and would else be found out when they run: an address that nobody has, a configuration that
//! nobody reads, a password that everybody knows.

mod addresses;
mod grafana;
mod held;
mod passwords;
mod paths;
mod retention;

use std::collections::BTreeMap;
use std::ops::Range;

use crate::file::{At, ServiceTable};
use crate::findings::Findings;
use crate::model::{ImageSpec, ServiceSpec};

/// A service with all that is said of it.
struct Known<'a> {
    name: &'a At<String>,
    table: &'a ServiceTable,
    spec: &'a ServiceSpec,
    image: &'a ImageSpec,
    services: &'a BTreeMap<String, ServiceSpec>,
}

/// A text of a service and where it is written.
struct Said<'a> {
    /// A variable's name, or a file's path; none for arguments.
    name: Option<String>,
    /// As in the stack file; nothing of files, which are elsewhere.
    written: &'a str,
    /// As in containers.
    text: String,
    /// What of it is written out, without references.
    literals: Vec<&'a str>,
    span: Range<usize>,
}

pub(super) fn check(
    tables: &BTreeMap<At<String>, ServiceTable>,
    services: &BTreeMap<String, ServiceSpec>,
    images: &BTreeMap<String, ImageSpec>,
    findings: &mut Findings,
) {
    for (name, table) in tables {
        let Some(spec) = services.get(&name.value) else { continue };
        let Some(image) = images.get(&spec.image) else { continue };
        let known = Known { name, table, spec, image, services };
        addresses::check(&known, findings);
        passwords::check(&known, findings);
        paths::check(&known, findings);
        retention::check(&known, findings);
        grafana::check(&known, findings);
    }
}

impl<'a> Known<'a> {
    /// Variables of the service itself.
    fn env(&self) -> impl Iterator<Item = Said<'a>> + '_ {
        self.table.env.iter().filter_map(|(name, value)| {
            let text = self.spec.env.get(&name.value)?;
            Some(Said {
                name: Some(name.value.clone()),
                written: &value.value,
                text: text.in_containers(),
                literals: text.literals().collect(),
                span: value.span.clone(),
            })
        })
    }

    /// Arguments of the service's own command.
    fn arguments(&self) -> impl Iterator<Item = Said<'a>> + '_ {
        let written = self.table.command.iter().flatten();
        written.zip(self.spec.command.iter().flatten()).map(|(written, text)| Said {
            name: None,
            written: &written.value,
            text: text.in_containers(),
            literals: text.literals().collect(),
            span: written.span.clone(),
        })
    }

    /// Files that it sees; the place is that of their entry.
    fn files(&self) -> impl Iterator<Item = Said<'a>> + '_ {
        self.table.files.iter().filter_map(|(to, written)| {
            let (path, file) = self.spec.files.iter().find(|(path, _)| path.to_string() == to.value)?;
            Some(Said {
                name: Some(path.to_string()),
                written: "",
                text: file.text.in_containers(),
                literals: file.text.literals().collect(),
                span: written.span.clone(),
            })
        })
    }

    /// A variable as the program sees it: the service's, or its image's.
    fn variable(&self, name: &str) -> Option<String> {
        let own = self.spec.env.get(name).map(crate::model::Text::in_containers);
        own.or_else(|| self.image.env.get(name).cloned())
    }
}
