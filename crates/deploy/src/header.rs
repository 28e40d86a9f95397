//! What every generated file says of itself.

use crate::Deployment;

/// Who made a file, from what, and how it is made anew; `what` is a word after `longshore generate`. Lines without a sign before
/// them.
pub fn header(deployment: &Deployment<'_>, what: &str) -> String {
    let profile = deployment.stack.profile.as_ref();
    let of = profile.map(|profile| format!(", profile `{profile}`")).unwrap_or_default();
    let again = profile.map(|profile| format!(" --profile {profile}")).unwrap_or_default();
    format!(
        "Made by longshore from the stack `{}`{of}, its lock {}.\nChange the stack file, not this one; then: longshore generate {what}{again}",
        deployment.stack.name, deployment.lock,
    )
}
