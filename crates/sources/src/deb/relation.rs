//! Relations between packages: the grammar of `Depends`, `Conflicts`, `Provides` and their like (Debian policy 7.1).

use std::cmp::Ordering;
use std::fmt;

/// One alternative of a relation field: `name:qualifier (>= version) [architectures] <profiles>`.
///
/// Build profiles are read over: binary packages have none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Relation<'a> {
    /// The package.
    pub name: &'a str,
    /// `any`, `native` or an architecture.
    pub qualifier: Option<&'a str>,
    /// The versions of it that are meant; none for all.
    pub version: Option<(Comparison, &'a str)>,
    /// What is between brackets: architectures, all plain or all with an exclamation mark.
    pub restriction: Option<&'a str>,
}

/// How versions are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Comparison {
    /// `<<`
    Earlier,
    /// `<=`, and the obsolete `<`
    EarlierOrEqual,
    /// `=`
    Exactly,
    /// `>=`, and the obsolete `>`
    LaterOrEqual,
    /// `>>`
    Later,
}

/// Text that is no relation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a relation of the form `name (>= version)`")]
pub struct RelationError {
    /// What was read, shortened to 200 characters.
    pub text: String,
}

/// The groups of a field, all of which are meant; empty ones are left out. Each is taken apart by [`alternatives`].
pub fn groups(field: &str) -> impl Iterator<Item = &str> {
    field.split(',').map(str::trim).filter(|group| !group.is_empty())
}

/// The alternatives of a group, one of which is meant, in order.
pub fn alternatives(group: &str) -> impl Iterator<Item = Result<Relation<'_>, RelationError>> {
    group.split('|').map(Relation::parse)
}

impl<'a> Relation<'a> {
    /// Reads one alternative.
    pub fn parse(text: &'a str) -> Result<Self, RelationError> {
        Self::parts(text.trim())
            .ok_or_else(|| RelationError { text: text.trim().chars().take(200).collect() })
    }

    fn parts(text: &'a str) -> Option<Self> {
        let end = text.find(|c: char| c.is_ascii_whitespace() || "([<".contains(c)).unwrap_or(text.len());
        let (head, mut rest) = text.split_at(end);
        let (name, qualifier) = head.split_once(':').map_or((head, None), |(n, q)| (n, Some(q)));
        let plain = |text: &str| !text.is_empty() && !text.contains([')', ']', '>', ':', '=']);
        if !plain(name) || !qualifier.is_none_or(plain) {
            return None;
        }
        let mut relation = Self { name, qualifier, version: None, restriction: None };
        loop {
            rest = rest.trim_start();
            match rest.as_bytes().first() {
                None => return Some(relation),
                Some(b'(') if relation.version.is_none() && relation.restriction.is_none() => {
                    let (inner, after) = rest[1..].split_once(')')?;
                    relation.version = Some(Comparison::split(inner.trim())?);
                    rest = after;
                }
                Some(b'[') if relation.restriction.is_none() => {
                    let (inner, after) = rest[1..].split_once(']')?;
                    relation.restriction = Some(inner.trim());
                    rest = after;
                }
                Some(b'<') => rest = rest.split_once('>')?.1,
                Some(_) => return None,
            }
        }
    }

    /// Whether the bracketed list lets the relation count on `architecture`.
    pub fn applies(&self, architecture: &str) -> bool {
        let Some(list) = self.restriction else { return true };
        let mut negative = false;
        for item in list.split_ascii_whitespace() {
            let (excluded, pattern) = item.strip_prefix('!').map_or((false, item), |p| (true, p));
            if matches_architecture(pattern, architecture) {
                return !excluded;
            }
            negative |= excluded;
        }
        negative
    }

    /// Whether packages of `architecture` (and of architecture `all`) are meant where that is the only one installed.
    pub fn names_architecture(&self, architecture: &str) -> bool {
        self.qualifier.is_none_or(|q| q == "any" || q == "native" || q == architecture)
    }
}

/// `any`, `linux-any`, `any-amd64`, `linux-amd64` and `amd64`, for Linux.
fn matches_architecture(pattern: &str, architecture: &str) -> bool {
    match pattern.split_once('-') {
        None => pattern == "any" || pattern == architecture,
        Some((os, cpu)) => matches!(os, "any" | "linux") && (cpu == "any" || cpu == architecture),
    }
}

impl Comparison {
    /// Whether it holds where versions stand in `order`.
    pub fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Earlier => order.is_lt(),
            Self::EarlierOrEqual => order.is_le(),
            Self::Exactly => order.is_eq(),
            Self::LaterOrEqual => order.is_ge(),
            Self::Later => order.is_gt(),
        }
    }

    /// What is between parentheses.
    fn split(text: &str) -> Option<(Self, &str)> {
        let operators = [
            ("<<", Self::Earlier),
            ("<=", Self::EarlierOrEqual),
            (">>", Self::Later),
            (">=", Self::LaterOrEqual),
            ("<", Self::EarlierOrEqual),
            (">", Self::LaterOrEqual),
            ("=", Self::Exactly),
        ];
        let (comparison, rest) = operators.iter().find_map(|(o, c)| Some((*c, text.strip_prefix(o)?)))?;
        let version = rest.trim();
        let plain =
            !version.is_empty() && !version.contains(|c: char| c.is_ascii_whitespace() || "(<=>".contains(c));
        plain.then_some((comparison, version))
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Earlier => "<<",
            Self::EarlierOrEqual => "<=",
            Self::Exactly => "=",
            Self::LaterOrEqual => ">=",
            Self::Later => ">>",
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(field: &str) -> String {
        let one = |r: Result<Relation<'_>, RelationError>| match r {
            Err(_) => "error".to_owned(),
            Ok(r) => {
                let qualifier = r.qualifier.map(|q| format!(":{q}")).unwrap_or_default();
                let version = r.version.map(|(c, v)| format!("({c}{v})")).unwrap_or_default();
                let restriction = r.restriction.map(|l| format!("[{l}]")).unwrap_or_default();
                format!("{}{qualifier}{version}{restriction}", r.name)
            }
        };
        groups(field)
            .map(|g| alternatives(g).map(one).collect::<Vec<_>>().join("|"))
            .collect::<Vec<_>>()
            .join(",")
    }

    #[test]
    fn grammar() {
        let table = [
            ("libc6 (>= 2.36), awk|mawk , ", "libc6(>=2.36),awk|mawk"),
            ("python3:any, perl:native(<<5)", "python3:any,perl:native(<<5)"),
            ("a (< 1), b (> 1), c(=1:2-3), d (<=1), e (>>1)", "a(<=1),b(>=1),c(=1:2-3),d(<=1),e(>>1)"),
            (
                "a [amd64 !i386] <!nocheck> <cross>, b (>= 1) [ linux-any ]",
                "a[amd64 !i386],b(>=1)[linux-any]",
            ),
            ("a\n | b", "a|b"),
            ("a |", "a|error"),
            ("a b", "error"),
            ("a (1)", "error"),
            ("a (>=)", "error"),
            ("a (>= 1", "error"),
            ("a (=> 1)", "error"),
            ("(>= 1)", "error"),
            ("a: (>= 1)", "error"),
            ("a:b:c", "error"),
        ];
        for (field, expected) in table {
            assert_eq!(shown(field), expected, "{field}");
        }
    }

    #[test]
    fn architectures() {
        let table = [
            ("a", true),
            ("a [amd64]", true),
            ("a [i386 amd64]", true),
            ("a [i386]", false),
            ("a [!i386]", true),
            ("a [!amd64 !i386]", false),
            ("a [linux-any]", true),
            ("a [any-amd64]", true),
            ("a [any]", true),
            ("a [hurd-any]", false),
            ("a []", false),
        ];
        for (text, expected) in table {
            assert_eq!(Relation::parse(text).unwrap().applies("amd64"), expected, "{text}");
        }
        for (text, expected) in
            [("a", true), ("a:any", true), ("a:native", true), ("a:amd64", true), ("a:x32", false)]
        {
            assert_eq!(Relation::parse(text).unwrap().names_architecture("amd64"), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in "[a-b:|,()<=>\\[\\]! \n\u{e9}0-9]{0,60}") {
            for relation in groups(&text).flat_map(alternatives).flatten() {
                prop_assert!(!relation.name.is_empty());
                relation.applies("amd64");
            }
        }
    }
}
