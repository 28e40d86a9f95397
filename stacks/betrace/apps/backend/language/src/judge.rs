//! Whether a trace keeps a rule. Nothing is allocated unless the trace breaks it (or a number is compared
//! with a text).

use crate::ast::{Ast, Atom, Expr, Number, Than};
use crate::{Span, Trace};

/// How many spans [`Breach::matched`] names at most.
pub const MAX_MATCHED: usize = 100;

/// What a rule says of a trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// `when` does not hold.
    NotApplicable,
    Kept,
    Violated(Breach),
}

/// How a trace broke a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// `Always` where both are broken.
    pub clause: Clause,
    /// The first span that `when` found; `None` where it holds because something is absent.
    pub first: Option<usize>,
    /// The spans that any of the blocks found, ascending, the first [`MAX_MATCHED`].
    pub matched: Vec<usize>,
}

/// Which block a trace broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clause {
    /// `always` does not hold.
    Always,
    /// `never` holds.
    Never,
}

impl Ast {
    pub fn judge<T: Trace>(&self, trace: &T) -> Verdict {
        if !holds(&self.when, trace) {
            return Verdict::NotApplicable;
        }
        let clause = if self.always.as_ref().is_some_and(|always| !holds(always, trace)) {
            Clause::Always
        } else if self.never.as_ref().is_some_and(|never| holds(never, trace)) {
            Clause::Never
        } else {
            return Verdict::Kept;
        };
        Verdict::Violated(Breach { clause, first: first(&self.when, trace), matched: matched(self, trace) })
    }
}

fn holds<T: Trace>(expr: &Expr, trace: &T) -> bool {
    expr.holds(&|atom| match atom {
        Atom::Has { .. } => found(atom, trace).next().is_some(),
        Atom::Count { name, relop, than } => {
            let than = match than {
                Than::Number(number) => *number,
                Than::Count(other) => count(trace, other),
            };
            count(trace, name).compare(than).is_some_and(|ordering| relop.accepts(ordering))
        }
    })
}

fn count<T: Trace>(trace: &T, name: &str) -> Number {
    Number::Int(trace.named(name).len() as i64)
}

/// The spans that an atom is about, name by name.
fn found<'a, T: Trace>(atom: &'a Atom, trace: &'a T) -> impl Iterator<Item = usize> + 'a {
    let wheres = match atom {
        Atom::Has { wheres, .. } => wheres.as_slice(),
        Atom::Count { .. } => &[],
    };
    atom.names().flat_map(|name| trace.named(name)).map(|&index| index as usize).filter(|&index| {
        let span = trace.span(index);
        wheres.iter().all(|pred| {
            pred.holds(&|test| span.attribute(&test.attribute).is_some_and(|value| test.check.holds(&value)))
        })
    })
}

/// What stands under a `not` is not why `when` holds.
fn first<T: Trace>(when: &Expr, trace: &T) -> Option<usize> {
    let mut first = None;
    when.each(&mut |atom, negated| {
        if !negated {
            let candidates = found(atom, trace).chain(first);
            first = candidates.min();
        }
    });
    first
}

fn matched<T: Trace>(ast: &Ast, trace: &T) -> Vec<usize> {
    let mut matched = vec![false; trace.len()];
    for block in ast.blocks() {
        block.each(&mut |atom, _| found(atom, trace).for_each(|index| matched[index] = true));
    }
    let indices = matched.iter().enumerate().filter(|(_, matched)| **matched).map(|(index, _)| index);
    indices.take(MAX_MATCHED).collect()
}
