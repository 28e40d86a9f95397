//! On a terminal: one line a running step with time and what it does, gone when it ends.

use std::collections::BTreeMap;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use owo_colors::{OwoColorize, Stream};

use super::board::{Kind, Running, Show};
use crate::report::duration;

/// Characters of what a step is about, so that the time is seen after it on a terminal of 80 columns.
const ALONE: usize = 50;
/// The same where what it does now follows.
const BESIDE: usize = 36;

/// One bar a step.
#[derive(Default)]
pub struct Bars {
    all: MultiProgress,
    bars: BTreeMap<u64, ProgressBar>,
}

impl Show for Bars {
    fn begun(&mut self, step: &Running) {
        let (verb, what) = step.words();
        let bytes = match step.kind {
            Kind::Work { bytes, .. } => bytes,
            Kind::Wait { .. } => None,
        };
        let template = match bytes {
            Some(_) => {
                "{prefix:>12.green.bold} {msg:40!} {bar:24} {decimal_bytes:>10}/{decimal_total_bytes:10} {decimal_bytes_per_sec}"
            }
            None => "{prefix:>12.green.bold} {wide_msg}",
        };
        // The templates are constants; a wrong one would show as the default style.
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        // It is drawn once it is added, so it has everything by then.
        let bar = ProgressBar::with_draw_target(Some(bytes.unwrap_or(0)), ProgressDrawTarget::hidden())
            .with_style(style)
            .with_prefix(verb)
            .with_message(what);
        let bar = self.all.add(bar);
        bar.tick();
        self.bars.insert(step.id, bar);
    }

    fn runs(&mut self, step: &Running) {
        let Some(bar) = self.bars.get(&step.id) else { return };
        match step.kind {
            Kind::Work { bytes: Some(_), .. } => {
                bar.set_position(step.done());
                bar.tick();
            }
            _ => bar.set_message(line(step)),
        }
    }

    fn ended(&mut self, step: &Running) {
        if let Some(bar) = self.bars.remove(&step.id) {
            bar.finish_and_clear();
            self.all.remove(&bar);
        }
    }

    fn note(&mut self, message: &str) {
        self.all
            .suspend(|| eprintln!("{} {message}", "note:".if_supports_color(Stream::Stderr, |t| t.cyan())));
    }

    fn warn(&mut self, message: &str) {
        self.all.suspend(|| {
            eprintln!("{} {message}", "warning:".if_supports_color(Stream::Stderr, |t| t.yellow()));
        });
    }
}

/// What a step is about, how long it has run, what it does now. It is cut to the terminal's width when it is drawn.
fn line(step: &Running) -> String {
    let (_, what) = step.words();
    let (time, detail) = (step.time(), step.detail());
    let what = cut(&what, if detail.is_empty() { ALONE } else { BESIDE });
    let time = if time.as_secs() == 0 { String::new() } else { format!("  {}", duration(time)) };
    let detail = if detail.is_empty() { detail } else { format!("  {detail}") };
    format!("{what}{time}{detail}")
}

/// The first `length` characters of a text at most, the last of them a mark when it is longer.
fn cut(text: &str, length: usize) -> String {
    match text.char_indices().nth(length) {
        None => text.to_owned(),
        Some(_) => text.chars().take(length - 1).chain(['…']).collect(),
    }
}
