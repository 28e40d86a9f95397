//! What the `nix` command answers, in the forms that its versions have.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use longshore_oci::{Content, StorePath};
use longshore_stack::lock::{AboutStorePath, LockedStorePath};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::command::Place;
use super::hash;

/// `nix (Nix) 2.26.3` → `(2, 26)`. The variants of it have their own number behind in brackets; Lix, whose numbers are its own
/// too, answers like 2.20.
pub(super) fn version(answer: &[u8]) -> Option<(u32, u32)> {
    let text = String::from_utf8_lossy(answer);
    if !text.starts_with("nix ") {
        return None;
    }
    if text.contains("Lix") {
        return Some((2, 20));
    }
    let number = text.split_whitespace().next_back()?;
    let mut parts = number.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// What the machine is, as its settings say: `x86_64-linux`.
pub(super) fn system(settings: &[u8]) -> Option<String> {
    let settings: Value = serde_json::from_slice(settings).ok()?;
    settings.pointer("/system/value")?.as_str().map(str::to_owned)
}

/// Where the store is that settings name (Nix manual, "Store types").
pub(super) fn store(settings: &[u8]) -> Place {
    let settings: Value = serde_json::from_slice(settings).unwrap_or_default();
    let named = settings.pointer("/store/value").and_then(Value::as_str).unwrap_or("auto");
    let (address, query) = named.split_once('?').unwrap_or((named, ""));
    let parameter = |name: &str| {
        let found = query.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name);
        found.map(|(_, value)| PathBuf::from(value))
    };
    let in_root = |root: PathBuf| Place::Folder(root.join("nix/store"));
    match address {
        "auto" | "local" | "daemon" | "" => match (parameter("real"), parameter("root")) {
            (Some(real), _) => Place::Folder(real),
            (None, Some(root)) => in_root(root),
            (None, None) => in_root(PathBuf::from("/")),
        },
        path if path.starts_with('/') => in_root(PathBuf::from(path)),
        socket if socket.starts_with("unix://") => {
            in_root(parameter("root").unwrap_or_else(|| PathBuf::from("/")))
        }
        _ => Place::Elsewhere,
    }
}

/// `[{"drvPath": …, "outputs": {"out": "/nix/store/…"}}]`; a path that was asked for itself is `[{"path": …}]` or its text.
pub(super) fn outputs(answer: &[u8]) -> Result<BTreeSet<StorePath>, String> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Built {
        Of { outputs: BTreeMap<String, Option<String>> },
        Path { path: String },
        Text(String),
    }
    let built: Vec<Built> = serde_json::from_slice(answer).map_err(|error| error.to_string())?;
    let mut paths = BTreeSet::new();
    for one in built {
        let texts = match one {
            Built::Of { outputs } => outputs.into_values().flatten().collect(),
            Built::Path { path } | Built::Text(path) => vec![path],
        };
        for text in texts {
            paths.insert(text.parse::<StorePath>().map_err(|error| error.to_string())?);
        }
    }
    match paths.is_empty() {
        true => Err("nothing was built".to_owned()),
        false => Ok(paths),
    }
}

/// What is known of paths: a list with `path` (to 2.18), an object by path (from 2.19), or `{"version": 2, "info": {…}}` by
/// base name (2.33).
pub(super) fn infos(answer: &[u8]) -> Result<BTreeMap<StorePath, LockedStorePath>, String> {
    let answer: Value = serde_json::from_slice(answer).map_err(|error| error.to_string())?;
    let by_path: Vec<(String, Value)> = match answer {
        Value::Array(list) => {
            let path = |info: &Value| info.get("path").and_then(Value::as_str).map(str::to_owned);
            list.into_iter().filter_map(|info| Some((path(&info)?, info))).collect()
        }
        Value::Object(mut object) => match object.remove("info") {
            Some(Value::Object(infos)) => infos.into_iter().collect(),
            _ => object.into_iter().filter(|(_, info)| !info.is_number() && !info.is_string()).collect(),
        },
        _ => return Err("it is neither a list nor an object".to_owned()),
    };
    let mut infos = BTreeMap::new();
    for (path, info) in by_path {
        let path: StorePath =
            path.parse().map_err(|error: longshore_oci::StorePathError| error.to_string())?;
        let Value::Object(info) = info else { return Err(format!("`{path}` is not valid")) };
        let known = self::info(&info).ok_or_else(|| match info.get("valid") {
            Some(Value::Bool(false)) => format!("`{path}` is not valid"),
            _ => format!("what it says of `{path}` has no `narHash`, `narSize` and `references`"),
        })?;
        infos.insert(path, known);
    }
    Ok(infos)
}

/// One of them; also what `exportReferencesGraph` writes with structured attributes (Nix manual, "Advanced attributes").
pub(super) fn info(info: &Map<String, Value>) -> Option<LockedStorePath> {
    let text = |key: &str| info.get(key).and_then(Value::as_str);
    let references = info.get("references")?.as_array()?.iter();
    let references: Option<BTreeSet<StorePath>> =
        references.map(|reference| reference.as_str()?.parse().ok()).collect();
    Some(LockedStorePath {
        nar: Content { digest: hash::digest(text("narHash")?).ok()?, size: info.get("narSize")?.as_u64()? },
        references: references?.into_iter().collect(),
        derivation: text("deriver").and_then(|path| path.parse().ok()),
        // Later versions have an object there, which nothing here reads: the path is in the store already.
        content_address: text("ca").map(str::to_owned),
        about: AboutStorePath::default(),
    })
}

/// What derivations say, by their paths: an object by path, or `{"derivations": {…}}` by base name (2.33).
pub(super) fn derivations(answer: &[u8]) -> BTreeMap<StorePath, AboutStorePath> {
    let Ok(Value::Object(mut answer)) = serde_json::from_slice(answer) else { return BTreeMap::new() };
    let all = match answer.remove("derivations") {
        Some(Value::Object(all)) => all,
        _ => answer,
    };
    let about = |(path, said): (String, Value)| Some((path.parse().ok()?, derivation(&said)?));
    all.into_iter().filter_map(about).collect()
}

fn derivation(said: &Value) -> Option<AboutStorePath> {
    let env = said.get("env")?;
    // With structured attributes everything is in one of them, as JSON.
    let structured =
        env.get("__json").and_then(Value::as_str).and_then(|text| serde_json::from_str::<Value>(text).ok());
    let structured = structured.as_ref().or_else(|| said.get("structuredAttrs"));
    let attribute = |name: &str| env.get(name).or_else(|| structured?.get(name));
    let text = |name: &str| {
        attribute(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let patches: Vec<&str> = match attribute("patches") {
        Some(Value::String(list)) => list.split_whitespace().collect(),
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let patched: BTreeSet<String> = patches.into_iter().flat_map(vulnerabilities).collect();
    Some(AboutStorePath {
        name: text("pname"),
        version: text("version"),
        patched: patched.into_iter().collect(),
        ..AboutStorePath::default()
    })
}

/// The names of vulnerabilities in the name of a patch: `…-CVE-2024-1234.patch`, `cve-2024-1.CVE-2024-2.diff`.
fn vulnerabilities(patch: &str) -> Vec<String> {
    let name = patch.rsplit('/').next().unwrap_or(patch).to_ascii_uppercase();
    let found = name.match_indices("CVE-").filter_map(|(at, _)| {
        let rest = &name[at + 4..];
        let (year, rest) = rest.split_once('-')?;
        let number: String = rest.chars().take_while(char::is_ascii_digit).collect();
        let right = year.len() == 4 && year.bytes().all(|b| b.is_ascii_digit()) && number.len() >= 4;
        right.then(|| format!("CVE-{year}-{number}"))
    });
    found.collect()
}

/// `{"license": ["MIT", null], "cpe": null}`.
pub(super) fn meta(answer: &[u8]) -> Option<AboutStorePath> {
    #[derive(Deserialize)]
    struct Meta {
        license: Vec<Option<String>>,
        cpe: Option<String>,
    }
    let meta: Meta = serde_json::from_slice(answer).ok()?;
    // One that is in no list leaves the whole unsaid.
    let licenses: Option<Vec<String>> = meta.license.into_iter().collect();
    let license = licenses.filter(|all| !all.is_empty()).map(|all| all.join(" AND "));
    Some(AboutStorePath { license, cpe: meta.cpe, ..AboutStorePath::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "0i6fy063875f9zm83jl4qfj694lzg4ay";

    #[test]
    fn infos_of_all_versions_are_the_same() {
        let nar = "sha256-7xlCCiBwq8UE7poEKcCVgSgJJrtsqYaJ+2G1r9Tc3Qg=";
        let list = format!(
            r#"[{{"path":"/nix/store/{HASH}-a","narHash":"{nar}","narSize":8,"references":["/nix/store/{HASH}-a"],"deriver":"/nix/store/{HASH}-a.drv"}}]"#
        );
        let object = format!(
            r#"{{"/nix/store/{HASH}-a":{{"narHash":"{nar}","narSize":8,"references":["/nix/store/{HASH}-a"],"deriver":"/nix/store/{HASH}-a.drv","ca":null}}}}"#
        );
        let second = format!(
            r#"{{"version":2,"storeDir":"/nix/store","info":{{"{HASH}-a":{{"narHash":"{nar}","narSize":8,"references":["{HASH}-a"],"deriver":"{HASH}-a.drv","ca":{{"method":"nar"}}}}}}}}"#
        );
        let first = infos(list.as_bytes()).unwrap();
        assert_eq!(first.len(), 1);
        assert_eq!(first, infos(object.as_bytes()).unwrap());
        assert_eq!(first, infos(second.as_bytes()).unwrap());
    }

    #[test]
    fn an_invalid_path_is_said_to_be_one() {
        let answer = format!(r#"[{{"path":"/nix/store/{HASH}-a","valid":false}}]"#);
        assert_eq!(infos(answer.as_bytes()).unwrap_err(), format!("`/nix/store/{HASH}-a` is not valid"));
        let answer = format!(r#"{{"/nix/store/{HASH}-a":null}}"#);
        assert_eq!(infos(answer.as_bytes()).unwrap_err(), format!("`/nix/store/{HASH}-a` is not valid"));
    }

    #[test]
    fn stores() {
        let at = |text: &str| store(format!(r#"{{"store":{{"value":"{text}"}}}}"#).as_bytes());
        let folder = |path: &str| Place::Folder(PathBuf::from(path));
        assert_eq!(at("auto"), folder("/nix/store"));
        assert_eq!(at("daemon"), folder("/nix/store"));
        assert_eq!(at("/tmp/s"), folder("/tmp/s/nix/store"));
        assert_eq!(at("local?root=/tmp/s&state=x"), folder("/tmp/s/nix/store"));
        assert_eq!(at("local?real=/tmp/r"), folder("/tmp/r"));
        assert_eq!(at("unix:///run/nix?root=/r"), folder("/r/nix/store"));
        assert_eq!(at("ssh-ng://builder"), Place::Elsewhere);
    }

    #[test]
    fn patches_name_what_they_mend() {
        let said = |patches: &str| {
            let answer = format!(
                r#"{{"/nix/store/{HASH}-a.drv":{{"env":{{"pname":"a","version":"1.2","patches":"{patches}"}}}}}}"#
            );
            derivations(answer.as_bytes()).into_values().next().unwrap()
        };
        let about = said(
            "/nix/store/x-CVE-2024-12345.patch /nix/store/y-cve-2023-0001_cve-2023-0002.diff /nix/store/z-CVE-24-1.patch",
        );
        assert_eq!(about.patched, ["CVE-2023-0001", "CVE-2023-0002", "CVE-2024-12345"]);
        assert_eq!((about.name.as_deref(), about.version.as_deref()), (Some("a"), Some("1.2")));
    }

    #[test]
    fn versions() {
        assert_eq!(version(b"nix (Nix) 2.26.3\n"), Some((2, 26)));
        assert_eq!(version(b"nix (Determinate Nix 3.1.0) 2.28.1\n"), Some((2, 28)));
        assert_eq!(version(b"nix (Lix, like Nix) 2.93.0\n"), Some((2, 20)));
        assert_eq!(version(b"ls (GNU coreutils) 9.1\n"), None);
    }
}
