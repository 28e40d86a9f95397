//! Progress: bars on a terminal, plain lines elsewhere, nothing when quiet. All of it goes to standard error.

use std::io::{IsTerminal, stderr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use longshore_oci::{Progress, Silent, Step};
use owo_colors::{OwoColorize, Stream};

/// How much is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verbosity {
    /// Results and errors alone.
    Quiet,
    /// What takes long.
    Normal,
    /// Notes besides.
    Verbose,
}

/// The progress that fits the terminal.
pub fn progress(verbosity: Verbosity) -> Arc<dyn Progress> {
    match verbosity {
        Verbosity::Quiet => Arc::new(Silent),
        _ if stderr().is_terminal() => Arc::new(Bars { all: MultiProgress::new() }),
        _ => Arc::new(Lines { last: Mutex::new(None) }),
    }
}

/// One bar a step, gone when it ends.
struct Bars {
    all: MultiProgress,
}

struct Bar(ProgressBar);

impl Progress for Bars {
    fn begin(&self, verb: &'static str, what: &str, bytes: Option<u64>) -> Box<dyn Step> {
        let template = match bytes {
            Some(_) => {
                "{prefix:>12.green.bold} {msg:40!} {bar:24} {decimal_bytes:>10}/{decimal_total_bytes:10} {decimal_bytes_per_sec}"
            }
            None => "{prefix:>12.green.bold} {msg} {spinner} {elapsed}",
        };
        // The templates are constants; a wrong one would show as the default style.
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        // It is drawn once it is added, so it has everything by then.
        let bar = ProgressBar::with_draw_target(Some(bytes.unwrap_or(0)), ProgressDrawTarget::hidden())
            .with_style(style)
            .with_prefix(verb)
            .with_message(what.to_owned());
        let bar = self.all.add(bar);
        bar.enable_steady_tick(Duration::from_millis(120));
        Box::new(Bar(bar))
    }

    fn note(&self, message: &str) {
        self.all
            .suspend(|| eprintln!("{} {message}", "note:".if_supports_color(Stream::Stderr, |t| t.cyan())));
    }

    fn warn(&self, message: &str) {
        self.all.suspend(|| {
            eprintln!("{} {message}", "warning:".if_supports_color(Stream::Stderr, |t| t.yellow()));
        });
    }
}

impl Step for Bar {
    fn advance(&self, bytes: u64) {
        self.0.inc(bytes);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// One line a step, when it begins; many short steps of one verb are not repeated more than five times a second.
struct Lines {
    last: Mutex<Option<(&'static str, Instant)>>,
}

impl Progress for Lines {
    fn begin(&self, verb: &'static str, what: &str, bytes: Option<u64>) -> Box<dyn Step> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let small = bytes.is_none_or(|bytes| bytes < 4 << 20);
        let soon =
            last.is_some_and(|(before, at)| before == verb && at.elapsed() < Duration::from_millis(200));
        if !(small && soon) {
            let size = bytes.map(|bytes| format!(" ({})", super::bytes(bytes))).unwrap_or_default();
            eprintln!("{verb:>12} {what}{size}");
            *last = Some((verb, Instant::now()));
        }
        Box::new(Silent)
    }

    fn note(&self, message: &str) {
        eprintln!("note: {message}");
    }

    fn warn(&self, message: &str) {
        eprintln!("warning: {message}");
    }
}
