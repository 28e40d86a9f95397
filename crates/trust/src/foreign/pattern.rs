//! Patterns of ours, in which `*` stands for any characters, in the words of others.

/// As a regular expression (RE2) that fits the same texts from their start to their end.
pub(super) fn regex(pattern: &str) -> String {
    let mut text = String::from("^");
    for character in pattern.chars() {
        match character {
            '*' => text.push_str(".*"),
            '\\' | '^' => text.extend(['\\', character]),
            '.' | '+' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '|' | '$' => {
                text.extend(['[', character, ']'])
            }
            usual => text.push(usual),
        }
    }
    text.push('$');
    text
}

/// Whether there is a text that both fit.
pub(super) fn overlap(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    // `below[j]`: whether what is left of `one` and `other[j..]` fit a text together; from the ends to the starts.
    let mut below = vec![false; other.len() + 1];
    for i in (0..=one.len()).rev() {
        let left = one.get(i);
        let mut row = vec![false; other.len() + 1];
        for j in (0..=other.len()).rev() {
            let right = other.get(j);
            row[j] = match (left, right) {
                (None, None) => true,
                (Some(b'*'), _) if below[j] => true,
                (Some(b'*'), Some(_)) => row[j + 1],
                (_, Some(b'*')) => row[j + 1] || (i < one.len() && below[j]),
                (Some(left), Some(right)) => left == right && below[j + 1],
                (None, Some(_)) | (Some(_), None) => false,
            };
        }
        below = row;
    }
    below[0]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::fits;

    #[test]
    fn regular_expressions_are_anchored_and_escaped() {
        for (pattern, expected) in [
            ("ghcr.io/acme/*", "^ghcr[.]io/acme/.*$"),
            ("*@acme.org", "^.*@acme[.]org$"),
            (r"a\b^c$d+(e)|[f]{g}?", r"^a\\b\^c[$]d[+][(]e[)][|][[]f[]][{]g[}][?]$"),
        ] {
            assert_eq!(regex(pattern), expected);
        }
    }

    #[test]
    fn patterns_overlap_when_a_text_fits_both() {
        for (one, other, expected) in [
            ("a/b", "a/b", true),
            ("a/b", "a/c", false),
            ("a/*", "a/b", true),
            ("a/*", "b/*", false),
            ("*", "a/b", true),
            ("*", "", true),
            ("a/*-prod", "a/b*", true),
            ("a/*-prod", "*-test", false),
            ("a*b", "*ba*b", true),
            ("ab*ba", "aba", false),
            ("*/x", "docker.io/*", true),
        ] {
            assert_eq!((overlap(one, other), overlap(other, one)), (expected, expected), "{one} {other}");
        }
    }

    /// All short patterns over two letters, with all short texts as witnesses.
    #[test]
    fn overlap_agrees_with_trying() {
        let words = |letters: &[char], most: u32| {
            let mut all = vec![String::new()];
            let mut last = all.clone();
            for _ in 0..most {
                last =
                    last.iter().flat_map(|word| letters.iter().map(move |c| format!("{word}{c}"))).collect();
                all.extend(last.iter().cloned());
            }
            all
        };
        let (patterns, texts) = (words(&['a', 'b', '*'], 3), words(&['a', 'b'], 6));
        for one in &patterns {
            for other in &patterns {
                let witness = texts.iter().any(|text| fits(one, text) && fits(other, text));
                assert_eq!(overlap(one, other), witness, "{one} {other}");
            }
        }
    }
}
