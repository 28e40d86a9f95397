//! The parser that is made from `rule.pest`.

use pest::Parser;

#[derive(pest_derive::Parser)]
#[grammar = "rule.pest"]
pub struct Grammar;

/// Whether a name means itself without quotes.
pub fn is_plain(name: &str) -> bool {
    Grammar::parse(Rule::only_plain, name).is_ok()
}
