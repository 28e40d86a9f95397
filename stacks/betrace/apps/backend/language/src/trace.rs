//! What a rule asks of a trace. The caller implements this over its own data, so that judging copies nothing.

/// The spans of one trace, in the order in which they started.
pub trait Trace {
    type Span: Span;

    fn len(&self) -> usize;

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn span(&self, index: usize) -> &Self::Span;

    /// The indices of the spans that have this name, ascending, all below [`len`](Self::len).
    fn named(&self, name: &str) -> &[u32];
}

/// One span, whose name [`Trace::named`] knows.
pub trait Span {
    /// The attribute of this key, if the span has it. The keys `service.name`, `span.status`, `span.kind` and
    /// `duration_ms` are answered here too.
    fn attribute(&self, key: &str) -> Option<Value<'_>>;
}

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    Text(&'a str),
    Int(i64),
    Float(f64),
    Bool(bool),
    List(Vec<Value<'a>>),
}
