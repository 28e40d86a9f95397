//! What a binary cache says of a store path (`HASH.narinfo`), and who has signed that.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use longshore_oci::{Content, Digest, StorePath};
use longshore_stack::model::NixKey;
use ring::signature::{ED25519, UnparsedPublicKey};

use super::compression::Compression;
use super::content_address::ContentAddress;
use super::hash;

/// References that one path may have; the largest known have some thousands.
const MAX_REFERENCES: usize = 100_000;
/// Signatures of one path that are looked at.
const MAX_SIGNATURES: usize = 64;
/// Bytes of an archive, uncompressed: what a layer of an image may unpack to.
const MAX_NAR: u64 = 64 << 30;

/// A narinfo as it was read. Nobody need have said so: see [`NarInfo::trusted`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NarInfo {
    /// The path that it is about.
    pub path: StorePath,
    /// Where the archive is, relative to the cache or absolute.
    pub url: String,
    /// How the archive is compressed.
    pub compression: Compression,
    /// The compressed archive's digest, where it is said.
    pub file_hash: Option<Digest>,
    /// The compressed archive's size in bytes, where it is said.
    pub file_size: Option<u64>,
    /// The archive itself.
    pub nar: Content,
    /// What the path refers to, itself included where it does.
    pub references: BTreeSet<StorePath>,
    /// What made it.
    pub derivation: Option<StorePath>,
    /// How its name follows from its content, where it does.
    pub content_address: Option<String>,
    /// Who signed it.
    pub signatures: Vec<Signature>,
}

/// A signature of unknown worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// The key that it says it is of.
    pub key: String,
    bytes: Vec<u8>,
}

/// Why a text is no narinfo, or no `nix-cache-info`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// It is no text, or has lines without a colon.
    #[error("line {line} is not of the form `Key: value`")]
    Line {
        /// Counted from 1.
        line: usize,
    },
    /// A key that may be there once is there again.
    #[error("`{key}` is there twice")]
    Twice {
        /// Which.
        key: String,
    },
    /// A key is missing.
    #[error("there is no `{key}`")]
    Missing {
        /// Which.
        key: &'static str,
    },
    /// A value that can't be one.
    #[error("`{key}` is `{value}`, expected {expected}")]
    Value {
        /// Of which key.
        key: &'static str,
        /// The value, shortened to 200 characters.
        value: String,
        /// What it should be.
        expected: &'static str,
    },
}

/// Why nobody who is believed says what a narinfo says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Untrusted {
    /// There is no signature.
    #[error("it is not signed")]
    Unsigned,
    /// Only others signed it.
    #[error("it is signed by {}, and trusted {}", quoted(signers), trusted_keys(trusted))]
    Others {
        /// Names of the keys that did.
        signers: Vec<String>,
        /// Names of the keys that are trusted.
        trusted: Vec<String>,
    },
    /// A signature of a trusted key is of something else.
    #[error(
        "its signature by `{key}` does not match: it was changed after it was signed, or the key is another one of that name"
    )]
    Changed {
        /// The key's name.
        key: String,
    },
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn trusted_keys(names: &[String]) -> String {
    match names {
        [] => "is nobody".to_owned(),
        [_] => format!("is {}", quoted(names)),
        _ => format!("are {}", quoted(names)),
    }
}

/// A narinfo that somebody who is trusted signed, or that follows from its path's own name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trusted {
    info: NarInfo,
    /// Why it is believed, where nobody signed it.
    address: Option<ContentAddress>,
}

impl Trusted {
    /// What is trusted.
    pub fn info(&self) -> &NarInfo {
        &self.info
    }

    /// What the one file of the path must be, where that alone is to be believed.
    pub(super) fn file(&self) -> Option<Digest> {
        self.address.and_then(|address| address.file())
    }
}

impl NarInfo {
    /// Reads a narinfo. Keys that are not known count for nothing.
    pub fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut fields = Fields::read(bytes, &["Sig"])?;
        let path = fields.needed("StorePath")?;
        let path =
            StorePath::of_path(&path).map_err(|_| value("StorePath", &path, "a path in /nix/store"))?;
        let url = fields.needed("URL")?;
        if url.chars().any(|c| c.is_control() || c == ' ') || url.split('/').any(|part| part == "..") {
            return Err(value("URL", &url, "an address, or a path below the cache's"));
        }
        let compression = match fields.taken("Compression") {
            None => Compression::Bzip2,
            Some(text) => Compression::of(&text)
                .ok_or_else(|| value("Compression", &text, "none, xz, zstd, gzip, bzip2 or br"))?,
        };
        let nar_hash = fields.needed("NarHash")?;
        let digest = hash::digest(&nar_hash).map_err(|_| value("NarHash", &nar_hash, A_DIGEST))?;
        let size = fields.needed("NarSize")?;
        let nar = Content { digest, size: number("NarSize", &size, MAX_NAR)? };
        let file_hash = match fields.taken("FileHash") {
            None => None,
            Some(text) => Some(hash::digest(&text).map_err(|_| value("FileHash", &text, A_DIGEST))?),
        };
        let file_size = match fields.taken("FileSize") {
            None => None,
            // No compression makes much more of it.
            Some(text) => Some(number("FileSize", &text, most_compressed(nar.size))?),
        };
        if compression == Compression::None {
            let same = "the archive's own, as it is not compressed";
            if let Some(digest) = file_hash.filter(|digest| *digest != nar.digest) {
                return Err(value("FileHash", &hash::text(&digest), same));
            }
            if let Some(size) = file_size.filter(|size| *size != nar.size) {
                return Err(value("FileSize", &size.to_string(), same));
            }
        }
        let mut references = BTreeSet::new();
        for name in fields.taken("References").unwrap_or_default().split_ascii_whitespace() {
            let reference = StorePath::of_base_name(name)
                .map_err(|_| value("References", name, "names of paths in /nix/store"))?;
            references.insert(reference);
            if references.len() > MAX_REFERENCES {
                return Err(value("References", "…", "fewer names"));
            }
        }
        let derivation = match fields.taken("Deriver") {
            None => None,
            // As Nix wrote it once.
            Some(text) if text.is_empty() || text == "unknown-deriver" => None,
            Some(text) => {
                let derivation = StorePath::of_base_name(&text);
                Some(derivation.map_err(|_| value("Deriver", &text, "the name of a path in /nix/store"))?)
            }
        };
        let signatures = fields.lists.remove("Sig").unwrap_or_default();
        let signatures = signatures
            .iter()
            .take(MAX_SIGNATURES)
            .map(|text| Signature::read(text))
            .collect::<Result<_, _>>()?;
        let content_address = fields.taken("CA").filter(|text| !text.is_empty());
        Ok(Self {
            path,
            url,
            compression,
            file_hash,
            file_size,
            nar,
            references,
            derivation,
            content_address,
            signatures,
        })
    }

    /// What is signed: `1;PATH;NARHASH;NARSIZE;REFERENCES` (Nix manual, "Store object info": fingerprint).
    pub fn fingerprint(&self) -> String {
        let references: Vec<String> = self.references.iter().map(ToString::to_string).collect();
        format!("1;{};{};{};{}", self.path, hash::text(&self.nar.digest), self.nar.size, references.join(","))
    }

    /// The same, if one of `keys` signed it, or if the path's name follows from its content.
    pub fn trusted(self, keys: &[NixKey]) -> Result<Trusted, Untrusted> {
        let fingerprint = self.fingerprint();
        let mut changed = None;
        for signature in &self.signatures {
            for key in keys.iter().filter(|key| key.name == signature.key) {
                let known = UnparsedPublicKey::new(&ED25519, &key.key);
                if known.verify(fingerprint.as_bytes(), &signature.bytes).is_ok() {
                    return Ok(Trusted { info: self, address: None });
                }
                changed = Some(key.name.clone());
            }
        }
        // A signature that doesn't match is no reason to doubt what needs none.
        if let Some(address) = self.own_address() {
            return Ok(Trusted { info: self, address: Some(address) });
        }
        if let Some(key) = changed {
            return Err(Untrusted::Changed { key });
        }
        if self.signatures.is_empty() {
            return Err(Untrusted::Unsigned);
        }
        let signers: BTreeSet<_> = self.signatures.into_iter().map(|signature| signature.key).collect();
        let trusted: BTreeSet<_> = keys.iter().map(|key| key.name.clone()).collect();
        Err(Untrusted::Others {
            signers: signers.into_iter().collect(),
            trusted: trusted.into_iter().collect(),
        })
    }

    /// The content address that the path's name follows from.
    fn own_address(&self) -> Option<ContentAddress> {
        let address = ContentAddress::read(self.content_address.as_deref()?)?;
        let named = address.path(self.path.name(), &self.references)?;
        (named == self.path && address.allows(&self.nar)).then_some(address)
    }
}

impl Signature {
    fn read(text: &str) -> Result<Self, Malformed> {
        let bad = || value("Sig", text, "`NAME:BASE64`");
        let (key, encoded) = text.split_once(':').ok_or_else(bad)?;
        let bytes = STANDARD.decode(encoded).map_err(|_| bad())?;
        if key.is_empty() { Err(bad()) } else { Ok(Self { key: key.to_owned(), bytes }) }
    }
}

/// What a cache says of itself (`nix-cache-info`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheInfo {
    /// The folder of the store that it is for.
    pub store_dir: String,
    /// The lower, the sooner it is asked.
    pub priority: u32,
}

impl CacheInfo {
    /// Reads a `nix-cache-info`. Without a priority it is 0, as for Nix.
    pub fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut fields = Fields::read(bytes, &[])?;
        let store_dir = fields.taken("StoreDir").unwrap_or_else(|| longshore_oci::STORE_DIR.to_owned());
        let priority = fields.taken("Priority");
        let priority = priority
            .map_or(Ok(0), |text| text.parse().map_err(|_| value("Priority", &text, "a whole number")))?;
        Ok(Self { store_dir, priority })
    }
}

/// The most bytes that an archive of `size` bytes is compressed to.
pub(super) fn most_compressed(size: u64) -> u64 {
    size.saturating_add(size / 8).saturating_add(1 << 20)
}

const A_DIGEST: &str = "a SHA-256 digest";

fn value(key: &'static str, value: &str, expected: &'static str) -> Malformed {
    Malformed::Value { key, value: value.chars().take(200).collect(), expected }
}

fn number(key: &'static str, text: &str, most: u64) -> Result<u64, Malformed> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|number| digits && *number <= most);
    number.ok_or_else(|| value(key, text, "a number of bytes that such an archive can have"))
}

/// Lines of `Key: value`.
struct Fields {
    single: BTreeMap<String, String>,
    lists: BTreeMap<String, Vec<String>>,
}

impl Fields {
    /// Keys of `several` may be there more than once.
    fn read(bytes: &[u8], several: &[&str]) -> Result<Self, Malformed> {
        let mut fields = Self { single: BTreeMap::new(), lists: BTreeMap::new() };
        let lines = bytes.strip_suffix(b"\n").unwrap_or(bytes).split(|&byte| byte == b'\n');
        for (n, line) in lines.enumerate() {
            let bad = Malformed::Line { line: n + 1 };
            let (key, value) =
                std::str::from_utf8(line).ok().and_then(|line| line.split_once(':')).ok_or(bad.clone())?;
            if key.is_empty() || key.contains(char::is_whitespace) {
                return Err(bad);
            }
            let (key, value) = (key.to_owned(), value.trim().to_owned());
            if several.contains(&key.as_str()) {
                fields.lists.entry(key).or_default().push(value);
            } else if fields.single.insert(key.clone(), value).is_some() {
                return Err(Malformed::Twice { key });
            }
        }
        Ok(fields)
    }

    fn taken(&mut self, key: &str) -> Option<String> {
        self.single.remove(key)
    }

    fn needed(&mut self, key: &'static str) -> Result<String, Malformed> {
        self.taken(key).filter(|value| !value.is_empty()).ok_or(Malformed::Missing { key })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Nix 2.26 wrote and signed it.
    const TOOL: &str = "\
StorePath: /nix/store/0jrqim1cazlpna8xlygq78x1gmkmy9fg-tool5-0.5
URL: nar/1i28mhbwpm38bnshajdsnc1dlnx3p9i640jc4bgcyb63fig8hlca.nar.xz
Compression: xz
FileHash: sha256:1i28mhbwpm38bnshajdsnc1dlnx3p9i640jc4bgcyb63fig8hlca
FileSize: 448
NarHash: sha256:1ffymd6af3d9lfiphy616vcwdh623af2qxhqwa6yp3ryj2aqafvi
NarSize: 1728
References: 0jrqim1cazlpna8xlygq78x1gmkmy9fg-tool5-0.5 1mazkphssqnfgb28qya8pzkr1j6v5zcm-busybox-static hvb7dx9zw2qi8866q01rsfd52w0dvlkm-lib0-1.0 r499va2mnvck0i5905xw1cvwb1b343s5-lib5-1.5
Deriver: cwqmndnhkx5wvwsv2vlccyrn1s8gcg2i-tool5-0.5.drv
Sig: test-1:srgQ5ffOGGdkKEe3Ui3hdrRyK9IEYmJEc7oFGNIbW+0SCEEOs0UWH2C9Sz0dhhYHH98ibxnqJs53oJ3db2q3Dw==
";
    const KEY: &str = "OHhUfa3E7bJVIY3/JCM1eCWkOq9UtC5edmEPSG6JVk4=";

    fn key(name: &str, encoded: &str) -> NixKey {
        NixKey { name: name.to_owned(), key: STANDARD.decode(encoded).unwrap().try_into().unwrap() }
    }

    fn read(text: &str) -> NarInfo {
        NarInfo::read(text.as_bytes()).unwrap()
    }

    #[test]
    fn all_of_it_is_read() {
        let info = read(TOOL);
        assert_eq!(info.path.name(), "tool5-0.5");
        assert_eq!((info.compression, info.file_size, info.nar.size), (Compression::Xz, Some(448), 1728));
        assert_eq!(info.references.len(), 4);
        assert!(info.references.contains(&info.path));
        assert_eq!(info.derivation.as_ref().unwrap().name(), "tool5-0.5.drv");
        assert_eq!(info.content_address, None);
        assert_eq!(
            info.fingerprint(),
            "1;/nix/store/0jrqim1cazlpna8xlygq78x1gmkmy9fg-tool5-0.5;sha256:1ffymd6af3d9lfiphy616vcwdh623af2qxhqwa6yp3ryj2aqafvi;1728;\
             /nix/store/0jrqim1cazlpna8xlygq78x1gmkmy9fg-tool5-0.5,/nix/store/1mazkphssqnfgb28qya8pzkr1j6v5zcm-busybox-static,\
             /nix/store/hvb7dx9zw2qi8866q01rsfd52w0dvlkm-lib0-1.0,/nix/store/r499va2mnvck0i5905xw1cvwb1b343s5-lib5-1.5"
        );
    }

    #[test]
    fn what_may_be_left_out_or_written_otherwise() {
        let less = TOOL
            .replace("Compression: xz\n", "")
            .replace("FileSize: 448\n", "Later: than: this\n")
            .replace("Deriver: cwqmndnhkx5wvwsv2vlccyrn1s8gcg2i-tool5-0.5.drv", "Deriver: unknown-deriver")
            .replace(
                "sha256:1ffymd6af3d9lfiphy616vcwdh623af2qxhqwa6yp3ryj2aqafvi",
                &read(TOOL).nar.digest.to_string(),
            );
        let info = read(&less);
        assert_eq!((info.compression, info.file_size, &info.derivation), (Compression::Bzip2, None, &None));
        info.trusted(&[key("test-1", KEY)]).unwrap();
        let leaf =
            TOOL.lines().map(|line| if line.starts_with("References") { "References: " } else { line });
        assert!(read(&leaf.collect::<Vec<_>>().join("\n")).references.is_empty());
    }

    #[test]
    fn only_what_a_trusted_key_signed_is_trusted() {
        let right = key("test-1", KEY);
        let wrong = key("test-1", "6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY=");
        let other = key("test-2", KEY);
        let of = |text: &str, keys: &[NixKey]| read(text).trusted(keys).map(|_| ());
        assert_eq!(of(TOOL, &[other.clone(), wrong.clone(), right.clone()]), Ok(()));
        let (signers, trusted) = (vec!["test-1".to_owned()], vec!["test-2".to_owned()]);
        assert_eq!(of(TOOL, &[other]), Err(Untrusted::Others { signers: signers.clone(), trusted }));
        assert_eq!(of(TOOL, &[]), Err(Untrusted::Others { signers, trusted: Vec::new() }));
        assert_eq!(of(TOOL, &[wrong]), Err(Untrusted::Changed { key: "test-1".to_owned() }));
        let trusted = [right];
        let unsigned = &TOOL[..TOOL.find("Sig:").unwrap()];
        assert_eq!(of(unsigned, &trusted), Err(Untrusted::Unsigned));
        // A signature more, of whomever and however long, changes nothing.
        let more = format!("{unsigned}Sig: later-1:AAAA\nSig: test-1:AAAA\n{}", &TOOL[unsigned.len()..]);
        assert_eq!(of(&more, &trusted), Ok(()));
        for (from, to) in [
            ("NarSize: 1728", "NarSize: 1729"),
            ("tool5-0.5\nURL", "tool6-0.5\nURL"),
            ("References: 0jrqim1cazlpna8xlygq78x1gmkmy9fg-tool5-0.5 ", "References: "),
            ("NarHash: sha256:1f", "NarHash: sha256:0f"),
        ] {
            let changed = TOOL.replace(from, to);
            assert_ne!(changed, TOOL);
            assert_eq!(of(&changed, &trusted), Err(Untrusted::Changed { key: "test-1".to_owned() }), "{to}");
        }
    }

    #[test]
    fn what_is_named_by_its_content_needs_no_signature() {
        let text = |hash: &str, address: &str| {
            format!(
                "StorePath: /nix/store/xfp2hphvk98rkk9ywlqpp587rjdcgnc2-hello.txt\nURL: nar/x.nar\nCompression: none\n\
                 NarHash: sha256:{hash}\nNarSize: 120\nReferences: \nCA: {address}\n"
            )
        };
        let hash = "0sg9f58l1jj88w6pdrfdpj5x9b1zrwszk84j81zvby36q9whhhqa";
        let address = format!("fixed:r:sha256:{hash}");
        assert!(read(&text(hash, &address)).trusted(&[]).is_ok());
        let other = "094qif9n4cq4fdg459qzbhg1c6wywawwaaivx0k0x8xhbyx4vwic";
        for (hash, address) in [
            (hash, format!("fixed:r:sha256:{other}")),
            (hash, format!("text:sha256:{hash}")),
            // The name would be right, but the archive is another one.
            (other, address),
            (hash, "fixed:r:sha1:7kzcv5ds8s4asgyyqwgk0xgqzf6yrmh3".to_owned()),
        ] {
            assert_eq!(read(&text(hash, &address)).trusted(&[]), Err(Untrusted::Unsigned), "{address}");
        }
    }

    #[test]
    fn what_is_no_narinfo() {
        let check = |from: &str, to: &str, expected: &str| {
            let text = TOOL.replace(from, to);
            assert_ne!(text, TOOL, "{from}");
            assert_eq!(NarInfo::read(text.as_bytes()).unwrap_err().to_string(), expected);
        };
        check("Compression: xz", "nothing", "line 3 is not of the form `Key: value`");
        check("Compression: xz", "NarSize: 1", "`NarSize` is there twice");
        check(
            "Compression: xz",
            "Compression: lz4",
            "`Compression` is `lz4`, expected none, xz, zstd, gzip, bzip2 or br",
        );
        check(
            "StorePath: /nix/store/",
            "StorePath: /gnu/store/",
            "`StorePath` is `/gnu/store/0jrqim1cazlpna8xlygq78x1gmkmy9fg-tool5-0.5`, expected a path in /nix/store",
        );
        check(
            "NarSize: 1728",
            "NarSize: -1",
            "`NarSize` is `-1`, expected a number of bytes that such an archive can have",
        );
        check(
            "NarSize: 1728",
            "NarSize: +1728",
            "`NarSize` is `+1728`, expected a number of bytes that such an archive can have",
        );
        check(
            "NarSize: 1728",
            "NarSize: 99999999999999",
            "`NarSize` is `99999999999999`, expected a number of bytes that such an archive can have",
        );
        check(
            "FileSize: 448",
            "FileSize: 99999999",
            "`FileSize` is `99999999`, expected a number of bytes that such an archive can have",
        );
        check(
            "NarHash: sha256:",
            "NarHash: md5:",
            "`NarHash` is `md5:1ffymd6af3d9lfiphy616vcwdh623af2qxhqwa6yp3ryj2aqafvi`, expected a SHA-256 digest",
        );
        check("NarHash: ", "Other: ", "there is no `NarHash`");
        check(
            "URL: nar/",
            "URL: nar/../../",
            "`URL` is `nar/../../1i28mhbwpm38bnshajdsnc1dlnx3p9i640jc4bgcyb63fig8hlca.nar.xz`, expected an address, or a path below the cache's",
        );
        check(
            " hvb7dx9z",
            " /nix/store/hvb7dx9z",
            "`References` is `/nix/store/hvb7dx9zw2qi8866q01rsfd52w0dvlkm-lib0-1.0`, expected names of paths in /nix/store",
        );
        check(
            "Deriver: ",
            "Deriver: x",
            "`Deriver` is `xcwqmndnhkx5wvwsv2vlccyrn1s8gcg2i-tool5-0.5.drv`, expected the name of a path in /nix/store",
        );
        check(
            "Sig: test-1:",
            "Sig: ",
            "`Sig` is `srgQ5ffOGGdkKEe3Ui3hdrRyK9IEYmJEc7oFGNIbW+0SCEEOs0UWH2C9Sz0dhhYHH98ibxnqJs53oJ3db2q3Dw==`, expected `NAME:BASE64`",
        );
        check(
            "Compression: xz",
            "Compression: none",
            "`FileHash` is `sha256:1i28mhbwpm38bnshajdsnc1dlnx3p9i640jc4bgcyb63fig8hlca`, expected the archive's own, as it is not compressed",
        );
        assert!(NarInfo::read(b"").is_err() && NarInfo::read(&[0xff; 99]).is_err());
    }

    #[test]
    fn caches_speak_of_themselves() {
        let check = |text: &str, expected: Option<(&str, u32)>| {
            let found = CacheInfo::read(text.as_bytes()).ok();
            assert_eq!(
                found.as_ref().map(|info| (info.store_dir.as_str(), info.priority)),
                expected,
                "{text}"
            );
        };
        check("StoreDir: /nix/store\nWantMassQuery: 1\nPriority: 40\n", Some(("/nix/store", 40)));
        check("StoreDir: /gnu/store", Some(("/gnu/store", 0)));
        check("WantMassQuery: 1", Some(("/nix/store", 0)));
        check("Priority: high", None);
        check("<html>", None);
    }
}
