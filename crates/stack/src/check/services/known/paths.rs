//! Programs and files that a service names and nothing brings.

use longshore_oci::TreePath;

use super::held::{Held, held};
use super::{Known, Said};
use crate::findings::Findings;

pub(super) fn check(known: &Known<'_>, findings: &mut Findings) {
    health(known, findings);
    program(known, findings);
    for said in known.arguments() {
        configuration(known, &said, findings);
    }
    for said in known.files() {
        roots(known, &said, findings);
    }
}

/// `curl` in an image that has none.
fn health(known: &Known<'_>, findings: &mut Findings) {
    let exec = known.table.health.as_ref().and_then(|health| health.exec.as_ref());
    let Some(program) = exec.and_then(|exec| exec.first()) else { return };
    if missing(known, program) {
        let message = format!(
            "`{}`, which says how service `{}` is, is not in image `{}`",
            program.value, known.name.value, known.spec.image
        );
        let asks = ["curl", "wget", "nc", "grpc_health_probe"].iter().any(|name| program.ends_with(name));
        let help = match asks {
            true => {
                "longshore asks by itself: write `health = { http = \"/PATH\" }`, `{ tcp = \"PORT\" }` or `{ grpc = \"PORT\" }`"
            }
            false => "add what has it to the image's `contents`",
        };
        findings.error("stack::health", &program.span, message).help(help.to_owned());
    }
}

/// What is started, where the service says so itself.
fn program(known: &Known<'_>, findings: &mut Findings) {
    let own = known.table.command.as_ref().and_then(|command| command.first());
    let Some(program) = own.filter(|_| known.image.entrypoint.is_empty()) else { return };
    if missing(known, program) {
        let message = format!(
            "`{}`, which service `{}` starts, is not in image `{}`",
            program.value, known.name.value, known.spec.image
        );
        findings
            .error("stack::command", &program.span, message)
            .help("add what has it to the image's `contents`".to_owned());
    }
}

/// `--config.file=/etc/x.yaml` that nothing puts there.
fn configuration(known: &Known<'_>, said: &Said<'_>, findings: &mut Findings) {
    let value = said.text.rsplit_once('=').map_or(said.text.as_str(), |(_, value)| value);
    if value.starts_with("/etc/") && missing(known, value) {
        let message =
            format!("service `{}` is told to read `{value}`, which nothing puts there", known.name.value);
        let near = known.spec.files.keys().map(ToString::to_string).collect::<Vec<_>>();
        let help = match crate::diagnostic::nearest(value, near.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => {
                format!("add `files = {{ \"{value}\" = \"TEMPLATE\" }}` to `[service.{}]`", known.name.value)
            }
        };
        findings.error("stack::path", &said.span, message).help(help);
    }
}

/// The folder that Caddy (`root * /srv`) or nginx (`root /srv;`) serves from.
fn roots(known: &Known<'_>, said: &Said<'_>, findings: &mut Findings) {
    for line in said.text.lines() {
        let mut words = line.split_whitespace();
        if words.next() != Some("root") {
            continue;
        }
        let Some(folder) = words.next_back().map(|word| word.trim_end_matches(';')) else { continue };
        if folder.starts_with('/') && missing(known, folder) {
            let message = format!(
                "service `{}` serves files from `{folder}`, where its image `{}` has none",
                known.name.value, known.spec.image
            );
            findings
                .error("stack::path", &said.span, message)
                .help("put them there with `to`, or name the folder that they are in".to_owned());
        }
    }
}

fn missing(known: &Known<'_>, path: &str) -> bool {
    let Ok(path) = TreePath::new(path) else { return false };
    let spec = known.spec;
    let seen = spec.files.keys().any(|file| *file == path || file.is_under(&path))
        || spec.secrets.values().any(|secret| *secret == path)
        || spec.volumes.values().any(|volume| path == volume.path || path.is_under(&volume.path));
    !seen && held(known.image, &path) == Held::No
}
