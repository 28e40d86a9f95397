//! Configurations as others write them: what we would leave out may be there as `null`.

use std::collections::BTreeMap;

use longshore_oci::layout::MAX_MANIFEST;
use longshore_oci::{
    Config, Content, DiffId, Empty, History, ImageConfig, Platform, Reference, RootFsConfig, Store,
    VerifiedReader, read_bounded,
};
use serde::Deserialize;

use super::Error;
use super::documents::Platforms;

#[derive(Deserialize)]
struct Raw {
    architecture: Option<String>,
    os: Option<String>,
    variant: Option<String>,
    created: Option<String>,
    config: Option<RawConfig>,
    rootfs: RawRootFs,
    history: Option<Vec<RawHistory>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawConfig {
    user: Option<String>,
    exposed_ports: Option<BTreeMap<String, Empty>>,
    env: Option<Vec<String>>,
    entrypoint: Option<Vec<String>>,
    cmd: Option<Vec<String>>,
    working_dir: Option<String>,
    labels: Option<BTreeMap<String, String>>,
    stop_signal: Option<String>,
}

#[derive(Deserialize)]
struct RawRootFs {
    diff_ids: Option<Vec<DiffId>>,
}

#[derive(Deserialize)]
struct RawHistory {
    created: Option<String>,
    created_by: Option<String>,
    author: Option<String>,
    comment: Option<String>,
    empty_layer: Option<bool>,
}

/// What the configuration is for, as it says.
pub(super) fn platform(config: &ImageConfig) -> Platforms {
    let Platform { architecture, os, variant } = config.platform.clone();
    Platforms::new(architecture, os, variant)
}

/// The configuration, which is in the store.
pub(super) fn read(reference: &Reference, content: &Content, store: &Store) -> Result<ImageConfig, Error> {
    check_size(reference, content)?;
    let blob = VerifiedReader::new(store.open_blob(content)?, *content);
    let bytes = read_bounded(blob, MAX_MANIFEST).map_err(longshore_oci::StoreError::from)?;
    let raw: Raw = serde_json::from_slice(&bytes).map_err(|error| Error::Document {
        reference: Box::new(reference.clone()),
        what: format!("configuration {}", content.digest),
        error,
    })?;
    Ok(raw.into())
}

/// Refuses what is too large to be a configuration, before it is fetched.
pub(super) fn check_size(reference: &Reference, content: &Content) -> Result<(), Error> {
    if content.size <= MAX_MANIFEST {
        return Ok(());
    }
    Err(Error::TooLarge {
        reference: Box::new(reference.clone()),
        what: format!("configuration {}", content.digest),
        size: content.size,
        limit: MAX_MANIFEST,
    })
}

impl From<Raw> for ImageConfig {
    fn from(raw: Raw) -> Self {
        let diff_ids = raw.rootfs.diff_ids.unwrap_or_default();
        let config = raw.config.unwrap_or_default();
        let history = raw.history.unwrap_or_default().into_iter().map(|entry| History {
            created: entry.created.unwrap_or_default(),
            created_by: entry.created_by.unwrap_or_default(),
            author: entry.author.filter(|author| !author.is_empty()),
            comment: entry.comment.filter(|comment| !comment.is_empty()),
            empty_layer: entry.empty_layer.unwrap_or_default(),
        });
        let mut history: Vec<History> = history.collect();
        // It is optional, and says nothing where it counts other layers than there are.
        if history.iter().filter(|entry| !entry.empty_layer).count() != diff_ids.len() {
            history = diff_ids.iter().map(|_| History::default()).collect();
        }
        Self {
            created: raw.created.unwrap_or_default(),
            platform: Platform {
                architecture: raw.architecture.unwrap_or_default(),
                os: raw.os.unwrap_or_default(),
                variant: raw.variant.filter(|variant| !variant.is_empty()),
            },
            config: Config {
                user: config.user.unwrap_or_default(),
                exposed_ports: config.exposed_ports.unwrap_or_default(),
                env: config.env.unwrap_or_default(),
                entrypoint: config.entrypoint.unwrap_or_default(),
                cmd: config.cmd.unwrap_or_default(),
                volumes: BTreeMap::new(),
                working_dir: config.working_dir.unwrap_or_default(),
                labels: config.labels.unwrap_or_default(),
                stop_signal: config.stop_signal.unwrap_or_default(),
                healthcheck: None,
            },
            rootfs: RootFsConfig { kind: "layers".to_owned(), diff_ids },
            history,
        }
    }
}
