//! Names as Kubernetes takes them.

use longshore_oci::Digest;

/// Most characters of a label (RFC 1123, section 2.1), which most names are.
pub(super) const LABEL: usize = 63;
/// Most characters of a port's name (RFC 6335, section 5.1).
const PORT: usize = 15;

/// `text` if it is a label of at most `max` characters; else the nearest one, with a piece of a digest so that two different
/// texts stay different.
pub(super) fn label(text: &str, max: usize) -> String {
    if is_label(text) && text.len() <= max {
        return text.to_owned();
    }
    let plain: String =
        text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    let digest = &digest(text.as_bytes())[..6];
    let room = max.saturating_sub(digest.len() + 1);
    let cut: String = plain.trim_matches('-').chars().take(room).collect();
    match cut.trim_end_matches('-') {
        "" => format!("x{digest}"),
        // Services' names begin with a letter (RFC 1035); other names may as well.
        cut if cut.starts_with(|c: char| c.is_ascii_digit()) => format!("x{digest}"),
        cut => format!("{cut}-{digest}"),
    }
}

fn is_label(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.ends_with(plain)
        && text.chars().all(|c| plain(c) || c == '-')
}

/// The name of a port: `otlp_grpc` → `otlp-grpc`; by its number when nothing like the name is allowed.
pub(super) fn port(name: &str, number: u16) -> String {
    let name = name.replace('_', "-");
    let ok = is_label(&name) && name.len() <= PORT && !name.contains("--");
    if ok { name } else { format!("port-{number}") }
}

/// The key of a file in a ConfigMap: `/etc/web/a.yaml` → `etc.web.a.yaml`. May be the same for two paths.
pub(super) fn key(path: &str) -> String {
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let key: String = path
        .trim_start_matches('/')
        .chars()
        .map(|c| match c {
            '/' => '.',
            c if fine(c) => c,
            _ => '_',
        })
        .collect();
    // A key may be as long as a path is not, and `..` at its beginning means something else.
    if key.len() > 200 || key.starts_with("..") || key == "." { digest(path.as_bytes()) } else { key }
}

/// What is nearest to `text` of what a label's value may be; none when nothing is.
pub(super) fn label_value(text: &str) -> Option<String> {
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let ends = |c: char| !c.is_ascii_alphanumeric();
    let value: String = text.chars().map(|c| if fine(c) { c } else { '-' }).take(LABEL).collect();
    Some(value.trim_matches(ends).to_owned()).filter(|value| !value.is_empty())
}

/// Ten hex digits that stand for `bytes`: names that change when they do.
pub(super) fn digest(bytes: &[u8]) -> String {
    Digest::of(bytes).hex()[..10].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_kept_or_made() {
        assert_eq!(label("my-web", 63), "my-web");
        assert_eq!(label("my.web_x", 63), "my-web-x-5803cb");
        assert_ne!(label("my.web", 63), label("my_web", 63));
        assert_eq!(label(&"a".repeat(60), 20).len(), 20);
        assert_eq!(label("7up", 63).len(), 7);
        assert_eq!(label("--", 63).len(), 7);
    }

    #[test]
    fn ports_have_short_names() {
        assert_eq!(port("otlp_grpc", 4317), "otlp-grpc");
        assert_eq!(port("a__b", 1), "port-1");
        assert_eq!(port("a_", 1), "port-1");
        assert_eq!(port("much-too-long-for-one", 65535), "port-65535");
    }

    #[test]
    fn keys_are_paths_in_one_word() {
        assert_eq!(key("/etc/web/a.yaml"), "etc.web.a.yaml");
        assert_eq!(key("/etc/a b"), "etc.a_b");
        assert_eq!(key("/..a").len(), 10);
        assert_eq!(key(&"/a".repeat(300)).len(), 10);
    }

    #[test]
    fn values_of_labels() {
        assert_eq!(label_value("1.2.3+build"), Some("1.2.3-build".to_owned()));
        assert_eq!(label_value("-"), None);
        assert_eq!(label_value(&"1-".repeat(60)).unwrap().len(), 63);
    }
}
