//! Tokens: fetched once for what they are for, kept until they run out (the distribution project's token and OAuth2
//! specifications).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use longshore_net::{Http, Method, Request, Sent, StatusCode, Url, basic, header};
use serde::Deserialize;

use super::{Credentials, Secret};
use crate::Error;
use crate::error::Said;

/// More than this is no answer of a token server.
const LIMIT: u64 = 1 << 20;
/// What a token without a word about it lasts (token specification, `expires_in`).
const USUAL: Duration = Duration::from_secs(60);
/// A token is renewed so long before it runs out.
const MARGIN: Duration = Duration::from_secs(10);

/// What is to be done in repositories: `repository:a/b:pull,push`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Scope(BTreeMap<String, BTreeSet<&'static str>>);

impl Scope {
    pub(crate) fn pull(repository: &str) -> Self {
        Self(BTreeMap::from([(repository.to_owned(), BTreeSet::from(["pull"]))]))
    }

    pub(crate) fn push(repository: &str) -> Self {
        Self(BTreeMap::from([(repository.to_owned(), BTreeSet::from(["pull", "push"]))]))
    }

    pub(crate) fn delete(repository: &str) -> Self {
        Self(BTreeMap::from([(repository.to_owned(), BTreeSet::from(["delete", "pull", "push"]))]))
    }

    /// Both.
    pub(crate) fn and(mut self, other: Self) -> Self {
        for (repository, actions) in other.0 {
            self.0.entry(repository).or_default().extend(actions);
        }
        self
    }

    /// What people call it: `push to`.
    pub(crate) fn verb(&self) -> &'static str {
        let has = |action| self.0.values().any(|actions| actions.contains(action));
        match (has("delete"), has("push")) {
            (true, _) => "delete from",
            (false, true) => "push to",
            (false, false) => "pull from",
        }
    }

    fn words(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(|(repository, actions)| {
            let actions: Vec<_> = actions.iter().copied().collect();
            format!("repository:{repository}:{}", actions.join(","))
        })
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words().collect::<Vec<_>>().join(" "))
    }
}

/// The tokens of one registry.
#[derive(Default)]
pub(crate) struct Tokens {
    held: Mutex<BTreeMap<Scope, (Secret, Instant)>>,
}

/// What a token server says.
#[derive(Deserialize)]
struct Answer {
    token: Option<String>,
    access_token: Option<String>,
    expires_in: Option<u64>,
}

/// Where tokens are to be had, and for whom.
pub(crate) struct Office<'a> {
    pub(crate) http: &'a Http,
    /// The registry that sent us.
    pub(crate) host: &'a str,
    pub(crate) realm: &'a str,
    pub(crate) service: Option<&'a str>,
    /// Whether the registry itself is spoken to without TLS.
    pub(crate) plain: bool,
}

impl Tokens {
    /// A token that is there for `scope`.
    pub(crate) fn held(&self, scope: &Scope) -> Option<Secret> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.get(scope).filter(|(_, until)| Instant::now() < *until).map(|(token, _)| token.clone())
    }

    /// Forgets `token`, which the registry did not take.
    pub(crate) fn drop(&self, scope: &Scope, token: &Secret) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.get(scope).is_some_and(|(known, _)| known == token) {
            held.remove(scope);
        }
    }

    /// A new token for `scope`, and for what the registry itself `asked` for, in its words.
    pub(crate) fn fetch(
        &self,
        office: &Office<'_>,
        scope: &Scope,
        asked: Option<&str>,
        credentials: Option<&Credentials>,
    ) -> Result<Secret, Error> {
        let mut words: Vec<String> = scope.words().collect();
        for word in asked.unwrap_or_default().split_whitespace() {
            // `repository:a:pull` says no more than `repository:a:pull,push`.
            let (name, actions) = word.rsplit_once(':').unwrap_or((word, ""));
            let covered = words.iter().any(|known| {
                known.strip_prefix(name).and_then(|rest| rest.strip_prefix(':')).is_some_and(|known| {
                    actions.split(',').all(|action| known.split(',').any(|k| k == action))
                })
            });
            if !covered {
                words.push(word.to_owned());
            }
        }
        let (token, lasts) = office.ask(&words, credentials)?;
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.insert(scope.clone(), (token.clone(), Instant::now() + lasts.saturating_sub(MARGIN)));
        Ok(token)
    }
}

impl Office<'_> {
    fn ask(&self, scopes: &[String], credentials: Option<&Credentials>) -> Result<(Secret, Duration), Error> {
        let bad = |reason: &str| Error::TokenServer { host: self.host.to_owned(), reason: reason.to_owned() };
        let realm: Url = self.realm.parse().map_err(|_| bad("the registry names no address of one"))?;
        let safe = realm.scheme() == "https" || realm.scheme() == "http" && self.plain;
        // Nothing may make us say a password, or take a token, where others can listen.
        if !safe {
            return Err(bad("the registry names one that is not reached safely"));
        }
        let mut pairs: Vec<(&str, &str)> = Vec::new();
        pairs.extend(self.service.map(|service| ("service", service)));
        let identity = match credentials {
            Some(Credentials::Identity(token)) => Some(token),
            _ => None,
        };
        let all = scopes.join(" ");
        let response = match identity {
            Some(token) => {
                pairs.extend([("client_id", "longshore"), ("grant_type", "refresh_token"), ("scope", &all)]);
                pairs.push(("refresh_token", token.reveal()));
                let form = form(&pairs);
                let mut request = Request::new(Method::POST, &realm);
                request.headers.push((header::CONTENT_TYPE, "application/x-www-form-urlencoded".to_owned()));
                request.body = Sent::Bytes(form.as_bytes());
                self.http.send(request)
            }
            None => {
                pairs.extend(scopes.iter().map(|scope| ("scope", scope.as_str())));
                let separator = if self.realm.contains('?') { '&' } else { '?' };
                let url: Url = format!("{}{separator}{}", self.realm, form(&pairs))
                    .parse()
                    .map_err(|_| bad("the registry names no address of one"))?;
                let mut request = Request::new(Method::GET, &url);
                if let Some(Credentials::Password { user, password }) = credentials {
                    request.headers.push((header::AUTHORIZATION, basic(user, password.reveal())));
                }
                self.http.send(request)
            }
        };
        let response =
            response.map_err(|failure| Error::Unreachable { host: realm.host().to_owned(), failure })?;
        let status = response.status;
        let page = response.media_type() == "text/html";
        if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::BAD_REQUEST) {
            let said = Said::of(response);
            return Err(Error::Denied {
                host: self.host.to_owned(),
                action: "log in to",
                repository: None,
                login: credentials.is_some(),
                said,
            });
        }
        if status != StatusCode::OK {
            return Err(bad(&format!("it answered with status {}", status.as_u16())));
        }
        if page {
            return Err(bad("it answered with a web page"));
        }
        let bytes = response
            .bytes(LIMIT)
            .map_err(|failure| Error::Unreachable { host: realm.host().to_owned(), failure })?;
        // Not quoted: the token may be in it.
        let answer: Answer =
            serde_json::from_slice(&bytes).map_err(|_| bad("its answer is not the expected JSON"))?;
        let token = answer.token.filter(|token| !token.is_empty()).or(answer.access_token);
        let token =
            token.filter(|token| !token.is_empty()).ok_or_else(|| bad("its answer holds no token"))?;
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(bad("its answer holds no token"));
        }
        // A day at most: none has to last longer, and the sum must not overflow.
        let lasts = answer.expires_in.map_or(USUAL, |seconds| Duration::from_secs(seconds.min(86_400)));
        Ok((Secret::new(token), lasts.max(USUAL)))
    }
}

/// `application/x-www-form-urlencoded`.
fn form(pairs: &[(&str, &str)]) -> String {
    let encoded = |text: &str| {
        text.bytes().fold(String::new(), |mut out, byte| {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                    out.push(char::from(byte))
                }
                _ => out.push_str(&format!("%{byte:02X}")),
            }
            out
        })
    };
    pairs.iter().map(|(key, value)| format!("{key}={}", encoded(value))).collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_as_the_specification_has_them() {
        let scope = Scope::push("a/b").and(Scope::pull("c")).and(Scope::pull("a/b"));
        assert_eq!(scope.to_string(), "repository:a/b:pull,push repository:c:pull");
        assert_eq!(scope.verb(), "push to");
        assert_eq!(
            form(&[("scope", "repository:a:b"), ("x", "ä &")]),
            "scope=repository%3Aa%3Ab&x=%C3%A4%20%26"
        );
    }
}
