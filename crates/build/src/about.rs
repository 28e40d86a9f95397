//! What crates and npm's packages say of themselves, for bills of materials: nothing of it decides a build.

use std::collections::BTreeSet;
use std::io::Read;

use flate2::read::GzDecoder;
use longshore_oci::{Content, Store, read_bounded};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tar::Archive;

use crate::go::ModuleVersion;
use crate::{Error, Kind, Wanted, licence};

/// Kind of the store's records; a new number whenever their form or meaning changes.
const RECORD: &str = "module-about-2";
/// Bytes of an unpacked archive that are looked through.
const MAX_UNPACKED: u64 = 512 << 20;
/// Bytes of a manifest that are read.
const MAX_MANIFEST: u64 = 4 << 20;
/// Characters of a field that are kept.
const MAX_FIELD: usize = 500;

/// What its manifest says; none of what it doesn't.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// The licence, as written: mostly an SPDX expression.
    pub licence: Option<String>,
    /// The first author, `Name <address>` or a name.
    pub author: Option<String>,
    /// The address of its repository.
    pub repository: Option<String>,
    /// The address of its home.
    pub homepage: Option<String>,
    /// What it is, in a line.
    pub summary: Option<String>,
}

/// What the file of a crate or of npm's says in its manifest, where it has one that can be read; of a Go module, which has none,
/// under which licence it is, where its text is that of one. Nothing is known of files of other kinds. Each file is looked into
/// once.
pub fn about(wanted: &Wanted, content: &Content, store: &Store) -> Result<About, Error> {
    if !matches!(wanted.kind, Kind::Crate | Kind::NpmTarball | Kind::GoModule) {
        return Ok(About::default());
    }
    if let Some(bytes) = store.record(RECORD, &content.digest)?
        && let Ok(about) = postcard::from_bytes(&bytes)
    {
        return Ok(about);
    }
    let file = store.open_blob(content)?;
    let manifest = |name: &str, file| find(name, GzDecoder::new(file)).unwrap_or_default();
    let about = match wanted.kind {
        Kind::Crate => cargo(&manifest("Cargo.toml", file)),
        Kind::NpmTarball => npm(&manifest("package.json", file)),
        _ => ModuleVersion::new(&wanted.name, &wanted.version)
            .ok()
            .and_then(|module| go(&module, store, content)),
    };
    let about = about.unwrap_or_default();
    // These types hold nothing that postcard can't.
    store.put_record(RECORD, &content.digest, &postcard::to_stdvec(&about).unwrap_or_default(), [])?;
    Ok(about)
}

/// The text of the file called `name` in the archive's one top folder.
fn find(name: &str, archive: impl Read) -> Option<String> {
    let mut archive = Archive::new(archive.take(MAX_UNPACKED));
    for entry in archive.entries().ok()? {
        let mut entry = entry.ok()?;
        let path = entry.path_bytes().into_owned();
        let mut parts = path.split(|&byte| byte == b'/').filter(|part| !part.is_empty() && *part != b".");
        if parts.nth(1) == Some(name.as_bytes()) && parts.next().is_none() {
            return String::from_utf8(read_bounded(&mut entry, MAX_MANIFEST).ok()?).ok();
        }
    }
    None
}

/// One line, shortened.
fn field(text: &str) -> Option<String> {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    Some(line.chars().filter(|c| !c.is_control()).take(MAX_FIELD).collect())
}

fn cargo(text: &str) -> Option<About> {
    let manifest: toml::Table = toml::from_str(text).ok()?;
    let package = manifest.get("package")?;
    let get = |name: &str| package.get(name).and_then(toml::Value::as_str).and_then(field);
    let authors = package.get("authors").and_then(toml::Value::as_array);
    Some(About {
        licence: get("license"),
        author: authors.and_then(|all| all.first()).and_then(toml::Value::as_str).and_then(field),
        repository: get("repository"),
        homepage: get("homepage"),
        summary: get("description"),
    })
}

/// `package.json`, in its older forms too (npm documentation, "package.json").
fn npm(text: &str) -> Option<About> {
    let manifest: Value = serde_json::from_str(text).ok()?;
    let text = |value: &Value| value.as_str().and_then(field);
    let named = |value: &Value, name: &str| text(value).or_else(|| text(&value[name]));
    let licences = manifest["licenses"].as_array().map(Vec::as_slice).unwrap_or_default();
    let licences: Vec<_> = licences.iter().filter_map(|licence| named(licence, "type")).collect();
    let person = |value: &Value| {
        let mail = text(&value["email"]).map(|mail| format!(" <{mail}>"));
        named(value, "name").map(|name| name + &mail.unwrap_or_default())
    };
    let people = [&manifest["author"], &manifest["maintainers"][0], &manifest["contributors"][0]];
    Some(About {
        licence: named(&manifest["license"], "type")
            .or_else(|| (!licences.is_empty()).then(|| licences.join(" OR "))),
        author: people.into_iter().find_map(person),
        repository: named(&manifest["repository"], "url"),
        homepage: text(&manifest["homepage"]),
        summary: text(&manifest["description"]),
    })
}

/// The one licence that a module's texts are those of; none where they are of several, which may mean either or both.
fn go(module: &ModuleVersion, store: &Store, content: &Content) -> Option<About> {
    let texts = crate::go::licence_texts(store.open_blob(content).ok()?, module).ok()?;
    let names: BTreeSet<String> = texts.iter().filter_map(|text| licence::identify(text)).collect();
    let mut names = names.into_iter();
    let (first, second) = (names.next(), names.next());
    Some(About { licence: first.filter(|_| second.is_none()), ..About::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manifests_in_all_their_forms() {
        let found = cargo(
            "[package]\nname = \"x\"\nlicense = \"MIT OR Apache-2.0\"\nauthors = [\"A <a@b>\", \"B\"]\nrepository = \"https://r\"\n",
        )
        .unwrap();
        assert_eq!(found.licence.as_deref(), Some("MIT OR Apache-2.0"));
        assert_eq!(found.author.as_deref(), Some("A <a@b>"));
        assert_eq!(cargo("[workspace]"), None);

        let new =
            r#"{"license":"MIT","author":{"name":"A","email":"a@b"},"repository":{"url":"git+https://r"}}"#;
        let found = npm(new).unwrap();
        let said = (found.licence.as_deref(), found.author.as_deref(), found.repository.as_deref());
        assert_eq!(said, (Some("MIT"), Some("A <a@b>"), Some("git+https://r")));
        let old =
            r#"{"licenses":[{"type":"MIT"},{"type":"BSD"}],"contributors":["C <c@d>"],"repository":"a/b"}"#;
        let found = npm(old).unwrap();
        let said = (found.licence.as_deref(), found.author.as_deref(), found.repository.as_deref());
        assert_eq!(said, (Some("MIT OR BSD"), Some("C <c@d>"), Some("a/b")));
        assert_eq!(npm("["), None);
        assert_eq!(npm("[]"), Some(About::default()));
    }

    #[test]
    fn the_manifest_is_that_of_the_top_folder() {
        let mut tar = tar::Builder::new(Vec::new());
        for (path, text) in [("package/a/package.json", "wrong"), ("package/package.json", "right")] {
            let mut header = tar::Header::new_ustar();
            header.set_size(text.len() as u64);
            header.set_mode(0o644);
            tar.append_data(&mut header, path, text.as_bytes()).unwrap();
        }
        let bytes = tar.into_inner().unwrap();
        assert_eq!(find("package.json", bytes.as_slice()).as_deref(), Some("right"));
        assert_eq!(find("package.json", &b"no tar"[..]), None);
    }
}
