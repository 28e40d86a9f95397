//! A second, naive account of the language: rules as plain data, a writer, and an evaluator that computes the
//! set of spans of each part. It shares nothing with the crate.

pub mod eval;
pub mod exact;
pub mod strategies;

use std::fmt::Write;

#[derive(Debug, Clone)]
pub enum Tree<L> {
    Or(Vec<Tree<L>>),
    And(Vec<Tree<L>>),
    Not(Box<Tree<L>>),
    Leaf(L),
}

#[derive(Debug, Clone)]
pub struct Model {
    pub when: Tree<Atom>,
    pub always: Option<Tree<Atom>>,
    pub never: Option<Tree<Atom>>,
}

#[derive(Debug, Clone)]
pub enum Atom {
    Span(String, Vec<Tree<Test>>),
    CountNumber(String, &'static str, Literal),
    CountCount(String, &'static str, String),
}

#[derive(Debug, Clone)]
pub enum Test {
    There(String),
    Compare(String, &'static str, Literal),
    In(String, Vec<Literal>),
    Matches(String, &'static str),
    Contains(String, Literal),
}

#[derive(Debug, Clone)]
pub enum Literal {
    Text(String),
    Int(i64),
    Float(f64),
    Bool(bool),
}

/// Writes a model with noise that must not matter: spaces, comments and parentheses, drawn in turn from
/// `noise`.
pub struct Writer<'n> {
    text: String,
    noise: std::iter::Cycle<std::slice::Iter<'n, u8>>,
}

impl<'n> Writer<'n> {
    pub fn write(model: &Model, noise: &'n [u8]) -> String {
        let mut it = Self { text: String::new(), noise: noise.iter().cycle() };
        it.block("when", Some(&model.when));
        if it.draw() % 2 == 0 {
            it.block("always", model.always.as_ref());
            it.block("never", model.never.as_ref());
        } else {
            it.block("never", model.never.as_ref());
            it.block("always", model.always.as_ref());
        }
        it.text
    }

    fn draw(&mut self) -> u8 {
        *self.noise.next().expect("noise is never empty")
    }

    fn put(&mut self, token: &str) {
        let gap = match self.draw() % 16 {
            0 => "\n",
            1 => " // and or } \"\n",
            2 => "\t \r\n",
            _ => " ",
        };
        self.text.push_str(gap);
        self.text.push_str(token);
    }

    fn block(&mut self, word: &str, tree: Option<&Tree<Atom>>) {
        if let Some(tree) = tree {
            self.put(word);
            self.put("{");
            self.tree(tree, 0, &Self::atom);
            self.put("}");
        }
    }

    /// `tightness` is 0 where `or` may stand bare, 1 where `and` may.
    fn tree<L>(&mut self, tree: &Tree<L>, tightness: u8, leaf: &impl Fn(&mut Self, &L)) {
        let needed = match tree {
            Tree::Or(_) => tightness > 0,
            Tree::And(_) => tightness > 1,
            Tree::Not(_) => tightness > 2,
            Tree::Leaf(_) => false,
        };
        let group = needed || self.draw() % 8 == 0;
        if group {
            self.put("(");
        }
        match tree {
            Tree::Or(members) => self.join(members, "or", 1, leaf),
            Tree::And(members) => self.join(members, "and", 2, leaf),
            Tree::Not(inner) => {
                self.put("not");
                self.tree(inner, 3, leaf);
            }
            Tree::Leaf(it) => leaf(self, it),
        }
        if group {
            self.put(")");
        }
    }

    fn join<L>(&mut self, members: &[Tree<L>], word: &str, tightness: u8, leaf: &impl Fn(&mut Self, &L)) {
        for (index, member) in members.iter().enumerate() {
            if index > 0 {
                self.put(word);
            }
            self.tree(member, tightness, leaf);
        }
    }

    fn atom(&mut self, atom: &Atom) {
        match atom {
            Atom::Span(name, wheres) => {
                self.put(&quote(name));
                for pred in wheres {
                    self.put(".where");
                    self.put("(");
                    self.tree(pred, 0, &Self::test);
                    self.put(")");
                }
            }
            Atom::CountNumber(name, relop, number) => {
                self.put(&format!("count({}) {relop} {}", quote(name), literal(number)));
            }
            Atom::CountCount(name, relop, other) => {
                self.put(&format!("count ( {} ){relop}count({})", quote(name), quote(other)));
            }
        }
    }

    fn test(&mut self, test: &Test) {
        match test {
            Test::There(key) => self.put(&quote(key)),
            Test::Compare(key, relop, to) => self.put(&format!("{}{relop}{}", quote(key), literal(to))),
            Test::In(key, list) => {
                let list = list.iter().map(literal).collect::<Vec<_>>();
                self.put(&format!("{} in[{}]", quote(key), list.join(" ,")));
            }
            Test::Matches(key, pattern) => {
                self.put(&format!(
                    "{} matches {}",
                    quote(key),
                    literal(&Literal::Text((*pattern).to_owned()))
                ));
            }
            Test::Contains(key, part) => self.put(&format!("{} contains {}", quote(key), literal(part))),
        }
    }
}

/// A few names are left bare where that is known to be right; all others are quoted, which always is.
fn quote(name: &str) -> String {
    if matches!(name, "a" | "b.c" | "order-service" | "x") {
        name.to_owned()
    } else {
        literal(&Literal::Text(name.to_owned()))
    }
}

fn literal(it: &Literal) -> String {
    match it {
        Literal::Text(text) => {
            let mut out = String::from("\"");
            for char in text.chars() {
                match char {
                    '"' | '\\' => write!(out, "\\{char}").unwrap(),
                    '\n' => out.push_str("\\u{A}"),
                    other => out.push(other),
                }
            }
            out.push('"');
            out
        }
        Literal::Int(int) => int.to_string(),
        Literal::Float(float) => format!("{float:e}"),
        Literal::Bool(boolean) => boolean.to_string(),
    }
}
