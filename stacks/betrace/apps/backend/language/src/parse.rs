//! From text to the tree. The grammar says what may stand where; here is what it can't say: which literal an
//! operator takes, and that a block is there once.

use pest::Parser;
use pest::iterators::Pair;

use crate::Error;
use crate::ast::{Ast, Atom, Check, Expr, Logic, Relop, Scalar, Test, Than};
use crate::diagnose::diagnose;
use crate::grammar::{Grammar, Rule as Kind};
use crate::literal::{self, Literal};
use crate::tokens;

type Node<'s> = Pair<'s, Kind>;

pub fn parse(source: &str) -> Result<Ast, Error> {
    let tokens = tokens::within_limits(source)?;
    match Grammar::parse(Kind::rule, source) {
        Ok(mut pairs) => rule(only(&mut pairs)),
        Err(failure) => Err(diagnose(source, &tokens, &failure)),
    }
}

fn rule(node: Node<'_>) -> Result<Ast, Error> {
    let (mut when, mut always, mut never) = (None, None, None);
    for part in node.into_inner() {
        match part.as_rule() {
            Kind::block => when = Some(block(part)?),
            Kind::clause => {
                let [word, body] = children(part);
                let (clause, other, join) = match word.as_rule() {
                    Kind::ALWAYS => (&mut always, "always", "and"),
                    _ => (&mut never, "never", "or"),
                };
                if clause.is_some() {
                    let hint = format!("join what both say: `{other} {{ … {join} … }}`");
                    return Err(Error::on(&word, format!("`{other}` is there twice")).hint(hint));
                }
                *clause = Some(block(body)?);
            }
            _ => {}
        }
    }
    Ok(Ast { when: when.expect("a rule has a `when`"), always, never })
}

fn block(node: Node<'_>) -> Result<Expr, Error> {
    let [_, expr, _] = children(node);
    logic(expr, &atom)
}

/// Both levels of the language, traces and spans, have the same `or`, `and`, `not` and parentheses.
fn logic<T>(node: Node<'_>, leaf: &impl Fn(Node<'_>) -> Result<T, Error>) -> Result<Logic<T>, Error> {
    let join = match node.as_rule() {
        Kind::expr | Kind::pred => Logic::Any,
        Kind::conj | Kind::pconj => Logic::All,
        Kind::neg | Kind::pneg => return negation(node, leaf),
        _ => return leaf(node).map(Logic::Leaf),
    };
    let operands = node.into_inner().filter(|child| !matches!(child.as_rule(), Kind::OR | Kind::AND));
    let mut members = operands.map(|operand| logic(operand, leaf)).collect::<Result<Vec<_>, _>>()?;
    Ok(if members.len() == 1 { members.remove(0) } else { join(members) })
}

fn negation<T>(node: Node<'_>, leaf: &impl Fn(Node<'_>) -> Result<T, Error>) -> Result<Logic<T>, Error> {
    let mut parts = node.into_inner().filter(|part| part.as_rule() != Kind::OPEN_PAREN);
    let part = only(&mut parts);
    if part.as_rule() == Kind::NOT {
        return Ok(Logic::Not(Box::new(logic(only(&mut parts), leaf)?)));
    }
    logic(part, leaf)
}

fn atom(node: Node<'_>) -> Result<Atom, Error> {
    let is_count = node.as_rule() == Kind::counted;
    let mut parts = node.into_inner();
    if is_count { count(parts) } else { has(only(&mut parts), parts) }
}

fn has<'s>(name: Node<'s>, calls: impl Iterator<Item = Node<'s>>) -> Result<Atom, Error> {
    let wheres = calls.map(|call| {
        let [_, _, pred, _] = children(call);
        logic(pred, &test)
    });
    Ok(Atom::Has { name: literal::name(name)?, wheres: wheres.collect::<Result<_, _>>()? })
}

fn count<'s>(mut parts: impl Iterator<Item = Node<'s>>) -> Result<Atom, Error> {
    let counted = |counting| {
        let [_, _, name, _] = children(counting);
        literal::name(name)
    };
    let name = counted(only(&mut parts))?;
    let relop = relop(&only(&mut parts));
    let than = only(&mut parts);
    if than.as_rule() == Kind::counting {
        return Ok(Atom::Count { name, relop, than: Than::Count(counted(than)?) });
    }
    match literal::literal(than.clone())? {
        Literal::One(Scalar::Number(number)) => Ok(Atom::Count { name, relop, than: Than::Number(number) }),
        _ => Err(Error::on(&than, "a count is compared with a number or with another count")),
    }
}

fn test(node: Node<'_>) -> Result<Test, Error> {
    let mut parts = node.into_inner();
    let attr = only(&mut parts);
    let written = attr.as_str();
    let attribute = literal::name(attr)?;
    let check = match parts.next() {
        Some(operator) => check(written, only(&mut operator.into_inner()), only(&mut parts))?,
        None => Check::There,
    };
    Ok(Test { attribute, check })
}

fn check(attr: &str, operator: Node<'_>, operand: Node<'_>) -> Result<Check, Error> {
    let wrong = |message: &str, hint: String| Err(Error::on(&operand, message).hint(hint));
    let text = operand.as_str();
    match (operator.as_rule(), literal::literal(operand.clone())?) {
        (Kind::IN, Literal::List(scalars)) => Ok(Check::In(scalars)),
        (Kind::IN, Literal::One(_)) => wrong("`in` takes a list", format!("write `{attr} in [{text}]`")),
        (Kind::MATCHES, Literal::One(Scalar::Text(pattern))) => {
            literal::pattern(&operand, &pattern).map(Check::Matches)
        }
        (Kind::MATCHES, _) => {
            wrong("`matches` takes a regular expression in quotes", format!("as in `{attr} matches \"^5\"`"))
        }
        (Kind::CONTAINS, Literal::One(scalar)) => Ok(Check::Contains(scalar)),
        (Kind::CONTAINS, Literal::List(_)) => wrong(
            "`contains` takes one value",
            format!("as in `{attr} contains \"a\" or {attr} contains \"b\"`"),
        ),
        (_, Literal::List(_)) => {
            let message = format!("`{}` takes one value", operator.as_str());
            wrong(&message, format!("`{attr} in {text}` holds if `{attr}` is one of the list"))
        }
        (_, Literal::One(scalar)) => {
            let relop = relop(&operator);
            if matches!(scalar, Scalar::Bool(_)) && !matches!(relop, Relop::Eq | Relop::Ne) {
                return Err(Error::on(&operator, format!("`true` and `false` have no order for `{relop}`"))
                    .hint("only `==` and `!=` compare with them"));
            }
            Ok(Check::Compare(relop, scalar))
        }
    }
}

fn relop(node: &Node<'_>) -> Relop {
    match node.as_str() {
        "==" => Relop::Eq,
        "!=" => Relop::Ne,
        "<" => Relop::Lt,
        "<=" => Relop::Le,
        ">" => Relop::Gt,
        _ => Relop::Ge,
    }
}

fn only<'s>(nodes: &mut impl Iterator<Item = Node<'s>>) -> Node<'s> {
    nodes.next().expect("the grammar has it")
}

fn children<const N: usize>(node: Node<'_>) -> [Node<'_>; N] {
    let mut nodes = node.into_inner();
    std::array::from_fn(|_| only(&mut nodes))
}
