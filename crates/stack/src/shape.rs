//! Is every key known, and is what stands there of the right kind? Asked of the JSON Schema, so that what an editor
//! accepts and what longshore accepts is one definition, and of the whole file, so that one run says all that is wrong.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeArray, DeInteger, DeTable, DeValue};

use crate::diagnostic::{nearest, suggestion};
use crate::findings::Findings;
use crate::rules::{Kind, Others, Rule, rules};

/// Checks a whole file. What can't be read is taken out, so that the rest can be looked at all the same.
pub(crate) fn check(file: &mut Spanned<DeTable<'_>>, findings: &mut Findings) {
    let rules = rules();
    let mut shape = Shape { rules: &rules, findings, unreadable: 0 };
    let span = file.span();
    shape.table(&rules, file.get_mut(), &span, "");
}

struct Shape<'a> {
    rules: &'a Rule<'a>,
    findings: &'a mut Findings,
    /// How many values can't be read at all.
    unreadable: usize,
}

impl<'a> Shape<'a> {
    /// `place` names the value for messages: `image.web.contents[2]`.
    fn value(&mut self, rule: &'a Rule<'a>, value: &mut Spanned<DeValue<'_>>, place: &str) {
        let rule = self.rules.resolve(rule);
        if let Some(alternatives) = &rule.any_of {
            return self.any_of(rule, alternatives, value, place);
        }
        if !fits(rule, value.get_ref()) {
            return self.wrong_type(rule, value, place);
        }
        let span = value.span();
        match value.get_mut() {
            DeValue::Table(table) => self.table(rule, table, &span, place),
            DeValue::Array(items) => self.array(rule, items, &span, place),
            DeValue::String(text) => self.string(rule, text, &span, place),
            DeValue::Integer(number) => self.integer(rule, number, &span, place),
            _ => {}
        }
    }

    /// Entries that can't be read are taken out: the others are looked at without them.
    fn array(&mut self, rule: &'a Rule<'a>, items: &mut DeArray<'_>, span: &Range<usize>, place: &str) {
        let minimum = rule.min_items;
        if items.len() < minimum {
            self.findings.error(
                "stack::out-of-range",
                span,
                format!("`{place}` needs at least {minimum} entry"),
            );
        }
        let Some(rule) = &rule.items else { return };
        let none: DeArray<'_> = std::iter::empty().collect();
        let all = std::mem::replace(items, none).into_iter().enumerate();
        *items = all
            .filter_map(|(index, mut item)| {
                let before = self.unreadable;
                self.value(rule, &mut item, &format!("{place}[{index}]"));
                (self.unreadable == before).then_some(item)
            })
            .collect();
    }

    fn integer(&mut self, rule: &Rule<'_>, number: &DeInteger<'_>, span: &Range<usize>, place: &str) {
        let number = i128::from_str_radix(number.as_str(), number.radix()).unwrap_or(i128::MAX);
        let (low, high) = (rule.minimum.map(|bound| bound as i128), rule.maximum.map(|bound| bound as i128));
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

    fn string(&mut self, rule: &Rule<'_>, text: &str, span: &Range<usize>, place: &str) {
        let Some(allowed) = &rule.allowed else { return };
        if !allowed.contains(&text) {
            self.findings
                .error("stack::unknown-value", span, format!("`{text}` is not something `{place}` can be"))
                .help(suggestion(text, allowed.iter().copied()));
        }
    }

    fn table(&mut self, rule: &'a Rule<'a>, table: &mut DeTable<'_>, span: &Range<usize>, place: &str) {
        if let Some(Others::Any(false)) = rule.others {
            self.unknown_keys(rule, table, place);
        }
        for (key, value) in table.iter_mut() {
            let name = key.get_ref().as_ref();
            let inner = match place {
                "" => name.to_owned(),
                _ => format!("{place}.{name}"),
            };
            match (rule.properties.get(name), &rule.others) {
                (Some(known), _) => self.value(known, value, &inner),
                (None, Some(Others::Like(all))) => self.value(all, value, &inner),
                (None, _) => {}
            }
        }
        for key in &rule.required {
            if !table.contains_key(*key) {
                self.unreadable += 1;
                let missing = match place {
                    "" => format!("the stack file has no table `[{key}]`"),
                    _ => format!("`{place}` has no `{key}`"),
                };
                let what = rule.properties.get(key).map(|known| &self.rules.resolve(known).description);
                let first = what.and_then(|what| what.split(". ").next());
                let help = first.map(|what| format!("`{key}`: {}", what.trim_end_matches('.')));
                self.findings.error("stack::missing-key", span, missing).help(help);
            }
        }
    }

    /// Unknown keys are taken out. What was probably meant comes in their place, so that it is not missed elsewhere, where nothing is
    /// wrong with it.
    fn unknown_keys(&mut self, rule: &'a Rule<'a>, table: &mut DeTable<'_>, place: &str) {
        let known = &rule.properties;
        let names = || known.keys().copied();
        let unknown =
            table.keys().map(|key| key.get_ref().to_string()).filter(|key| !known.contains_key(key.as_str()));
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
            let mut guess = Shape { rules: self.rules, findings: &mut findings, unreadable: 0 };
            guess.value(&known[meant], &mut value, place);
            if !findings.has_errors() {
                table.insert(Spanned::new(key.span(), meant.to_owned().into()), value);
            }
        }
    }

    /// Tables are told apart by the first key that they need; everything else by its type.
    fn any_of(
        &mut self,
        rule: &'a Rule<'a>,
        alternatives: &'a [Rule<'a>],
        value: &mut Spanned<DeValue<'_>>,
        place: &str,
    ) {
        let flat = self.flatten(alternatives);
        let mut fitting = flat.iter().filter(|alternative| fits(alternative, value.get_ref()));
        let Some(table) = value.get_ref().as_table() else {
            return match fitting.next() {
                Some(alternative) => self.value(alternative, value, place),
                None => self.wrong_type(rule, value, place),
            };
        };
        let tables: Vec<&Rule<'_>> = fitting.copied().collect();
        let kind = |alternative: &Rule<'a>| alternative.required.first().copied().unwrap_or_default();
        let present: Vec<&Rule<'_>> =
            tables.iter().copied().filter(|alternative| table.contains_key(kind(alternative))).collect();
        match (present.as_slice(), tables.as_slice()) {
            ([], []) => self.wrong_type(rule, value, place),
            // One kind of table only: what it lacks is said there.
            ([], [one]) | ([one], _) => self.value(one, value, place),
            ([], kinds) => {
                self.unreadable += 1;
                let kinds: Vec<String> =
                    kinds.iter().map(|alternative| format!("`{}`", kind(alternative))).collect();
                let keys: Vec<String> = table.keys().map(|key| key.get_ref().to_string()).collect();
                let near = keys.iter().find_map(|key| {
                    nearest(key, tables.iter().map(|alternative| kind(alternative)))
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

    fn wrong_type(&mut self, rule: &'a Rule<'a>, value: &Spanned<DeValue<'_>>, place: &str) {
        self.unreadable += 1;
        let expected = self.expected(rule);
        let found = found(value.get_ref());
        let finding = self.findings.error(
            "stack::wrong-type",
            &value.span(),
            format!("`{place}` must be {expected}, not {found}"),
        );
        finding.label(format!("expected {expected}"));
        match value.get_ref() {
            DeValue::String(text) if rule.kind == Some(Kind::Array) => {
                finding.help(format!("write `[{text:?}]`"))
            }
            DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_)
                if rule.kind == Some(Kind::String) =>
            {
                finding.help("put it in quotes".to_owned())
            }
            _ => finding,
        };
    }

    /// What a rule wants, in words.
    fn expected(&self, rule: &'a Rule<'a>) -> String {
        let rule = self.rules.resolve(rule);
        if let Some(alternatives) = &rule.any_of {
            let mut words: Vec<String> = Vec::new();
            for alternative in self.flatten(alternatives) {
                let word = self.expected(alternative);
                if !words.contains(&word) {
                    words.push(word);
                }
            }
            return words.join(" or ");
        }
        match rule.kind {
            Some(Kind::String) => "a string",
            Some(Kind::Integer) => "a whole number",
            Some(Kind::Boolean) => "`true` or `false`",
            Some(Kind::Array) => match rule.items.as_deref().and_then(|item| self.rules.resolve(item).kind) {
                Some(Kind::String) => "a list of strings",
                Some(Kind::Object) => "a list of tables",
                _ => "a list",
            },
            Some(Kind::Object) => "a table",
            Some(Kind::Number) | None => "anything",
        }
        .to_owned()
    }

    /// Alternatives inside alternatives, all on one level.
    fn flatten(&self, alternatives: &'a [Rule<'a>]) -> Vec<&'a Rule<'a>> {
        let mut flat = Vec::new();
        for alternative in alternatives {
            let alternative = self.rules.resolve(alternative);
            match &alternative.any_of {
                Some(inner) => flat.extend(self.flatten(inner)),
                None => flat.push(alternative),
            }
        }
        flat
    }
}

fn fits(rule: &Rule<'_>, value: &DeValue<'_>) -> bool {
    match rule.kind {
        None => true,
        Some(Kind::String) => value.is_str(),
        Some(Kind::Integer) => value.is_integer(),
        Some(Kind::Number) => value.is_integer() || value.is_float(),
        Some(Kind::Boolean) => value.is_bool(),
        Some(Kind::Array) => value.is_array(),
        Some(Kind::Object) => value.is_table(),
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
