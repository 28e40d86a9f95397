//! Failures and diagnostics as text or JSON.

use std::io::{IsTerminal, stderr};
use std::process::ExitCode;

use longshore_stack::{Diagnostic, Severity};
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, NamedSource, Report};
use owo_colors::{OwoColorize, Stream};
use serde_json::json;

use super::progress::Event;
use super::services::Trouble;
use super::{Failed, Failure, print_json};
use crate::args::Global;

/// Tells of a failure: as JSON on standard output when asked, else for people on standard error.
pub fn report(failed: &Failed, global: &Global) -> ExitCode {
    if global.json {
        print_json(&as_json(failed));
    } else {
        as_text(failed);
    }
    ExitCode::from(failed.failure.exit_code())
}

fn as_json(failed: &Failed) -> serde_json::Value {
    let failure = &*failed.failure;
    let diagnostics = match failure {
        Failure::Stack(all) => all.0.iter().map(diagnostic_json).collect(),
        Failure::Lint(findings) => {
            findings.iter().map(|(image, finding)| json!({ "image": image, "finding": finding })).collect()
        }
        Failure::Differs(builds) => {
            builds.iter().map(|(build, what)| json!({ "build": build, "difference": what })).collect()
        }
        Failure::Refused { images } => {
            images.iter().map(|(image, reasons)| json!({ "image": image, "reasons": reasons })).collect()
        }
        Failure::NotReady(troubles) => troubles.iter().map(Trouble::as_json).collect(),
        _ => Vec::new(),
    };
    let mut value = json!({
        "ok": false,
        "error": failure.to_string(),
        "caused_by": failure.causes(),
        "why": failure.why(),
        "hint": failed.hint(),
        "diagnostics": diagnostics,
        "exit_code": failure.exit_code(),
    });
    if let Failure::Profile(error) = failure {
        value["profiles"] = json!(error.known());
    }
    value
}

/// A diagnostic as data.
fn diagnostic_json(diagnostic: &Diagnostic) -> serde_json::Value {
    let (line, column) = diagnostic.position();
    let mut value = json!({
        "severity": diagnostic.severity,
        "code": diagnostic.code,
        "message": diagnostic.message,
        "file": diagnostic.source.path,
        "line": line,
        "column": column,
        "label": diagnostic.label,
        "help": diagnostic.help,
    });
    if !diagnostic.profiles.is_empty() {
        value["profiles"] = json!(diagnostic.profiles);
    }
    value
}

fn as_text(failed: &Failed) {
    let failure = &*failed.failure;
    if let Failure::Stack(all) = failure {
        all.0.iter().for_each(|diagnostic| eprintln!("{}", diagnostic_text(diagnostic)));
        return;
    }
    let error = "error:".if_supports_color(Stream::Stderr, |t| t.red()).to_string();
    eprintln!("{error} {failure}");
    if let Failure::Lint(findings) = failure {
        for (image, finding) in findings {
            let origin =
                finding.origin.as_ref().map(|origin| format!(" (from {origin})")).unwrap_or_default();
            eprintln!("  image `{image}`: {}{origin}", finding.message);
            eprintln!("    hint: {}", finding.hint);
            eprintln!("    to accept it: allow = [\"{}:{}\"]", finding.lint, finding.subject);
        }
    }
    if let Failure::Profile(error) = failure {
        error.known().iter().for_each(|profile| eprintln!("  {profile}"));
    }
    if let Failure::NotReady(troubles) = failure {
        troubles.iter().for_each(|trouble| eprint!("{}", trouble.as_text()));
    }
    for cause in failure.causes() {
        eprintln!("  caused by: {cause}");
    }
    if let Some(why) = failure.why() {
        eprintln!("  why: {why}");
    }
    if let Some(hint) = failed.hint() {
        eprintln!("  hint: {hint}");
    }
}

/// Tells of something in the stack file that is probably wrong.
pub fn warn(diagnostic: &Diagnostic, global: &Global) {
    match (global.quiet, global.json) {
        (true, _) => {}
        (_, true) => {
            let data = Some(diagnostic_json(diagnostic));
            Event::Warning { message: &diagnostic.message, diagnostic: data }.print();
        }
        _ => eprintln!("{}", diagnostic_text(diagnostic)),
    }
}

/// Tells of something to know while no step can be under way.
pub fn note(message: &str, global: &Global) {
    match (global.quiet, global.json) {
        (true, _) => {}
        (_, true) => Event::Note { message }.print(),
        _ => eprintln!("note: {message}"),
    }
}

/// Tells that the user ended the run.
pub fn interrupted(global: &Global) {
    let message = "interrupted; nothing half-written is left, run the command again to go on";
    match (global.quiet, global.json) {
        (true, true) => {}
        (_, true) => Event::Note { message }.print(),
        _ => eprintln!("{message}"),
    }
}

/// A diagnostic with its source line.
fn diagnostic_text(diagnostic: &Diagnostic) -> String {
    let severity = match diagnostic.severity {
        Severity::Error => miette::Severity::Error,
        Severity::Warning => miette::Severity::Warning,
    };
    let mut shown =
        MietteDiagnostic::new(diagnostic.summary()).with_code(diagnostic.code).with_severity(severity);
    if let Some(help) = &diagnostic.help {
        shown = shown.with_help(help);
    }
    if !diagnostic.source.text.is_empty() {
        let label = Some(diagnostic.label.clone()).filter(|label| !label.is_empty());
        shown = shown.with_label(LabeledSpan::new(label, diagnostic.span.start, diagnostic.span.len()));
    }
    let source = NamedSource::new(&diagnostic.source.path, diagnostic.source.text.to_string());
    let report = Report::new(shown).with_source_code(source);
    let theme = match (colours(), stderr().is_terminal()) {
        (true, _) => GraphicalTheme::unicode(),
        (false, true) => GraphicalTheme::unicode_nocolor(),
        (false, false) => GraphicalTheme::none(),
    };
    let mut text = String::new();
    let handler = GraphicalReportHandler::new_themed(theme).with_width(100);
    match handler.render_report(&mut text, report.as_ref()) {
        Ok(()) => text.trim_end().to_owned(),
        Err(_) => diagnostic.to_string(),
    }
}

/// Whether standard error takes colours, as NO_COLOR and the terminal say.
fn colours() -> bool {
    "x".if_supports_color(Stream::Stderr, |t| t.red()).to_string() != "x"
}
