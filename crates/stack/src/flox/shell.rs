//! As much of Bash as needs no shell: commands of plain words, with quotes and variables (POSIX shell command language, 2.2 to
//! 2.6). What needs one is refused, with the line that does.

use std::iter::Peekable;
use std::str::CharIndices;

/// A command: its words, and the line it begins in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Command {
    pub(super) words: Vec<Word>,
    pub(super) line: String,
}

/// A word of a command, in pieces.
pub(super) type Word = Vec<Piece>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// Text without quotes around it.
    Bare(String),
    /// Text that stands for nothing but itself.
    Quoted(String),
    Variable(Reference),
}

/// `$NAME`, `${NAME}`, `${NAME:-default}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reference {
    pub(super) name: String,
    /// What it is where nobody says otherwise.
    pub(super) default: Option<String>,
    pub(super) quotes: Quotes,
}

/// Whether a value is split into words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quotes {
    Double,
    None,
}

/// What can't be told without a shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Impure {
    /// The line.
    pub(crate) line: String,
    /// What it does: `runs a program`.
    pub(crate) does: String,
}

/// The commands of `script`.
pub(super) fn commands(script: &str) -> Result<Vec<Command>, Impure> {
    let mut reader = Reader {
        script,
        rest: script.char_indices().peekable(),
        commands: Vec::new(),
        words: Vec::new(),
        start: 0,
    };
    match reader.read() {
        Ok(()) => Ok(reader.commands),
        // What was read last is in the line.
        Err(does) => {
            let at = reader.position().saturating_sub(1);
            Err(Impure { line: line(script, at), does: does.to_owned() })
        }
    }
}

/// The line of `script` that has the byte `at`.
fn line(script: &str, at: usize) -> String {
    let before = script.as_bytes().get(..at).unwrap_or_default();
    let start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |newline| newline + 1);
    script[start..].lines().next().unwrap_or_default().trim().to_owned()
}

struct Reader<'a> {
    script: &'a str,
    rest: Peekable<CharIndices<'a>>,
    commands: Vec<Command>,
    /// Those of the command that is read.
    words: Vec<Word>,
    /// Where it begins.
    start: usize,
}

type Read<T> = Result<T, &'static str>;

const RUNS: &str = "takes what a program prints";
const JOINS: &str = "joins commands or redirects them";

impl Reader<'_> {
    /// Where what was not read yet begins.
    fn position(&mut self) -> usize {
        self.rest.peek().map_or(self.script.len(), |(at, _)| *at)
    }

    fn peek(&mut self) -> Option<char> {
        self.rest.peek().map(|(_, c)| *c)
    }

    fn next(&mut self) -> Option<char> {
        self.rest.next().map(|(_, c)| c)
    }

    fn next_if(&mut self, wanted: impl Fn(char) -> bool) -> Option<char> {
        self.rest.next_if(|(_, c)| wanted(*c)).map(|(_, c)| c)
    }

    fn read(&mut self) -> Read<()> {
        while let Some(next) = self.peek() {
            match next {
                '\n' | ';' => {
                    self.next();
                    self.end();
                }
                '#' => while self.next_if(|c| c != '\n').is_some() {},
                c if c.is_whitespace() => drop(self.next()),
                _ => {
                    if self.words.is_empty() {
                        self.start = self.position();
                    }
                    let word = self.word()?;
                    // A line that goes on has left nothing.
                    if !word.is_empty() {
                        self.words.push(word);
                    }
                }
            }
        }
        self.end();
        Ok(())
    }

    fn end(&mut self) {
        let words = std::mem::take(&mut self.words);
        if !words.is_empty() {
            self.commands.push(Command { words, line: line(self.script, self.start) });
        }
    }

    fn word(&mut self) -> Read<Word> {
        let mut word: Word = Vec::new();
        while let Some(next) = self.peek() {
            if next.is_whitespace() || next == ';' {
                break;
            }
            self.next();
            match next {
                '\'' => word.push(Piece::Quoted(self.until('\'')?)),
                '"' => self.double(&mut word)?,
                '\\' => match self.next() {
                    Some('\n') => {}
                    Some(escaped) => word.push(Piece::Quoted(escaped.to_string())),
                    None => return Err("ends in the middle of a word"),
                },
                '$' => word.push(self.reference(Quotes::None)?),
                '`' => return Err(RUNS),
                '|' | '&' | '<' | '>' | '(' | ')' => return Err(JOINS),
                '*' | '?' | '[' | ']' | '{' | '}' => return Err("has patterns or conditions of a shell"),
                '~' if starts_path(&word) => return Err("names somebody's home folder"),
                plain => bare(&mut word, plain),
            }
        }
        Ok(word)
    }

    /// The text up to `end`, which is read too.
    fn until(&mut self, end: char) -> Read<String> {
        let mut text = String::new();
        loop {
            match self.next() {
                Some(c) if c == end => return Ok(text),
                Some(c) => text.push(c),
                None => return Err("has a quote that does not end"),
            }
        }
    }

    fn double(&mut self, word: &mut Word) -> Read<()> {
        let mut text = String::new();
        loop {
            match self.next().ok_or("has a quote that does not end")? {
                '"' => break,
                '`' => return Err(RUNS),
                '\\' => match self.next() {
                    Some(escaped @ ('$' | '`' | '"' | '\\')) => text.push(escaped),
                    Some('\n') | None => {}
                    Some(other) => text.extend(['\\', other]),
                },
                '$' => {
                    word.push(Piece::Quoted(std::mem::take(&mut text)));
                    word.push(self.reference(Quotes::Double)?);
                }
                plain => text.push(plain),
            }
        }
        word.push(Piece::Quoted(text));
        Ok(())
    }

    /// What follows a `$`.
    fn reference(&mut self, quotes: Quotes) -> Read<Piece> {
        match self.peek() {
            Some('(') => return Err(RUNS),
            Some('{') => {}
            Some(c) if is_first(c) => {
                let name = self.name();
                return Ok(Piece::Variable(Reference { name, default: None, quotes }));
            }
            Some(c) if c.is_ascii_digit() || "@*#?-$!'\"".contains(c) => {
                return Err("asks the shell for something");
            }
            // A dollar sign that stands for itself.
            _ => return Ok(Piece::Quoted("$".to_owned())),
        }
        self.next();
        let name = self.name();
        let inside = self.until('}')?;
        let default = inside.strip_prefix(":-").or_else(|| inside.strip_prefix('-'));
        let plain = |text: &&str| !text.contains(['$', '`', '"', '\'', '\\', '{', '~']);
        match (name.is_empty(), inside.is_empty(), default.filter(plain)) {
            (false, true, _) => Ok(Piece::Variable(Reference { name, default: None, quotes })),
            (false, _, Some(default)) => {
                Ok(Piece::Variable(Reference { name, default: Some(default.to_owned()), quotes }))
            }
            _ => Err("asks the shell for something"),
        }
    }

    fn name(&mut self) -> String {
        let mut name = String::new();
        while let Some(c) = self.next_if(|c| if name.is_empty() { is_first(c) } else { is_later(c) }) {
            name.push(c);
        }
        name
    }
}

fn bare(word: &mut Word, c: char) {
    match word.last_mut() {
        Some(Piece::Bare(text)) => text.push(c),
        _ => word.push(Piece::Bare(c.to_string())),
    }
}

/// Whether a `~` here would be somebody's home: at the beginning of a word, of a value or of a part of a search path.
fn starts_path(word: &Word) -> bool {
    match word.last() {
        None => true,
        Some(Piece::Bare(text)) => text.ends_with(['=', ':']),
        Some(_) => false,
    }
}

fn is_first(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_'
}

fn is_later(c: char) -> bool {
    is_first(c) || c.is_ascii_digit()
}

/// Whether a variable can be called so (POSIX base definitions, 3.216).
pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(is_first) && text.chars().all(is_later)
}

/// `NAME=value`, taken apart; none of other words.
pub(super) fn assignment(word: &[Piece]) -> Option<(&str, Word)> {
    let Some((Piece::Bare(first), rest)) = word.split_first() else { return None };
    let (name, value) = first.split_once('=').filter(|(name, _)| is_name(name))?;
    let mut word = rest.to_vec();
    if !value.is_empty() {
        word.insert(0, Piece::Bare(value.to_owned()));
    }
    Some((name, word))
}

/// The text of a word of one bare piece.
pub(super) fn plain(word: &[Piece]) -> Option<&str> {
    match word {
        [Piece::Bare(text)] => Some(text),
        _ => None,
    }
}
