//! `[publish]`: tags are tried with what will be known, so that a wrong one is found before anything is published.

use std::path::{Component, Path};

use super::quantity;
use crate::file::{At, PublishTable, RetentionTable, StackTable};
use crate::findings::Findings;
use crate::model::{PublishSpec, Retention};
use crate::tags::{GitFacts, TagFacts, render};

pub(super) fn check(table: PublishTable, stack: &StackTable, findings: &mut Findings) -> PublishSpec {
    let facts = TagFacts {
        git: Some(GitFacts { sha: "0".repeat(40), branch: Some("main".to_owned()) }),
        date: "19700101".to_owned(),
    };
    for template in table.tags.iter().flatten() {
        if let Err(error) = render(template, stack.version.as_deref(), &stack.name, &facts) {
            findings.error("stack::tag", &template.span, error.to_string()).help(error.hint);
        }
    }
    let tags = table
        .tags
        .map_or_else(|| vec!["latest".to_owned()], |tags| tags.into_iter().map(|tag| tag.value).collect());
    patterns(&table.immutable, findings);
    PublishSpec {
        tags,
        immutable: table.immutable.into_iter().map(|pattern| pattern.value).collect(),
        retention: table.retention.map(|table| retention(table, findings)),
    }
}

fn retention(table: RetentionTable, findings: &mut Findings) -> Retention {
    patterns(&table.keep, findings);
    for path in &table.deployed {
        let inside = Path::new(&path.value).components().all(|part| matches!(part, Component::Normal(_)));
        if !inside || path.is_empty() {
            let message = format!("`{}` is not a path below the stack file's folder", path.value);
            findings.error("stack::path", &path.span, message);
        }
    }
    Retention {
        keep: table.keep.into_iter().map(|pattern| pattern.value).collect(),
        newest: table.newest.map_or(0, |newest| newest as usize),
        younger_than: table.younger_than.and_then(|text| quantity::age(&text, findings)),
        deployed: table.deployed.into_iter().map(|path| path.value).collect(),
    }
}

/// A pattern with a character that no tag has fits nothing.
fn patterns(patterns: &[At<String>], findings: &mut Findings) {
    for pattern in patterns {
        if pattern.is_empty() || !longshore_oci::is_tag(&pattern.replace('*', "x")) {
            findings
                .error("stack::tag", &pattern.span, format!("`{}` fits no tag", pattern.value))
                .help("write a tag, with `*` for any characters: \"v*\"".to_owned());
        }
    }
}
