//! Package URLs (ECMA-427): `scheme:type/namespace/name@version?qualifiers#subpath`.

use std::fmt::Write as _;

/// A package URL as it grows; qualifiers come out sorted, empty ones not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purl {
    kind: &'static str,
    /// Namespace and name.
    path: Vec<String>,
    version: String,
    qualifiers: Vec<(&'static str, String)>,
}

impl Purl {
    /// `pkg:kind/path`; the slashes of `path` stay.
    pub fn new(kind: &'static str, path: &str) -> Self {
        let path = path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
        Self { kind, path, version: String::new(), qualifiers: Vec::new() }
    }

    /// At that version.
    pub fn version(self, version: &str) -> Self {
        Self { version: version.to_owned(), ..self }
    }

    /// With `name=value`.
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.qualifiers.push((name, value.into()));
        self.qualifiers.sort();
        self
    }

    /// As it is written.
    pub fn text(&self) -> String {
        let path: Vec<_> = self.path.iter().map(|part| encode(part)).collect();
        let mut text = format!("pkg:{}/{}", self.kind, path.join("/"));
        // Writing to a `String` can't fail.
        if !self.version.is_empty() {
            let _ = write!(text, "@{}", encode(&self.version));
        }
        let mut separator = '?';
        for (name, value) in self.qualifiers.iter().filter(|(_, value)| !value.is_empty()) {
            let _ = write!(text, "{separator}{name}={}", encode(value));
            separator = '&';
        }
        text
    }
}

/// Everything but letters, digits, `.-_~` and the colon as percent and hex (ECMA-427, "Character encoding").
fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' | b'~' | b':' => {
                out.push(byte.into())
            }
            other => {
                // Writing to a `String` can't fail.
                let _ = write!(out, "%{other:02X}");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::Purl;

    #[test]
    fn written_as_the_standard_says() {
        let deb = Purl::new("deb", "debian/libstdc++6").version("1:14.2.0-19+b1").with("distro", "debian-13");
        assert_eq!(
            deb.with("arch", "amd64").text(),
            "pkg:deb/debian/libstdc%2B%2B6@1:14.2.0-19%2Bb1?arch=amd64&distro=debian-13"
        );
        assert_eq!(Purl::new("npm", "@scope/name").version("1.0.0").text(), "pkg:npm/%40scope/name@1.0.0");
        let oci = Purl::new("oci", "web").with("tag", "").with("repository_url", "registry.example/a/web");
        assert_eq!(oci.text(), "pkg:oci/web?repository_url=registry.example%2Fa%2Fweb");
    }
}
