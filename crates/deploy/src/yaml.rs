//! YAML text that every reader takes the same way.
//!
//! Kubernetes' tools read YAML 1.1, Compose mostly 1.2: a text that is a number, a time or a truth value in either of them is
//! quoted. Texts of several lines are literal blocks, so that a configuration file can be read where it lies; nothing is folded.

use serde::Serialize;

/// A value that YAML can't say.
#[derive(Debug, thiserror::Error)]
#[error("can't be written as YAML: {0}")]
pub struct Error(String);

/// A value as one block of YAML, ending with a line break. Keys come in the order in which the value gives them.
pub fn text(value: &impl Serialize) -> Result<String, Error> {
    let options = serde_saphyr::ser_options! { folded_wrap_chars: usize::MAX };
    let mut text =
        serde_saphyr::to_string_with_options(value, options).map_err(|error| Error(error.to_string()))?;
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(text)
}

/// Text as a comment, a sign before each of its lines, ending with a line break. TOML and systemd's units have the same.
pub fn comment(text: &str) -> String {
    let lines = text.split(['\n', '\r']).map(|line| match line {
        "" => "#\n".to_owned(),
        line => format!("# {line}\n"),
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn check(value: impl Serialize, expected: &str) {
        assert_eq!(text(&value).unwrap(), expected);
    }

    /// What some reader takes for anything but text is quoted; numbers and truth values are not.
    #[test]
    fn texts_stay_texts() {
        for ambiguous in [
            "yes",
            "No",
            "on",
            "y",
            "~",
            "null",
            "1",
            "1.5",
            "1e3",
            "0x1F",
            "0o17",
            "017",
            "22:22",
            "1_000",
            "2020-01-01",
            "",
            "=",
            "<<",
            ".inf",
        ] {
            let written = text(&BTreeMap::from([("key", ambiguous)])).unwrap();
            assert!(
                [format!("key: '{ambiguous}'\n"), format!("key: \"{ambiguous}\"\n")].contains(&written),
                "{written}"
            );
        }
        check(BTreeMap::from([("key", true)]), "key: true\n");
        check(BTreeMap::from([("key", 7)]), "key: 7\n");
        check(BTreeMap::from([("key", "10001:10001")]), "key: 10001:10001\n");
        check(BTreeMap::from([("on", "a: b # c")]), "\"on\": \"a: b # c\"\n");
        check(BTreeMap::from([("key", "127.0.0.1:80:80")]), "key: 127.0.0.1:80:80\n");
    }

    /// Long lines stay lines, and texts of several lines are blocks with the ending that they have.
    #[test]
    fn texts_can_be_read() {
        let long = "word ".repeat(60) + "end";
        check(BTreeMap::from([("key", &long)]), &format!("key: {long}\n"));
        check(BTreeMap::from([("key", "a:\n  b: 1\n")]), "key: |\n  a:\n    b: 1\n");
        check(BTreeMap::from([("key", "a\nb")]), "key: |-\n  a\n  b\n");
        check(BTreeMap::from([("key", "a\n\n")]), "key: |+\n  a\n\n");
        check(BTreeMap::from([("key", "  a\nb\n")]), "key: |2\n    a\n  b\n");
        check(BTreeMap::from([("key", "a\tb\r\nc")]), "key: \"a\\tb\\r\\nc\"\n");
        check(BTreeMap::from([("key", vec!["-a", "b"])]), "key:\n- -a\n- b\n");
    }

    #[test]
    fn comments_have_a_sign_on_every_line() {
        assert_eq!(comment("a\n\nb: c"), "# a\n#\n# b: c\n");
        assert_eq!(comment("a\rb: c"), "# a\n# b: c\n");
    }
}
