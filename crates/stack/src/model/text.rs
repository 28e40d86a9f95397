//! Text with addresses in it that are known only where it runs.

use serde::{Deserialize, Serialize};

/// Text whose addresses are still names: each way to run a stack has its own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text(pub Vec<Part>);

/// All addresses of a container.
const ANY: &str = "0.0.0.0";

/// A piece of a [`Text`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Part {
    /// As it is.
    Literal(String),
    /// The name or address by which others reach this service.
    Host(String),
    /// The address that the service itself listens on.
    Listen,
    /// The address by which the service reaches itself, whatever others may reach.
    Local,
}

impl Text {
    /// The text of a service that listens on `listen` and reaches others by what `host` says of them.
    pub fn resolve(&self, listen: &str, mut host: impl FnMut(&str) -> String) -> String {
        let parts = self.0.iter().map(|part| match part {
            Part::Literal(text) => text.clone(),
            Part::Host(service) => host(service),
            Part::Listen => listen.to_owned(),
            // Where it listens on all addresses, loopback is one of them.
            Part::Local if listen == ANY => "127.0.0.1".to_owned(),
            Part::Local => listen.to_owned(),
        });
        parts.collect()
    }

    /// The text in containers with a network of their own, where services listen on all addresses and have names.
    pub fn in_containers(&self) -> String {
        self.resolve(ANY, str::to_owned)
    }

    /// The services that it names.
    pub fn hosts(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Host(service) => Some(service.as_str()),
            Part::Literal(_) | Part::Listen | Part::Local => None,
        })
    }

    /// What of it is written out, in order.
    pub fn literals(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Literal(text) => Some(text.as_str()),
            Part::Host(_) | Part::Listen | Part::Local => None,
        })
    }

    /// Whether it says on which address the service listens.
    pub fn listens(&self) -> bool {
        self.0.contains(&Part::Listen)
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        if text.is_empty() { Self::default() } else { Self(vec![Part::Literal(text.to_owned())]) }
    }
}
