//! What is known of a path of the Nix store: by its name, and by what the lock says of it.

use longshore_oci::StorePath;
use longshore_stack::lock::{Lock, LockedStorePath};

use crate::bill::{Component, Id, Kind, Party};
use crate::licence::Licence;
use crate::purl::Purl;

/// What a store path is called.
pub(crate) fn id(path: &StorePath) -> Id {
    Id(format!("nix:{}", path.base_name()))
}

/// What is known of `path`.
pub(crate) fn component(path: &StorePath, lock: &Lock) -> Component {
    let locked = lock.store_paths.get(path);
    let (own_name, own_version) = path.name_and_version();
    let about = locked.map(|locked| &locked.about);
    let name = about.and_then(|about| about.name.as_deref()).unwrap_or(own_name);
    let version = about.and_then(|about| about.version.as_deref()).or(own_version);
    // What has no version is known by what it is.
    let mut component = Component::new(Kind::Package, name, version.unwrap_or(path.hash()));
    component.purl = Some(Purl::new("nix", name).version(version.unwrap_or_default()).text());
    component.properties.insert("store-path".to_owned(), path.to_string());
    component.supplier = Some(Party::Organisation("Nix".to_owned(), None));
    if let Some(LockedStorePath { nar, derivation, about, .. }) = locked {
        component.hashes.insert((*nar).into());
        component.cpe.clone_from(&about.cpe);
        component.licence = about.license.as_deref().and_then(Licence::of_expression);
        if let Some(derivation) = derivation {
            component.properties.insert("derivation".to_owned(), derivation.to_string());
        }
        component.patched.clone_from(&about.patched);
    }
    component
}
