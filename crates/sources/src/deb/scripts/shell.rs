//! Just enough of a shell's grammar to see the simple commands of a maintainer script.
//!
//! Nothing is executed or expanded beyond variables that are set to one plain value, and `for` over plain words. What
//! stays unresolved keeps its `$` or backtick, and whoever reads the words can tell.

use std::collections::BTreeMap;

mod lexer;

use lexer::{Lexer, Token};

/// A simple command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Command {
    /// Its words, quotes removed, known variables put in.
    pub words: Vec<String>,
    /// Where its output goes, if to a file.
    pub output: Option<String>,
    /// Whether debhelper generated it.
    pub generated: bool,
}

/// Words that come before a command and are none.
const KEYWORDS: [&str; 16] = [
    "if", "then", "elif", "else", "fi", "do", "done", "while", "until", "!", "{", "}", "exec", "command",
    "time", "esac",
];
/// What dpkg calls scripts with when nothing is being installed anew.
const NOT_INSTALL: [&str; 10] = [
    "upgrade",
    "abort-upgrade",
    "abort-remove",
    "abort-deconfigure",
    "abort-install",
    "triggered",
    "remove",
    "purge",
    "failed-upgrade",
    "abort-*",
];
/// Commands one line may stand for when loops are written out.
const MAX_COMMANDS: usize = 2000;
/// Bytes of a word up to which variables are put in.
const MAX_WORD: usize = 4096;
/// Nested `case` followed; deeper ones are read as if all their arms applied.
const MAX_DEPTH: usize = 64;

/// The simple commands of `script` that may run at installation, in order. A script that is no valid shell gives
/// whatever looked like commands.
pub(super) fn commands(script: &str) -> Vec<Command> {
    let mut reader =
        Reader { variables: BTreeMap::new(), functions: Vec::new(), found: Vec::new(), cases: Vec::new() };
    // Both are empty on a system that installs into its own root.
    for name in ["DPKG_ROOT", "DESTDIR"] {
        reader.variables.insert(name.to_owned(), vec![String::new()]);
    }
    let (mut words, mut output, mut generated) = (Vec::new(), None, false);
    for token in Lexer::new(script) {
        match token {
            Token::Word(word) => {
                words.push(word);
                reader.case_begins(&mut words);
            }
            Token::Output(file) => output = Some(file),
            Token::Generated(now) => generated = now,
            Token::Parenthesis if words.len() == 1 => reader.functions.append(&mut words),
            Token::Close if reader.pattern_ends(&mut words) => {}
            Token::End | Token::Pipe | Token::Close | Token::Parenthesis => {
                if token == Token::Pipe && reader.in_pattern() {
                    continue;
                }
                reader.command(std::mem::take(&mut words), output.take(), generated);
            }
            Token::ArmEnd => {
                reader.command(std::mem::take(&mut words), output.take(), generated);
                reader.arm_ends();
            }
        }
    }
    reader.command(words, output, generated);
    let functions = reader.functions;
    reader.found.retain(|command| !functions.contains(&command.words[0]));
    reader.found
}

struct Reader {
    variables: BTreeMap<String, Vec<String>>,
    functions: Vec<String>,
    found: Vec<Command>,
    cases: Vec<Case>,
}

/// A `case` under way.
struct Case {
    /// Whether it is over the script's first argument.
    on_action: bool,
    in_pattern: bool,
    /// Whether the arm's commands count.
    applies: bool,
}

impl Reader {
    /// `case WORD in` has been read.
    fn case_begins(&mut self, words: &mut Vec<String>) {
        let Some(at) = words.iter().position(|word| word == "case") else { return };
        if words.len() == at + 3 && words[at + 2] == "in" && self.cases.len() < MAX_DEPTH {
            let on_action = matches!(words[at + 1].as_str(), "$1" | "${1}" | "$1-$2");
            self.cases.push(Case { on_action, in_pattern: true, applies: true });
            words.clear();
        }
    }

    fn in_pattern(&self) -> bool {
        self.cases.last().is_some_and(|case| case.in_pattern)
    }

    fn pattern_ends(&mut self, words: &mut Vec<String>) -> bool {
        let Some(case) = self.cases.last_mut().filter(|case| case.in_pattern) else { return false };
        case.in_pattern = false;
        let only_others =
            !words.is_empty() && words.iter().all(|word| NOT_INSTALL.contains(&word.as_str()) || word == "*");
        case.applies = !(case.on_action && only_others);
        words.clear();
        true
    }

    fn arm_ends(&mut self) {
        if let Some(case) = self.cases.last_mut() {
            case.in_pattern = true;
        }
    }

    fn command(&mut self, mut words: Vec<String>, output: Option<String>, generated: bool) {
        if self.in_pattern() {
            // Between arms only `esac` can be.
            if words.iter().any(|word| word == "esac") {
                self.cases.pop();
            }
            // `a | b)` comes in parts; they are patterns.
            return;
        }
        loop {
            match words.first().map(String::as_str) {
                Some("esac") => drop(self.cases.pop()),
                Some(word) if KEYWORDS.contains(&word) => {}
                _ => break,
            }
            words.remove(0);
        }
        if words.first().is_some_and(|word| word == "for") && words.get(2).is_some_and(|word| word == "in") {
            let values = words[3..].iter().map(|word| self.expanded(word)).collect::<Vec<_>>();
            let values =
                values.iter().flat_map(|value| value.split_whitespace()).map(str::to_owned).collect();
            self.variables.insert(words[1].clone(), values);
            return;
        }
        while let Some((name, value)) = words.first().and_then(|word| assignment(word)) {
            let value = self.expanded(value);
            // A second value makes it unknown, unless this is where the first one is changed conditionally anyway.
            self.variables.entry(name.to_owned()).or_insert_with(|| vec![value]);
            words.remove(0);
        }
        if words.is_empty() || self.cases.iter().any(|case| !case.applies) {
            return;
        }
        // At most one loop variable of several values is written out, the first.
        let many = words.iter().flat_map(|word| variables_in(word)).find_map(|(_, name, _)| {
            self.variables
                .get(name)
                .filter(|values| values.len() > 1)
                .map(|values| (name.to_owned(), values.clone()))
        });
        let (name, values) = many.unwrap_or_else(|| (String::new(), vec![String::new()]));
        for value in values {
            if self.found.len() >= MAX_COMMANDS {
                return;
            }
            let saved = (!name.is_empty()).then(|| self.variables.insert(name.clone(), vec![value]));
            let words = words.iter().map(|word| self.expanded(word)).collect();
            let output = output.as_ref().map(|file| self.expanded(file));
            self.found.push(Command { words, output, generated });
            if let Some(Some(saved)) = saved {
                self.variables.insert(name.clone(), saved);
            }
        }
    }

    /// The word with variables of one value put in.
    fn expanded(&self, word: &str) -> String {
        // In an empty root nothing is diverted: a file's true name is its name.
        if let Some(file) =
            word.strip_prefix("$(dpkg-divert --truename ").and_then(|rest| rest.strip_suffix(')'))
        {
            return self.expanded(file.trim());
        }
        let mut out = String::new();
        let mut rest = word;
        while let Some((before, name, after)) = variables_in(rest).next() {
            out.push_str(before);
            match self.variables.get(name).map(Vec::as_slice) {
                Some([value]) => out.push_str(value),
                _ => out.push_str(&rest[before.len()..rest.len() - after.len()]),
            }
            // Values that refer to themselves would grow without end.
            rest = after;
            if out.len() > MAX_WORD {
                break;
            }
        }
        out.push_str(rest);
        out
    }
}

fn assignment(word: &str) -> Option<(&str, &str)> {
    let (name, value) = word.split_once('=')?;
    let plain = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    (plain && !name.starts_with(|c: char| c.is_ascii_digit())).then_some((name, value))
}

/// Plain references (`$name`, `${name}`) in a word: what is before, the name, what is after.
fn variables_in(word: &str) -> impl Iterator<Item = (&str, &str, &str)> {
    word.match_indices('$').filter_map(move |(at, _)| {
        let rest = &word[at + 1..];
        if let Some(inner) = rest.strip_prefix('{') {
            let end = inner.find('}')?;
            let name = &inner[..end];
            let plain = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            plain.then(|| (&word[..at], name, &inner[end + 1..]))
        } else {
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
            (end > 0 && !rest.starts_with(|c: char| c.is_ascii_digit()))
                .then(|| (&word[..at], &rest[..end], &rest[end..]))
        }
    })
}
