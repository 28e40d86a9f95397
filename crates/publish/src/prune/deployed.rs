//! What files that say what runs speak of: Compose files, Kubernetes objects, records of what was pushed. Whatever their form, an
//! image is written in them as `repository@sha256:…` or `repository:tag`, and every digest in them may be one.

use std::collections::BTreeSet;

use longshore_oci::Digest;

/// Images that run somewhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deployed {
    digests: BTreeSet<Digest>,
    /// Words that may be `repository:tag`.
    words: BTreeSet<String>,
}

impl Deployed {
    /// Takes what a file says.
    pub fn read(&mut self, text: &str) {
        for (at, _) in text.match_indices("sha256:") {
            let hex = text.get(at + 7..at + 71).unwrap_or_default();
            self.digests.extend(Digest::from_hex(hex));
        }
        let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/' | ':' | '@');
        self.words.extend(text.split(|c| !part(c)).filter(|word| word.contains(':')).map(str::to_owned));
    }

    /// Whether a file speaks of `digest`.
    pub fn has(&self, digest: &Digest) -> bool {
        self.digests.contains(digest)
    }

    /// Whether a file speaks of `tag` of `repository` (`ghcr.io/org/web`).
    pub fn has_tag(&self, repository: &str, tag: &str) -> bool {
        let full = format!("{repository}:{tag}");
        // Docker's own registry is mostly not named.
        let short = full.strip_prefix("docker.io/").map(|rest| rest.strip_prefix("library/").unwrap_or(rest));
        self.words.iter().any(|word| *word == full || Some(word.as_str()) == short)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_form_will_do() {
        let digest = Digest::of(b"x");
        let mut deployed = Deployed::default();
        deployed.read(&format!("services:\n  web:\n    image: \"ghcr.io/org/web@{digest}\"\n  api: {{image: ghcr.io/org/api:1.2}}\n"));
        deployed.read("{\"image\": \"web:3\"} sha256:tooshort");
        assert!(deployed.has(&digest) && !deployed.has(&Digest::of(b"y")));
        assert!(deployed.has_tag("ghcr.io/org/api", "1.2") && deployed.has_tag("docker.io/library/web", "3"));
        assert!(!deployed.has_tag("ghcr.io/org/api", "1") && !deployed.has_tag("example.org/web", "3"));
    }
}
