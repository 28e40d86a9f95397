//! What a registry wants to hear: `WWW-Authenticate` (RFC 9110, 11.6.1; the distribution project's token specification).

use std::collections::BTreeMap;

use longshore_net::{HeaderMap, header};

/// How a registry wants to be told who we are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// Name and password with each request.
    Basic,
    /// A token, to be had at `realm`.
    Bearer {
        /// The token server.
        realm: String,
        /// Whom the token is for.
        service: Option<String>,
        /// What it should allow, as the registry sees it.
        scope: Option<String>,
        /// Why the token that was sent did not do.
        error: Option<String>,
    },
}

impl Challenge {
    /// The challenge of an answer that we can meet; a token rather than a password where both would do.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let lines = headers.get_all(header::WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
        let all: Vec<_> = lines.flat_map(parse).collect();
        let bearer = all.iter().find(|challenge| matches!(challenge, Self::Bearer { .. }));
        bearer.or(all.first()).cloned()
    }
}

/// The challenges of one header line that we know.
fn parse(line: &str) -> Vec<Challenge> {
    let mut challenges: Vec<(String, BTreeMap<String, String>)> = Vec::new();
    let mut rest = line.trim_start_matches([' ', ',']);
    while !rest.is_empty() {
        let word = rest.len() - rest.trim_start_matches(is_token).len();
        if word == 0 {
            break;
        }
        let (name, after) = rest.split_at(word);
        match after.trim_start().strip_prefix('=') {
            Some(value) => {
                let (value, left) = parameter(value.trim_start());
                if let Some((_, parameters)) = challenges.last_mut() {
                    parameters.insert(name.to_ascii_lowercase(), value);
                }
                rest = left;
            }
            None => {
                challenges.push((name.to_ascii_lowercase(), BTreeMap::new()));
                rest = after;
            }
        }
        rest = rest.trim_start_matches([' ', ',']);
    }
    challenges.into_iter().filter_map(|(scheme, parameters)| known(&scheme, parameters)).collect()
}

fn known(scheme: &str, mut parameters: BTreeMap<String, String>) -> Option<Challenge> {
    match scheme {
        "basic" => Some(Challenge::Basic),
        "bearer" => Some(Challenge::Bearer {
            realm: parameters.remove("realm")?,
            service: parameters.remove("service"),
            scope: parameters.remove("scope"),
            error: parameters.remove("error"),
        }),
        _ => None,
    }
}

/// A value, in quotes or not, and what follows it.
fn parameter(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([',', ' ']).unwrap_or(text.len());
        return (text[..end].to_owned(), &text[end..]);
    };
    let (mut value, mut escaped) = (String::new(), false);
    for (at, c) in quoted.char_indices() {
        match c {
            _ if escaped => {
                value.push(c);
                escaped = false;
            }
            '\\' => escaped = true,
            '"' => return (value, &quoted[at + 1..]),
            _ => value.push(c),
        }
    }
    (value, "")
}

/// RFC 9110, 5.6.2.
fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bearer(realm: &str, service: Option<&str>, scope: Option<&str>) -> Challenge {
        let own = |text: Option<&str>| text.map(str::to_owned);
        Challenge::Bearer { realm: realm.to_owned(), service: own(service), scope: own(scope), error: None }
    }

    #[test]
    fn challenges_of_registries() {
        for (line, expected) in [
            (
                r#"Bearer realm="https://auth.example/token",service="registry.example",scope="repository:a/b:pull,push""#,
                vec![bearer(
                    "https://auth.example/token",
                    Some("registry.example"),
                    Some("repository:a/b:pull,push"),
                )],
            ),
            (r#"Basic realm="Registry""#, vec![Challenge::Basic]),
            (
                r#"Basic realm="a, b", bearer service=x , realm="https://t""#,
                vec![Challenge::Basic, bearer("https://t", Some("x"), None)],
            ),
            (r#"Bearer realm="say \"no\"""#, vec![bearer("say \"no\"", None, None)]),
            ("Negotiate", vec![]),
            ("Bearer service=\"no realm\"", vec![]),
            ("Bearer realm=\"never closed", vec![bearer("never closed", None, None)]),
            ("=, =\"", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(parse(line), expected, "{line}");
        }
    }

    #[test]
    fn a_token_is_better_than_a_password() {
        let mut headers = HeaderMap::new();
        headers.append(header::WWW_AUTHENTICATE, "Basic realm=x".parse().unwrap());
        headers.append(header::WWW_AUTHENTICATE, "Bearer realm=y".parse().unwrap());
        assert_eq!(Challenge::of(&headers), Some(bearer("y", None, None)));
    }
}
