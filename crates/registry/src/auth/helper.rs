//! Programs that keep credentials: `docker-credential-NAME get` (the docker-credential-helpers protocol).

use std::ffi::OsStr;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use longshore_oci::read_bounded;
use serde::Deserialize;

use super::{Credentials, CredentialsError, Secret};

/// Helpers may ask a cloud's metadata service, or a person.
const PATIENCE: Duration = Duration::from_secs(60);
/// Most bytes of what a helper says.
const LIMIT: u64 = 1 << 20;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    #[serde(default)]
    username: String,
    #[serde(default)]
    secret: String,
}

/// The helper called `name` among the folders of a search path.
pub fn find(search: &OsStr, name: &str) -> Option<PathBuf> {
    let program = format!("docker-credential-{name}");
    std::env::split_paths(search).map(|folder| folder.join(&program)).find(|path| path.is_file())
}

/// What the helper `name`, which the auth file at `path` names, keeps for `server`; none where it keeps nothing.
pub(super) fn get(
    search: &OsStr,
    name: &str,
    path: &Path,
    server: &str,
) -> Result<Option<Credentials>, CredentialsError> {
    let program = format!("docker-credential-{name}");
    // A name is part of a program's, never a way to one.
    let found = (!name.contains('/')).then(|| find(search, name)).flatten();
    let no_helper = |source| CredentialsError::NoHelper {
        program: program.clone(),
        path: path.to_owned(),
        host: server.to_owned(),
        source,
    };
    let found = found.ok_or_else(|| no_helper(std::io::ErrorKind::NotFound.into()))?;
    let mut child = Command::new(found)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(no_helper)?;
    let failed =
        |said: String| CredentialsError::Helper { program: program.clone(), host: server.to_owned(), said };
    let (status, output, said) = talk(&mut child, server).map_err(|error| failed(error.to_string()))?;
    if !status {
        // By its own words, which differ a little between helpers.
        let text = format!("{}{}", String::from_utf8_lossy(&output), said).to_ascii_lowercase();
        return match text.contains("not found") {
            true => Ok(None),
            false => Err(failed(said.trim().chars().take(400).collect())),
        };
    }
    // What is wrong with the output is not quoted: it may hold the secret.
    let answer: Answer = serde_json::from_slice(&output)
        .map_err(|_| failed("its output is not the JSON that is expected".to_owned()))?;
    let secret = Secret::new(answer.secret);
    Ok(match answer.username.as_str() {
        _ if secret.reveal().is_empty() => None,
        "<token>" => Some(Credentials::Identity(secret)),
        _ => Some(Credentials::Password { user: answer.username, password: secret }),
    })
}

/// Tells the helper its server, and waits for its end, its output and its complaints.
fn talk(child: &mut Child, server: &str) -> std::io::Result<(bool, Vec<u8>, String)> {
    if let Some(mut stdin) = child.stdin.take() {
        // One that reads nothing is no failure by itself.
        let _ = stdin.write_all(server.as_bytes());
    }
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let reader = std::thread::spawn(move || stdout.map_or(Ok(Vec::new()), |out| read_bounded(out, LIMIT)));
    let complaints = std::thread::spawn(move || {
        let mut text = Vec::new();
        stderr.map(|err| err.take(4096).read_to_end(&mut text));
        String::from_utf8_lossy(&text).into_owned()
    });
    let start = Instant::now();
    let status = loop {
        match child.try_wait()? {
            Some(status) => break status,
            None if start.elapsed() > PATIENCE => {
                child.kill()?;
                child.wait()?;
                return Err(std::io::Error::new(
                    std::io::ErrorKind::TimedOut,
                    format!("no answer within {PATIENCE:?}"),
                ));
            }
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    let output = reader.join().unwrap_or_else(|_| Ok(Vec::new()))?;
    Ok((status.success(), output, complaints.join().unwrap_or_default()))
}
