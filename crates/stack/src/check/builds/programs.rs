//! Builds of kind `cargo` and `npm`.

use longshore_oci::TreePath;

use super::Around;
use crate::file::{At, BuildTable};
use crate::findings::Findings;
use crate::model::{CargoBuild, DefaultFeatures, Linkage, NpmBuild};

fn crate_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_')
}

pub(super) fn cargo(
    name: &At<String>,
    table: &BuildTable,
    around: &Around<'_>,
    findings: &mut Findings,
) -> Option<CargoBuild> {
    for (key, word) in [("package", &table.package), ("profile", &table.profile)] {
        if let Some(word) = word {
            super::check_word(key, word, crate_name, findings);
        }
    }
    let feature = |c: char| crate_name(c) || matches!(c, '/' | '.' | '+' | '?');
    let bins = super::words("bins", table.bins.as_ref(), crate_name, findings);
    let features = super::words("features", table.features.as_ref(), feature, findings);
    Some(CargoBuild {
        path: super::folder(name, table, around, findings)?,
        package: table.package.as_ref().map(|package| package.value.clone()),
        bins,
        features,
        default_features: match &table.default_features {
            Some(At { value: false, .. }) => DefaultFeatures::Off,
            _ => DefaultFeatures::On,
        },
        profile: table.profile.as_ref().map_or_else(|| "release".to_owned(), |profile| profile.value.clone()),
        linkage: match table.linkage.as_ref().map(|linkage| linkage.as_str()) {
            Some("static") => Linkage::Static,
            Some("musl") => Linkage::Musl,
            _ => Linkage::Dynamic,
        },
    })
}

pub(super) fn npm(
    name: &At<String>,
    table: &BuildTable,
    around: &Around<'_>,
    findings: &mut Findings,
) -> Option<NpmBuild> {
    if let Some(script) = &table.script {
        super::check_word("script", script, |c| !c.is_whitespace() && !c.is_control(), findings);
    }
    // A workspace is named by its package or its folder.
    let package = |c: char| crate_name(c) || matches!(c, '@' | '/' | '.' | '~');
    if let Some(workspace) = &table.workspace {
        super::check_word("workspace", workspace, package, findings);
    }
    let install_scripts = super::words("install-scripts", table.install_scripts.as_ref(), package, findings);
    let output = output(table, findings);
    Some(NpmBuild {
        path: super::folder(name, table, around, findings)?,
        script: table.script.as_ref().map_or_else(|| "build".to_owned(), |script| script.value.clone()),
        output: output?,
        workspace: table.workspace.as_ref().map(|workspace| workspace.value.clone()),
        install_scripts,
    })
}

fn output(table: &BuildTable, findings: &mut Findings) -> Option<String> {
    let Some(output) = &table.output else { return Some("dist".to_owned()) };
    match TreePath::new(output.as_bytes()) {
        Ok(path) if !output.starts_with('/') && !path.is_root() => {
            Some(String::from_utf8_lossy(path.as_bytes()).into_owned())
        }
        _ => {
            findings
                .error(
                    "stack::path",
                    &output.span,
                    format!("`{}` is not a folder inside the build's `path`", output.value),
                )
                .help("name the folder that the script leaves, as in \"dist\"".to_owned());
            None
        }
    }
}
