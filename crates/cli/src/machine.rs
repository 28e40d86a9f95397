//! The machine longshore runs on: store, network, progress.

use std::num::NonZeroUsize;
use std::sync::{Arc, OnceLock};

use longshore_build::{HostToolchain, Leftovers};
use longshore_net::{self as net, Access, Client};
use longshore_oci::{Progress, Store, Trust};
use longshore_publish::Codec;
use longshore_sources::deb::repository::Archives;
use longshore_sources::nix;
use longshore_vendor::Vendored;

use crate::args::{Compression, Global, Inputs};
use crate::commands::cache::{open, time};
use crate::layers::Layouts;
use crate::project::Project;
use crate::report::{Failure, Verbosity};
use crate::settings::{Registries, Settings};
use crate::sharing::{Sharing, Writes};

/// What commands use of the machine.
pub struct Machine {
    pub settings: Settings,
    pub store: Store,
    pub client: Client,
    pub progress: Arc<dyn Progress>,
    pub verbosity: Verbosity,
    pub trust: Trust,
    pub leftovers: Leftovers,
    pub host: HostToolchain,
    pub access: Access,
    /// Where vendored inputs are, if nothing else is to be used.
    pub inputs: Option<Inputs>,
    /// Those, once they were needed: see [`Machine::vendored`].
    pub(crate) opened: OnceLock<Vendored>,
    /// Whether the lock is told how layers were cut.
    pub layouts: Layouts,
    /// Whether the stack's cache is given what it lacks.
    pub writes: Writes,
    /// That cache, once it was needed: see [`Machine::sharing`].
    pub(crate) shared: OnceLock<Option<Sharing>>,
    /// Whether registries may be asked; where inputs come from one, the rest of the network stays closed.
    registries: Access,
    network: net::Settings,
}

impl Machine {
    /// Opens the store and makes a client; nothing is fetched yet.
    pub fn open(global: &Global, trust: Trust, progress: Arc<dyn Progress>) -> Result<Self, Failure> {
        let settings = Settings::read(global.jobs)?;
        let offline = |closed: bool| if closed { Access::Offline } else { Access::Online };
        let access = offline(global.offline || global.vendored.is_some());
        let network = net::Settings {
            access,
            proxies: settings.proxies.clone(),
            certificates: settings.certificates.iter().cloned().collect(),
            ..net::Settings::default()
        };
        Ok(Self {
            store: open(&settings.store, &*progress)?.at(time(settings.now)),
            client: Client::new(network.clone())?,
            network,
            progress,
            verbosity: Verbosity::of(global),
            trust,
            leftovers: if global.keep_failed { Leftovers::Kept } else { Leftovers::Removed },
            host: if global.hermetic { HostToolchain::Refused } else { HostToolchain::Allowed },
            access,
            inputs: global.vendored.clone(),
            opened: OnceLock::new(),
            layouts: match &settings.nix {
                _ if global.locked => Layouts::AsLocked,
                nix::Settings::Graph(_) => Layouts::AsLocked,
                _ => Layouts::Kept,
            },
            writes: if global.write_cache { Writes::Yes } else { Writes::No },
            shared: OnceLock::new(),
            registries: offline(global.offline),
            settings,
        })
    }

    /// Archives as this machine reaches them, for `project`.
    pub fn archives<'a>(&'a self, project: &'a Project) -> Archives<'a> {
        Archives {
            client: &self.client,
            store: &self.store,
            mirrors: &self.settings.mirrors,
            folder: &project.folder,
            now: self.settings.now,
            progress: &*self.progress,
        }
    }

    /// How this machine reaches servers, for what is neither an archive nor a registry.
    pub fn network(&self) -> &net::Settings {
        &self.network
    }

    /// Registries as this machine reaches them. Settings are read when the first is asked.
    pub fn registries(&self) -> longshore_registry::Client {
        let Registries { auth_files, conf, conf_d, certs_d, plain_http, .. } =
            self.settings.registries.clone();
        let settings = longshore_registry::Settings {
            net: net::Settings { access: self.registries, ..self.network.clone() },
            auth_files,
            search: self.settings.path.clone(),
            registries_conf: conf,
            registries_conf_d: conf_d,
            plain_http,
            certs_d,
        };
        longshore_registry::Client::new(settings, self.store.clone())
    }

    /// How many things are done at once.
    pub fn jobs(&self) -> NonZeroUsize {
        self.settings.jobs
    }

    /// The codec of a compression that was asked for; tells who can't read it.
    pub fn codec(&self, compression: Compression) -> Codec {
        if compression == Compression::Zstd {
            self.warn("Docker before 23 can't read layers that are compressed with zstd");
        }
        compression.codec()
    }

    /// Tells of something that is probably wrong.
    pub fn warn(&self, message: &str) {
        self.progress.warn(message);
    }

    /// Tells of something worth knowing.
    pub fn note(&self, message: &str) {
        if self.verbosity == Verbosity::Verbose {
            self.progress.note(message);
        }
    }
}
