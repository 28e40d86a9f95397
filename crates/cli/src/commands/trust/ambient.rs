//! Who a CI system says that we are.

use std::process::{Command, Stdio};

use longshore_net::{Http, Method, Request, Url, header};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::author::variable;
use crate::machine::Machine;
use crate::report::Failure;

/// More bytes than this are no token.
const LIMIT: u64 = 64 << 10;

/// The token that a CI system gives for Sigstore: GitHub Actions by a request, Buildkite and CircleCI by programs of theirs, GitLab
/// and others in SIGSTORE_ID_TOKEN.
pub fn token(machine: &Machine) -> Result<Option<Zeroizing<String>>, Failure> {
    if let Some(token) = variable("SIGSTORE_ID_TOKEN") {
        return Ok(Some(token));
    }
    if let (Some(url), Some(bearer)) =
        (variable("ACTIONS_ID_TOKEN_REQUEST_URL"), variable("ACTIONS_ID_TOKEN_REQUEST_TOKEN"))
    {
        return github(&url, bearer, machine).map(Some);
    }
    if variable("BUILDKITE_AGENT_ACCESS_TOKEN").is_some() {
        let arguments = ["oidc", "request-token", "--audience", "sigstore"];
        return printed("buildkite-agent", &arguments).map(Some);
    }
    if variable("CIRCLECI").is_some_and(|text| *text == "true") {
        let arguments = ["run", "oidc", "get", "--root-issuer", "--claims", r#"{"aud":"sigstore"}"#];
        return printed("circleci", &arguments).map(Some);
    }
    Ok(None)
}

/// The token that a program of a CI system prints.
fn printed(program: &str, arguments: &[&str]) -> Result<Zeroizing<String>, Failure> {
    let no_token = |reason: String| Failure::Usage {
        message: format!("`{program}` gives no token: {reason}"),
        hint: "give `--identity-token FILE`, or sign with a key: `--key cosign.key`".to_owned(),
    };
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    let output = output.map_err(|error| no_token(error.to_string()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.lines().next().unwrap_or("it failed").chars();
        return Err(no_token(said.filter(|c| !c.is_control()).take(200).collect()));
    }
    let printed = Zeroizing::new(output.stdout);
    let token = std::str::from_utf8(&printed).map_err(|_| no_token("it prints no text".to_owned()))?;
    Ok(Zeroizing::new(token.trim().to_owned()))
}

fn github(url: &str, bearer: Zeroizing<String>, machine: &Machine) -> Result<Zeroizing<String>, Failure> {
    #[derive(Deserialize)]
    struct Answer {
        value: String,
    }
    let no_token = |reason: String| Failure::Usage {
        message: format!("GitHub gives no token: {reason}"),
        hint: "the job needs `permissions: id-token: write`".to_owned(),
    };
    let separator = if url.contains('?') { '&' } else { '?' };
    let address: Url = format!("{url}{separator}audience=sigstore")
        .parse()
        .map_err(|_| no_token("its address is none".to_owned()))?;
    let mut request = Request::new(Method::GET, &address);
    request.headers = vec![(header::AUTHORIZATION, format!("bearer {}", bearer.as_str()))];
    let response =
        Http::new(machine.network())?.send(request).map_err(|failure| no_token(failure.to_string()))?;
    let status = response.status;
    let answer = response.bytes(LIMIT).map_err(|failure| no_token(failure.to_string()))?;
    let answer: Option<Answer> = serde_json::from_slice(&answer).ok().filter(|_| status.is_success());
    answer.map(|answer| Zeroizing::new(answer.value)).ok_or_else(|| no_token(format!("status {status}")))
}
