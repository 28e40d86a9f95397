//! A span as it is judged, whatever it came in as.

use std::fmt;
use std::sync::Arc;

use betrace_language as language;

/// Sixteen bytes, not all zero. <https://www.w3.org/TR/trace-context/#trace-id>
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TraceId([u8; 16]);

/// Eight bytes, not all zero. <https://www.w3.org/TR/trace-context/#parent-id>
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpanId([u8; 8]);

impl TraceId {
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes: [u8; 16] = bytes.try_into().ok()?;
        (bytes != [0; 16]).then_some(Self(bytes))
    }

    /// From 32 hexadecimal digits of either case.
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 16];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Self::from_bytes(&bytes)
    }

    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl SpanId {
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes: [u8; 8] = bytes.try_into().ok()?;
        (bytes != [0; 8]).then_some(Self(bytes))
    }

    /// From 16 hexadecimal digits of either case.
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 8];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Self::from_bytes(&bytes)
    }

    pub fn as_bytes(&self) -> &[u8; 8] {
        &self.0
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Unset,
    Ok,
    Error,
}

impl Status {
    pub fn name(self) -> &'static str {
        match self {
            Self::Unset => "UNSET",
            Self::Ok => "OK",
            Self::Error => "ERROR",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Unset, Self::Ok, Self::Error]
            .into_iter()
            .find(|status| status.name().eq_ignore_ascii_case(name))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Internal,
    Server,
    Client,
    Producer,
    Consumer,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Internal => "INTERNAL",
            Self::Server => "SERVER",
            Self::Client => "CLIENT",
            Self::Producer => "PRODUCER",
            Self::Consumer => "CONSUMER",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Internal, Self::Server, Self::Client, Self::Producer, Self::Consumer]
            .into_iter()
            .find(|kind| kind.name().eq_ignore_ascii_case(name))
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Text(String),
    Int(i64),
    Float(f64),
    Bool(bool),
    List(Vec<Value>),
}

impl Value {
    fn view(&self) -> language::Value<'_> {
        match self {
            Self::Text(text) => language::Value::Text(text),
            Self::Int(number) => language::Value::Int(*number),
            Self::Float(number) => language::Value::Float(*number),
            Self::Bool(truth) => language::Value::Bool(*truth),
            Self::List(items) => language::Value::List(items.iter().map(Self::view).collect()),
        }
    }

    /// About how many bytes it takes besides itself.
    fn memory(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::List(items) => items.iter().map(|item| size_of::<Self>() + item.memory()).sum(),
            Self::Int(_) | Self::Float(_) | Self::Bool(_) => 0,
        }
    }

    /// How many bytes of text it holds.
    pub fn text_len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::List(items) => items.iter().map(Self::text_len).sum(),
            Self::Int(_) | Self::Float(_) | Self::Bool(_) => 8,
        }
    }
}

impl fmt::Display for Value {
    /// A list as JSON has it, everything else as it is.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Int(number) => number.fmt(f),
            Self::Float(number) => number.fmt(f),
            Self::Bool(truth) => truth.fmt(f),
            Self::List(items) => {
                f.write_str("[")?;
                for (index, item) in items.iter().enumerate() {
                    let comma = if index == 0 { "" } else { "," };
                    match item {
                        Self::Text(text) => write!(f, "{comma}{}", serde_json::Value::from(text.as_str()))?,
                        other => write!(f, "{comma}{other}")?,
                    }
                }
                f.write_str("]")
            }
        }
    }
}

/// What made a span; shared by all the spans of one export.
#[derive(Debug, Default, PartialEq)]
pub struct Resource {
    pub service_name: Option<String>,
    pub attributes: Vec<(String, Value)>,
    /// About how many bytes of it are those of each span that shares it.
    share: usize,
}

impl Resource {
    /// `spans`: how many share it.
    pub fn new(service_name: Option<String>, attributes: Vec<(String, Value)>, spans: usize) -> Self {
        let name = service_name.as_ref().map_or(0, String::len);
        let share = (size_of::<Self>() + name + memory(&attributes)).div_ceil(spans.max(1));
        Self { service_name, attributes, share }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    pub trace_id: TraceId,
    pub span_id: SpanId,
    pub parent: Option<SpanId>,
    pub name: String,
    pub kind: Kind,
    pub status: Status,
    /// Nanoseconds since 1970.
    pub start: u64,
    /// Nanoseconds since 1970, not before `start`.
    pub end: u64,
    pub attributes: Vec<(String, Value)>,
    pub resource: Arc<Resource>,
}

impl Span {
    pub fn duration_ms(&self) -> f64 {
        // A span lasts less than 2⁵³ ns, or 104 days, or it does not matter to the microsecond.
        self.end.saturating_sub(self.start) as f64 / 1e6
    }

    /// About how many bytes it takes in memory.
    pub fn memory(&self) -> usize {
        size_of::<Self>() + self.name.len() + memory(&self.attributes) + self.resource.share
    }
}

fn memory(attributes: &[(String, Value)]) -> usize {
    attributes.iter().map(|(key, value)| key.len() + value.memory() + ENTRY).sum()
}

/// What an attribute takes besides its text.
const ENTRY: usize = size_of::<(String, Value)>();

impl language::Span for Span {
    /// An attribute of the span, one that every span has, or one of its resource.
    fn attribute(&self, key: &str) -> Option<language::Value<'_>> {
        let named = |list: &'_ [(String, Value)]| list.iter().position(|(name, _)| name == key);
        match key {
            "service.name" => self.resource.service_name.as_deref().map(language::Value::Text),
            "span.status" => Some(language::Value::Text(self.status.name())),
            "span.kind" => Some(language::Value::Text(self.kind.name())),
            "duration_ms" => Some(language::Value::Float(self.duration_ms())),
            _ => named(&self.attributes)
                .map(|at| self.attributes[at].1.view())
                .or_else(|| named(&self.resource.attributes).map(|at| self.resource.attributes[at].1.view())),
        }
    }
}
