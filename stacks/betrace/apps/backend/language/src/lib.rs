//! BeTrace's rule language. A [`Rule`] is parsed from text and judges traces, which are whatever implements
//! [`Trace`].
//!
//! The language is described for its users in `docs/rule-language.md`; its grammar is `rule.pest`. Text goes
//! through `tokens` (limits, before anything recurses), `grammar` and `parse` into the tree of `ast`; where
//! it can't, `diagnose` says why. `judge` evaluates the tree, `print` turns it into text again.
//!
//! **Invariant:** no input makes parsing or judging panic, recurse deeper than [`MAX_DEPTH`] or take more
//! than linear time in a regular expression.

mod ast;
mod compare;
mod diagnose;
mod error;
mod grammar;
mod hints;
mod judge;
mod literal;
mod parse;
mod print;
mod rule;
mod tokens;
mod trace;

pub use error::{Error, Position};
pub use judge::{Breach, Clause, MAX_MATCHED, Verdict};
pub use rule::Rule;
pub use tokens::{MAX_DEPTH, MAX_LENGTH, MAX_PATTERNS};
pub use trace::{Span, Trace, Value};
