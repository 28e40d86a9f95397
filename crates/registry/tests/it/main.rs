//! The client against other people's registries, and against some that lie.
#![allow(clippy::unwrap_used, reason = "a broken assumption of a test fails it")]

mod lies;
mod logins;
mod servers;
mod troubles;

use std::io::Read;
use std::time::Duration;

use longshore_net::Settings as Net;
use longshore_oci::{Content, Store};
use longshore_registry::{Client, Repository, Settings};

/// A client with a store of its own.
struct Own {
    _folder: tempfile::TempDir,
    client: Client,
}

impl Own {
    fn new() -> Self {
        Self::with(Settings::default())
    }

    fn with(settings: Settings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let net = Net { timeout: Duration::from_secs(30), ..settings.net.clone() };
        Self { _folder: folder, client: Client::new(Settings { net, ..settings }, store) }
    }

    fn repository(&self, host: &str, name: &str) -> Repository {
        self.client.repository(&format!("{host}/{name}").parse().unwrap()).unwrap()
    }
}

/// Bytes that compress badly, the same for the same seed.
fn noise(size: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    std::iter::repeat_with(next).flatten().take(size).collect()
}

fn upload(repository: &Repository, bytes: &[u8]) -> Result<Content, longshore_registry::Error> {
    let content = Content::of(bytes);
    let open = |from: u64| Ok(Box::new(&bytes[usize::try_from(from).unwrap()..]) as Box<dyn Read>);
    repository.upload(&content, &open, None, &longshore_oci::Silent)?;
    Ok(content)
}

fn fetch(
    own: &Own,
    repository: &Repository,
    content: &Content,
) -> Result<Vec<u8>, longshore_registry::Error> {
    repository.fetch_blob(content, &longshore_oci::Silent)?;
    Ok(own.client.store().read_blob(content).unwrap())
}
