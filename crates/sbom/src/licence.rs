//! Licences: from Debian's machine-readable copyright files to SPDX expressions.
//!
//! Debian's format (<https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/>) has short names of its own. Those
//! that SPDX's list has under some name get that one; the rest stay what they are, as `LicenseRef-NAME`.

use std::collections::{BTreeMap, BTreeSet};

/// Most bytes of a copyright file that are read.
pub(crate) const MAX_COPYRIGHT: u64 = 4 << 20;
/// Past this an expression says nothing to anybody.
const MAX_TERMS: usize = 400;

/// A licence expression (SPDX 2.3, annex D).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Licence {
    expression: String,
    /// Those that SPDX's list lacks: `LicenseRef-NAME` and the name as it was found.
    unlisted: BTreeMap<String, String>,
}

/// Debian's short names in small letters, and SPDX's identifiers.
const NAMES: [(&str, &str); 55] = [
    ("0bsd", "0BSD"),
    ("afl-2.1", "AFL-2.1"),
    ("apache-1.1", "Apache-1.1"),
    ("apache-2", "Apache-2.0"),
    ("apache-2.0", "Apache-2.0"),
    ("artistic", "Artistic-1.0-Perl"),
    ("artistic-1", "Artistic-1.0-Perl"),
    ("artistic-2", "Artistic-2.0"),
    ("artistic-2.0", "Artistic-2.0"),
    ("blueoak-1.0.0", "BlueOak-1.0.0"),
    ("boost-1.0", "BSL-1.0"),
    ("bsd-1-clause", "BSD-1-Clause"),
    ("bsd-2-clause", "BSD-2-Clause"),
    ("bsd-3-clause", "BSD-3-Clause"),
    ("bsd-4-clause", "BSD-4-Clause"),
    ("bsd-4-clause-uc", "BSD-4-Clause-UC"),
    ("bsl-1", "BSL-1.0"),
    ("bsl-1.0", "BSL-1.0"),
    ("bzip2-1.0.6", "bzip2-1.0.6"),
    ("cc-by-3.0", "CC-BY-3.0"),
    ("cc-by-4.0", "CC-BY-4.0"),
    ("cc-by-sa-3.0", "CC-BY-SA-3.0"),
    ("cc-by-sa-4.0", "CC-BY-SA-4.0"),
    ("cc0", "CC0-1.0"),
    ("cc0-1.0", "CC0-1.0"),
    ("cddl", "CDDL-1.0"),
    ("cddl-1.0", "CDDL-1.0"),
    ("cdla-permissive-2.0", "CDLA-Permissive-2.0"),
    ("curl", "curl"),
    ("epl-1.0", "EPL-1.0"),
    ("epl-2.0", "EPL-2.0"),
    ("expat", "MIT"),
    ("ftl", "FTL"),
    ("hpnd", "HPND"),
    ("icu", "ICU"),
    ("ijg", "IJG"),
    ("isc", "ISC"),
    ("mit", "MIT"),
    ("mit-0", "MIT-0"),
    ("mpl-1.1", "MPL-1.1"),
    ("mpl-2.0", "MPL-2.0"),
    ("ms-pl", "MS-PL"),
    ("ncsa", "NCSA"),
    ("ofl-1.1", "OFL-1.1"),
    ("openssl", "OpenSSL"),
    ("osl-3.0", "OSL-3.0"),
    ("psf-2", "PSF-2.0"),
    ("python-2.0", "Python-2.0"),
    ("unicode-3.0", "Unicode-3.0"),
    ("unicode-dfs-2016", "Unicode-DFS-2016"),
    ("unlicense", "Unlicense"),
    ("w3c", "W3C"),
    ("wtfpl", "WTFPL"),
    ("zlib", "Zlib"),
    ("zpl-2.1", "ZPL-2.1"),
];

/// Exceptions of SPDX's list.
const EXCEPTIONS: [&str; 4] =
    ["Classpath-exception-2.0", "GCC-exception-3.1", "LLVM-exception", "OpenSSL-exception"];

/// Families of licences with versions, small and as SPDX has them, and the versions that its list has.
const GNU: [(&str, &str, &[&str]); 4] = [
    ("agpl", "AGPL", &["1.0", "3.0"]),
    ("gfdl", "GFDL", &["1.1", "1.2", "1.3"]),
    ("gpl", "GPL", &["1.0", "2.0", "3.0"]),
    ("lgpl", "LGPL", &["2.0", "2.1", "3.0"]),
];

impl Licence {
    /// The expression.
    pub fn expression(&self) -> &str {
        &self.expression
    }

    /// Those that SPDX's list lacks: `LicenseRef-NAME` and the name as it was found.
    pub fn unlisted(&self) -> &BTreeMap<String, String> {
        &self.unlisted
    }

    /// What a manifest says: an expression, or an older form of one with slashes. What is none stays whole, as one name.
    pub fn of_expression(text: &str) -> Option<Self> {
        let spaced = text.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
        let words: Vec<&str> = spaced.split_whitespace().collect();
        if words.is_empty() || words.len() > MAX_TERMS {
            return None;
        }
        let mut unlisted = BTreeMap::new();
        let mut rest = words.as_slice();
        let expression = match either(&mut rest, &mut unlisted, 0) {
            Some(expression) if rest.is_empty() => expression,
            _ => {
                unlisted.clear();
                term(text, &mut unlisted)
            }
        };
        Some(Self { expression, unlisted })
    }

    /// What the `License` fields of a copyright file's `Files` paragraphs come to, all of them at once. None where the file
    /// is not of the machine-readable format, or too long an expression comes of it.
    pub fn of_copyright(text: &str) -> Option<Self> {
        let mut paragraphs = text.split("\n\n").map(str::trim_start);
        let header = paragraphs.next()?;
        if !field(header, "Format").is_some_and(|format| format.contains("copyright-format")) {
            return None;
        }
        let files = text.split("\n\n").map(|paragraph| paragraph.trim_start_matches('\n'));
        let files = files.filter(|paragraph| field(paragraph, "Files").is_some());
        let mut named: BTreeSet<&str> = files.filter_map(|paragraph| field(paragraph, "License")).collect();
        if named.is_empty() {
            named.extend(field(header, "License"));
        }
        named.retain(|name| !name.is_empty());
        let mut unlisted = BTreeMap::new();
        let mut terms = BTreeSet::new();
        for term in named.iter().filter_map(|name| alternatives(name, &mut unlisted)) {
            match term.contains(" OR ") {
                true => drop(terms.insert(term)),
                false => terms.extend(term.split(" AND ").map(str::to_owned)),
            }
        }
        let expression = match terms.len() {
            0 => return None,
            1 => terms.pop_first()?,
            2..=MAX_TERMS => terms.iter().map(|term| bracket(term, " OR ")).collect::<Vec<_>>().join(" AND "),
            _ => return None,
        };
        Some(Self { expression, unlisted })
    }
}

/// More brackets than this are no expression.
const MAX_DEPTH: usize = 20;

/// Terms with `OR` between them (SPDX 2.3, annex D), taken off `words`. None where there is something else.
fn either(words: &mut &[&str], unlisted: &mut BTreeMap<String, String>, depth: usize) -> Option<String> {
    let mut all = vec![both(words, unlisted, depth)?];
    while let Some(rest) = after(words, "OR") {
        *words = rest;
        all.push(both(words, unlisted, depth)?);
    }
    Some(all.join(" OR "))
}

fn both(words: &mut &[&str], unlisted: &mut BTreeMap<String, String>, depth: usize) -> Option<String> {
    let mut all = vec![simple(words, unlisted, depth)?];
    while let Some(rest) = after(words, "AND") {
        *words = rest;
        all.push(simple(words, unlisted, depth)?);
    }
    Some(all.join(" AND "))
}

fn simple(words: &mut &[&str], unlisted: &mut BTreeMap<String, String>, depth: usize) -> Option<String> {
    let (first, rest) = words.split_first().filter(|_| depth < MAX_DEPTH)?;
    *words = rest;
    if *first == "(" {
        let inner = either(words, unlisted, depth + 1)?;
        *words = after(words, ")")?;
        return Some(if inner.contains(' ') { format!("({inner})") } else { inner });
    }
    if ["AND", "OR", "WITH", ")"].iter().any(|word| first.eq_ignore_ascii_case(word)) {
        return None;
    }
    let Some((exception, rest)) = after(words, "WITH").and_then(<[&str]>::split_first) else {
        return Some(term(first, unlisted));
    };
    *words = rest;
    match (listed(first), EXCEPTIONS.iter().find(|known| known.eq_ignore_ascii_case(exception))) {
        (Some(licence), Some(exception)) => Some(format!("{licence} WITH {exception}")),
        _ => Some(term(&format!("{first} with {exception}"), unlisted)),
    }
}

fn after<'a, 'b>(words: &'a [&'b str], word: &str) -> Option<&'a [&'b str]> {
    words.split_first().filter(|(first, _)| first.eq_ignore_ascii_case(word)).map(|(_, rest)| rest)
}

/// The first line of a field of a paragraph.
fn field<'a>(paragraph: &'a str, name: &str) -> Option<&'a str> {
    paragraph.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then_some(value.trim())
    })
}

/// `GPL-1+ or Artistic, and BSD-3-clause`: a comma binds least, `and` most.
fn alternatives(text: &str, unlisted: &mut BTreeMap<String, String>) -> Option<String> {
    let mut expression: Option<String> = None;
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let (operator, rest) = match part.split_once(' ') {
            Some((word, rest)) if word.eq_ignore_ascii_case("and") => (" AND ", rest),
            Some((word, rest)) if word.eq_ignore_ascii_case("or") => (" OR ", rest),
            _ => (" AND ", part),
        };
        let mut either = Vec::new();
        for part in words(rest, "or") {
            let both: Vec<_> = words(&part, "and").iter().map(|name| term(name, unlisted)).collect();
            either.push(both.join(" AND "));
        }
        let part = match either.len() {
            1 => either.pop()?,
            _ => either.iter().map(|term| bracket(term, " AND ")).collect::<Vec<_>>().join(" OR "),
        };
        expression = Some(match expression {
            None => part,
            Some(before) => {
                let other = if operator == " AND " { " OR " } else { " AND " };
                format!("{}{operator}{}", bracket(&before, other), bracket(&part, other))
            }
        });
    }
    expression
}

/// The parts of `text` between the word `operator`.
fn words(text: &str, operator: &str) -> Vec<String> {
    let mut parts = vec![Vec::new()];
    for word in text.split_whitespace() {
        // `and/or` leaves the choice.
        let is =
            word.eq_ignore_ascii_case(operator) || (operator == "or" && word.eq_ignore_ascii_case("and/or"));
        match parts.last_mut() {
            Some(part) if !is => part.push(word),
            _ => parts.push(Vec::new()),
        }
    }
    parts.into_iter().filter(|part| !part.is_empty()).map(|part| part.join(" ")).collect()
}

fn bracket(term: &str, operator: &str) -> String {
    if term.contains(operator) { format!("({term})") } else { term.to_owned() }
}

/// A licence's name as SPDX has it.
fn term(name: &str, unlisted: &mut BTreeMap<String, String>) -> String {
    if let Some(listed) = listed(name) {
        return listed;
    }
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
    let clean: String = name.replace('+', "-or-later").chars().take(100).map(plain).collect();
    let clean = clean.trim_matches('-');
    let id = format!("LicenseRef-{}", if clean.is_empty() { "unnamed" } else { clean });
    unlisted.entry(id.clone()).or_insert_with(|| name.chars().take(100).collect());
    id
}

fn listed(name: &str) -> Option<String> {
    let small = name.to_ascii_lowercase();
    if let Some((_, id)) = NAMES.iter().find(|(debian, _)| *debian == small) {
        return Some((*id).to_owned());
    }
    let later = small.ends_with('+') || small.ends_with("-or-later");
    let bare = small.trim_end_matches("-or-later").trim_end_matches("-only").trim_end_matches('+');
    let (family, version) = bare.split_once('-')?;
    let (_, family, versions) = GNU.iter().find(|(known, ..)| *known == family)?;
    let version = if version.contains('.') { version.to_owned() } else { format!("{version}.0") };
    let known = versions.iter().find(|known| **known == version)?;
    Some(format!("{family}-{known}-{}", if later { "or-later" } else { "only" }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(licences: &[&str], expected: Option<&str>) {
        let mut text = String::from(
            "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\nUpstream-Name: x\n",
        );
        for licence in licences {
            text += &format!("\nFiles: *\nCopyright: 2020 x\nLicense: {licence}\n Text of it.\n .\n More.\n");
        }
        text += "\nLicense: GPL-3\n Not of any file.\n";
        assert_eq!(Licence::of_copyright(&text).as_ref().map(Licence::expression), expected, "{licences:?}");
    }

    #[test]
    fn expressions_of_manifests() {
        for (text, expected) in [
            ("MIT OR Apache-2.0", Some("MIT OR Apache-2.0")),
            ("MIT/Apache-2.0", Some("MIT OR Apache-2.0")),
            ("(MIT or Apache-2.0) AND Unicode-3.0", Some("(MIT OR Apache-2.0) AND Unicode-3.0")),
            (
                "Apache-2.0 WITH LLVM-exception OR Apache-2.0 OR MIT",
                Some("Apache-2.0 WITH LLVM-exception OR Apache-2.0 OR MIT"),
            ),
            ("GPL-2.0-only WITH Odd", Some("LicenseRef-GPL-2.0-only-with-Odd")),
            ("LGPL-3.0+", Some("LGPL-3.0-or-later")),
            ("SEE LICENSE IN LICENSE.md", Some("LicenseRef-SEE-LICENSE-IN-LICENSE.md")),
            ("(MIT", Some("LicenseRef-MIT")),
            ("MIT OR", Some("LicenseRef-MIT-OR")),
            (" ", None),
        ] {
            assert_eq!(Licence::of_expression(text).as_ref().map(Licence::expression), expected, "{text}");
        }
        assert!(Licence::of_expression(&"(".repeat(300)).is_some());
    }

    #[test]
    fn debian_names_become_expressions() {
        check(&["Expat"], Some("MIT"));
        check(&["GPL-2+", "GPL-2+", "LGPL-2.1"], Some("GPL-2.0-or-later AND LGPL-2.1-only"));
        check(
            &["GPL-1+ or Artistic", "BSD-3-clause"],
            Some("BSD-3-Clause AND (GPL-1.0-or-later OR Artistic-1.0-Perl)"),
        );
        check(
            &["GPL-1+ or Artistic, and BSD-2-clause"],
            Some("(GPL-1.0-or-later OR Artistic-1.0-Perl) AND BSD-2-Clause"),
        );
        check(&["GPL-2+ with OpenSSL exception"], Some("LicenseRef-GPL-2-or-later-with-OpenSSL-exception"));
        check(&["Apache-2.0, and Expat", "Apache-2.0"], Some("Apache-2.0 AND MIT"));
        check(&["public-domain"], Some("LicenseRef-public-domain"));
        check(&["GPL-9"], Some("LicenseRef-GPL-9"));
        check(&["Expat and/or ISC"], Some("MIT OR ISC"));
        check(&[""], None);
        check(&[], None);
        assert_eq!(Licence::of_copyright("This is free software.\n"), None);
        assert_eq!(Licence::of_copyright(""), None);
    }

    /// What SPDX's grammar has, and no other letter.
    fn is_expression(text: &str) -> bool {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-. ()".contains(c))
    }

    proptest! {
        #[test]
        fn whatever_a_manifest_says_is_an_expression(text in any::<String>()) {
            if let Some(licence) = Licence::of_expression(&text) {
                prop_assert!(is_expression(licence.expression()), "{}", licence.expression());
            }
        }

        #[test]
        fn words_of_expressions_in_any_order(text in "((MIT|GPL-2[+]?|X|and|OR|with|[(]|[)]|/|,)[ ]?){0,12}") {
            if let Some(licence) = Licence::of_expression(&text) {
                let open = licence.expression().matches('(').count();
                prop_assert_eq!(open, licence.expression().matches(')').count());
            }
        }

        #[test]
        fn whatever_a_copyright_file_says_is_an_expression(names in prop::collection::vec("[ -~\u{e9}]{0,30}", 0..4)) {
            let mut text = String::from("Format: https://example.org/copyright-format/1.0/\n");
            names.iter().for_each(|name| text += &format!("\nFiles: *\nLicense: {name}\n"));
            if let Some(licence) = Licence::of_copyright(&text) {
                prop_assert!(is_expression(licence.expression()), "{}", licence.expression());
            }
        }
    }
}
