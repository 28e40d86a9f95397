//! What maintainer scripts would have done. They are read and never run: what matters of it is declared in the stack
//! file instead, and these sentences tell the user what may be missing.
//!
//! Installing into an empty root runs `config`, `preinst` and `postinst`; `prerm` and `postrm` act on removal, which
//! no image knows. Reading is by pattern, not by a shell's rules: variables with one plain value are followed, arms of
//! `case "$1"` that are for upgrades are left out, and what is not understood is counted.

mod sentences;
mod shell;

use std::collections::{BTreeMap, BTreeSet};

use sentences::{Meaning, meaning};

/// Scripts larger than this are not read; Debian's largest are a tenth of it.
const MAX_SCRIPT: usize = 1 << 20;
/// Sentences kept per package.
const MAX_SENTENCES: usize = 100;
/// Names listed in a sentence about several.
const MAX_NAMES: usize = 4;

/// Sentences on what the scripts and triggers among a package's control files would have done, in the order of the
/// scripts, each once.
pub fn skipped(files: &BTreeMap<String, Vec<u8>>) -> Vec<String> {
    let mut summary = Summary::default();
    for name in ["preinst", "config", "postinst"] {
        if let Some(bytes) = files.get(name) {
            summary.script(name, bytes);
        }
    }
    let triggers = files.get("triggers").map(|bytes| String::from_utf8_lossy(bytes)).unwrap_or_default();
    for line in triggers.lines() {
        let mut words = line.split_whitespace();
        if words.next().is_some_and(|verb| verb.starts_with("activate")) && words.next() == Some("ldconfig") {
            summary.say(sentences::LDCONFIG.to_owned());
        }
    }
    summary.finish()
}

#[derive(Default)]
struct Summary {
    sentences: Vec<String>,
    questions: BTreeSet<String>,
    others: usize,
    other_names: BTreeSet<String>,
}

impl Summary {
    fn script(&mut self, name: &str, bytes: &[u8]) {
        if bytes.len() > MAX_SCRIPT {
            return self.say(format!("has a `{name}` larger than 1 MiB, which was not read"));
        }
        let interpreter = bytes.split(|&b| b == b'\n').next().unwrap_or_default();
        let shell = bytes.starts_with(b"#!")
            && interpreter
                .trim_ascii_end()
                .split(|b| b" /".contains(b))
                .any(|word| [&b"sh"[..], b"bash", b"dash"].contains(&word));
        if !shell {
            return self.say(format!("has a `{name}` that is no shell script and was not read"));
        }
        for command in shell::commands(&String::from_utf8_lossy(bytes)) {
            match meaning(&command) {
                Meaning::Nothing => {}
                Meaning::Sentences(sentences) => {
                    sentences.into_iter().for_each(|sentence| self.say(sentence))
                }
                Meaning::Question(question) => drop(self.questions.insert(question)),
                Meaning::Unknown if command.generated => {}
                Meaning::Unknown => {
                    self.others += 1;
                    self.other_names.extend(command.words.first().cloned());
                }
            }
        }
    }

    fn say(&mut self, sentence: String) {
        if self.sentences.len() < MAX_SENTENCES && !self.sentences.contains(&sentence) {
            self.sentences.push(sentence);
        }
    }

    fn finish(mut self) -> Vec<String> {
        let plural = |n: usize, one: &str| if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") };
        if !self.questions.is_empty() {
            let n = plural(self.questions.len(), "question");
            self.sentences.push(format!("would ask {n} (debconf): {}", names(&self.questions)));
        }
        if self.others > 0 {
            let n = plural(self.others, "other command");
            self.sentences.push(format!("would run {n}: {}", names(&self.other_names)));
        }
        self.sentences
    }
}

fn names(all: &BTreeSet<String>) -> String {
    let shown: Vec<String> = all.iter().take(MAX_NAMES).map(|name| format!("`{name:.60}`")).collect();
    let rest = all.len() - shown.len();
    if rest == 0 { shown.join(", ") } else { format!("{} and {rest} more", shown.join(", ")) }
}
