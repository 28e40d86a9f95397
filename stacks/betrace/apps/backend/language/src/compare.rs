//! How the value of an attribute compares with what a rule says.

use std::borrow::Cow;
use std::cmp::Ordering;

use crate::Value;
use crate::ast::{Check, Number, Relop, Scalar};

enum Comparison {
    Ordered(Ordering),
    /// Of kinds that have no order, so at least not equal.
    Different,
    /// Not a number, which is not even different from anything.
    Undefined,
}

impl Check {
    pub fn holds(&self, value: &Value<'_>) -> bool {
        match self {
            Self::There => !matches!(value, Value::Bool(false) | Value::Text("false")),
            Self::Compare(relop, scalar) => compares(value, *relop, scalar),
            Self::In(scalars) => scalars.iter().any(|scalar| compares(value, Relop::Eq, scalar)),
            Self::Matches(pattern) => {
                any(value, &|it| text(it).is_some_and(|text| pattern.0.is_match(&text)))
            }
            Self::Contains(scalar) => contains(value, scalar),
        }
    }
}

/// A list compares as any of its elements does; it is unequal when all are.
fn compares(value: &Value<'_>, relop: Relop, scalar: &Scalar) -> bool {
    match (value, relop) {
        (Value::List(elements), Relop::Ne) => elements.iter().all(|element| compares(element, relop, scalar)),
        (Value::List(elements), _) => elements.iter().any(|element| compares(element, relop, scalar)),
        _ => match compare(value, scalar) {
            Comparison::Ordered(ordering) => relop.accepts(ordering),
            Comparison::Different => relop == Relop::Ne,
            Comparison::Undefined => false,
        },
    }
}

fn contains(value: &Value<'_>, scalar: &Scalar) -> bool {
    match (value, scalar) {
        (Value::List(elements), _) => elements.iter().any(|element| compares(element, Relop::Eq, scalar)),
        (_, Scalar::Text(part)) => text(value).is_some_and(|text| text.contains(part)),
        _ => false,
    }
}

fn any(value: &Value<'_>, check: &impl Fn(&Value<'_>) -> bool) -> bool {
    match value {
        Value::List(elements) => elements.iter().any(|element| any(element, check)),
        single => check(single),
    }
}

fn compare(value: &Value<'_>, scalar: &Scalar) -> Comparison {
    if matches!(value, Value::Float(float) if float.is_nan()) {
        return Comparison::Undefined;
    }
    let ordering = match scalar {
        Scalar::Text(literal) => text(value).map(|text| text.as_ref().cmp(literal)),
        Scalar::Number(literal) => number(value).and_then(|number| number.compare(*literal)),
        Scalar::Bool(literal) => boolean(value).map(|boolean| boolean.cmp(literal)),
    };
    ordering.map_or(Comparison::Different, Comparison::Ordered)
}

/// What a value is called in text. Texts are borrowed, so that only numbers that are compared with texts cost
/// memory.
fn text<'v>(value: &'v Value<'_>) -> Option<Cow<'v, str>> {
    match value {
        Value::Text(text) => Some(Cow::Borrowed(text)),
        Value::Int(int) => Some(Cow::Owned(int.to_string())),
        Value::Float(float) if float.is_nan() => None,
        Value::Float(float) => Some(Cow::Owned(float.to_string())),
        Value::Bool(boolean) => Some(Cow::Borrowed(if *boolean { "true" } else { "false" })),
        Value::List(_) => None,
    }
}

fn number(value: &Value<'_>) -> Option<Number> {
    match value {
        Value::Int(int) => Some(Number::Int(*int)),
        Value::Float(float) => Some(Number::Float(*float)),
        Value::Text(text) => Number::parse(text),
        Value::Bool(_) | Value::List(_) => None,
    }
}

fn boolean(value: &Value<'_>) -> Option<bool> {
    match value {
        Value::Bool(boolean) => Some(*boolean),
        Value::Text("true") => Some(true),
        Value::Text("false") => Some(false),
        _ => None,
    }
}

impl Number {
    /// `None` for what is no number or not finite, as `inf`.
    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(int) = text.parse() {
            return Some(Self::Int(int));
        }
        text.parse().ok().filter(|float: &f64| float.is_finite()).map(Self::Float)
    }

    /// By value and exactly: no integer is rounded to a float.
    pub fn compare(self, other: Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => Some(a.cmp(&b)),
            (Self::Float(a), Self::Float(b)) => a.partial_cmp(&b),
            (Self::Int(a), Self::Float(b)) => int_with_float(a, b),
            (Self::Float(a), Self::Int(b)) => int_with_float(b, a).map(Ordering::reverse),
        }
    }
}

fn int_with_float(int: i64, float: f64) -> Option<Ordering> {
    const BEYOND: f64 = 9_223_372_036_854_775_808.0;
    if float >= BEYOND {
        return Some(Ordering::Less);
    }
    if float < -BEYOND {
        return Some(Ordering::Greater);
    }
    // Within these bounds what is cut off is the fraction alone.
    let whole = float.trunc() as i64;
    let fraction = 0.0.partial_cmp(&float.fract())?;
    Some(int.cmp(&whole).then(fraction))
}
