//! What images take as others made it: pinned files, images, paths of the Nix store.

use longshore_oci::{ImageLayer, Origin, Reference, StorePath};

use super::{Gathering, Scene, bare};
use crate::bill::{Component, Id, Kind, Part, Party, Place, Relation};
use crate::nix;
use crate::purl::Purl;

impl Gathering<'_> {
    /// A pinned file or archive; none where the lock lacks it.
    pub(super) fn url(&mut self, scene: &Scene<'_>, name: &str, place: Place) -> Option<Id> {
        let platform = scene.made.image.platform.to_string();
        let pin = self.lock.url(name, &platform)?;
        let digest = pin.content.digest;
        let mut component = Component::new(Kind::Download, name, digest.to_string());
        let address = bare(&pin.url);
        let purl = Purl::new("generic", name).with("download_url", &address);
        component.purl = Some(purl.with("checksum", digest.to_string()).text());
        // Whoever has the host hands it out.
        let host = address.split("://").nth(1).and_then(|rest| rest.split(['/', ':']).next());
        component.supplier = host.map(|host| Party::Organisation(host.to_owned(), None));
        component.download = Some(address);
        component.hashes.insert(digest.into());
        component.places.insert(place);
        let id = Id(format!("url:{name}@{digest}"));
        self.add(&id, component);
        Some(id)
    }

    /// Somebody's image.
    pub(super) fn other(&mut self, scene: &Scene<'_>, layer: &ImageLayer, place: Place) -> Id {
        let ImageLayer { reference, manifest, .. } = layer;
        let mut component = Component::new(Kind::BaseImage, reference, manifest.to_string());
        if let Ok(named) = reference.parse::<Reference>() {
            let full = named.name();
            let (owner, name) = full.rsplit_once('/').unwrap_or((&full, &full));
            component.supplier = Some(Party::Organisation(owner.to_owned(), None));
            let purl = Purl::new("oci", name).version(&manifest.to_string()).with("repository_url", &full);
            let purl = purl.with("arch", &scene.made.image.platform.architecture);
            component.purl = Some(purl.with("tag", named.tag.clone().unwrap_or_default()).text());
            component.name.clone_from(&full);
        }
        component.hashes.insert((*manifest).into());
        component.places.insert(place);
        let id = Id(format!("oci:{}@{manifest}", component.name));
        self.add(&id, component);
        id
    }

    /// A path of the Nix store, and what of the image it refers to.
    pub(super) fn store_path(&mut self, scene: &Scene<'_>, path: &StorePath) {
        let mut component = nix::component(path, self.lock);
        component.places.insert(scene.place(&Origin::Nix(path.clone()), Part::Whole));
        let id = nix::id(path);
        self.add(&id, component);
        self.edge(&scene.image, Relation::Contains, &id);
        let references = self.lock.store_paths.get(path).map(|locked| locked.references.as_slice());
        for needed in references.unwrap_or_default() {
            if needed != path && scene.made.rootfs.origin(&needed.tree_path()).is_some() {
                self.edge(&id, Relation::DependsOn, &nix::id(needed));
            }
        }
    }
}
