//! Objects with holes in them, which Helm fills.
//!
//! A hole is a word that is nowhere else in the object; when the object is text, the word's place becomes an expression. All
//! other braces in it, such as a dashboard's own templates, are told to Helm as text.

use serde::Serialize;
use serde_json::Value;

use crate::kube::object::Body;

/// What Helm puts in a place.
pub(super) enum Hole {
    /// A quoted text: the expression for it.
    Text(String),
    /// A whole number: the expression for it.
    Number(String),
    /// A map: the expression for it.
    Block(String),
    /// A quoted text, or not even the key when there is none: the expression for it.
    Optional(String),
    /// Text with expressions in it, as it is.
    Raw(String),
}

/// An object with holes.
pub(super) struct Template {
    value: Value,
    word: String,
    holes: Vec<Hole>,
}

impl Template {
    pub(super) fn of(body: &Body) -> Result<Self, serde_json::Error> {
        let value = serde_json::to_value(body)?;
        let text = value.to_string();
        let word = (0_u64..).map(|n| format!("hole{n}x")).find(|word| !text.contains(word));
        Ok(Self { value, word: word.unwrap_or_default(), holes: Vec::new() })
    }

    pub(super) fn value(&self) -> &impl Serialize {
        &self.value
    }

    /// Whether there is anything at `pointer` (RFC 6901).
    pub(super) fn has(&self, pointer: &str) -> bool {
        self.value.pointer(pointer).is_some()
    }

    /// The text at `pointer`.
    pub(super) fn text(&self, pointer: &str) -> Option<&str> {
        self.value.pointer(pointer).and_then(Value::as_str)
    }

    /// The length of the list at `pointer`.
    pub(super) fn length(&self, pointer: &str) -> usize {
        self.value.pointer(pointer).and_then(Value::as_array).map_or(0, Vec::len)
    }

    /// Makes a hole at `pointer`, of which everything but the last key is there.
    pub(super) fn put(&mut self, pointer: &str, hole: Hole) {
        let word = format!("{}{}x", self.word, self.holes.len());
        let place = pointer.rsplit_once('/').and_then(|(map, key)| Some((self.value.pointer_mut(map)?, key)));
        match place {
            Some((Value::Object(map), key)) => drop(map.insert(key.to_owned(), Value::String(word))),
            _ => debug_assert!(false, "no map for {pointer}"),
        }
        self.holes.push(hole);
    }

    /// `text`, which is this object as YAML, as a template for Helm.
    pub(super) fn fill(&self, text: &str) -> String {
        let text = text.replace("{{", "{{ \"{{\" }}");
        let mut filled = String::with_capacity(text.len());
        for line in text.lines() {
            match self.hole(line) {
                Some((before, hole, after)) => fill_line(&mut filled, before, hole, after),
                None => filled.push_str(line),
            }
            filled.push('\n');
        }
        filled
    }

    /// The hole in a line, and what is before and after it.
    fn hole<'a>(&self, line: &'a str) -> Option<(&'a str, &Hole, &'a str)> {
        let (before, rest) = line.split_once(&self.word)?;
        let (number, after) = rest.split_once('x')?;
        Some((before, self.holes.get(number.parse::<usize>().ok()?)?, after))
    }
}

fn fill_line(filled: &mut String, before: &str, hole: &Hole, after: &str) {
    let indent = before.len() - before.trim_start().len();
    let line = match hole {
        Hole::Text(value) => format!("{before}{{{{ {value} | quote }}}}{after}"),
        Hole::Number(value) => format!("{before}{{{{ int {value} }}}}{after}"),
        Hole::Raw(text) => format!("{before}{text}{after}"),
        Hole::Block(value) => {
            format!("{}{{{{- toYaml {value} | nindent {} }}}}{after}", before.trim_end(), indent + 2)
        }
        Hole::Optional(value) => {
            let indent = &before[..indent];
            format!(
                "{indent}{{{{- with {value} }}}}\n{before}{{{{ . | quote }}}}{after}\n{indent}{{{{- end }}}}"
            )
        }
    };
    filled.push_str(&line);
}
