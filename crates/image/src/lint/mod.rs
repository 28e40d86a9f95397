//! What will not work, or should not be, in a composed image: pure over the root filesystem, its facts and the image's
//! declaration.

mod catalogue;
mod elf;
mod files;
mod finding;
mod nix;
mod run;
#[cfg(test)]
mod tests;

use longshore_oci::{Origin, Platform};
use longshore_stack::model::ImageSpec;

pub use catalogue::{LINTS, Lint};
pub use finding::{Finding, Severity, allowed};

use crate::rootfs::RootFs;

/// All findings on `rootfs`, those of composition included, less what the image allows; worst first, then by lint and
/// subject.
pub fn check(rootfs: &RootFs, spec: &ImageSpec, platform: &Platform) -> Vec<Finding> {
    let mut findings = rootfs.findings().to_vec();
    let program = run::check(rootfs, spec, &mut findings);
    elf::check(rootfs, spec, platform, program.as_ref(), &mut findings);
    files::check(rootfs, &mut findings);
    nix::check(rootfs, &mut findings);
    // What a base brings is known to whoever chose it, as far as it does not keep this image from working.
    for finding in &mut findings {
        if matches!(finding.origin, Some(Origin::Base(_))) && finding.severity == Severity::Warning {
            finding.severity = Severity::Note;
        }
    }
    findings.retain(|finding| !allowed(&spec.allow, finding.lint, &finding.subject));
    findings.sort_by(|a, b| (a.severity, a.lint, &a.subject).cmp(&(b.severity, b.lint, &b.subject)));
    findings.dedup();
    findings
}
