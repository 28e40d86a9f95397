//! The machine's side: what the environment says. Read once, here; nothing of it may reach an output.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use longshore_net::Proxies;
use longshore_sources::deb::mirror::Mirrors;
use longshore_sources::nix;

/// Variables by which Go is told where to fetch from.
const FETCH: [&str; 6] = ["GOPROXY", "GONOPROXY", "GOSUMDB", "GONOSUMDB", "GOPRIVATE", "GOINSECURE"];

/// How those of Cargo and npm begin.
const FETCH_PREFIXES: [&str; 4] = ["npm_config_", "CARGO_REGISTRIES_", "CARGO_SOURCE_", "CARGO_NET_"];

/// What longshore takes from the environment.
pub struct Settings {
    /// Where the content store is.
    pub store: PathBuf,
    /// How large it may grow: `LONGSHORE_STORE_LIMIT`.
    pub store_limit: Option<String>,
    /// Mirrors: `LONGSHORE_MIRROR_<NAME>` (addresses in order, separated by spaces) before apt's settings.
    pub mirrors: Mirrors,
    /// Proxies.
    pub proxies: Proxies,
    /// What fetches of builds get of the environment: proxies, and the ecosystems' own settings of where to look.
    pub fetch_environment: BTreeMap<String, String>,
    /// Where the user's own settings of these clients are, by where a fetch sees them.
    pub fetch_files: BTreeMap<String, PathBuf>,
    /// More certificate authorities, from `SSL_CERT_FILE`.
    pub certificates: Option<PathBuf>,
    /// Where registries are, and who we are there.
    pub registries: Registries,
    /// The private key that signs what builds made for the cache: `LONGSHORE_CACHE_KEY`.
    pub cache_key: Option<PathBuf>,
    /// Who says what installables of Nix are: `LONGSHORE_NIX`, `LONGSHORE_NIX_GRAPH`, or the `nix` in `PATH`.
    pub nix: nix::Settings,
    /// Binary caches that are asked besides the stack's: `LONGSHORE_NIX_CACHES`.
    pub nix_caches: Vec<String>,
    /// A TUF repository of a Sigstore (`LONGSHORE_TUF_MIRROR`), and its root (`LONGSHORE_TUF_ROOT`).
    pub tuf_mirror: Option<String>,
    pub tuf_root: Option<PathBuf>,
    /// `PATH`, for the programs that are run (git, docker, podman).
    pub path: OsString,
    /// Seconds since 1970, for what expires alone: `Valid-Until`, keys, trusted roots.
    pub now: u64,
    /// Processors.
    pub jobs: NonZeroUsize,
}

/// Where the state of all stacks is.
pub fn stacks() -> Result<PathBuf, NoState> {
    Ok(state()?.join("stacks"))
}

/// Where longshore keeps what may not be lost with a cache.
#[allow(clippy::disallowed_methods, reason = "the one place that reads environment and clock")]
pub fn state() -> Result<PathBuf, NoState> {
    let path_of = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let state = path_of("XDG_STATE_HOME").or_else(|| path_of("HOME").map(|home| home.join(".local/state")));
    // The variable holds an absolute path, or none (XDG base directory specification).
    let state = state.filter(|state| state.is_absolute()).ok_or(NoState)?;
    Ok(state.join("longshore"))
}

/// A variable of the environment, for secrets that are to come from it.
#[allow(clippy::disallowed_methods, reason = "the one place that reads environment and clock")]
pub fn variable(name: &str) -> Option<Vec<u8>> {
    use std::os::unix::ffi::OsStringExt as _;
    std::env::var_os(name).map(OsString::into_vec)
}

/// No place for state is known.
#[derive(Debug, thiserror::Error)]
#[error("no place for longshore's state: neither XDG_STATE_HOME nor HOME is an absolute path")]
pub struct NoState;

/// No place for the store is known.
#[derive(Debug, thiserror::Error)]
#[error("no place for the content store: neither LONGSHORE_STORE, XDG_CACHE_HOME nor HOME is set")]
pub struct NoStore;

impl Settings {
    /// The day, `20251122` (UTC).
    pub fn today(&self) -> String {
        let day = longshore_oci::Epoch(u32::try_from(self.now).unwrap_or(u32::MAX)).to_string();
        day.chars().filter(char::is_ascii_digit).take(8).collect()
    }

    /// Reads the environment.
    #[allow(clippy::disallowed_methods, reason = "the one place that reads environment and clock")]
    pub fn read(jobs: Option<u16>) -> Result<Self, NoStore> {
        let path_of = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
        let store = path_of("LONGSHORE_STORE")
            .or_else(|| path_of("XDG_CACHE_HOME").map(|cache| cache.join("longshore")))
            .or_else(|| path_of("HOME").map(|home| home.join(".cache/longshore")))
            .ok_or(NoStore)?;
        let text = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
        let mut mirrors = BTreeMap::new();
        let mut proxies: BTreeMap<String, String> = BTreeMap::new();
        let mut fetch_environment = BTreeMap::new();
        for (name, value) in text {
            let lower = name.to_ascii_lowercase();
            let fetches =
                FETCH.contains(&name.as_str()) || FETCH_PREFIXES.iter().any(|start| name.starts_with(start));
            // A path of this machine means nothing in a sandbox; the file itself is shown there.
            let fetches = fetches && lower != "npm_config_userconfig";
            if fetches || lower.ends_with("_proxy") {
                fetch_environment.insert(name.clone(), value.to_string_lossy().into_owned());
            }
            if let Some(source) = name.strip_prefix("LONGSHORE_MIRROR_") {
                let urls = value.to_string_lossy().split_whitespace().map(str::to_owned).collect();
                mirrors.insert(source.to_ascii_lowercase().replace('_', "-"), urls);
                continue;
            }
            let lower = name.to_ascii_lowercase();
            if matches!(lower.as_str(), "http_proxy" | "https_proxy" | "all_proxy" | "no_proxy") {
                // The lower-case form wins, as in curl; `HTTP_PROXY` can be set by a request in a CGI program.
                if name == lower || !proxies.contains_key(&lower) {
                    proxies.insert(lower, value.to_string_lossy().into_owned());
                }
            }
        }
        let now =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_secs());
        let given = jobs.and_then(|jobs| NonZeroUsize::new(jobs.into()));
        let jobs = given.or_else(|| std::thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN);
        Ok(Self {
            store,
            store_limit: path_of("LONGSHORE_STORE_LIMIT").map(|text| text.to_string_lossy().into_owned()),
            fetch_environment,
            fetch_files: fetch_files(&path_of),
            mirrors: Mirrors { chosen: mirrors, apt: Some(PathBuf::from("/etc/apt")) },
            proxies: Proxies {
                http: proxies.remove("http_proxy"),
                https: proxies.remove("https_proxy"),
                all: proxies.remove("all_proxy"),
                direct: proxies.remove("no_proxy"),
            },
            certificates: path_of("SSL_CERT_FILE"),
            registries: Registries::read(&path_of),
            cache_key: path_of("LONGSHORE_CACHE_KEY"),
            nix: nix_settings(&path_of),
            nix_caches: path_of("LONGSHORE_NIX_CACHES")
                .map(|all| all.to_string_lossy().split_whitespace().map(str::to_owned).collect())
                .unwrap_or_default(),
            tuf_mirror: path_of("LONGSHORE_TUF_MIRROR").map(|url| url.to_string_lossy().into_owned()),
            tuf_root: path_of("LONGSHORE_TUF_ROOT"),
            path: std::env::var_os("PATH").unwrap_or_default(),
            now,
            jobs,
        })
    }
}

/// Files in which the machine and the user say where registries are, and who we are there.
#[derive(Debug, Clone)]
pub struct Registries {
    /// Auth files, those that come first asked first (containers-auth.json(5), then Docker's).
    pub auth_files: Vec<PathBuf>,
    /// The one that `longshore login` writes.
    pub login_file: Option<PathBuf>,
    /// `registries.conf`, the first that is there.
    pub conf: Vec<PathBuf>,
    /// Folders of more.
    pub conf_d: Vec<PathBuf>,
    /// Folders of certificate authorities of single hosts.
    pub certs_d: Vec<PathBuf>,
    /// Hosts that speak plain HTTP.
    pub plain_http: Vec<String>,
}

impl Registries {
    fn read(path_of: &impl Fn(&str) -> Option<PathBuf>) -> Self {
        let home = |below: &str| path_of("HOME").map(|home| home.join(below));
        let config = path_of("XDG_CONFIG_HOME").or_else(|| home(".config"));
        let in_config = |below: &str| config.as_ref().map(|config| config.join(below));
        let docker = path_of("DOCKER_CONFIG").or_else(|| home(".docker"));
        let docker = docker.map(|folder| folder.join("config.json"));
        let chosen = path_of("REGISTRY_AUTH_FILE");
        let auth_files = match &chosen {
            Some(file) => vec![file.clone()],
            None => [
                path_of("XDG_RUNTIME_DIR").map(|run| run.join("containers/auth.json")),
                in_config("containers/auth.json"),
                docker.clone(),
            ]
            .into_iter()
            .flatten()
            .collect(),
        };
        let chosen_conf = path_of("CONTAINERS_REGISTRIES_CONF");
        let etc = |name: &str| PathBuf::from("/etc").join(name);
        let only_chosen = chosen_conf.is_some();
        let conf = match chosen_conf {
            Some(file) => vec![file],
            None => in_config("containers/registries.conf")
                .into_iter()
                .chain([etc("containers/registries.conf")])
                .collect(),
        };
        let conf_d = match only_chosen {
            true => Vec::new(),
            false => [etc("containers/registries.conf.d")]
                .into_iter()
                .chain(in_config("containers/registries.conf.d"))
                .collect(),
        };
        let certs_d = in_config("containers/certs.d").into_iter();
        let plain = path_of("LONGSHORE_PLAIN_HTTP").unwrap_or_default();
        Self {
            login_file: chosen.or(docker),
            auth_files,
            conf,
            conf_d,
            certs_d: certs_d.chain([etc("containers/certs.d"), etc("docker/certs.d")]).collect(),
            plain_http: plain.to_string_lossy().split_whitespace().map(str::to_owned).collect(),
        }
    }
}

/// Inside of a Nix build the file of what was handed over: `LONGSHORE_NIX_GRAPH`.
#[allow(clippy::disallowed_methods, reason = "the one place that reads environment and clock")]
pub fn nix_graph() -> Option<PathBuf> {
    std::env::var_os("LONGSHORE_NIX_GRAPH").filter(|file| !file.is_empty()).map(PathBuf::from)
}

/// Whom to ask about installables.
fn nix_settings(path_of: &impl Fn(&str) -> Option<PathBuf>) -> nix::Settings {
    if let Some(file) = nix_graph() {
        return nix::Settings::Graph(file);
    }
    match path_of("LONGSHORE_NIX") {
        Some(none) if none.as_os_str() == "none" => nix::Settings::Nobody,
        Some(program) => nix::Settings::Command(program),
        None => {
            let path = path_of("PATH").unwrap_or_default();
            let found =
                std::env::split_paths(&path).map(|folder| folder.join("nix")).find(|nix| nix.is_file());
            found.map_or(nix::Settings::Nobody, nix::Settings::Command)
        }
    }
}

/// The user's own settings of Go, npm and Cargo, and the passwords file that Go reads, where these clients look for them
/// (`go help environment`; npm's documentation, "npmrc"; the Cargo book, "Configuration"). Cargo's home is `/out` in a
/// fetch, everybody's is `/homeless`.
fn fetch_files(path_of: &impl Fn(&str) -> Option<PathBuf>) -> BTreeMap<String, PathBuf> {
    let home = |below: &str| path_of("HOME").map(|home| home.join(below));
    let cargo = path_of("CARGO_HOME").or_else(|| home(".cargo"));
    let in_cargo = |names: [&str; 2]| {
        let paths = cargo.iter().flat_map(|cargo| names.map(|name| cargo.join(name)));
        paths.into_iter().find(|path| path.is_file())
    };
    let settings = path_of("XDG_CONFIG_HOME").or_else(|| home(".config"));
    let all = [
        ("/homeless/.config/go/env", path_of("GOENV").or_else(|| Some(settings?.join("go/env")))),
        ("/homeless/.netrc", path_of("NETRC").or_else(|| home(".netrc"))),
        (
            "/homeless/.npmrc",
            path_of("npm_config_userconfig")
                .or_else(|| path_of("NPM_CONFIG_USERCONFIG"))
                .or_else(|| home(".npmrc")),
        ),
        ("/out/config.toml", in_cargo(["config.toml", "config"])),
        ("/out/credentials.toml", in_cargo(["credentials.toml", "credentials"])),
    ];
    all.into_iter().filter_map(|(to, from)| Some((to.to_owned(), from?))).collect()
}
