//! Rules as canonical text: one line, `always` before `never`, parentheses and quotes only where they are
//! needed.

use std::fmt::{Display, Formatter, Result, Write};

use crate::ast::{Ast, Atom, Check, Logic, Number, Relop, Scalar, Test, Than};
use crate::grammar::is_plain;

impl Display for Ast {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "when {{ {} }}", self.when)?;
        if let Some(always) = &self.always {
            write!(f, " always {{ {always} }}")?;
        }
        if let Some(never) = &self.never {
            write!(f, " never {{ {never} }}")?;
        }
        Ok(())
    }
}

impl<T: Display> Display for Logic<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Any(members) => joined(f, members, " or ", |member| matches!(member, Self::Any(_))),
            Self::All(members) => {
                joined(f, members, " and ", |member| matches!(member, Self::Any(_) | Self::All(_)))
            }
            Self::Not(inner) => {
                f.write_str("not ")?;
                grouped(f, inner, !matches!(**inner, Self::Leaf(_)))
            }
            Self::Leaf(it) => it.fmt(f),
        }
    }
}

fn joined<T: Display>(
    f: &mut Formatter<'_>,
    members: &[T],
    word: &str,
    group: impl Fn(&T) -> bool,
) -> Result {
    for (index, member) in members.iter().enumerate() {
        if index > 0 {
            f.write_str(word)?;
        }
        grouped(f, member, group(member))?;
    }
    Ok(())
}

fn grouped(f: &mut Formatter<'_>, it: &impl Display, group: bool) -> Result {
    if group { write!(f, "({it})") } else { it.fmt(f) }
}

impl Display for Atom {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Has { name, wheres } => {
                Name(name).fmt(f)?;
                wheres.iter().try_for_each(|pred| write!(f, ".where({pred})"))
            }
            Self::Count { name, relop, than } => {
                write!(f, "count({}) {relop} ", Name(name))?;
                match than {
                    Than::Number(number) => number.fmt(f),
                    Than::Count(other) => write!(f, "count({})", Name(other)),
                }
            }
        }
    }
}

impl Display for Test {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        Name(&self.attribute).fmt(f)?;
        match &self.check {
            Check::There => Ok(()),
            Check::Compare(relop, scalar) => write!(f, " {relop} {scalar}"),
            Check::In(scalars) => {
                f.write_str(" in [")?;
                joined(f, scalars, ", ", |_| false)?;
                f.write_char(']')
            }
            Check::Matches(pattern) => write!(f, " matches {}", Quoted(pattern.0.as_str())),
            Check::Contains(scalar) => write!(f, " contains {scalar}"),
        }
    }
}

impl Display for Scalar {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Text(text) => Quoted(text).fmt(f),
            Self::Number(number) => number.fmt(f),
            Self::Bool(boolean) => boolean.fmt(f),
        }
    }
}

impl Display for Number {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Int(int) => int.fmt(f),
            // `Debug` keeps the point or exponent that makes it a float again.
            Self::Float(float) => write!(f, "{float:?}"),
        }
    }
}

impl Display for Relop {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(match self {
            Self::Eq => "==",
            Self::Ne => "!=",
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Gt => ">",
            Self::Ge => ">=",
        })
    }
}

/// The name of a span or an attribute.
struct Name<'a>(&'a str);

impl Display for Name<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        if is_plain(self.0) { f.write_str(self.0) } else { Quoted(self.0).fmt(f) }
    }
}

/// A string literal.
pub struct Quoted<'a>(pub &'a str);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_char('"')?;
        for char in self.0.chars() {
            match char {
                '"' => f.write_str("\\\"")?,
                '\\' => f.write_str("\\\\")?,
                '\n' => f.write_str("\\n")?,
                '\t' => f.write_str("\\t")?,
                '\r' => f.write_str("\\r")?,
                control if control.is_control() => write!(f, "\\u{{{:x}}}", control as u32)?,
                char => f.write_char(char)?,
            }
        }
        f.write_char('"')
    }
}
