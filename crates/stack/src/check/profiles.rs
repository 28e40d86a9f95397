//! `[profile.*]` and `default-profile`: what is right or wrong of them whichever is active.

use super::{check_name, unknown};
use crate::file::File;
use crate::findings::Findings;

pub(crate) fn check_profiles(file: &File, findings: &mut Findings) {
    for (name, profile) in &file.profile {
        check_name("profile", name, findings);
        if let Some(text) = profile.description.as_ref().filter(|text| text.trim().contains('\n')) {
            findings
                .error(
                    "stack::description",
                    &text.span,
                    format!("the description of profile `{}` has several lines", name.value),
                )
                .help("say it in one line, which lists of profiles show".to_owned());
        }
    }
    if let Some(name) = file.stack.default_profile.as_ref().filter(|name| !file.profile.contains_key(*name)) {
        let known: Vec<&str> = file.profile.keys().map(|name| name.as_str()).collect();
        unknown("profile", name, &known, findings);
    }
}
