//! The key that requests which write must carry, where one is set.

use subtle::ConstantTimeEq;
use tonic::Code;

use crate::failure::Failure;

#[derive(Clone)]
pub struct ApiKey(Option<String>);

impl ApiKey {
    pub fn new(key: Option<String>) -> Self {
        Self(key)
    }

    /// `header` looks up what the request carries under a name.
    ///
    /// # Errors
    /// If a key is set and the request has no or another one.
    pub fn check<'a>(&self, header: impl Fn(&str) -> Option<&'a str>) -> Result<(), Failure> {
        let Some(key) = &self.0 else { return Ok(()) };
        let bearer = || header("authorization").and_then(|value| value.strip_prefix("Bearer "));
        let given = header("x-api-key").or_else(bearer).unwrap_or_default();
        if bool::from(given.as_bytes().ct_eq(key.as_bytes())) {
            return Ok(());
        }
        let message = "this needs the API key, as `Authorization: Bearer KEY` or `X-API-Key: KEY`";
        Err(Failure::new(Code::Unauthenticated, message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(key: Option<&str>, name: &str, value: &str) -> bool {
        ApiKey::new(key.map(str::to_owned)).check(|asked| (asked == name).then_some(value)).is_ok()
    }

    #[test]
    fn either_header_will_do_and_nothing_else() {
        assert!(check(Some("k1"), "x-api-key", "k1"));
        assert!(check(Some("k1"), "authorization", "Bearer k1"));
        for (name, value) in
            [("x-api-key", "k2"), ("x-api-key", ""), ("authorization", "k1"), ("cookie", "k1")]
        {
            assert!(!check(Some("k1"), name, value), "{name}: {value}");
        }
        assert!(check(None, "cookie", ""));
    }
}
