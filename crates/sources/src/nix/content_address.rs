//! Store paths that are named by what they hold: nobody need have signed them (Nix manual, "Content-Addressing Store Objects" and
//! "Complete Store Path Calculation").

use std::collections::BTreeSet;

use longshore_oci::{Content, Digest, STORE_DIR, StorePath};

use super::{base32, hash};

/// Bytes of the hash in a path's name.
const SHORT: usize = 20;

/// How a path's name follows from its content. Other forms, and those with digests other than SHA-256, are not known here; such
/// paths need a signature like any other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentAddress {
    /// `fixed:r:sha256:…`: by its archive.
    Archive(Digest),
    /// `fixed:sha256:…`: by the bytes of the one file that it is.
    File(Digest),
    /// `text:sha256:…`: the same, of a file that may refer to others.
    Text(Digest),
}

impl ContentAddress {
    /// Reads what stands behind `CA:`.
    pub fn read(text: &str) -> Option<Self> {
        let digest = |rest: &str| hash::digest(rest).ok();
        if let Some(rest) = text.strip_prefix("fixed:r:") {
            digest(rest).map(Self::Archive)
        } else if let Some(rest) = text.strip_prefix("fixed:") {
            digest(rest).map(Self::File)
        } else {
            digest(text.strip_prefix("text:")?).map(Self::Text)
        }
    }

    /// The path called `name` that has this content and refers to `references`; none where there can't be one, or where it refers
    /// to itself, as its digest is then that of something else.
    pub fn path(&self, name: &str, references: &BTreeSet<StorePath>) -> Option<StorePath> {
        let (kind, digest) = match self {
            Self::Archive(digest) => (with("source", references), *digest),
            Self::Text(digest) => (with("text", references), *digest),
            Self::File(digest) if references.is_empty() => {
                ("output:out".to_owned(), Digest::of(format!("fixed:out:{digest}:").as_bytes()))
            }
            Self::File(_) => return None,
        };
        let named = Digest::of(format!("{kind}:{digest}:{STORE_DIR}:{name}").as_bytes());
        let mut short = [0; SHORT];
        for (n, byte) in named.as_bytes().iter().enumerate() {
            short[n % SHORT] ^= byte;
        }
        let path = StorePath::of_base_name(&format!("{}-{name}", base32::encode(&short))).ok()?;
        (!references.contains(&path)).then_some(path)
    }

    /// Whether an archive `nar` may be that of such a path.
    pub(super) fn allows(&self, nar: &Content) -> bool {
        match self {
            Self::Archive(digest) => nar.digest == *digest,
            // Its file says it, once it is there.
            Self::File(_) | Self::Text(_) => true,
        }
    }

    /// What the file must be that is such a path; none where the archive's digest says it.
    pub(super) fn file(&self) -> Option<Digest> {
        match self {
            Self::File(digest) | Self::Text(digest) => Some(*digest),
            Self::Archive(_) => None,
        }
    }
}

/// `kind` with what it refers to.
fn with(kind: &str, references: &BTreeSet<StorePath>) -> String {
    references.iter().fold(kind.to_owned(), |kind, reference| format!("{kind}:{reference}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by Nix 2.26: `nix-store --add-fixed` and `builtins.toFile`.
    #[test]
    fn names_follow_from_contents() {
        let check = |address: &str, references: &[&str], expected: &str| {
            let references = references.iter().map(|text| text.parse().unwrap()).collect();
            let expected: StorePath = expected.parse().unwrap();
            let address = ContentAddress::read(address).unwrap();
            assert_eq!(address.path(expected.name(), &references), Some(expected));
        };
        check(
            "fixed:sha256:094qif9n4cq4fdg459qzbhg1c6wywawwaaivx0k0x8xhbyx4vwic",
            &[],
            "iixxin28s82lrxs8v4lcf7nha2dkwprm-hello.txt",
        );
        check(
            "fixed:r:sha256:0sg9f58l1jj88w6pdrfdpj5x9b1zrwszk84j81zvby36q9whhhqa",
            &[],
            "xfp2hphvk98rkk9ywlqpp587rjdcgnc2-hello.txt",
        );
        check(
            "text:sha256:17c89vba2yasqxsifh37vlph6ia9fdpwhwpwws601qmchnmkfhbd",
            &[],
            "62i2spl4cn7whds0zrsad80l1rznsb6f-note",
        );
        check(
            "text:sha256:1wpjrb1m38sfm70bs8bbbq3b1slrbr5czp19wwvdyaga40ljc0a5",
            &["12wigjpizrn8axaqxj288q1b751qmwya-a"],
            "m5gl096fdzlmvp69v4iqgikbjnsz9ai9-b",
        );
    }

    #[test]
    fn what_names_nothing() {
        for text in [
            "",
            "fixed",
            "fixed:r:",
            "fixed:sha1:7kzcv5ds8s4asgyyqwgk0xgqzf6yrmh3",
            "fixed:git:sha1:7kzcv5ds8s4asgyyqwgk0xgqzf6yrmh3",
            "text:r:sha256:17c89vba2yasqxsifh37vlph6ia9fdpwhwpwws601qmchnmkfhbd",
        ] {
            assert_eq!(ContentAddress::read(text), None, "{text}");
        }
        // Files are named without what they refer to, so that one that refers to something has no such name.
        let file = ContentAddress::read("fixed:sha256:094qif9n4cq4fdg459qzbhg1c6wywawwaaivx0k0x8xhbyx4vwic");
        let references = ["12wigjpizrn8axaqxj288q1b751qmwya-a".parse().unwrap()].into();
        assert_eq!(file.unwrap().path("hello.txt", &references), None);
    }
}
