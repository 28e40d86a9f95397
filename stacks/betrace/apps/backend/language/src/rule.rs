//! A rule as its users have it.

use std::collections::BTreeSet;
use std::fmt::{Display, Formatter};
use std::str::FromStr;
use std::sync::Arc;

use crate::ast::{Ast, Atom, Expr, Logic, Number, Than};
use crate::{Error, Trace, Verdict, parse};

/// A rule that is ready to judge traces. Cloning it is cheap.
#[derive(Debug, Clone)]
pub struct Rule(Arc<Compiled>);

#[derive(Debug)]
struct Compiled {
    ast: Ast,
    names: BTreeSet<String>,
    triggers: Option<BTreeSet<String>>,
}

impl Rule {
    pub fn judge<T: Trace>(&self, trace: &T) -> Verdict {
        self.0.ast.judge(trace)
    }

    /// All span names that the rule mentions, sorted, each once.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.names.iter().map(String::as_str)
    }

    /// Span names of which a trace has at least one whenever the rule applies to it, sorted, each once: a
    /// rule need not be asked about any other trace. `None` where the rule may apply to a trace that has
    /// none of its names, as in `when { not a }`.
    pub fn triggers(&self) -> Option<impl Iterator<Item = &str>> {
        self.0.triggers.as_ref().map(|names| names.iter().map(String::as_str))
    }
}

impl FromStr for Rule {
    type Err = Error;

    fn from_str(source: &str) -> Result<Self, Error> {
        let ast = parse::parse(source)?;
        let mut names = BTreeSet::new();
        for block in ast.blocks() {
            block.each(&mut |atom, _| names.extend(atom.names().map(str::to_owned)));
        }
        let triggers = triggers(&ast.when);
        Ok(Self(Arc::new(Compiled { ast, names, triggers })))
    }
}

/// Prints canonical text, which parses to an equal rule. As it has spaces and escapes that the original may
/// lack, the text of a rule that is nearly [`MAX_LENGTH`](crate::MAX_LENGTH) long can be longer than that.
impl Display for Rule {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        self.0.ast.fmt(f)
    }
}

/// Rules are equal when they are written the same but for spaces, comments, needless parentheses and quotes,
/// escapes, and which of `always` and `never` is first.
impl PartialEq for Rule {
    fn eq(&self, other: &Self) -> bool {
        self.0.ast == other.0.ast
    }
}

fn triggers(when: &Expr) -> Option<BTreeSet<String>> {
    match when {
        Logic::Any(members) => {
            let sets = members.iter().map(triggers).collect::<Option<Vec<_>>>()?;
            Some(sets.into_iter().flatten().collect())
        }
        Logic::All(members) => members.iter().filter_map(triggers).min_by_key(BTreeSet::len),
        Logic::Not(_) => None,
        Logic::Leaf(atom) => needs_a_span(atom).then(|| atom.names().map(str::to_owned).collect()),
    }
}

/// Whether this is false for a trace without any of the atom's names.
fn needs_a_span(atom: &Atom) -> bool {
    const NONE: Number = Number::Int(0);
    match atom {
        Atom::Has { .. } => true,
        Atom::Count { relop, than, .. } => {
            let than = if let Than::Number(number) = than { *number } else { NONE };
            !NONE.compare(than).is_some_and(|ordering| relop.accepts(ordering))
        }
    }
}
