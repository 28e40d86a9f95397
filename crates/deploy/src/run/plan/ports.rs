//! Services that share one network and can't both have a port.
//!
//! A service that listens on the address it is given shares a number with any other. One that never says where it listens
//! is taken to listen on all addresses of the machine, and then nobody else can have its number.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use longshore_stack::model::{PortSpec, ServiceSpec};

use super::super::Error;

/// Whether its command, variables or files say on which address it listens.
pub(super) fn says_where(service: &ServiceSpec) -> bool {
    let texts = service.command.iter().flatten().chain(service.env.values());
    texts.chain(service.files.values().map(|file| &file.text)).any(longshore_stack::model::Text::listens)
}

/// Refuses what can't work, of the services that run at once.
pub(super) fn check(services: &BTreeMap<&str, &ServiceSpec>) -> Result<(), Error> {
    let mut ports: BTreeMap<PortSpec, Vec<(&str, &str)>> = BTreeMap::new();
    for (name, service) in services {
        for (port, spec) in &service.ports {
            ports.entry(*spec).or_default().push((name, port));
        }
    }
    for (port, users) in &ports {
        let silent =
            users.iter().find(|(name, _)| services.get(name).is_some_and(|service| !says_where(service)));
        let Some(&(silent, port_name)) = silent else { continue };
        if let Some((other, _)) = users.iter().find(|(name, _)| *name != silent) {
            return Err(Error::SamePort {
                port: *port,
                service: silent.to_owned(),
                name: port_name.to_owned(),
                other: (*other).to_owned(),
            });
        }
        for (other, service) in services.iter().filter(|(name, _)| **name != silent) {
            let taken = service.publish.iter().find(|(of, published)| {
                let protocol = service.ports.get(*of).map(|port| port.protocol);
                published.number == port.number && protocol == Some(port.protocol)
            });
            if let Some((_, published)) = taken {
                return Err(Error::TakenGate {
                    gate: SocketAddr::new(published.address, published.number),
                    publisher: (*other).to_owned(),
                    service: silent.to_owned(),
                    name: port_name.to_owned(),
                });
            }
        }
    }
    Ok(())
}
