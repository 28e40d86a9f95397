//! Keys that a program keeps: in a hardware module, behind a cloud's API. The protocol is a line of JSON each way.
//!
//! The program is started anew for each request, which it finds on standard input; its answer is one JSON object on standard
//! output. `{"version": 1, "request": "public-key"}` is answered with `{"publicKey": "-----BEGIN PUBLIC KEY-----…"}`, and
//! `{"version": 1, "request": "sign", "algorithm": "ecdsa-p256-sha256", "digest": "<hex of the SHA-256 of the message>"}` with
//! `{"signature": "<base64 of ASN.1 DER>"}`. What it writes to standard error is for people. A status other than 0 is a failure.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use longshore_oci::Digest;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{KeyError, LIMIT, PublicKey, Sign};

/// A key that a program keeps.
pub struct Program {
    path: PathBuf,
    public: PublicKey,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    public_key: Option<String>,
    signature: Option<String>,
}

impl Program {
    /// Asks the program at `path` for its public key.
    ///
    /// # Errors
    /// When it can't be started, fails, or answers something else.
    pub fn new(path: &Path) -> Result<Self, KeyError> {
        let answer = ask(path, &json!({ "version": 1, "request": "public-key" }))?;
        let pem = answer.public_key.ok_or_else(|| failed(path, "answered without `publicKey`"))?;
        let public = PublicKey::from_pem(&pem, &format!("of `{}`", path.display()))?;
        Ok(Self { path: path.to_owned(), public })
    }
}

impl Sign for Program {
    fn public(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let digest = Digest::of(message);
        let request = json!({ "version": 1, "request": "sign", "algorithm": "ecdsa-p256-sha256", "digest": digest.hex() });
        let answer = ask(&self.path, &request)?;
        let signature = answer.signature.and_then(|text| BASE64_STANDARD.decode(text.trim()).ok());
        let signature = signature.ok_or_else(|| failed(&self.path, "answered without `signature`"))?;
        // A signature that is wrong is found here and not by those who verify.
        match self.public.verifies(message, &signature) {
            true => Ok(signature),
            false => Err(failed(&self.path, "signed with another key than it says, or something else")),
        }
    }
}

fn ask(path: &Path, request: &Value) -> Result<Answer, KeyError> {
    let start =
        Command::new(path).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn();
    let mut child = start.map_err(|error| failed(path, &format!("can't be started: {error}")))?;
    if let Some(mut input) = child.stdin.take() {
        // One that does not read has its own reason, which its status tells.
        let _ = input.write_all(format!("{request}\n").as_bytes());
    }
    let mut output = Vec::new();
    if let Some(pipe) = child.stdout.take() {
        let read = pipe.take(LIMIT).read_to_end(&mut output);
        read.map_err(|error| failed(path, &format!("can't be read: {error}")))?;
    }
    let status = child.wait().map_err(|error| failed(path, &error.to_string()))?;
    if !status.success() {
        return Err(failed(path, &format!("failed ({status})")));
    }
    serde_json::from_slice(&output).map_err(|_| failed(path, "did not answer with a JSON object"))
}

fn failed(path: &Path, reason: &str) -> KeyError {
    KeyError::Program { program: path.display().to_string(), reason: reason.to_owned() }
}
