//! Is every key known, and is what stands there of the right kind? Asked of the JSON Schema, so that what an editor
//! accepts and what longshore accepts is one definition, and of the whole file, so that one run says all that is wrong.

use std::ops::Range;

use serde_json::{Map, Value};
use toml::Spanned;
use toml::de::{DeArray, DeInteger, DeTable, DeValue};

use crate::diagnostic::{nearest, suggestion};
use crate::findings::Findings;

/// Checks `root` against `schema`. What can't be read is taken out, so that the rest can be looked at all the same.
pub(crate) fn check(schema: &Value, root: &mut Spanned<DeTable<'_>>, findings: &mut Findings) {
    let mut shape = Shape { root: schema, findings, unreadable: 0 };
    let span = root.span();
    shape.table(schema, root.get_mut(), &span, "");
}

struct Shape<'a> {
    root: &'a Value,
    findings: &'a mut Findings,
    /// How many values can't be read at all.
    unreadable: usize,
}

impl<'a> Shape<'a> {
    /// `place` names the value for messages: `image.web.contents[2]`.
    fn value(&mut self, schema: &'a Value, value: &mut Spanned<DeValue<'_>>, place: &str) {
        let schema = self.resolve(schema);
        if let Some(alternatives) = schema["anyOf"].as_array() {
            return self.any_of(schema, alternatives, value, place);
        }
        if !fits(schema, value.get_ref()) {
            return self.wrong_type(schema, value, place);
        }
        let span = value.span();
        match value.get_mut() {
            DeValue::Table(table) => self.table(schema, table, &span, place),
            DeValue::Array(items) => self.array(schema, items, &span, place),
            DeValue::String(text) => self.string(schema, text, &span, place),
            DeValue::Integer(number) => self.integer(schema, number, &span, place),
            _ => {}
        }
    }

    /// Entries that can't be read are taken out: the others are looked at without them.
    fn array(&mut self, schema: &'a Value, items: &mut DeArray<'_>, span: &Range<usize>, place: &str) {
        let minimum = schema["minItems"].as_u64().unwrap_or(0);
        if (items.len() as u64) < minimum {
            self.findings.error(
                "stack::out-of-range",
                span,
                format!("`{place}` needs at least {minimum} entry"),
            );
        }
        let none: DeArray<'_> = std::iter::empty().collect();
        let all = std::mem::replace(items, none).into_iter().enumerate();
        *items = all
            .filter_map(|(index, mut item)| {
                let before = self.unreadable;
                self.value(&schema["items"], &mut item, &format!("{place}[{index}]"));
                (self.unreadable == before).then_some(item)
            })
            .collect();
    }

    fn integer(&mut self, schema: &Value, number: &DeInteger<'_>, span: &Range<usize>, place: &str) {
        let number = i128::from_str_radix(number.as_str(), number.radix()).unwrap_or(i128::MAX);
        let bound = |key: &str| schema[key].as_f64().map(|bound| bound as i128);
        let (low, high) = (bound("minimum"), bound("maximum"));
        if low.is_some_and(|low| number < low) || high.is_some_and(|high| number > high) {
            let range = match (low, high) {
                (Some(low), Some(high)) => format!("from {low} to {high}"),
                (Some(low), None) => format!("of {low} or more"),
                _ => format!("up to {}", high.unwrap_or_default()),
            };
            let message = format!("`{place}` must be a number {range}, not {number}");
            self.findings.error("stack::out-of-range", span, message);
        }
    }

    fn string(&mut self, schema: &Value, text: &str, span: &Range<usize>, place: &str) {
        let Some(allowed) = schema["enum"].as_array() else { return };
        let allowed: Vec<&str> = allowed.iter().filter_map(Value::as_str).collect();
        if !allowed.contains(&text) {
            self.findings
                .error("stack::unknown-value", span, format!("`{text}` is not something `{place}` can be"))
                .help(suggestion(text, allowed));
        }
    }

    fn table(&mut self, schema: &'a Value, table: &mut DeTable<'_>, span: &Range<usize>, place: &str) {
        let empty = Map::new();
        let properties = schema["properties"].as_object().unwrap_or(&empty);
        let others = &schema["additionalProperties"];
        if *others == Value::Bool(false) {
            self.unknown_keys(schema, properties, table, place);
        }
        for (key, value) in table.iter_mut() {
            let name = key.get_ref().as_ref();
            let inner = match place {
                "" => name.to_owned(),
                _ => format!("{place}.{name}"),
            };
            let schema = if properties.contains_key(name) { &schema["properties"][name] } else { others };
            self.value(schema, value, &inner);
        }
        for key in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !table.contains_key(key) {
                self.unreadable += 1;
                let missing = match place {
                    "" => format!("the stack file has no table `[{key}]`"),
                    _ => format!("`{place}` has no `{key}`"),
                };
                let what = self.resolve(&properties[key])["description"].as_str();
                let first = what.and_then(|what| what.split(". ").next());
                let help = first.map(|what| format!("`{key}`: {}", what.trim_end_matches('.')));
                self.findings.error("stack::missing-key", span, missing).help(help);
            }
        }
    }

    /// Unknown keys are taken out. What was probably meant comes in their place, so that it is not missed elsewhere, where nothing is
    /// wrong with it.
    fn unknown_keys(
        &mut self,
        schema: &'a Value,
        known: &Map<String, Value>,
        table: &mut DeTable<'_>,
        place: &str,
    ) {
        let names = || known.keys().map(String::as_str);
        let unknown =
            table.keys().map(|key| key.get_ref().to_string()).filter(|key| !known.contains_key(key));
        for name in unknown.collect::<Vec<_>>() {
            let Some((key, mut value)) = table.remove_entry(name.as_str()) else { continue };
            let whole = if place.is_empty() { "the stack file".to_owned() } else { format!("`{place}`") };
            self.findings
                .error("stack::unknown-key", &key.span(), format!("unknown key `{name}` in {whole}"))
                .label("unknown key")
                .help(suggestion(&name, names()));
            let Some(meant) = nearest(&name, names()).filter(|meant| !table.contains_key(*meant)) else {
                continue;
            };
            let mut findings = Findings::new(self.findings.source.clone());
            let mut guess = Shape { root: self.root, findings: &mut findings, unreadable: 0 };
            guess.value(&schema["properties"][meant], &mut value, place);
            if !findings.has_errors() {
                table.insert(Spanned::new(key.span(), meant.to_owned().into()), value);
            }
        }
    }

    /// Tables are told apart by the first key that they need; everything else by its type.
    fn any_of(
        &mut self,
        schema: &'a Value,
        alternatives: &'a [Value],
        value: &mut Spanned<DeValue<'_>>,
        place: &str,
    ) {
        let flat: Vec<&Value> = self.flatten(alternatives);
        let mut fitting = flat.iter().filter(|alternative| fits(alternative, value.get_ref()));
        let Some(table) = value.get_ref().as_table() else {
            return match fitting.next() {
                Some(alternative) => self.value(alternative, value, place),
                None => self.wrong_type(schema, value, place),
            };
        };
        let tables: Vec<&Value> = fitting.copied().collect();
        let kind = |alternative: &Value| alternative["required"][0].as_str().unwrap_or_default().to_owned();
        let present: Vec<&Value> =
            tables.iter().copied().filter(|table_| table.contains_key(kind(table_).as_str())).collect();
        match (present.as_slice(), tables.as_slice()) {
            ([], []) => self.wrong_type(schema, value, place),
            // One kind of table only: what it lacks is said there.
            ([], [one]) | ([one], _) => self.value(one, value, place),
            ([], kinds) => {
                self.unreadable += 1;
                let kinds: Vec<String> =
                    kinds.iter().map(|alternative| format!("`{}`", kind(alternative))).collect();
                let keys: Vec<String> = table.keys().map(|key| key.get_ref().to_string()).collect();
                let near = keys.iter().find_map(|key| {
                    let names: Vec<String> = tables.iter().map(|alternative| kind(alternative)).collect();
                    nearest(key, names.iter().map(String::as_str))
                        .map(|name| format!("did you mean `{name}` for `{key}`?"))
                });
                self.findings
                    .error(
                        "stack::missing-key",
                        &value.span(),
                        format!(
                            "`{place}` says nothing of what it is: one of the keys {} is needed",
                            kinds.join(", ")
                        ),
                    )
                    .help(near);
            }
            ([first, second, ..], _) => {
                self.unreadable += 1;
                let message = format!("`{place}` can't be both `{}` and `{}`", kind(first), kind(second));
                self.findings
                    .error("stack::wrong-type", &value.span(), message)
                    .help("write two entries".to_owned());
            }
        }
    }

    fn wrong_type(&mut self, schema: &Value, value: &Spanned<DeValue<'_>>, place: &str) {
        self.unreadable += 1;
        let expected = self.expected(schema);
        let found = found(value.get_ref());
        let finding = self.findings.error(
            "stack::wrong-type",
            &value.span(),
            format!("`{place}` must be {expected}, not {found}"),
        );
        finding.label(format!("expected {expected}"));
        match value.get_ref() {
            DeValue::String(text) if schema["type"] == "array" => finding.help(format!("write `[{text:?}]`")),
            DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) if schema["type"] == "string" => {
                finding.help("put it in quotes".to_owned())
            }
            _ => finding,
        };
    }

    /// What a schema wants, in words.
    fn expected(&self, schema: &Value) -> String {
        let schema = self.resolve(schema);
        if let Some(alternatives) = schema["anyOf"].as_array() {
            let mut words: Vec<String> = Vec::new();
            for alternative in self.flatten(alternatives) {
                let word = self.expected(alternative);
                if !words.contains(&word) {
                    words.push(word);
                }
            }
            return words.join(" or ");
        }
        match schema["type"].as_str() {
            Some("string") => "a string".to_owned(),
            Some("integer") => "a whole number".to_owned(),
            Some("boolean") => "`true` or `false`".to_owned(),
            Some("array") => match self.resolve(&schema["items"])["type"].as_str() {
                Some("string") => "a list of strings".to_owned(),
                Some("object") => "a list of tables".to_owned(),
                _ => "a list".to_owned(),
            },
            Some("object") => "a table".to_owned(),
            _ => "anything".to_owned(),
        }
    }

    fn resolve<'b>(&self, schema: &'b Value) -> &'b Value
    where
        'a: 'b,
    {
        let target = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
        target.and_then(|pointer| self.root.pointer(pointer)).unwrap_or(schema)
    }

    /// Alternatives inside alternatives, all on one level.
    fn flatten<'b>(&self, alternatives: &'b [Value]) -> Vec<&'b Value>
    where
        'a: 'b,
    {
        let mut flat = Vec::new();
        for alternative in alternatives {
            let alternative = self.resolve(alternative);
            match alternative["anyOf"].as_array() {
                Some(inner) => flat.extend(self.flatten(inner)),
                None => flat.push(alternative),
            }
        }
        flat
    }
}

fn fits(schema: &Value, value: &DeValue<'_>) -> bool {
    match schema["type"].as_str() {
        None => true,
        Some("string") => value.is_str(),
        Some("integer") => value.is_integer(),
        Some("number") => value.is_integer() || value.is_float(),
        Some("boolean") => value.is_bool(),
        Some("array") => value.is_array(),
        Some(_) => value.is_table(),
    }
}

fn found(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
