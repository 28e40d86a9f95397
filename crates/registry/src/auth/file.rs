//! Auth files: Docker's `config.json`, and `auth.json` of podman and its relatives (containers-auth.json(5)).

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use fs_err as fs;
use longshore_oci::read_bounded;
use serde_json::{Map, Value, json};

use super::{Credentials, CredentialsError, Secret, helper};

/// Docker's name of its own registry in auth files.
const DOCKER: &str = "https://index.docker.io/v1/";
/// More than this is no auth file.
const LIMIT: u64 = 8 << 20;
/// With or without padding, as people write it.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// An auth file. What it holds beside credentials stays when it is written.
#[derive(Clone)]
pub struct AuthFile {
    path: PathBuf,
    root: Map<String, Value>,
}

impl std::fmt::Debug for AuthFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("AuthFile").field(&self.path).finish()
    }
}

impl AuthFile {
    /// The file at `path`; an empty one where there is none.
    ///
    /// # Errors
    /// When it can't be read, or is no JSON object.
    pub fn read(path: &Path) -> Result<Self, CredentialsError> {
        let path = path.to_owned();
        let bytes = match fs::File::open(&path).and_then(|file| read_bounded(file, LIMIT)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Self { path, root: Map::new() });
            }
            Err(source) => return Err(CredentialsError::Unreadable { path, source }),
        };
        if bytes.trim_ascii().is_empty() {
            return Ok(Self { path, root: Map::new() });
        }
        // The parser's own words may quote what is in it.
        match serde_json::from_slice(&bytes) {
            Ok(Value::Object(root)) => Ok(Self { path, root }),
            Ok(_) => Err(CredentialsError::Malformed { path, reason: "it is no JSON object".to_owned() }),
            Err(error) => {
                let reason = format!("it is no JSON (line {}, column {})", error.line(), error.column());
                Err(CredentialsError::Malformed { path, reason })
            }
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it, or a helper that it names, has for `repository` of the registry `host`: for the longest beginning of that name
    /// that it knows.
    pub(crate) fn find(
        &self,
        host: &str,
        repository: &str,
        search: &OsStr,
    ) -> Result<Option<Credentials>, CredentialsError> {
        let server = if host == "docker.io" { DOCKER } else { host };
        let helpers = self.root.get("credHelpers").and_then(Value::as_object);
        let own = helpers.and_then(|all| {
            let known = all.iter().find(|(key, _)| normal(key) == host);
            known.and_then(|(_, name)| name.as_str())
        });
        if let Some(name) = own
            && let Some(found) = helper::get(search, name, &self.path, server)?
        {
            return Ok(Some(found));
        }
        let written: BTreeMap<String, &Value> = self
            .root
            .get("auths")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .map(|(key, value)| (normal(key), value))
            .collect();
        let mut name = format!("{host}/{repository}");
        loop {
            // With a helper for everything, Docker leaves an empty entry here.
            if let Some(found) =
                written.get(&name).map(|entry| self.credentials(&name, entry)).transpose()?.flatten()
            {
                return Ok(Some(found));
            }
            match name.rfind('/') {
                Some(at) => name.truncate(at),
                None => break,
            }
        }
        match self.root.get("credsStore").and_then(Value::as_str) {
            Some(store) if !store.is_empty() => helper::get(search, store, &self.path, server),
            _ => Ok(None),
        }
    }

    fn credentials(&self, name: &str, entry: &Value) -> Result<Option<Credentials>, CredentialsError> {
        let text = |key: &str| entry.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        if let Some(token) = text("identitytoken") {
            return Ok(Some(Credentials::Identity(Secret::new(token))));
        }
        if let Some(token) = text("registrytoken") {
            return Ok(Some(Credentials::Bearer(Secret::new(token))));
        }
        let plain = |user: &str, password: &str| {
            let password = Secret::new(password);
            Some(Credentials::Password { user: user.to_owned(), password })
        };
        if let Some(auth) = text("auth") {
            let decoded = BASE64.decode(auth.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            let pair = decoded.as_deref().and_then(|text| text.split_once(':'));
            let (user, password) = pair.ok_or_else(|| CredentialsError::Malformed {
                path: self.path.clone(),
                reason: format!("`auth` of `{name}` is not the base64 of `name:password`"),
            })?;
            // Docker used to end passwords with a zero byte.
            return Ok(plain(user, password.trim_end_matches('\0')));
        }
        Ok(text("username").and_then(|user| plain(user, text("password").unwrap_or_default())))
    }

    /// The helper that keeps credentials of `host`, where the file names one.
    pub fn helper(&self, host: &str) -> Option<&str> {
        let own = self.root.get("credHelpers").and_then(Value::as_object);
        let own = own.and_then(|all| all.iter().find(|(key, _)| normal(key) == host)).map(|(_, name)| name);
        own.or(self.root.get("credsStore")).and_then(Value::as_str).filter(|name| !name.is_empty())
    }

    /// Writes name and password for `host` into the file, which only its owner may read then.
    ///
    /// # Errors
    /// When it can't be written; then it is as it was.
    pub fn log_in(mut self, host: &str, user: &str, password: &Secret) -> io::Result<()> {
        let auth = BASE64.encode(format!("{user}:{}", password.reveal()));
        self.forget(host);
        let auths = self.root.entry("auths").or_insert_with(|| json!({}));
        if let Some(auths) = auths.as_object_mut() {
            let server = if host == "docker.io" { DOCKER } else { host };
            auths.insert(server.to_owned(), json!({ "auth": auth }));
        }
        self.write()
    }

    /// Takes what the file has for `host` out of it, and says whether there was something.
    ///
    /// # Errors
    /// When it can't be written; then it is as it was.
    pub fn log_out(mut self, host: &str) -> io::Result<bool> {
        let found = self.forget(host);
        if found {
            self.write()?;
        }
        Ok(found)
    }

    fn forget(&mut self, host: &str) -> bool {
        let Some(auths) = self.root.get_mut("auths").and_then(Value::as_object_mut) else { return false };
        let before = auths.len();
        auths.retain(|key, _| normal(key) != host);
        auths.len() < before
    }

    fn write(&self) -> io::Result<()> {
        use std::io::Write as _;
        use std::os::unix::fs::OpenOptionsExt as _;
        // A link, as of a file that is kept elsewhere, stays one.
        let path = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        fs::create_dir_all(path.parent().unwrap_or(Path::new("/")))?;
        let mut unfinished = path.clone().into_os_string();
        unfinished.push(".new");
        // One that was left over may be readable by more than its owner.
        let _ = fs::remove_file(&unfinished);
        let mut file =
            std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
        let text = serde_json::to_string_pretty(&self.root)?;
        file.write_all(text.as_bytes())
            .and_then(|()| file.write_all(b"\n"))
            .and_then(|()| file.sync_all())?;
        fs::rename(&unfinished, &path)
    }
}

/// A key without what Docker writes around a host: `https://ghcr.io/v1/` → `ghcr.io`.
fn normal(key: &str) -> String {
    let bare = key.trim_start_matches("https://").trim_start_matches("http://").trim_end_matches('/');
    let bare = bare.trim_end_matches("/v1").trim_end_matches("/v2");
    match bare.split_once('/') {
        Some(("index.docker.io" | "registry-1.docker.io", rest)) => format!("docker.io/{rest}"),
        None if matches!(bare, "index.docker.io" | "registry-1.docker.io") => "docker.io".to_owned(),
        _ => bare.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.json");
        fs::write(&path, text).unwrap();
        (folder, path)
    }

    fn found(text: &str, host: &str, repository: &str) -> Option<String> {
        let (_folder, path) = file(text);
        let found = AuthFile::read(&path).unwrap().find(host, repository, OsStr::new("/nowhere")).unwrap();
        found.map(|credentials| match credentials {
            Credentials::Password { user, password } => format!("{user}:{}", password.reveal()),
            Credentials::Identity(token) => format!("identity {}", token.reveal()),
            Credentials::Bearer(token) => format!("bearer {}", token.reveal()),
        })
    }

    #[test]
    fn entries_of_docker_and_of_podman() {
        let text = r#"{"auths": {
            "ghcr.io": {"auth": "bWU6cGFzczp3b3Jk"},
            "ghcr.io/org/deep": {"username": "deep", "password": "p"},
            "https://index.docker.io/v1/": {"auth": "aHViOmh1YgAA"},
            "https://quay.io": {"identitytoken": "id"},
            "raw.example:5000": {"registrytoken": "raw"},
            "empty.example": {}
        }}"#;
        for (host, repository, expected) in [
            ("ghcr.io", "org/x", Some("me:pass:word")),
            ("ghcr.io", "org/deep/x", Some("deep:p")),
            ("ghcr.io", "org/deeper", Some("me:pass:word")),
            ("docker.io", "library/x", Some("hub:hub")),
            ("quay.io", "x/y", Some("identity id")),
            ("raw.example:5000", "x", Some("bearer raw")),
            ("raw.example", "x", None),
            ("empty.example", "x", None),
            ("io", "x", None),
        ] {
            assert_eq!(found(text, host, repository).as_deref(), expected, "{host}/{repository}");
        }
    }

    #[test]
    fn helpers_are_asked() {
        use std::os::unix::fs::PermissionsExt as _;
        let (folder, path) = file(r#"{"credHelpers": {"a.example": "one"}, "credsStore": "all"}"#);
        for (name, script) in [
            ("one", "read -r server; printf '{\"Username\":\"<token>\",\"Secret\":\"for %s\"}' \"$server\""),
            ("all", "echo 'credentials not found in native keychain'; exit 1"),
        ] {
            let program = folder.path().join(format!("docker-credential-{name}"));
            fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
            fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        let auth = AuthFile::read(&path).unwrap();
        let search = folder.path().as_os_str();
        let token = Some(Credentials::Identity(Secret::new("for a.example")));
        assert_eq!(auth.find("a.example", "x", search).unwrap(), token);
        assert_eq!(auth.find("b.example", "x", search).unwrap(), None);
        let error = auth.find("a.example", "x", OsStr::new("/nowhere")).unwrap_err();
        assert!(
            error.to_string().starts_with("can't run the credential helper `docker-credential-one`"),
            "{error}"
        );
        fs::write(folder.path().join("docker-credential-all"), "#!/bin/sh\necho '{\"Secret\": hush'\n")
            .unwrap();
        let error = auth.find("b.example", "x", search).unwrap_err().to_string();
        assert!(!error.contains("hush"), "{error}");
    }

    #[test]
    fn a_damaged_file_is_not_quoted() {
        let (_folder, path) = file(r#"{"auths": {"x": {"auth": "!hush"}}}"#);
        let auth = AuthFile::read(&path).unwrap();
        let error = auth.find("x", "y", OsStr::new("")).unwrap_err();
        assert!(error.to_string().ends_with("`auth` of `x` is not the base64 of `name:password`"), "{error}");
        fs::write(&path, "{\"auths\": hush").unwrap();
        let error = AuthFile::read(&path).unwrap_err().to_string();
        assert!(error.contains("line 1") && !error.contains("hush"), "{error}");
    }

    #[test]
    fn logging_in_and_out_keeps_the_rest() {
        let (_folder, path) =
            file(r#"{"detachKeys": "x", "auths": {"https://a.example/v2/": {"auth": "b2xkOm9sZA=="}}}"#);
        let auth = || AuthFile::read(&path).unwrap();
        auth().log_in("a.example", "me", &Secret::new("new")).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let written: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        assert_eq!(written, json!({ "auths": { "a.example": { "auth": "bWU6bmV3" } }, "detachKeys": "x" }));
        assert!(auth().log_out("a.example").unwrap());
        assert!(!auth().log_out("a.example").unwrap());
        assert_eq!(auth().find("a.example", "x", OsStr::new("")).unwrap(), None);
    }
}
