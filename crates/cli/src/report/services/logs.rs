//! Lines of services' logs.

use longshore_deploy::run::log::{Line, Stream as Source};
use owo_colors::{OwoColorize, Stream};
use serde_json::{Value, json};

use crate::args::Global;
use crate::report::print;

/// Prints a line of a log.
pub fn log_line(service: &str, width: usize, line: &Line, global: &Global) {
    if global.json {
        print(&log_json(service, line).to_string());
        return;
    }
    let name = format!("{service:width$} |");
    let name = name.if_supports_color(Stream::Stdout, |t| t.cyan()).to_string();
    match line.stream {
        Source::Said => {
            let text = format!("({})", line.text);
            print(&format!("{name} {}", text.if_supports_color(Stream::Stdout, |t| t.dimmed())));
        }
        Source::Out | Source::Err => print(&format!("{name} {}", line.text)),
    }
}

/// A line of a log as data.
pub fn log_json(service: &str, line: &Line) -> Value {
    json!({ "service": service, "time": line.time, "stream": line.stream.mark(), "text": line.text })
}
