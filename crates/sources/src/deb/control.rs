//! Control data: paragraphs of fields (`deb822(5)`), read without copying.
//!
//! `Packages` and `Release` files, and the `control` file of a package, are all this format. Names are compared without
//! case; where a field occurs twice, the first counts. Nothing is allocated, so the text bounds the work.

use std::iter::FusedIterator;

/// The paragraphs of a text, in order.
#[derive(Debug, Clone)]
pub struct Paragraphs<'a> {
    rest: &'a str,
    line: usize,
}

/// One paragraph: at least one field, every line checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paragraph<'a> {
    text: &'a str,
    line: usize,
}

/// A line that is neither a field nor the continuation of one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} is neither `Field: value` nor the continuation of a field: `{text}`")]
pub struct ControlError {
    /// Its number in the text, from 1.
    pub line: usize,
    /// It, shortened to 100 characters.
    pub text: String,
}

impl<'a> Paragraphs<'a> {
    /// The paragraphs of `text`.
    pub fn new(text: &'a str) -> Self {
        Self { rest: text, line: 1 }
    }
}

impl<'a> Iterator for Paragraphs<'a> {
    type Item = Result<Paragraph<'a>, ControlError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (line, rest) = split_line(self.rest);
            if self.rest.is_empty() {
                return None;
            }
            if !is_blank(line) && !line.starts_with('#') {
                break;
            }
            self.rest = rest;
            self.line += 1;
        }
        let (start, first) = (self.rest, self.line);
        let mut inside = false;
        let mut problem = None;
        loop {
            let (line, rest) = split_line(self.rest);
            if line.is_empty() && rest.is_empty() || is_blank(line) {
                break;
            }
            let good = match line.as_bytes()[0] {
                b'#' => true,
                b' ' | b'\t' => inside,
                _ => field_name(line).is_some(),
            };
            inside |= good;
            if !good && problem.is_none() {
                problem = Some(ControlError { line: self.line, text: line.chars().take(100).collect() });
            }
            self.rest = rest;
            self.line += 1;
        }
        let text = &start[..start.len() - self.rest.len()];
        Some(problem.map_or(Ok(Paragraph { text, line: first }), Err))
    }
}

impl FusedIterator for Paragraphs<'_> {}

impl<'a> Paragraph<'a> {
    /// The paragraph as it is in the text.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// The number of its first line in the text, from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The fields in order: name as written, and value. A value has no blanks around it; one of several lines keeps its
    /// line ends and the blanks that continue it ([`lines`] takes it apart).
    pub fn fields(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        let mut rest = self.text;
        std::iter::from_fn(move || {
            loop {
                let (line, after) = split_line(rest);
                if rest.is_empty() {
                    return None;
                }
                let here = rest;
                rest = after;
                let Some(name) = field_name(line) else { continue };
                let mut end = line.len();
                loop {
                    let (line, after) = split_line(rest);
                    match line.as_bytes().first() {
                        Some(b' ' | b'\t') => end = here.len() - rest.len() + line.len(),
                        Some(b'#') => {}
                        _ => break,
                    }
                    rest = after;
                }
                return Some((name, here[name.len() + 1..end].trim()));
            }
        })
    }

    /// The value of a field; see [`Paragraph::fields`].
    pub fn get(&self, field: &str) -> Option<&'a str> {
        self.fields().find(|(name, _)| name.eq_ignore_ascii_case(field)).map(|(_, value)| value)
    }
}

/// The lines of a value without the blanks around them; comments are left out.
pub fn lines(value: &str) -> impl Iterator<Item = &str> {
    value.lines().filter(|line| !line.starts_with('#')).map(str::trim)
}

/// The first line, without its end, and the text after it.
fn split_line(text: &str) -> (&str, &str) {
    let (line, rest) = text.split_once('\n').unwrap_or((text, ""));
    (line.strip_suffix('\r').unwrap_or(line), rest)
}

fn is_blank(line: &str) -> bool {
    line.bytes().all(|c| c == b' ' || c == b'\t')
}

/// The name of the field that a line starts.
fn field_name(line: &str) -> Option<&str> {
    let end = line.bytes().position(|c| c == b':')?;
    let name = &line[..end];
    let good = !name.starts_with(['#', '-']) && name.bytes().all(|c| c.is_ascii_graphic());
    (good && !name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn fields_and_paragraphs() {
        let text = "\n# a comment\nPackage: a\nDescription: short\n long\n .\n# inside\n more\nEmpty:\n\n \t\nPACKAGE:b\r\nX: y\r\n\r\nlast: z";
        let all: Vec<_> = Paragraphs::new(text).map(Result::unwrap).collect();
        assert_eq!(all.len(), 3);
        assert_eq!(all[0].line(), 3);
        assert_eq!(all[0].get("package"), Some("a"));
        assert_eq!(
            lines(all[0].get("Description").unwrap()).collect::<Vec<_>>(),
            ["short", "long", ".", "more"]
        );
        assert_eq!(all[0].get("Empty"), Some(""));
        assert_eq!(all[0].get("X"), None);
        assert_eq!(all[1].fields().collect::<Vec<_>>(), [("PACKAGE", "b"), ("X", "y")]);
        assert_eq!(all[2].get("Last"), Some("z"));
    }

    #[test]
    fn bad_lines_are_named() {
        for (text, line) in
            [("A: b\nnonsense\n", 2), (" continues nothing\n", 1), ("A: b\n\n: c\n", 3), ("a b: c", 1)]
        {
            let error = Paragraphs::new(text).find_map(Result::err).unwrap();
            assert_eq!(error.line, line, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in "[a-cA:# \t\r\n\u{e9}-]{0,80}") {
            for paragraph in Paragraphs::new(&text).flatten() {
                prop_assert!(paragraph.fields().count() > 0);
                for (name, value) in paragraph.fields() {
                    prop_assert!(paragraph.get(name).is_some());
                    prop_assert_eq!(value, value.trim());
                }
            }
        }

        #[test]
        fn never_panics_on_anything(text in any::<String>()) {
            Paragraphs::new(&text).for_each(drop);
        }
    }
}
