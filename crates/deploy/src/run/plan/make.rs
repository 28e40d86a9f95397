//! From a checked stack and its images to the plan.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use longshore_image::rootfs::RootFs;
use longshore_oci::{Store, TreePath};
use longshore_stack::model::{HealthCheck, ImageSpec, ServiceSpec, Stack, Text};

use super::super::roots::{Owners, Root, Roots};
use super::super::{Error, address};
use super::{Check, File, Gate, Health, Mode, Plan, Planned, Scratch, VERSION, Volume, Way, native, ports};
use crate::run::place::Place;

/// What a plan is made of.
pub struct Input<'a> {
    /// The stack.
    pub stack: &'a Stack,
    /// Its images' root filesystems, by name.
    pub images: &'a BTreeMap<String, RootFs>,
    /// The services that run.
    pub services: &'a BTreeSet<String>,
    /// Those of them that run as plain processes of this machine.
    pub native: &'a BTreeSet<String>,
    /// Where its state is.
    pub place: &'a Place,
    /// What ran there before: services keep their addresses.
    pub before: Option<&'a Plan>,
    /// Where its roots are.
    pub store: &'a Store,
    /// Whose the files of the roots are.
    pub owners: Owners,
}

/// Says what the supervisor is to run, and which root folders that takes.
///
/// # Errors
/// When two services can't both have a port, a program or mount point is not in an image, there are too many services, or one
/// can't run outside of a container.
pub fn plan(input: &Input) -> Result<(Plan, Roots), Error> {
    let chosen = input.stack.services.iter().filter(|(name, _)| input.services.contains(*name));
    let chosen: BTreeMap<&str, &ServiceSpec> = chosen.map(|(name, spec)| (name.as_str(), spec)).collect();
    ports::check(&chosen)?;
    let hosts = addresses(input)?;
    let (mut services, mut roots) = (BTreeMap::new(), Roots::new(input.owners));
    for (name, spec) in chosen {
        let Some(address) = hosts.get(name).copied() else { continue };
        let (Some(image), Some(rootfs)) =
            (input.stack.images.get(&spec.image), input.images.get(&spec.image))
        else {
            continue;
        };
        let native = input.native.contains(name);
        let service = Service { name, spec, image, rootfs, address, hosts: native.then_some(&hosts) };
        let mut planned = service.planned()?;
        let root = Root::of(name, &planned, rootfs)?;
        if native {
            planned.root = roots.add_own(root, input.place, name, input.store);
            native::outside(name, &mut planned, rootfs, input.place)?;
        } else {
            planned.root = roots.add(root, input.store);
        }
        services.insert(name.to_owned(), planned);
    }
    let (stack, profile) = (input.stack.name.clone(), input.stack.profile.clone());
    Ok((Plan { version: VERSION, stack, profile, hosts, services }, roots))
}

/// Every service's address: the one that it had, or the first that nobody has.
fn addresses(input: &Input) -> Result<BTreeMap<String, Ipv4Addr>, Error> {
    let network = input.place.network();
    let before = input.before.map(|plan| &plan.hosts);
    let names = input.stack.services.keys();
    let had = names.clone().filter_map(|name| Some((name.clone(), *before?.get(name)?)));
    let mut hosts: BTreeMap<String, Ipv4Addr> = had.filter(|(_, address)| network.has(*address)).collect();
    let taken: BTreeSet<Ipv4Addr> = hosts.values().copied().collect();
    let mut free =
        (0..address::MOST).filter_map(|index| network.address(index)).filter(|it| !taken.contains(it));
    for name in names {
        if !hosts.contains_key(name) {
            hosts.insert(name.clone(), free.next().ok_or(Error::TooMany { most: address::MOST })?);
        }
    }
    Ok(hosts)
}

struct Service<'a> {
    name: &'a str,
    spec: &'a ServiceSpec,
    image: &'a ImageSpec,
    rootfs: &'a RootFs,
    address: Ipv4Addr,
    /// All addresses, where it can't find others by name.
    hosts: Option<&'a BTreeMap<String, Ipv4Addr>>,
}

impl Service<'_> {
    /// As it is run, but for its root.
    fn planned(&self) -> Result<Planned, Error> {
        let (spec, user) = (self.spec, &self.spec.user);
        let volumes = spec.volumes.iter().map(|(name, volume)| {
            let path = path(&volume.path);
            (name.clone(), Volume { path, owner: volume.owner, mode: volume.mode })
        });
        let file = |(at, file): (&TreePath, &longshore_stack::model::ServiceFile)| {
            (path(at), File { text: self.text(&file.text), mode: file.mode })
        };
        let env = self.env();
        Ok(Planned {
            mode: Mode::Container,
            root: PathBuf::new(),
            argv: self.argv(&env)?,
            env,
            cwd: self.image.workdir.as_ref().map_or_else(|| PathBuf::from("/"), path),
            user: (user.uid, user.gid),
            address: self.address,
            kind: spec.kind,
            ports: spec.ports.clone(),
            gates: self.gates(),
            needs: spec.needs.clone(),
            health: self.health()?,
            restart: spec.restart,
            stop_signal: spec.stop.signal.clone(),
            stop_grace: spec.stop.grace,
            files: spec.files.iter().map(file).collect(),
            secrets: spec.secrets.iter().map(|(name, at)| (name.clone(), path(at))).collect(),
            volumes: volumes.collect(),
            scratch: spec.scratch.iter().map(|it| Scratch { path: path(&it.path), mode: it.mode }).collect(),
            resources: spec.resources,
        })
    }

    fn text(&self, text: &Text) -> String {
        // Others are found by name, in `/etc/hosts`, where it has one of its own.
        text.resolve(&self.address.to_string(), |name| match self.hosts.and_then(|hosts| hosts.get(name)) {
            Some(address) => address.to_string(),
            None => name.to_owned(),
        })
    }

    /// What engines set besides the image's variables is set here too.
    fn env(&self) -> BTreeMap<String, String> {
        let mut env = BTreeMap::from([
            ("HOME".to_owned(), self.spec.user.home.clone()),
            ("HOSTNAME".to_owned(), self.name.to_owned()),
        ]);
        let image = longshore_image::environment(self.image);
        env.extend(image.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())));
        env.extend(self.spec.env.iter().map(|(name, value)| (name.clone(), self.text(value))));
        env
    }

    fn argv(&self, env: &BTreeMap<String, String>) -> Result<Vec<String>, Error> {
        let command = match &self.spec.command {
            Some(command) => command.iter().map(|part| self.text(part)).collect(),
            None => self.image.command.clone(),
        };
        let argv = self.image.entrypoint.iter().cloned().chain(command).collect();
        self.with_program(argv, env)
    }

    /// `argv` with its program as an absolute path, found as a shell finds it.
    fn with_program(
        &self,
        mut argv: Vec<String>,
        env: &BTreeMap<String, String>,
    ) -> Result<Vec<String>, Error> {
        let Some(program) = argv.first_mut() else {
            return Err(Error::NoCommand { service: self.name.to_owned(), image: self.spec.image.clone() });
        };
        if program.starts_with('/') {
            return Ok(argv);
        }
        let folders: Vec<PathBuf> = if program.contains('/') {
            vec![self.image.workdir.as_ref().map_or_else(|| PathBuf::from("/"), path)]
        } else {
            let folders = env.get("PATH").map(String::as_str).unwrap_or_default().split(':');
            folders.filter(|folder| folder.starts_with('/')).map(PathBuf::from).collect()
        };
        let is_there = |at: &PathBuf| {
            let at = TreePath::new(at.as_os_str().as_bytes()).ok();
            at.is_some_and(|at| self.rootfs.follow(&at).is_some())
        };
        let found = folders.into_iter().map(|folder| folder.join(&*program)).find(is_there);
        let Some(found) = found.and_then(|found| found.into_os_string().into_string().ok()) else {
            return Err(Error::NoProgram { service: self.name.to_owned(), program: program.clone() });
        };
        *program = found;
        Ok(argv)
    }

    fn gates(&self) -> BTreeMap<String, Gate> {
        let everywhere = !ports::says_where(self.spec);
        let gates = self.spec.publish.iter().filter_map(|(name, published)| {
            let port = self.spec.ports.get(name)?;
            let way = match everywhere && port.number == published.number {
                true => Way::Direct,
                false => Way::Forwarded,
            };
            let address = SocketAddr::new(published.address, published.number);
            Some((name.clone(), Gate { address, protocol: port.protocol, way }))
        });
        gates.collect()
    }

    fn health(&self) -> Result<Option<Health>, Error> {
        let Some(health) = &self.spec.health else { return Ok(None) };
        let check = match &health.check {
            HealthCheck::Http { port, path } => Check::Http { port: *port, path: path.clone() },
            HealthCheck::Tcp { port } => Check::Tcp { port: *port },
            HealthCheck::Grpc { port, service } => Check::Grpc { port: *port, service: service.clone() },
            HealthCheck::Exec { command } => {
                let argv = command.iter().map(|part| self.text(part)).collect();
                Check::Exec { argv: self.with_program(argv, &self.env())? }
            }
        };
        let (timeout, interval) = (health.timeout, health.interval);
        let (retries, start_period) = (health.retries, health.start_period);
        Ok(Some(Health { check, timeout, interval, retries, start_period }))
    }
}

/// As the inside sees it.
fn path(path: &TreePath) -> PathBuf {
    Path::new("/").join(OsStr::from_bytes(path.as_bytes()))
}
