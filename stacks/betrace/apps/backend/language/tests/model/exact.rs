//! Numbers as fractions, so that nothing is rounded.

use std::cmp::Ordering;

use num_rational::BigRational;

use super::Literal;
use crate::support::Owned;

#[derive(Debug)]
pub enum Exact {
    Minus,
    Finite(BigRational),
    Plus,
}

impl Exact {
    fn of_int(int: i64) -> Self {
        Self::Finite(BigRational::from_integer(int.into()))
    }

    /// `None` for what is not a number.
    fn of_float(float: f64) -> Option<Self> {
        if float.is_infinite() {
            return Some(if float > 0.0 { Self::Plus } else { Self::Minus });
        }
        BigRational::from_float(float).map(Self::Finite)
    }

    pub fn of_literal(literal: &Literal) -> Option<Self> {
        match literal {
            Literal::Int(int) => Some(Self::of_int(*int)),
            Literal::Float(float) => Self::of_float(*float),
            Literal::Text(_) | Literal::Bool(_) => None,
        }
    }

    pub fn of_value(value: &Owned) -> Option<Self> {
        match value {
            Owned::Int(int) => Some(Self::of_int(*int)),
            Owned::Float(float) => Self::of_float(*float),
            Owned::Text(text) => Self::of_text(text),
            Owned::Bool(_) | Owned::List(_) => None,
        }
    }

    fn of_text(text: &str) -> Option<Self> {
        let is_number = text.bytes().any(|byte| byte.is_ascii_digit())
            && text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
        if !is_number {
            return None;
        }
        match text.parse::<i64>() {
            Ok(int) => Some(Self::of_int(int)),
            Err(_) => text.parse::<f64>().ok().filter(|float| float.is_finite()).and_then(Self::of_float),
        }
    }

    pub fn cmp(&self, other: &Self) -> Ordering {
        let rank = |it: &Self| match it {
            Self::Minus => 0,
            Self::Finite(_) => 1,
            Self::Plus => 2,
        };
        match (self, other) {
            (Self::Finite(a), Self::Finite(b)) => a.cmp(b),
            _ => rank(self).cmp(&rank(other)),
        }
    }
}
