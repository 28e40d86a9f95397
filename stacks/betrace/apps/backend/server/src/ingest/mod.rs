//! How spans come in: OTLP, and BeTrace's own JSON. A bad span is rejected alone.

pub mod json;
pub mod otlp;
pub mod own;

use std::fmt;

use crate::limits;
use crate::span::{Span, Value};

/// What came of one request.
#[derive(Debug, Default)]
pub struct Taken {
    pub spans: Vec<Span>,
    pub rejected: usize,
    /// Why, for the first of them.
    pub reasons: Vec<String>,
}

const REASONS: usize = 20;

impl Taken {
    fn push(&mut self, index: usize, span: Result<Span, Rejection>) {
        match span {
            Ok(span) => self.spans.push(span),
            Err(rejection) => {
                self.rejected += 1;
                if self.reasons.len() < REASONS {
                    self.reasons.push(format!("span {index}: {rejection}"));
                }
            }
        }
    }
}

#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Rejection {
    #[error("`{field}` must be {digits} hexadecimal digits, not all zero")]
    Id { field: &'static str, digits: usize },
    #[error("it has no name")]
    NoName,
    #[error("its name has {0} bytes, more than {max}", max = limits::SPAN_NAME_BYTES)]
    LongName(usize),
    #[error("it ends before it starts")]
    EndsBefore,
    #[error("it starts or ends before 1970")]
    Before1970,
    #[error("it has {0} attributes, more than {max}", max = limits::SPAN_ATTRIBUTES)]
    Attributes(usize),
    #[error("the key of an attribute has {0} bytes, more than {max}", max = limits::KEY_BYTES)]
    Key(usize),
    #[error("the value of `{key}` has {bytes} bytes, more than {max}", max = limits::VALUE_BYTES)]
    Value { key: String, bytes: usize },
    #[error("the name of its service has {0} bytes, more than {max}", max = limits::VALUE_BYTES)]
    ServiceName(usize),
    #[error("`{field}` can't be `{value}`: it is one of {expected}")]
    Word { field: &'static str, value: String, expected: &'static str },
}

/// A span that is within the limits.
fn checked(span: Span) -> Result<Span, Rejection> {
    if span.name.is_empty() {
        return Err(Rejection::NoName);
    }
    if span.name.len() > limits::SPAN_NAME_BYTES {
        return Err(Rejection::LongName(span.name.len()));
    }
    if span.end < span.start {
        return Err(Rejection::EndsBefore);
    }
    if let Some(name) = span.resource.service_name.as_ref().filter(|name| name.len() > limits::VALUE_BYTES) {
        return Err(Rejection::ServiceName(name.len()));
    }
    attributes_within_limits(&span.attributes)?;
    Ok(span)
}

fn attributes_within_limits(attributes: &[(String, Value)]) -> Result<(), Rejection> {
    if attributes.len() > limits::SPAN_ATTRIBUTES {
        return Err(Rejection::Attributes(attributes.len()));
    }
    for (key, value) in attributes {
        if key.len() > limits::KEY_BYTES {
            return Err(Rejection::Key(key.len()));
        }
        let bytes = value.text_len();
        if bytes > limits::VALUE_BYTES {
            return Err(Rejection::Value { key: key.clone(), bytes });
        }
    }
    Ok(())
}

/// A request with more spans than are taken at once.
#[derive(Debug)]
pub struct TooMany(pub usize);

impl fmt::Display for TooMany {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} spans in one request, more than {}", self.0, limits::REQUEST_SPANS)
    }
}
