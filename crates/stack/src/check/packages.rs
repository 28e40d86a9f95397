//! Which source a package comes from.

use std::collections::BTreeMap;
use std::ops::Range;

use super::names;
use crate::file::At;
use crate::findings::Findings;
use crate::model::{PackageRequest, SourceSpec};

/// Which source a package comes from that is named without one.
pub(super) struct PackageOrigin {
    sources: Vec<String>,
    default: Option<String>,
}

impl PackageOrigin {
    pub(super) fn new(
        sources: &BTreeMap<String, SourceSpec>,
        default: Option<&At<String>>,
        findings: &mut Findings,
    ) -> Self {
        let sources: Vec<String> = sources.keys().cloned().collect();
        let known: Vec<&str> = sources.iter().map(String::as_str).collect();
        let default = match (default, known.as_slice()) {
            (Some(name), known) if !known.contains(&name.as_str()) => {
                super::unknown("source", name, known, findings);
                // One complaint is enough; packages are not complained of as well.
                Some(name.value.clone())
            }
            (Some(name), _) => Some(name.value.clone()),
            (None, [only]) => Some((*only).to_owned()),
            (None, _) => None,
        };
        Self { sources, default }
    }

    /// `packages` of the source of packages that are named alone, for the build at `name`.
    pub(super) fn all_of_default(
        &self,
        name: &At<String>,
        packages: &[&str],
        findings: &mut Findings,
    ) -> Vec<PackageRequest> {
        let Some(source) = &self.default else {
            let help = match self.sources.as_slice() {
                [] => "declare one: [sources.debian] with `kind`, `distribution`, `suites` and `keyring`; or write \
                       `toolchain = \"host\"`"
                    .to_owned(),
                _ => "set `default-source` in [stack], or write `toolchain = [{ package = …, source = … }, …]`".to_owned(),
            };
            let message =
                format!("it is not clear which source the toolchain of build `{}` comes from", name.value);
            findings.error("stack::source", &name.span, message).help(help);
            return Vec::new();
        };
        let request =
            |package: &&str| PackageRequest { source: source.clone(), package: (*package).to_owned() };
        packages.iter().map(request).collect()
    }

    pub(super) fn of(
        &self,
        package: &str,
        span: &Range<usize>,
        source: Option<&At<String>>,
        findings: &mut Findings,
    ) -> PackageRequest {
        if !names::is_package(package) {
            findings
                .error("stack::name", span, format!("`{package}` can't be the name of a package"))
                .help("packages have lower-case letters, digits, `+`, `-` and `.` in their names; versions are the lock's business".to_owned());
        }
        let source = match (source, &self.default) {
            (Some(named), _) => {
                if !self.sources.contains(&named.value) {
                    super::unknown(
                        "source",
                        named,
                        &self.sources.iter().map(String::as_str).collect::<Vec<_>>(),
                        findings,
                    );
                }
                named.value.clone()
            }
            (None, Some(default)) => default.clone(),
            (None, None) => {
                let help = match self.sources.as_slice() {
                    [] => "declare one: [sources.debian] with `kind`, `distribution`, `suites` and `keyring`"
                        .to_owned(),
                    several => format!(
                        "write `{{ package = \"{package}\", source = … }}` or set `default-source` in [stack]; the sources are {}",
                        several.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
                    ),
                };
                findings
                    .error(
                        "stack::source",
                        span,
                        format!("it is not clear which source package `{package}` comes from"),
                    )
                    .help(help);
                String::new()
            }
        };
        PackageRequest { source, package: package.to_owned() }
    }
}
