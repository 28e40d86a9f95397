//! The verdict by sets of spans.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use super::exact::Exact;
use super::{Atom, Literal, Model, Test, Tree};
use crate::support::{Owned, TestSpan};
use betrace_language::{Breach, Clause, Verdict};

type Set = BTreeSet<usize>;

pub fn verdict(model: &Model, spans: &[TestSpan]) -> Verdict {
    if !truth(&model.when, spans) {
        return Verdict::NotApplicable;
    }
    let always = model.always.as_ref().is_none_or(|always| truth(always, spans));
    let never = model.never.as_ref().is_some_and(|never| truth(never, spans));
    if always && !never {
        return Verdict::Kept;
    }
    let mut matched = Set::new();
    for block in [Some(&model.when), model.always.as_ref(), model.never.as_ref()].into_iter().flatten() {
        matched.extend(mentioned(block, spans, &|_| true, true));
    }
    Verdict::Violated(Breach {
        clause: if always { Clause::Never } else { Clause::Always },
        first: mentioned(&model.when, spans, &|positive| positive, true).first().copied(),
        matched: matched.into_iter().take(100).collect(),
    })
}

pub fn names(model: &Model) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for block in [Some(&model.when), model.always.as_ref(), model.never.as_ref()].into_iter().flatten() {
        collect_names(block, &mut names);
    }
    names
}

fn collect_names(tree: &Tree<Atom>, names: &mut BTreeSet<String>) {
    match tree {
        Tree::Or(members) | Tree::And(members) => {
            members.iter().for_each(|member| collect_names(member, names))
        }
        Tree::Not(inner) => collect_names(inner, names),
        Tree::Leaf(Atom::Span(name, _) | Atom::CountNumber(name, ..)) => _ = names.insert(name.clone()),
        Tree::Leaf(Atom::CountCount(name, _, other)) => names.extend([name.clone(), other.clone()]),
    }
}

fn truth(tree: &Tree<Atom>, spans: &[TestSpan]) -> bool {
    match tree {
        Tree::Or(members) => members.iter().map(|member| truth(member, spans)).fold(false, |a, b| a | b),
        Tree::And(members) => members.iter().map(|member| truth(member, spans)).fold(true, |a, b| a & b),
        Tree::Not(inner) => !truth(inner, spans),
        Tree::Leaf(Atom::Span(..)) => !mentioned(tree, spans, &|_| true, true).is_empty(),
        Tree::Leaf(Atom::CountNumber(name, relop, number)) => {
            let count = Exact::of_literal(&Literal::Int(named(name, spans).len() as i64)).unwrap();
            related(relop, count.cmp(&Exact::of_literal(number).unwrap()))
        }
        Tree::Leaf(Atom::CountCount(name, relop, other)) => {
            related(relop, named(name, spans).len().cmp(&named(other, spans).len()))
        }
    }
}

/// The spans that the atoms are about whose polarity is wanted.
fn mentioned(tree: &Tree<Atom>, spans: &[TestSpan], wanted: &impl Fn(bool) -> bool, positive: bool) -> Set {
    match tree {
        Tree::Or(members) | Tree::And(members) => {
            members.iter().flat_map(|member| mentioned(member, spans, wanted, positive)).collect()
        }
        Tree::Not(inner) => mentioned(inner, spans, wanted, !positive),
        Tree::Leaf(_) if !wanted(positive) => Set::new(),
        Tree::Leaf(Atom::Span(name, wheres)) => {
            wheres.iter().fold(named(name, spans), |set, pred| &set & &satisfying(pred, spans))
        }
        Tree::Leaf(Atom::CountNumber(name, ..)) => named(name, spans),
        Tree::Leaf(Atom::CountCount(name, _, other)) => &named(name, spans) | &named(other, spans),
    }
}

fn named(name: &str, spans: &[TestSpan]) -> Set {
    (0..spans.len()).filter(|&index| spans[index].name == name).collect()
}

fn satisfying(pred: &Tree<Test>, spans: &[TestSpan]) -> Set {
    let all = (0..spans.len()).collect::<Set>();
    match pred {
        Tree::Or(members) => members.iter().fold(Set::new(), |set, member| &set | &satisfying(member, spans)),
        Tree::And(members) => members.iter().fold(all, |set, member| &set & &satisfying(member, spans)),
        Tree::Not(inner) => &all - &satisfying(inner, spans),
        Tree::Leaf(test) => all.into_iter().filter(|&index| passes(test, &spans[index])).collect(),
    }
}

fn passes(test: &Test, span: &TestSpan) -> bool {
    let (Test::There(key)
    | Test::Compare(key, ..)
    | Test::In(key, _)
    | Test::Matches(key, _)
    | Test::Contains(key, _)) = test;
    let Some(value) = span.attributes.get(key) else { return false };
    let singles = match value {
        Owned::List(elements) => elements.clone(),
        single => vec![single.clone()],
    };
    let equal_to_any = |literal: &Literal| {
        singles.iter().any(|single| compared(single, literal) == Some(Some(Ordering::Equal)))
    };
    match test {
        Test::There(_) => *value != Owned::Bool(false) && *value != Owned::Text("false".to_owned()),
        Test::Compare(_, "!=", literal) => singles.iter().all(|single| match compared(single, literal) {
            None => false,
            Some(ordering) => ordering != Some(Ordering::Equal),
        }),
        Test::Compare(_, relop, literal) => singles.iter().any(|single| {
            compared(single, literal).flatten().is_some_and(|ordering| related(relop, ordering))
        }),
        Test::In(_, literals) => literals.iter().any(equal_to_any),
        Test::Contains(_, literal) => match (value, literal) {
            (Owned::List(_), _) => equal_to_any(literal),
            (single, Literal::Text(part)) => spelled(single).is_some_and(|text| text.contains(part)),
            _ => false,
        },
        Test::Matches(_, pattern) => {
            let regex = regex::Regex::new(pattern).unwrap();
            singles.iter().filter_map(spelled).any(|text| regex.is_match(&text))
        }
    }
}

/// `None` for what compares with nothing at all, `Some(None)` for what is only different.
fn compared(value: &Owned, literal: &Literal) -> Option<Option<Ordering>> {
    if let Owned::Float(float) = value {
        if float.is_nan() {
            return None;
        }
    }
    Some(match literal {
        Literal::Text(text) => spelled(value).map(|spelled| spelled.as_bytes().cmp(text.as_bytes())),
        Literal::Bool(boolean) => match spelled(value).as_deref() {
            Some("true") => Some(true.cmp(boolean)),
            Some("false") => Some(false.cmp(boolean)),
            _ => None,
        },
        number => {
            let number = Exact::of_literal(number).unwrap();
            Exact::of_value(value).map(|value| value.cmp(&number))
        }
    })
}

fn spelled(value: &Owned) -> Option<String> {
    match value {
        Owned::Text(text) => Some(text.clone()),
        Owned::Int(int) => Some(format!("{int}")),
        Owned::Float(float) => (!float.is_nan()).then(|| format!("{float}")),
        Owned::Bool(boolean) => Some(format!("{boolean}")),
        Owned::List(_) => None,
    }
}

fn related(relop: &str, ordering: Ordering) -> bool {
    match relop {
        "==" => ordering == Ordering::Equal,
        "!=" => ordering != Ordering::Equal,
        "<" => ordering == Ordering::Less,
        "<=" => ordering != Ordering::Greater,
        ">" => ordering == Ordering::Greater,
        ">=" => ordering != Ordering::Less,
        other => panic!("{other} is no relation"),
    }
}
