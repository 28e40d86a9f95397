//! The JSON Schema of the stack file as it is checked. Its text is part of the program: to make it of the tables takes a
//! millisecond, a fifth of a build in which nothing changed.

use std::borrow::Cow;

use indexmap::IndexMap;
use serde::Deserialize;

/// What [`crate::schema`] comes to, as `./x gen` writes it.
const TEXT: &str = include_str!("../../../docs/reference/stack.schema.json");

/// That of the whole file.
pub(crate) fn rules() -> Rule<'static> {
    #[allow(clippy::expect_used, reason = "it is a constant")]
    serde_json::from_str(TEXT).expect("a test reads it")
}

/// A schema (JSON Schema draft 2020-12), as far as stack files are held to it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Rule<'a> {
    #[serde(borrow, rename = "$defs")]
    definitions: IndexMap<&'a str, Rule<'a>>,
    /// The one in `$defs` that says the rest.
    #[serde(rename = "$ref")]
    reference: Option<&'a str>,
    #[serde(borrow)]
    pub description: Cow<'a, str>,
    #[serde(rename = "type")]
    pub kind: Option<Kind>,
    #[serde(rename = "anyOf")]
    pub any_of: Option<Vec<Rule<'a>>>,
    pub properties: IndexMap<&'a str, Rule<'a>>,
    #[serde(rename = "additionalProperties")]
    pub others: Option<Others<'a>>,
    pub required: Vec<&'a str>,
    pub items: Option<Box<Rule<'a>>>,
    #[serde(rename = "minItems")]
    pub min_items: usize,
    #[serde(rename = "enum")]
    pub allowed: Option<Vec<&'a str>>,
    pub minimum: Option<f64>,
    pub maximum: Option<f64>,
}

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    String,
    Integer,
    Number,
    Boolean,
    Array,
    Object,
}

/// Keys of a table that its schema does not name.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Others<'a> {
    /// Whether there may be any.
    Any(bool),
    Like(#[serde(borrow)] Box<Rule<'a>>),
}

impl<'a> Rule<'a> {
    /// `rule` itself, or what it refers to in this one.
    pub fn resolve<'b>(&'b self, rule: &'b Rule<'a>) -> &'b Rule<'a> {
        let name = rule.reference.and_then(|reference| reference.strip_prefix("#/$defs/"));
        name.and_then(|name| self.definitions.get(name)).unwrap_or(rule)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_the_schema() {
        let text: serde_json::Value = serde_json::from_str(TEXT).unwrap();
        assert_eq!(text, crate::schema(), "`./x gen` writes it anew");
        assert!(rules().properties.contains_key("image"));
    }
}
