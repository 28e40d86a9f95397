//! A rule's text as the units that a reader sees, and the limits that are checked on them, before anything
//! recurses.

use pest::Parser;

use crate::Error;
use crate::grammar::{Grammar, Rule as Kind};

/// How long a rule's text may be, in bytes.
pub const MAX_LENGTH: usize = 64 * 1024;

/// How deep parentheses, braces and brackets may be nested.
pub const MAX_DEPTH: usize = 64;

/// How many `matches` a rule may have, as each costs memory while the rule is there.
pub const MAX_PATTERNS: usize = 32;

#[derive(Clone, Copy)]
pub struct Token<'s> {
    pub kind: Kind,
    pub text: &'s str,
    pub start: usize,
}

impl Token<'_> {
    pub fn end(&self) -> usize {
        self.start + self.text.len()
    }
}

/// The tokens of a text that is within the limits.
pub fn within_limits(source: &str) -> Result<Vec<Token<'_>>, Error> {
    if source.len() > MAX_LENGTH {
        let limit = (0..=MAX_LENGTH).rev().find(|&offset| source.is_char_boundary(offset)).unwrap_or(0);
        let message = format!("a rule has at most {MAX_LENGTH} bytes, and this has {}", source.len());
        return Err(Error::new(source, limit..source.len(), message));
    }
    let tokens = tokens(source);
    let mut depth = 0_usize;
    let mut patterns = 0;
    for token in &tokens {
        match token.text {
            "(" | "{" | "[" => depth += 1,
            ")" | "}" | "]" => depth = depth.saturating_sub(1),
            "matches" => patterns += 1,
            _ => {}
        }
        let message = if depth > MAX_DEPTH {
            format!("nested more than {MAX_DEPTH} deep")
        } else if patterns > MAX_PATTERNS {
            format!("a rule has at most {MAX_PATTERNS} `matches`")
        } else {
            continue;
        };
        return Err(Error::new(source, token.start..token.end(), message));
    }
    Ok(tokens)
}

fn tokens(source: &str) -> Vec<Token<'_>> {
    let pairs = Grammar::parse(Kind::tokens, source).expect("any text is tokens");
    let tokens = pairs.flat_map(|all| all.into_inner()).filter(|pair| pair.as_rule() != Kind::EOI);
    tokens
        .map(|pair| Token { kind: pair.as_rule(), text: pair.as_str(), start: pair.as_span().start() })
        .collect()
}
