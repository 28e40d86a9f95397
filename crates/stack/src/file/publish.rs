//! `[publish]` as written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::At;

/// How images are called in a registry, and which of them are kept there.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "publish")]
pub(crate) struct PublishTable {
    /// What `longshore push` calls each image. Templates know `version`, `major`, `minor`, `patch`, `prerelease` (of
    /// `[stack] version`), `git.sha`, `git.short`, `git.branch`, `date` (`20251122`) and `stack`. A template that comes to nothing
    /// gives no tag: `{% if not prerelease %}latest{% endif %}`.
    #[schemars(length(min = 1), extend("default" = ["latest"]))]
    #[schemars(extend("examples" = [["{{ version }}", "{{ major }}.{{ minor }}", "{{ git.sha }}", "latest"]]))]
    pub(crate) tags: Option<Vec<At<String>>>,
    /// Tags that never move once they name something: exact, or with `*` for any characters.
    #[serde(default)]
    pub(crate) immutable: Vec<At<String>>,
    /// What `longshore prune` keeps in each repository; it removes what no line of it keeps. Without it nothing is removed.
    pub(crate) retention: Option<RetentionTable>,
}

/// What is kept in a repository.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "retention")]
pub(crate) struct RetentionTable {
    /// Tags that are kept: exact, or with `*` for any characters.
    #[serde(default)]
    pub(crate) keep: Vec<At<String>>,
    /// So many of the newest images are kept: by the time that they say they were made at, then by tag, versions in their order.
    #[schemars(range(min = 1))]
    pub(crate) newest: Option<u32>,
    /// Images made since are kept: a number with `h`, `d` or `w`.
    pub(crate) younger_than: Option<At<String>>,
    /// Files beside the stack file (Compose files, Kubernetes objects, `stack.published` …) whose images are kept.
    #[serde(default)]
    pub(crate) deployed: Vec<At<String>>,
}
