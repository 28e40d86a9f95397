//! What images are called in a registry: templates of the stack file, with what is known when they are published.

use minijinja::{UndefinedBehavior, Value};

use crate::model::Stack;

/// What tags may speak of beside the stack file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TagFacts {
    /// The commit that is published; none outside of git.
    pub git: Option<GitFacts>,
    /// The day, `20251122` (UTC).
    pub date: String,
}

/// A commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitFacts {
    /// Its whole name, 40 or 64 hex digits.
    pub sha: String,
    /// The branch that is checked out, if one is.
    pub branch: Option<String>,
}

/// A tag that can't be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("tag `{template}`: {reason}")]
pub struct TagError {
    /// The template.
    pub template: String,
    /// What is wrong.
    pub reason: String,
    /// What the user can do.
    pub hint: Option<String>,
}

impl Stack {
    /// The tags of every image, in the order of the stack file, each once; those that come to nothing left out.
    ///
    /// # Errors
    /// When a template needs what is not known, or comes to what is no tag.
    pub fn tags(&self, facts: &TagFacts) -> Result<Vec<String>, TagError> {
        let mut tags: Vec<String> = Vec::new();
        for template in &self.publish.tags {
            let tag = render(template, self.version.as_deref(), &self.name, facts)?;
            if !tag.is_empty() && !tags.contains(&tag) {
                tags.push(tag);
            }
        }
        Ok(tags)
    }
}

/// The tag that `template` comes to.
pub(crate) fn render(
    template: &str,
    version: Option<&str>,
    stack: &str,
    facts: &TagFacts,
) -> Result<String, TagError> {
    let error = |reason: String, hint: Option<&str>| TagError {
        template: template.to_owned(),
        reason,
        hint: hint.map(str::to_owned),
    };
    let mut environment = minijinja::Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(10_000));
    let rendered = environment.render_str(template, context(version, stack, facts)).map_err(|found| {
        let undefined = found.kind() == minijinja::ErrorKind::UndefinedError;
        let hint = match () {
            () if !undefined => None,
            () if template.contains("git") && facts.git.as_ref().is_none_or(|git| git.branch.is_none()) => {
                Some("`git.sha` and `git.short` need a commit, `git.branch` a branch that is checked out")
            }
            () if version.is_none() => Some("set `version` in `[stack]`"),
            () => Some(
                "tags know `version`, `major`, `minor`, `patch`, `prerelease` (of a version like 1.2.3), `git.sha`, `git.short`, \
                 `git.branch`, `date` and `stack`",
            ),
        };
        error(crate::check::template_error(&found), hint)
    })?;
    let tag = rendered.trim();
    if !tag.is_empty() && !longshore_oci::is_tag(tag) {
        return Err(error(
            format!("it comes to `{tag}`, which can't be a tag"),
            Some("a tag is 1 to 128 of `A-Za-z0-9_.-`, not starting with `.` or `-`"),
        ));
    }
    Ok(tag.to_owned())
}

fn context(version: Option<&str>, stack: &str, facts: &TagFacts) -> Value {
    let mut known = vec![("date", Value::from(&facts.date)), ("stack", Value::from(stack))];
    if let Some(version) = version {
        // `+` is for builds and can't stand in a tag (Semantic Versioning 2.0, 10).
        known.push(("version", Value::from(version.replace('+', "-"))));
        let numbers = version.trim_start_matches('v');
        let (numbers, rest) = numbers.split_at(numbers.find(['-', '+']).unwrap_or(numbers.len()));
        let parts: Vec<u64> = numbers.split('.').map_while(|part| part.parse().ok()).collect();
        known.push(("prerelease", Value::from(rest.starts_with('-'))));
        known.extend(["major", "minor", "patch"].into_iter().zip(parts.into_iter().map(Value::from)));
    }
    if let Some(git) = &facts.git {
        let mut of_git = vec![
            ("sha", Value::from(&git.sha)),
            ("short", Value::from(git.sha.get(..12).unwrap_or(&git.sha))),
        ];
        of_git.extend(git.branch.as_ref().map(|branch| ("branch", Value::from(as_tag(branch)))));
        known.push(("git", Value::from_pairs(of_git)));
    }
    Value::from_pairs(known)
}

/// A branch's name as a tag can have it: `feature/x` → `feature-x`.
fn as_tag(branch: &str) -> String {
    let kept = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-') { c } else { '-' };
    branch.chars().map(kept).collect::<String>().trim_start_matches(['.', '-']).chars().take(128).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> TagFacts {
        let git = GitFacts {
            sha: "0123456789abcdef0123456789abcdef01234567".to_owned(),
            branch: Some("feature/x".to_owned()),
        };
        TagFacts { git: Some(git), date: "20251122".to_owned() }
    }

    #[test]
    fn what_tags_come_to() {
        for (template, version, expected) in [
            ("latest", None, "latest"),
            ("{{ version }}", Some("1.2.3"), "1.2.3"),
            ("{{ major }}.{{ minor }}", Some("1.2.3-rc1"), "1.2"),
            ("v{{ major }}", Some("v1.2.3"), "v1"),
            ("{{ version }}", Some("1.2.3+build.5"), "1.2.3-build.5"),
            ("{% if not prerelease %}latest{% endif %}", Some("1.2.3-rc1"), ""),
            ("{% if not prerelease %}latest{% endif %}", Some("1.2.3+x-y"), "latest"),
            ("sha-{{ git.short }}", None, "sha-0123456789ab"),
            ("{{ git.branch }}-{{ date }}", None, "feature-x-20251122"),
        ] {
            assert_eq!(
                render(template, version, "web", &facts()).unwrap(),
                expected,
                "{template} {version:?}"
            );
        }
    }

    #[test]
    fn what_they_can_t_be() {
        let nothing = TagFacts { date: "20251122".to_owned(), git: None };
        for (template, version, hint) in [
            ("{{ version }}", None, "set `version` in `[stack]`"),
            ("{{ minor }}", Some("rolling"), "tags know"),
            ("{{ git.sha }}", None, "need a commit"),
            ("a b", None, "a tag is"),
            ("{{ nothing }}", Some("1"), "tags know"),
        ] {
            let error = render(template, version, "web", &nothing).unwrap_err();
            assert!(error.hint.clone().unwrap_or_default().contains(hint), "{error} {:?}", error.hint);
        }
    }
}
