//! Does a variable look like a secret? Whoever can pull an image can read its environment.

/// Parts of names that secrets go by.
const NAMES: [&str; 10] = [
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "SECRET",
    "TOKEN",
    "CREDENTIALS",
    "APIKEY",
    "API_KEY",
    "ACCESS_KEY",
    "PRIVATE_KEY",
];
/// How well-known kinds of secret begin.
const BEGINNINGS: [&str; 10] = [
    "-----BEGIN ",
    "AKIA",
    "ghp_",
    "gho_",
    "github_pat_",
    "glpat-",
    "xoxb-",
    "xoxp-",
    "sk_live_",
    "eyJhbGciOi",
];

/// Why `name = value` looks like a secret; the value is never repeated.
pub(super) fn reason(name: &str, value: &str) -> Option<&'static str> {
    if value.is_empty() {
        return None;
    }
    if BEGINNINGS.iter().any(|beginning| value.starts_with(beginning)) {
        return Some("its value is written like a key or token");
    }
    let authority = value.split_once("://").map(|(_, rest)| rest.split('/').next().unwrap_or_default());
    if authority.and_then(|authority| authority.rsplit_once('@')).is_some_and(|(user, _)| user.contains(':'))
    {
        return Some("its value is an address with a password");
    }
    let name = name.to_ascii_uppercase();
    // A file's path or a switch is no secret, whatever the variable is called.
    let harmless = name.ends_with("_FILE")
        || name.ends_with("_PATH")
        || value.starts_with('/')
        || matches!(value, "true" | "false" | "0" | "1");
    (!harmless && NAMES.iter().any(|part| name.contains(part))).then_some("its name is that of a secret")
}
