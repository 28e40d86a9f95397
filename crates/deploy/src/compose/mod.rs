//! Compose: one file for `docker compose`, and the configuration files that it mounts (<https://github.com/compose-spec/compose-spec>).

mod document;
mod escape;
mod groups;
mod service;

use std::collections::BTreeMap;

use crate::{Deployment, NoImage, Rendered, header, yaml};
use document::{Document, Network, Secret, Volume};

/// The file's name.
const NAME: &str = "compose.yaml";

/// Why a stack can't be a Compose file.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An image has no name.
    #[error(transparent)]
    Image(#[from] NoImage),
    /// Compose separates a folder in memory from its options by a colon.
    #[error(
        "service `{service}` writes `{path}`, and Compose can't say a folder in memory with `:` in its name"
    )]
    Folder {
        /// The service.
        service: String,
        /// The folder.
        path: String,
    },
    /// It can't be written.
    #[error("`{NAME}` {0}")]
    Yaml(#[from] yaml::Error),
}

impl Error {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Image(_) => {
                Some("run `longshore build`, which says by what names images are known".to_owned())
            }
            Self::Folder { .. } => Some("name another folder in the image's `writable`".to_owned()),
            Self::Yaml(_) => None,
        }
    }
}

/// `compose.yaml`, and `config/SERVICE/…` for every file that a service sees. `docker compose` 2.24 and later reads it, with
/// engines from 20.10 on.
pub fn compose(deployment: &Deployment<'_>) -> Result<Rendered, Error> {
    let mut rendered = Rendered::default();
    let stack = deployment.stack;
    let when = groups::when(stack);
    let mut services = BTreeMap::new();
    let (mut volumes, mut secrets) = (BTreeMap::new(), BTreeMap::new());
    for (name, spec) in &stack.services {
        let groups = when.get(name.as_str()).map(groups::When::names).unwrap_or_default();
        services.insert(name.as_str(), service::service(deployment, name, spec, groups, &mut rendered)?);
        volumes.extend(spec.volumes.keys().map(|volume| (volume_name(name, volume), Volume {})));
        secrets.extend(
            spec.secrets.keys().map(|secret| (secret.as_str(), Secret { file: secret_file(secret) })),
        );
    }
    let mut comment = header::header(deployment, "compose");
    if !secrets.is_empty() {
        comment.push_str(
            "\n\nSecrets are files in `secrets` beside this one, or in the folder that LONGSHORE_SECRETS names:\n\
             longshore secrets export secrets",
        );
    }
    let document = Document {
        name: project(&stack.name),
        services,
        networks: BTreeMap::from([("default", Network { driver: "bridge" })]),
        volumes,
        secrets,
    };
    let text = yaml::comment(&comment) + "\n" + &yaml::text(&document)?;
    rendered.files.0.insert(NAME.to_owned(), text);
    Ok(rendered)
}

/// The stack's name as that of a project, which has no dots.
fn project(stack: &str) -> String {
    stack.replace('.', "-")
}

/// Services have volumes of their own. No service has `_` in its name, so no two become one.
fn volume_name(service: &str, volume: &str) -> String {
    format!("{service}_{volume}")
}

/// The one place of the file where a variable is meant.
fn secret_file(name: &str) -> String {
    format!("${{LONGSHORE_SECRETS:-./secrets}}/{name}")
}
