//! What Flox takes for a manifest and a lock, written down from its published schemas (`cli/schemas/manifest-v1.schema.json` and
//! `lockfile-v1.schema.json` of flox/flox, schema version 1 and lock version 1) and from its manual, `manifest.toml(5)`.
//!
//! The schemas themselves are under another licence than this project, so these are tables of our own: every key that may be
//! there, and no other.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

type Map<T> = BTreeMap<String, T>;

/// `manifest.toml` of `version = 1`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "what is looked at is whether it can be read")]
struct Manifest {
    version: u8,
    #[serde(default)]
    install: Map<Package>,
    #[serde(default)]
    vars: Map<String>,
    hook: Option<Hook>,
    profile: Option<Profile>,
    #[serde(default)]
    services: Map<Service>,
    #[serde(default)]
    build: Map<Build>,
    include: Option<Include>,
    #[serde(default)]
    options: Options,
    containerize: Option<Containerize>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
#[allow(dead_code, reason = "see above")]
enum Package {
    Catalog(Catalog),
    Flake(Flake),
    StorePath(StorePath),
}

macro_rules! tables {
    ($($name:ident { $($key:ident: $type:ty,)* })*) => {
        $(
            #[derive(Debug, Default, Deserialize)]
            #[serde(rename_all = "kebab-case", deny_unknown_fields)]
            #[allow(dead_code, reason = "see above")]
            struct $name { $($key: $type,)* }
        )*
    };
}

tables! {
    Catalog { pkg_path: String, pkg_group: Option<String>, version: Option<String>, systems: Option<Vec<String>>, priority: Option<u64>, }
    Flake { flake: String, systems: Option<Vec<String>>, priority: Option<u64>, }
    StorePath { store_path: String, systems: Option<Vec<String>>, priority: Option<u64>, }
    Hook { on_activate: Option<String>, }
    Profile { common: Option<String>, bash: Option<String>, zsh: Option<String>, fish: Option<String>, tcsh: Option<String>, }
    Service {
        command: String, vars: Option<Map<String>>, is_daemon: Option<bool>, shutdown: Option<Shutdown>, systemd: Option<Value>,
        systems: Option<Vec<String>>,
    }
    Shutdown { command: String, }
    Build {
        command: String, runtime_packages: Option<Vec<String>>, sandbox: Option<String>, version: Option<Value>,
        description: Option<String>, license: Option<Vec<String>>,
    }
    Include { environments: Option<Vec<Value>>, }
    Options {
        systems: Option<Vec<String>>, activate: Option<Activate>, allow: Option<Allow>, semver: Option<Semver>,
        cuda_detection: Option<bool>,
    }
    Activate { mode: Option<String>, }
    Allow { unfree: Option<bool>, broken: Option<bool>, licenses: Option<Vec<String>>, }
    Semver { allow_pre_releases: Option<bool>, }
    Containerize { config: Option<Config>, }
    Config {
        user: Option<String>, exposed_ports: Option<Vec<String>>, cmd: Option<Vec<String>>, volumes: Option<Vec<String>>,
        working_dir: Option<String>, labels: Option<Map<String>>, stop_signal: Option<String>,
    }
}

/// The systems that Flox has packages for.
const SYSTEMS: [&str; 4] = ["aarch64-darwin", "aarch64-linux", "x86_64-darwin", "x86_64-linux"];

/// Fails unless Flox would take this `manifest.toml` of `version = 1`.
pub fn valid_manifest(text: &str) {
    manifest(&toml::from_str::<Value>(text).unwrap()).unwrap_or_else(|why| panic!("{why}\n{text}"));
}

fn manifest(value: &Value) -> Result<(), String> {
    let manifest = Manifest::deserialize(value).map_err(|error| error.to_string())?;
    if manifest.version != 1 {
        return Err(format!("version {}", manifest.version));
    }
    for (name, service) in &manifest.services {
        if service.is_daemon == Some(true) && service.shutdown.is_none() {
            return Err(format!("service `{name}` is a daemon without `shutdown.command`"));
        }
    }
    let modes = manifest.options.activate.and_then(|activate| activate.mode);
    if let Some(mode) = modes.filter(|mode| !["dev", "run"].contains(&mode.as_str())) {
        return Err(format!("activation mode `{mode}`"));
    }
    systems(manifest.options.systems.iter().flatten())
}

fn systems<'a>(mut all: impl Iterator<Item = &'a String>) -> Result<(), String> {
    all.find(|system| !SYSTEMS.contains(&system.as_str()))
        .map_or(Ok(()), |other| Err(format!("system `{other}`")))
}

/// What each kind of locked package must have.
const CATALOG: [&str; 15] = [
    "attr_path",
    "derivation",
    "group",
    "install_id",
    "locked_url",
    "name",
    "outputs",
    "pname",
    "priority",
    "rev",
    "rev_count",
    "rev_date",
    "scrape_date",
    "system",
    "version",
];
const FLAKE: [&str; 9] = [
    "derivation",
    "install_id",
    "locked-flake-attr-path",
    "locked-url",
    "name",
    "output-names",
    "outputs",
    "package-system",
    "system",
];
const PATH: [&str; 4] = ["install_id", "priority", "store_path", "system"];

/// Fails unless Flox would take this `manifest.lock`, of a manifest of `version = 1`.
pub fn valid_lock(text: &str) {
    lock(&serde_json::from_str(text).unwrap()).unwrap_or_else(|why| panic!("{why}\n{text}"));
}

fn lock(lock: &Value) -> Result<(), String> {
    if lock["lockfile-version"] != 1 {
        return Err(format!("lock version {}", lock["lockfile-version"]));
    }
    manifest(&lock["manifest"])?;
    let packages = lock["packages"].as_array().ok_or("no packages")?;
    for package in packages {
        let has = |keys: &[&str]| keys.iter().all(|key| package.get(key).is_some());
        if !has(&CATALOG) && !has(&FLAKE) && !has(&PATH) {
            return Err(format!("a package of no kind: {package}"));
        }
        systems(package["system"].as_str().map(str::to_owned).iter())?;
        let outputs = package["outputs"].as_object().into_iter().flat_map(|outputs| outputs.values());
        for path in outputs.chain(package.get("store_path")).chain(package.get("derivation")) {
            let path = path.as_str().unwrap_or_default();
            if !path.starts_with("/nix/store/") {
                return Err(format!("no store path: `{path}`"));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_flox_refuses_is_refused() {
        let refused = |text: &str| manifest(&toml::from_str::<Value>(text).unwrap()).unwrap_err();
        assert!(manifest(&json!({ "version": 1 })).is_ok());
        for (text, part) in [
            ("", "missing field `version`"),
            ("version = 2", "version 2"),
            ("version = 1\n[containers]", "unknown field `containers`"),
            ("version = 1\n[install]\na.path = \"x\"", "did not match"),
            ("version = 1\n[install]\na = { pkg-path = \"x\", outputs = \"all\" }", "did not match"),
            ("version = 1\n[vars]\nPORT = 80", "expected a string"),
            ("version = 1\n[hook]\non_activate = \"\"", "unknown field `on_activate`"),
            ("version = 1\n[services.a]\nvars = {}", "missing field `command`"),
            ("version = 1\n[services.a]\ncommand = \"x\"\nis-daemon = true", "daemon without"),
            ("version = 1\n[options]\nsystems = [\"linux\"]", "system `linux`"),
            ("version = 1\n[options.activate]\nmode = \"prod\"", "activation mode"),
        ] {
            assert!(refused(text).contains(part), "{text}: {}", refused(text));
        }
    }
}
