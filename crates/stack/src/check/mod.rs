//! From tables as written to the checked stack. Everything is looked at, whatever is wrong before it.

mod builds;
mod cache;
mod contents;
mod flox;
mod image;
mod layers;
mod merge;
mod names;
mod nix;
mod others;
mod outputs;
mod packages;
mod profiles;
mod publish;
mod quantity;
mod runtime;
mod secrets;
mod services;
mod sources;
mod template;
mod urls;

pub(crate) use names::{is_go_sum, is_name, is_package};
pub(crate) use profiles::check_profiles;
pub(crate) use services::RESERVED;
pub(crate) use template::what as template_error;

use std::collections::BTreeMap;
use std::path::Path;

use longshore_oci::{Epoch, Platform, Reference};

use crate::diagnostic::suggestion;
use crate::file::{At, File, StackTable};
use crate::findings::Findings;
use crate::model::Stack;
use crate::read::Locations;

/// Checks `file`, into which its profile has been merged; the files it names are beside it in `folder`. What comes back is
/// whole only if nothing was found.
pub(crate) fn check(file: File, folder: &Path, findings: &mut Findings) -> (Stack, Locations) {
    let sources = sources::check(file.sources, folder, findings);
    let origin = packages::PackageOrigin::new(&sources, file.stack.default_source.as_ref(), findings);
    let platforms = platforms(&file.stack, findings);
    let urls = urls::check(file.url, findings);
    let nix = nix::check(file.nix, findings);
    let names = file.build.keys().map(|name| name.value.clone()).collect();
    let host = crate::model::build_platform(&platforms);
    let around = builds::Around { folder, origin: &origin, urls: &urls, host: &host, builds: names };
    let builds = builds::check(file.build, &around, findings);
    let defaults = file.image_defaults.unwrap_or_default();
    let mut tables: BTreeMap<At<String>, _> =
        file.image.into_iter().map(|(name, table)| (name, merge::merge(&defaults, table))).collect();
    let environments = flox::Environments::read(tables.values(), folder, findings);
    tables.values_mut().for_each(|table| environments.lend(table, findings));

    // Templates may speak of any image, so the plain facts of all images come first.
    let mut runtimes = BTreeMap::new();
    for (name, table) in &tables {
        check_name("image", name, findings);
        runtimes.insert(name.value.clone(), runtime::check(name, table, findings));
    }
    let values = template::Values::new(&file.stack, &file.values, &runtimes);
    let mut images = BTreeMap::new();
    let mut locations = Locations { source: findings.source.clone(), contents: BTreeMap::new() };
    for (name, table) in tables {
        let Some(runtime) = runtimes.remove(&name.value) else { continue };
        let beside = contents::Beside {
            folder,
            values: &values,
            origin: &origin,
            platforms: &platforms,
            urls: &urls,
            flox: &environments,
            builds: &around.builds,
        };
        let (contents, spans) = contents::check(&name.value, &table, &runtime, &beside, findings);
        locations.contents.insert(name.value.clone(), spans);
        images.insert(
            name.value.clone(),
            image::check(&name, table, runtime, contents, &file.stack, folder, findings),
        );
    }
    let around = services::Around { folder, images: &images, values: &values };
    let in_image = services::in_image(&file.service);
    let (services, secrets) = services::check(file.service, file.secret, &around, findings);
    services::into_images(&services, &in_image, &mut images, findings);
    let cache = file.cache.map(|table| cache::check(table, folder, findings));
    let layers = layers::check(file.layers, findings);
    let publish = publish::check(file.publish, &file.stack, findings);
    let repository = repository(&file.stack, findings);
    let stack = Stack {
        repository,
        name: file.stack.name.value,
        profile: None,
        version: file.stack.version,
        epoch: Epoch(file.stack.epoch.unwrap_or(0)),
        platforms,
        sources,
        builds,
        urls,
        nix,
        images,
        services,
        secrets,
        layers,
        publish,
        cache,
    };
    (stack, locations)
}

/// The repository that all images go to, and the stack's name checked.
fn repository(table: &StackTable, findings: &mut Findings) -> String {
    check_name("stack", &table.name, findings);
    let repository = table.repository.as_ref().unwrap_or(&table.name);
    match repository.parse::<Reference>() {
        Ok(reference) if reference.tag.is_none() && reference.digest.is_none() => {}
        Ok(_) => {
            let message = format!(
                "`{}` names one image; the repository that all images go to is expected",
                repository.value
            );
            findings
                .error("stack::repository", &repository.span, message)
                .help("leave out the tag and the digest".to_owned());
        }
        Err(error) if table.repository.is_some() => {
            findings.error("stack::repository", &repository.span, error.to_string());
        }
        // Said already of the stack's name.
        Err(_) => {}
    }
    repository.value.clone()
}

/// The platforms, sorted.
fn platforms(table: &StackTable, findings: &mut Findings) -> Vec<Platform> {
    let mut platforms: Vec<Platform> = Vec::new();
    for text in table.platforms.iter().flatten() {
        match text.parse() {
            Ok(platform) if platforms.contains(&platform) => {
                findings.error(
                    "stack::doubled",
                    &text.span,
                    format!("platform `{}` is named twice", text.value),
                );
            }
            Ok(platform) => platforms.push(platform),
            // The schema has said so already.
            Err(_) => {}
        }
    }
    if table.platforms.is_none() {
        platforms.extend("linux/amd64".parse::<Platform>());
    }
    platforms.sort();
    platforms
}

/// Names of stacks, images and sources are parts of image references and of paths.
fn check_name(what: &str, name: &At<String>, findings: &mut Findings) {
    if !names::is_name(name) {
        let message = format!(
            "`{}` can't be the name of {} {what}",
            name.value,
            if what == "image" { "an" } else { "a" }
        );
        findings
            .error("stack::name", &name.span, message)
            .help("use lower-case letters and digits, with single `-`, `_` or `.` between them".to_owned());
    }
}

/// A name that must be one of `known`.
fn unknown(what: &str, name: &At<String>, known: &[&str], findings: &mut Findings) {
    let help = match known {
        [] => Some(format!("there is no {what} here at all")),
        known => suggestion(name, known.iter().copied()),
    };
    findings
        .error("stack::unknown-name", &name.span, format!("there is no {what} `{}`", name.value))
        .help(help);
}
