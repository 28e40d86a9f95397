//! What a chart has besides templates of objects.

use serde::Serialize;

use crate::kube::{Error, View};
use crate::yaml;

/// `Chart.yaml`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Chart<'a> {
    api_version: &'static str,
    name: &'a str,
    description: String,
    #[serde(rename = "type")]
    kind: &'static str,
    version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    app_version: Option<&'a str>,
    kube_version: &'static str,
}

/// Helm takes semantic versions alone; a stack that has none, or one of another kind, is at its beginning.
pub(super) fn chart(view: &View<'_>) -> Result<String, Error> {
    let version = view.stack.version.as_deref();
    let semantic = version.and_then(|version| semver::Version::parse(version.trim_start_matches('v')).ok());
    let chart = Chart {
        api_version: "v2",
        name: &view.namespace,
        description: format!("The stack {}", view.stack.name),
        kind: "application",
        version: semantic.map_or_else(|| "0.0.0".to_owned(), |version| version.to_string()),
        app_version: version,
        kube_version: ">=1.33.0-0",
    };
    yaml::text(&chart).map_err(|source| Error::File { file: "Chart.yaml", source })
}

/// The name of the template for an image's reference. Names of templates are shared with other charts.
pub(super) fn image_helper(view: &View<'_>) -> String {
    format!("{}.image", view.namespace)
}

/// `templates/_helpers.tpl`.
pub(super) fn helpers(view: &View<'_>) -> String {
    format!(
        "{{{{/* The reference of an image, from its values. */}}}}\n\
         {{{{- define {:?} -}}}}\n\
         {{{{ .repository }}}}{{{{ with .tag }}}}:{{{{ . }}}}{{{{ end }}}}{{{{ with .digest }}}}@{{{{ . }}}}{{{{ end }}}}\n\
         {{{{- end }}}}\n",
        image_helper(view)
    )
}

/// `templates/NOTES.txt`: what is left to do.
pub(super) fn notes(view: &View<'_>) -> String {
    let mut notes = String::from(
        "This stack's services know each other by fixed names: keep its namespace, {{ .Release.Namespace }}, for itself.\n\n\
         Hold everything in it to the restricted Pod Security Standard:\n\n  \
         kubectl label namespace {{ .Release.Namespace }} pod-security.kubernetes.io/enforce=restricted\n",
    );
    if view.services.values().any(|spec| !spec.secrets.is_empty()) {
        notes.push_str(
            "\nPods start when their secrets are there, in the Secret {{ .Values.secretName }}. The machine that has them makes it:\n\n  \
             longshore secrets export --kube | kubectl apply --namespace {{ .Release.Namespace }} -f -\n",
        );
    }
    notes
}
