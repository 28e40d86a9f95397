//! Templates: files beside the stack file with the stack's own values in them.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::ValueKind;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};

use super::runtime::Runtime;
use crate::diagnostic::{Diagnostic, Severity, Source};
use crate::file::{At, StackTable};
use crate::findings::Findings;
use crate::model::UserSpec;

/// Most bytes of a template.
const MAX_BYTES: u64 = 1 << 20;
/// Most steps of rendering one, so that a loop can't run for ever.
const FUEL: u64 = 10_000_000;

/// What templates can name.
pub(super) struct Values {
    stack: Value,
    images: BTreeMap<String, Value>,
    values: Value,
}

impl Values {
    pub(super) fn new(
        stack: &StackTable,
        values: &toml::Table,
        runtimes: &BTreeMap<String, Runtime>,
    ) -> Self {
        let repository = stack.repository.as_ref().unwrap_or(&stack.name);
        // What is not said is not there, so that a template that counts on it is told so.
        let optional = [
            ("version", &stack.version),
            ("source", &stack.source),
            ("vendor", &stack.vendor),
            ("licenses", &stack.licenses),
        ];
        let said = optional.into_iter().filter_map(|(key, value)| Some((key, Value::from(value.as_ref()?))));
        let always = [
            ("name", Value::from(&stack.name.value)),
            ("repository", Value::from(&repository.value)),
            ("epoch", Value::from(stack.epoch.unwrap_or(0))),
        ];
        Self {
            stack: Value::from_pairs(always.into_iter().chain(said)),
            images: runtimes.iter().map(|(name, runtime)| (name.clone(), image(name, runtime))).collect(),
            values: table(values),
        }
    }

    /// Renders `template` (as written in the stack file; really at `path`) for `image`.
    pub(super) fn render(
        &self,
        image: &str,
        template: &At<String>,
        path: &Path,
        findings: &mut Findings,
    ) -> Option<String> {
        let text = read(template, path, findings)?;
        match render(&template.value, &text, Value::from_pairs(self.of(image))) {
            Ok(rendered) => Some(rendered),
            Err(error) => {
                let help = "templates know `stack`, `image` (`name`, `user`, `ports`, `workdir`), `images.NAME` and \
                            `values` of the stack file";
                let undefined = error.kind() == minijinja::ErrorKind::UndefinedError;
                findings.push(Diagnostic {
                    severity: Severity::Error,
                    code: "stack::template",
                    message: format!("template for image `{image}`: {}", what(&error)),
                    span: range(&text, &error),
                    source: Source { path: template.value.clone(), text: text.into() },
                    label: String::new(),
                    profiles: Vec::new(),
                    help: undefined.then(|| help.to_owned()),
                });
                None
            }
        }
    }

    /// What a template for `image` can name.
    pub(super) fn of(&self, image: &str) -> [(&'static str, Value); 4] {
        let images = self.images.iter().map(|(name, image)| (name.as_str(), image.clone()));
        [
            ("stack", self.stack.clone()),
            ("image", self.images.get(image).cloned().unwrap_or_default()),
            ("images", Value::from_pairs(images)),
            ("values", self.values.clone()),
        ]
    }
}

/// Renders `text`, which goes by `name`.
pub(super) fn render(name: &str, text: &str, context: Value) -> Result<String, minijinja::Error> {
    // A line that holds only a block leaves no line behind, and the file's last newline stays.
    let syntax =
        SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build();
    let mut environment = Environment::new();
    environment.set_syntax(syntax.unwrap_or_default());
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    // Configuration files want `true`, where Jinja would write Python's `True`.
    environment.set_formatter(|out, state, value| match bool::try_from(value.clone()) {
        Ok(truth) if value.kind() == ValueKind::Bool => Ok(write!(out, "{truth}")?),
        _ => minijinja::escape_formatter(out, state, value),
    });
    environment.set_debug(true);
    environment.set_fuel(Some(FUEL));
    environment.template_from_named_str(name, text).and_then(|template| template.render(context))
}

/// What is wrong, in words.
pub(crate) fn what(error: &minijinja::Error) -> String {
    error.detail().map_or_else(|| error.kind().to_string(), |detail| format!("{}: {detail}", error.kind()))
}

/// Where it is wrong, in bytes of the template.
pub(super) fn range(text: &str, error: &minijinja::Error) -> Range<usize> {
    let line = || {
        let line = error.line()?;
        let start = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum::<usize>();
        Some(start..start + text[start..].lines().next().map_or(0, str::len))
    };
    error.range().or_else(line).unwrap_or(0..0)
}

/// The text of `template` (as written in the stack file; really at `path`).
pub(super) fn read(template: &At<String>, path: &Path, findings: &mut Findings) -> Option<String> {
    let text = fs_err::File::open(path)
        .and_then(|file| longshore_oci::read_bounded(file, MAX_BYTES))
        .and_then(|bytes| {
            String::from_utf8(bytes)
                .map_err(|_| std::io::Error::new(std::io::ErrorKind::InvalidData, "it is not UTF-8"))
        });
    text.map_err(|error| {
        let message = format!("can't read template `{}`: {error}", template.value);
        findings.error("stack::template", &template.span, message);
    })
    .ok()
}

fn image(name: &str, runtime: &Runtime) -> Value {
    let ports = runtime.ports.iter().map(|(name, port)| (name.as_str(), Value::from(port.number)));
    let workdir = runtime.workdir.as_ref().map_or_else(|| "/".to_owned(), ToString::to_string);
    Value::from_pairs([
        ("name", Value::from(name)),
        ("user", user(&runtime.user)),
        ("ports", Value::from_pairs(ports)),
        ("workdir", Value::from(workdir)),
    ])
}

fn user(user: &UserSpec) -> Value {
    Value::from_pairs([
        ("name", Value::from(&user.name)),
        ("uid", Value::from(user.uid)),
        ("gid", Value::from(user.gid)),
        ("home", Value::from(&user.home)),
        ("shell", Value::from(&user.shell)),
    ])
}

fn table(table: &toml::Table) -> Value {
    Value::from_pairs(table.iter().map(|(key, value)| (key.as_str(), convert(value))))
}

fn convert(value: &toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::from(text),
        toml::Value::Integer(number) => Value::from(*number),
        toml::Value::Float(number) => Value::from(*number),
        toml::Value::Boolean(truth) => Value::from(*truth),
        toml::Value::Datetime(time) => Value::from(time.to_string()),
        toml::Value::Array(items) => items.iter().map(convert).collect(),
        toml::Value::Table(inner) => table(inner),
    }
}
