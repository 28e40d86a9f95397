//! Grafana: what it reads nothing of, what it doesn't start, what it would fetch
//! (<https://grafana.com/docs/grafana/latest/administration/provisioning/>).

use longshore_oci::TreePath;

use super::{Known, Said};
use crate::findings::Findings;
use crate::model::ContentSpec;

/// Where it reads its provisioning from, unless told.
const PROVISIONING: &str = "/etc/grafana/provisioning";
/// What people call data sources, and what Grafana calls them.
const TYPES: [(&str, &str); 5] = [
    ("pyroscope", "grafana-pyroscope-datasource"),
    ("phlare", "grafana-pyroscope-datasource"),
    ("postgres", "grafana-postgresql-datasource"),
    ("postgresql", "grafana-postgresql-datasource"),
    ("testdata", "grafana-testdata-datasource"),
];
/// Variables that make it fetch plugins when it starts.
const FETCHING: [&str; 3] = ["GF_INSTALL_PLUGINS", "GF_PLUGINS_PREINSTALL", "GF_PLUGINS_PREINSTALL_SYNC"];

pub(super) fn check(known: &Known<'_>, findings: &mut Findings) {
    let words = known.image.entrypoint.iter().chain(&known.image.command);
    let program = words.clone().next().and_then(|program| program.rsplit('/').next());
    if !program.is_some_and(|program| program.starts_with("grafana")) {
        return;
    }
    let provisioning = known.variable("GF_PATHS_PROVISIONING").unwrap_or_else(|| PROVISIONING.to_owned());
    for said in known.files().filter(|said| has_line(&said.text, "datasources:")) {
        data_sources(known, &said, &provisioning, findings);
    }
    fetches(known, findings);
    plugins(known, findings);
    first_password(known, findings);
}

fn has_line(text: &str, wanted: &str) -> bool {
    text.lines().any(|line| line.trim_end() == wanted)
}

fn data_sources(known: &Known<'_>, said: &Said<'_>, provisioning: &str, findings: &mut Findings) {
    let folder = format!("{provisioning}/datasources/");
    let path = said.name.as_deref().unwrap_or_default();
    let read = path
        .strip_prefix(&folder)
        .is_some_and(|name| !name.contains('/') && (name.ends_with(".yaml") || name.ends_with(".yml")));
    if !read {
        let message =
            format!("Grafana of service `{}` reads no data sources from `{path}`", known.name.value);
        findings
            .error("stack::grafana", &said.span, message)
            .help(format!("put the file into `{folder}`, as `NAME.yaml`"));
    }
    for line in said.text.lines() {
        let Some(kind) = line.trim().trim_start_matches("- ").strip_prefix("type:") else { continue };
        let kind = kind.trim().trim_matches(['"', '\'']);
        if let Some((_, right)) = TYPES.iter().find(|(wrong, _)| *wrong == kind) {
            let message = format!("Grafana of service `{}` knows no data source `{kind}`", known.name.value);
            findings.error("stack::grafana", &said.span, message).help(format!("it is called `{right}`"));
        }
    }
}

fn fetches(known: &Known<'_>, findings: &mut Findings) {
    for said in known.env() {
        let name = said.name.as_deref().unwrap_or_default();
        if FETCHING.contains(&name) && !said.text.is_empty() {
            let message =
                format!("`{name}` makes service `{}` fetch plugins when it starts", known.name.value);
            findings.error("stack::grafana", &said.span, message).help(
                "put the plugin into the image, from a build or a `[url.*]` pinned by digest".to_owned(),
            );
        }
    }
}

/// Plugins that a build of the stack makes are signed by nobody.
fn plugins(known: &Known<'_>, findings: &mut Findings) {
    let Some(folder) = known.variable("GF_PATHS_PLUGINS").and_then(|path| TreePath::new(path).ok()) else {
        return;
    };
    let allowed = known.variable("GF_PLUGINS_ALLOW_LOADING_UNSIGNED_PLUGINS").unwrap_or_default();
    for content in &known.image.contents {
        let ContentSpec::Build(output) = content else { continue };
        let place = output.to.path(b"");
        if !place.is_under(&folder) || place == folder {
            continue;
        }
        let plugin = String::from_utf8_lossy(place.name()).into_owned();
        if !allowed.split(',').any(|name| name.trim() == plugin) {
            let message = format!(
                "Grafana of service `{}` does not load the plugin `{plugin}`, which nobody signed",
                known.name.value
            );
            findings
                .error("stack::grafana", &known.name.span, message)
                .help(format!("add `GF_PLUGINS_ALLOW_LOADING_UNSIGNED_PLUGINS = \"{plugin}\"` to `env`"));
        }
    }
}

fn first_password(known: &Known<'_>, findings: &mut Findings) {
    let said = ["GF_SECURITY_ADMIN_PASSWORD", "GF_SECURITY_ADMIN_PASSWORD__FILE"];
    let none = known.variable("GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION").as_deref() == Some("true");
    if !none && said.iter().all(|name| known.variable(name).is_none()) {
        let message = format!("the first password of service `{}` would be `admin`", known.name.value);
        findings.error("stack::password", &known.name.span, message).help(
            "declare `[secret.NAME]` with `generate = 24`, and set `GF_SECURITY_ADMIN_PASSWORD__FILE = \"{{ secrets.NAME }}\"`"
                .to_owned(),
        );
    }
}
