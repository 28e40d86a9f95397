//! Traces for tests.
#![allow(dead_code, reason = "each test uses some of it")]

use std::collections::BTreeMap;

use betrace_language::{Span, Trace, Value};

#[derive(Debug, Clone, PartialEq)]
pub enum Owned {
    Text(String),
    Int(i64),
    Float(f64),
    Bool(bool),
    List(Vec<Owned>),
}

#[derive(Debug, Clone)]
pub struct TestSpan {
    pub name: String,
    pub attributes: BTreeMap<String, Owned>,
}

#[derive(Debug)]
pub struct TestTrace {
    pub spans: Vec<TestSpan>,
    by_name: BTreeMap<String, Vec<u32>>,
}

impl TestTrace {
    pub fn new(spans: Vec<TestSpan>) -> Self {
        let mut by_name = BTreeMap::<String, Vec<u32>>::new();
        for (index, span) in (0..).zip(&spans) {
            by_name.entry(span.name.clone()).or_default().push(index);
        }
        Self { spans, by_name }
    }

    /// From `[{"name": "a", "total": 501, …}]`, whose members but `name` are attributes.
    pub fn from_json(json: &str) -> Self {
        let spans: Vec<BTreeMap<String, serde_json::Value>> = serde_json::from_str(json).expect(json);
        let span = |mut members: BTreeMap<String, serde_json::Value>| TestSpan {
            name: members.remove("name").and_then(|name| name.as_str().map(str::to_owned)).expect(json),
            attributes: members.into_iter().map(|(key, value)| (key, Owned::from(value))).collect(),
        };
        Self::new(spans.into_iter().map(span).collect())
    }
}

impl From<serde_json::Value> for Owned {
    fn from(json: serde_json::Value) -> Self {
        match json {
            serde_json::Value::String(text) => Self::Text(text),
            serde_json::Value::Bool(boolean) => Self::Bool(boolean),
            serde_json::Value::Array(elements) => Self::List(elements.into_iter().map(Self::from).collect()),
            serde_json::Value::Number(number) => match number.as_i64() {
                Some(int) => Self::Int(int),
                None => Self::Float(number.as_f64().unwrap()),
            },
            other => panic!("an attribute can't be {other}"),
        }
    }
}

impl Owned {
    fn borrow(&self) -> Value<'_> {
        match self {
            Self::Text(text) => Value::Text(text),
            Self::Int(int) => Value::Int(*int),
            Self::Float(float) => Value::Float(*float),
            Self::Bool(boolean) => Value::Bool(*boolean),
            Self::List(elements) => Value::List(elements.iter().map(Self::borrow).collect()),
        }
    }
}

impl Span for TestSpan {
    fn attribute(&self, key: &str) -> Option<Value<'_>> {
        self.attributes.get(key).map(Owned::borrow)
    }
}

impl Trace for TestTrace {
    type Span = TestSpan;

    fn len(&self) -> usize {
        self.spans.len()
    }

    fn span(&self, index: usize) -> &TestSpan {
        &self.spans[index]
    }

    fn named(&self, name: &str) -> &[u32] {
        self.by_name.get(name).map_or(&[], Vec::as_slice)
    }
}
