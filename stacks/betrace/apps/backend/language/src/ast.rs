//! The tree of a rule.

use std::cmp::Ordering;

use regex::Regex;

#[derive(Debug, PartialEq)]
pub struct Ast {
    pub when: Expr,
    pub always: Option<Expr>,
    pub never: Option<Expr>,
}

/// What holds or does not for a trace.
pub type Expr = Logic<Atom>;

/// What holds or does not for a span.
pub type Pred = Logic<Test>;

/// `Any` and `All` have at least two members, and keep the parentheses of the text: one in one of its kind is
/// not merged.
#[derive(Debug, PartialEq)]
pub enum Logic<T> {
    Any(Vec<Logic<T>>),
    All(Vec<Logic<T>>),
    Not(Box<Logic<T>>),
    Leaf(T),
}

#[derive(Debug, PartialEq)]
pub enum Atom {
    /// Some span has the name and all of the predicates hold for it.
    Has {
        name: String,
        wheres: Vec<Pred>,
    },
    Count {
        name: String,
        relop: Relop,
        than: Than,
    },
}

#[derive(Debug, PartialEq)]
pub enum Than {
    Number(Number),
    Count(String),
}

#[derive(Debug, PartialEq)]
pub struct Test {
    pub attribute: String,
    pub check: Check,
}

#[derive(Debug, PartialEq)]
pub enum Check {
    There,
    Compare(Relop, Scalar),
    In(Vec<Scalar>),
    Matches(Pattern),
    Contains(Scalar),
}

#[derive(Debug, PartialEq)]
pub enum Scalar {
    Text(String),
    Number(Number),
    Bool(bool),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    Int(i64),
    Float(f64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relop {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

#[derive(Debug)]
pub struct Pattern(pub Regex);

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl<T> Logic<T> {
    pub fn holds(&self, leaf: &impl Fn(&T) -> bool) -> bool {
        match self {
            Self::Any(members) => members.iter().any(|member| member.holds(leaf)),
            Self::All(members) => members.iter().all(|member| member.holds(leaf)),
            Self::Not(inner) => !inner.holds(leaf),
            Self::Leaf(it) => leaf(it),
        }
    }

    /// Visits every leaf, and says whether it is under an odd number of `not`.
    pub fn each(&self, visit: &mut impl FnMut(&T, bool)) {
        self.each_under(false, visit);
    }

    fn each_under(&self, negated: bool, visit: &mut impl FnMut(&T, bool)) {
        match self {
            Self::Any(members) | Self::All(members) => {
                members.iter().for_each(|member| member.each_under(negated, visit));
            }
            Self::Not(inner) => inner.each_under(!negated, visit),
            Self::Leaf(it) => visit(it, negated),
        }
    }
}

impl Ast {
    pub fn blocks(&self) -> impl Iterator<Item = &Expr> {
        std::iter::once(&self.when).chain(&self.always).chain(&self.never)
    }
}

impl Atom {
    /// The one or two span names that this is about.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let (name, other) = match self {
            Self::Has { name, .. } | Self::Count { name, than: Than::Number(_), .. } => (name, None),
            Self::Count { name, than: Than::Count(other), .. } => (name, Some(other)),
        };
        std::iter::once(name.as_str()).chain(other.map(String::as_str))
    }
}

impl Relop {
    pub fn accepts(self, ordering: Ordering) -> bool {
        match self {
            Self::Eq => ordering.is_eq(),
            Self::Ne => ordering.is_ne(),
            Self::Lt => ordering.is_lt(),
            Self::Le => ordering.is_le(),
            Self::Gt => ordering.is_gt(),
            Self::Ge => ordering.is_ge(),
        }
    }
}
