//! Absolute paths in the middle of text: in arguments, variables and files.

/// `text` with every absolute path in it replaced by what `instead` says of it, if anything.
///
/// A path begins where no other word does (`--data=/srv`, `a:/b`, `"/srv"`), or after the two slashes of an address without a
/// host (`sqlite:///srv/db`); it ends before a blank, a quote, a bracket or a separator.
pub(super) fn with_paths<E>(
    text: &str,
    mut instead: impl FnMut(&str) -> Result<Option<String>, E>,
) -> Result<String, E> {
    let (mut done, mut rest, mut before) = (String::new(), text, None);
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|c| !is_of_path(c)).unwrap_or(rest.len());
        if first != '/' || before.is_some_and(is_of_path) {
            // A whole word, or what separates two.
            let end = end.max(first.len_utf8());
            let (word, left) = rest.split_at(end);
            done.push_str(word);
            (before, rest) = (word.chars().next_back(), left);
            continue;
        }
        let (mut path, left) = rest.split_at(end);
        if let Some(below) = path.strip_prefix("//").filter(|_| before == Some(':')) {
            done.push_str("//");
            path = below;
        }
        let found = if path.starts_with('/') && !path.starts_with("//") { instead(path)? } else { None };
        done.push_str(found.as_deref().unwrap_or(path));
        (before, rest) = (path.chars().next_back(), left);
    }
    Ok(done)
}

fn is_of_path(c: char) -> bool {
    !c.is_whitespace() && !c.is_control() && !"\"'`=:;,|&()<>[]{}$*?!#\\".contains(c)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let instead = |path: &str| Ok::<_, Infallible>(Some(format!("<{path}>")));
        let Ok(done) = super::with_paths(text, instead);
        assert_eq!(done, expected);
    }

    #[test]
    fn paths_are_found_where_they_begin() {
        for (text, expected) in [
            ("/srv", "</srv>"),
            ("--data=/srv/x", "--data=</srv/x>"),
            ("/a:/b:c/d", "</a>:</b>:c/d"),
            ("cat /etc/conf; echo \"/srv\" >/tmp/x", "cat </etc/conf>; echo \"</srv>\" ></tmp/x>"),
            ("paths: ['/a b', /c]", "paths: ['</a> b', </c>]"),
            ("http://web:8080/data", "http://web:8080/data"),
            ("https://web/data", "https://web/data"),
            ("sqlite:///srv/db?mode=ro", "sqlite://</srv/db>?mode=ro"),
            ("file:/srv/db", "file:</srv/db>"),
            ("postgres://db:5432/app", "postgres://db:5432/app"),
            ("text/html, a/b", "text/html, a/b"),
            ("größe=/ü/ß", "größe=</ü/ß>"),
            ("//comment", "//comment"),
            ("", ""),
        ] {
            check(text, expected);
        }
    }
}
