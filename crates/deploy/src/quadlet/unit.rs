//! Units as text (`systemd.syntax(7)`, `podman-systemd.unit(5)`).
//!
//! Podman's generator turns a container's unit into one service, and most of what is said into words of its `ExecStart=`. There
//! systemd takes `%` for a specifier and `$` for a variable, so both are doubled here; words are quoted for the generator, which quotes
//! them anew for systemd.

/// A unit that is being written.
#[derive(Debug, Default)]
pub(super) struct Unit(String);

/// A word that no command of a unit can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unsayable;

impl Unit {
    /// One that begins with a comment.
    pub(super) fn new(comment: &str) -> Self {
        Self(crate::yaml::comment(comment))
    }

    /// Begins a section.
    pub(super) fn section(&mut self, name: &str) {
        self.0.push_str(&format!("\n[{name}]\n"));
    }

    /// A key with a value of which nothing is special but `%` and `$`; without line breaks.
    pub(super) fn set(&mut self, key: &str, value: &str) {
        self.0.push_str(&format!("{key}={}\n", literal(value)));
    }

    /// A key with words.
    pub(super) fn words(&mut self, key: &str, words: &[String]) {
        let words: Vec<String> = words.iter().map(|word| quoted(&literal(word))).collect();
        self.0.push_str(&format!("{key}={}\n", words.join(" ")));
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}

/// A word for [`Unit::words`] that is there at its end.
///
/// Podman's generator takes an empty word for the end of all words, and writes `;` alone without quotes, which systemd takes for the end
/// of the command.
pub(super) fn sayable(word: &str) -> Result<(), Unsayable> {
    if matches!(word, "" | ";") { Err(Unsayable) } else { Ok(()) }
}

/// Text that systemd leaves as it is in a command.
fn literal(text: &str) -> String {
    text.replace('%', "%%").replace('$', "$$")
}

/// A word in quotes where it needs them, with C's escapes.
fn quoted(word: &str) -> String {
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && !matches!(c, '"' | '\'' | '\\');
    if word.chars().all(plain) && !word.is_empty() {
        return word.to_owned();
    }
    let mut text = String::from('"');
    for c in word.chars() {
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            '\n' => text.push_str("\\n"),
            '\t' => text.push_str("\\t"),
            '\r' => text.push_str("\\r"),
            c if c.is_ascii_control() => text.push_str(&format!("\\x{:02x}", u32::from(c))),
            c => text.push(c),
        }
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_they_must_be() {
        let check = |word: &str, expected: &str| {
            let mut unit = Unit::default();
            unit.words("Exec", &[word.to_owned()]);
            assert_eq!(unit.finish(), format!("Exec={expected}\n"));
        };
        check("--a=b,c", "--a=b,c");
        check("a b", "\"a b\"");
        check("100%", "100%%");
        check("$HOME", "$$HOME");
        check("it's \"so\"", "\"it's \\\"so\\\"\"");
        check("a\\", "\"a\\\\\"");
        check("a\n\tb\u{1}", "\"a\\n\\tb\\x01\"");
        check("größer", "größer");
    }
}
