//! References: what commands, variables and files of a service can name, and what becomes of it.
//!
//! Addresses differ from one way to run a stack to the other, so a name of a service is rendered as a mark, and the text is
//! cut at the marks afterwards. Ports are the same everywhere.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;

use minijinja::{ErrorKind, Value};

use super::{Around, Plain};
use crate::check::template;
use crate::diagnostic::{Diagnostic, Severity, Source, nearest};
use crate::file::At;
use crate::findings::Findings;
use crate::model::{Part, Text};

/// Names that templates have for other things.
pub(crate) const RESERVED: [&str; 8] =
    ["image", "images", "self", "secrets", "services", "stack", "values", "loop"];
/// Around the number of a service, of a private use area, which no configuration has.
const MARK: char = '\u{f0000}';
/// Where a service listens.
const LISTEN: char = '\u{f0001}';

/// Where it reaches itself.
const LOCAL: char = '\u{f0002}';

/// What texts of one service can name.
pub(super) struct Scope<'a> {
    pub(super) around: &'a Around<'a>,
    /// Services whose facts are known.
    pub(super) services: &'a BTreeMap<String, Plain<'a>>,
    /// All services' names.
    pub(super) names: &'a BTreeSet<&'a str>,
    /// The service itself.
    pub(super) own: &'a str,
    /// The secrets that it reads.
    pub(super) secrets: &'a [At<String>],
}

impl Scope<'_> {
    /// A text of the stack file.
    pub(super) fn text(&self, written: &At<String>, findings: &mut Findings) -> Option<Text> {
        if !written.contains(['{', MARK, LISTEN, LOCAL]) {
            return Some(Text::from(written.as_str()));
        }
        self.render(&written.value, &written.value)
            .map_err(|problem| {
                let whole = || findings.source.text.get(written.span.clone());
                // Escapes in the file's text move what comes after them.
                let start = whole().and_then(|whole| whole.find(&written.value)).unwrap_or(0);
                let exact = whole().is_some_and(|whole| whole.contains(&written.value));
                let span = match exact && !problem.range.is_empty() {
                    true => {
                        written.span.start + start + problem.range.start
                            ..written.span.start + start + problem.range.end
                    }
                    false => written.span.clone(),
                };
                findings
                    .error("stack::reference", &span, format!("service `{}`: {}", self.own, problem.message))
                    .help(problem.help);
            })
            .ok()
    }

    /// A template beside the stack file, as written there and where it really is.
    pub(super) fn template(
        &self,
        written: &At<String>,
        path: &Path,
        findings: &mut Findings,
    ) -> Option<Text> {
        let text = template::read(written, path, findings)?;
        self.render(&written.value, &text)
            .map_err(|problem| {
                findings.push(Diagnostic {
                    severity: Severity::Error,
                    code: "stack::template",
                    message: format!("template for service `{}`: {}", self.own, problem.message),
                    span: problem.range,
                    source: Source { path: written.value.clone(), text: text.as_str().into() },
                    label: String::new(),
                    profiles: Vec::new(),
                    help: problem.help,
                });
            })
            .ok()
    }

    fn render(&self, name: &str, text: &str) -> Result<Text, Problem> {
        if let Some(at) = text.find([MARK, LISTEN, LOCAL]) {
            return Err(Problem {
                message: "it holds a character of a private use area".to_owned(),
                range: at..at + MARK.len_utf8(),
                help: None,
            });
        }
        let context =
            self.around.values.of(self.image()).into_iter().map(|(key, value)| (key.to_owned(), value));
        let context = context.chain(self.own_values());
        match template::render(name, text, Value::from_pairs(context)) {
            Ok(rendered) => self.cut(&rendered),
            Err(error) => Err(self.problem(text, &error)),
        }
    }

    fn image(&self) -> &str {
        self.services.get(self.own).map_or("", |facts| &facts.image_name)
    }

    fn own_values(&self) -> impl Iterator<Item = (String, Value)> {
        let services: Vec<(String, Value)> = self
            .names
            .iter()
            .enumerate()
            .filter_map(|(number, name)| {
                let value = addresses(&format!("{MARK}{number}{MARK}"), name, self.services.get(*name)?);
                Some(((*name).to_owned(), value))
            })
            .collect();
        let secrets = self.secrets.iter().map(|name| (name.as_str(), format!("/run/secrets/{}", name.value)));
        let named = [
            ("services".to_owned(), Value::from_pairs(services.clone())),
            ("secrets".to_owned(), Value::from_pairs(secrets)),
            ("self".to_owned(), self.itself()),
        ];
        services.into_iter().chain(named)
    }

    /// The service itself knows where it listens, too.
    fn itself(&self) -> Value {
        let number = self.names.iter().position(|name| *name == self.own).unwrap_or_default();
        let Some(facts) = self.services.get(self.own) else { return Value::UNDEFINED };
        let host = format!("{MARK}{number}{MARK}");
        let ports = facts.ports.iter().map(|(name, spec)| {
            let listen = ("listen", Value::from(format!("{LISTEN}:{}", spec.number)));
            let local = ("local", Value::from(format!("{LOCAL}:{}", spec.number)));
            (name.as_str(), Value::from_pairs(port(&host, spec.number).into_iter().chain([listen, local])))
        });
        let own = [
            ("name", Value::from(self.own)),
            ("host", Value::from(host.as_str())),
            ("listen", Value::from(LISTEN.to_string())),
            ("local", Value::from(LOCAL.to_string())),
        ];
        Value::from_pairs(own.into_iter().chain(ports))
    }

    fn cut(&self, rendered: &str) -> Result<Text, Problem> {
        let mut parts: Vec<Part> = Vec::new();
        let literal = |parts: &mut Vec<Part>, text: &str| {
            if !text.is_empty() {
                parts.push(Part::Literal(text.to_owned()));
            }
        };
        let mut rest = rendered;
        while let Some(at) = rest.find([MARK, LISTEN, LOCAL]) {
            let (before, mark) = rest.split_at(at);
            literal(&mut parts, before);
            let own = [(LISTEN, Part::Listen), (LOCAL, Part::Local)];
            let own = own.into_iter().find_map(|(mark_, part)| Some((mark.strip_prefix(mark_)?, part)));
            if let Some((after, part)) = own {
                parts.push(part);
                rest = after;
                continue;
            }
            let whole = mark.trim_start_matches(MARK).split_once(MARK);
            let named = whole.and_then(|(number, after)| {
                Some((self.names.iter().nth(number.parse::<usize>().ok()?)?, after))
            });
            let Some((name, after)) = named else {
                return Err(Problem {
                    message: "an address is taken apart, which is not known before the stack runs".to_owned(),
                    range: 0..0,
                    help: Some("use `.host`, `.port`, `.addr` or `.url` as they are".to_owned()),
                });
            };
            parts.push(Part::Host((*name).to_owned()));
            rest = after;
        }
        literal(&mut parts, rest);
        Ok(Text(parts))
    }

    /// What is wrong, in terms of services and ports where it is about these.
    fn problem(&self, text: &str, error: &minijinja::Error) -> Problem {
        let range = template::range(text, error);
        let plain = |help| Problem { message: template::what(error), range: range.clone(), help };
        if error.kind() != ErrorKind::UndefinedError {
            return plain(None);
        }
        // What is undefined is named in the message, between backticks; else it is the text itself.
        let named = error.detail().and_then(|detail| detail.split('`').nth(1));
        let whole = named.or_else(|| text.get(range.clone())).unwrap_or_default();
        let words: Vec<&str> = whole.split('.').map(str::trim).collect();
        let (first, second) = (words.first().copied().unwrap_or_default(), words.get(1).copied());
        let facts = self.services.get(if first == "self" { self.own } else { first });
        match (facts, second) {
            (Some(facts), Some(port)) if !facts.ports.contains_key(port) => {
                let service = if first == "self" { self.own } else { first };
                let known: Vec<&str> = facts.ports.keys().map(String::as_str).collect();
                let help = match known.as_slice() {
                    [] => {
                        format!("it has none; declare it in `ports` of its image or of `[service.{service}]`")
                    }
                    known => said(port, known),
                };
                Problem {
                    message: format!("service `{service}` has no port `{port}`"),
                    range,
                    help: Some(help),
                }
            }
            (Some(_), Some(port)) => plain(Some(format!(
                "`{first}.{port}` has `url`, `addr`, `host` and `port`{}",
                if first == "self" { ", and `listen` and `local`" } else { "" }
            ))),
            _ if first == "secrets" => {
                let known: Vec<&str> = self.secrets.iter().map(|name| name.as_str()).collect();
                let name = second.unwrap_or_default();
                let help = match known.as_slice() {
                    [] => format!("add `secrets = [\"{name}\"]` to `[service.{}]`", self.own),
                    known => said(name, known),
                };
                Problem {
                    message: format!("service `{}` reads no secret `{name}`", self.own),
                    range,
                    help: Some(help),
                }
            }
            _ if !RESERVED.contains(&first) && is_word(first) => Problem {
                message: format!("there is no service `{first}`"),
                range,
                help: Some(said(first, &self.names.iter().copied().collect::<Vec<_>>())),
            },
            _ => plain(Some(
                "templates of services know `self`, every service by its name, `secrets`, `stack`, `image`, \
                 `images.NAME` and `values`"
                    .to_owned(),
            )),
        }
    }
}

/// What is wrong with a text.
struct Problem {
    message: String,
    /// In bytes of the text.
    range: Range<usize>,
    help: Option<String>,
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn said(name: &str, known: &[&str]) -> String {
    let all = known.iter().map(|known| format!("`{known}`")).collect::<Vec<_>>().join(", ");
    match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`? Known here: {all}"),
        None => format!("known here: {all}"),
    }
}

fn addresses(host: &str, name: &str, facts: &Plain<'_>) -> Value {
    let ports =
        facts.ports.iter().map(|(name, spec)| (name.as_str(), Value::from_pairs(port(host, spec.number))));
    Value::from_pairs([("name", Value::from(name)), ("host", Value::from(host))].into_iter().chain(ports))
}

fn port(host: &str, number: u16) -> [(&'static str, Value); 4] {
    [
        ("port", Value::from(number)),
        ("host", Value::from(host)),
        ("addr", Value::from(format!("{host}:{number}"))),
        ("url", Value::from(format!("http://{host}:{number}"))),
    ]
}
