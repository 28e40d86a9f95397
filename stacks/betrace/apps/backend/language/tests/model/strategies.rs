//! Random rules, and random traces that have a fair chance of meeting them: both draw from the same few names
//! and values.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;

use super::{Atom, Literal, Model, Test, Tree};
use crate::support::{Owned, TestSpan};

const NAMES: &[&str] = &["a", "b.c", "order-service", "GET /users", "count", "日本", "x\"y\\z\n", "-"];
const KEYS: &[&str] = &["x", "b.c", "not", "a b"];
const TEXTS: &[&str] = &[
    "",
    "a",
    "ab",
    "b",
    "5",
    "5.0",
    "-0",
    "true",
    "false",
    "1e3",
    "inf",
    "NaN",
    "9007199254740993",
    "é\u{1}\n",
];
const INTS: &[i64] = &[0, 1, 2, 5, -5, 1000, 9007199254740992, 9007199254740993, i64::MAX, i64::MIN];
const FLOATS: &[f64] = &[
    0.0,
    -0.0,
    1.0,
    1.5,
    5.0,
    -5.5,
    1e3,
    1e-7,
    1e300,
    9007199254740992.0,
    9223372036854775808.0,
    -9223372036854775808.0,
];
const PATTERNS: &[&str] = &["", "^a", "b$", "^$", "\\d+", "\"|\\\\", "(?i)TRUE", "é"];
const RELOPS: &[&str] = &["==", "!=", "<", "<=", ">", ">="];

pub fn model() -> impl Strategy<Value = Model> {
    let clauses = prop_oneof![
        tree(atom()).prop_map(|always| (Some(always), None)),
        tree(atom()).prop_map(|never| (None, Some(never))),
        (tree(atom()), tree(atom())).prop_map(|(always, never)| (Some(always), Some(never))),
    ];
    (tree(atom()), clauses).prop_map(|(when, (always, never))| Model { when, always, never })
}

pub fn noise() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 1..40)
}

pub fn spans() -> impl Strategy<Value = Vec<TestSpan>> {
    let span = (owned(NAMES), btree_map(owned(KEYS), value(), 0..4));
    vec(span.prop_map(|(name, attributes)| TestSpan { name, attributes }), 0..8)
}

fn tree<L: std::fmt::Debug + Clone + 'static>(
    leaf: impl Strategy<Value = L> + 'static,
) -> impl Strategy<Value = Tree<L>> {
    leaf.prop_map(Tree::Leaf).prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 2..4).prop_map(Tree::Or),
            vec(inner.clone(), 2..4).prop_map(Tree::And),
            inner.prop_map(|inner| Tree::Not(Box::new(inner))),
        ]
    })
}

fn atom() -> impl Strategy<Value = Atom> {
    let number = prop_oneof![(0..5_i64).prop_map(Literal::Int), select(FLOATS).prop_map(Literal::Float)];
    prop_oneof![
        3 => (owned(NAMES), vec(tree(test()), 0..3)).prop_map(|(name, wheres)| Atom::Span(name, wheres)),
        1 => (owned(NAMES), select(RELOPS), number).prop_map(|(name, relop, number)| Atom::CountNumber(name, relop, number)),
        1 => (owned(NAMES), select(RELOPS), owned(NAMES)).prop_map(|(name, relop, other)| Atom::CountCount(name, relop, other)),
    ]
}

fn test() -> impl Strategy<Value = Test> {
    prop_oneof![
        owned(KEYS).prop_map(Test::There),
        (owned(KEYS), select(RELOPS), literal()).prop_map(|(key, relop, literal)| match literal {
            Literal::Bool(_) if !matches!(relop, "==" | "!=") => Test::Compare(key, "==", literal),
            literal => Test::Compare(key, relop, literal),
        }),
        (owned(KEYS), vec(literal(), 1..4)).prop_map(|(key, literals)| Test::In(key, literals)),
        (owned(KEYS), select(PATTERNS)).prop_map(|(key, pattern)| Test::Matches(key, pattern)),
        (owned(KEYS), literal()).prop_map(|(key, literal)| Test::Contains(key, literal)),
    ]
}

fn literal() -> impl Strategy<Value = Literal> {
    prop_oneof![
        owned(TEXTS).prop_map(Literal::Text),
        ".{0,6}".prop_map(Literal::Text),
        select(INTS).prop_map(Literal::Int),
        any::<i64>().prop_map(Literal::Int),
        select(FLOATS).prop_map(Literal::Float),
        any::<f64>().prop_filter("finite", |float| float.is_finite()).prop_map(Literal::Float),
        any::<bool>().prop_map(Literal::Bool),
    ]
}

fn value() -> impl Strategy<Value = Owned> {
    let single = prop_oneof![
        3 => owned(TEXTS).prop_map(Owned::Text),
        1 => ".{0,6}".prop_map(Owned::Text),
        3 => select(INTS).prop_map(Owned::Int),
        3 => select(FLOATS).prop_map(Owned::Float),
        1 => any::<f64>().prop_map(Owned::Float),
        1 => Just(Owned::Float(f64::NAN)),
        2 => any::<bool>().prop_map(Owned::Bool),
    ];
    prop_oneof![4 => single.clone(), 1 => vec(single, 0..4).prop_map(Owned::List)]
}

fn owned(pool: &'static [&'static str]) -> impl Strategy<Value = String> + Clone {
    select(pool).prop_map(str::to_owned)
}
