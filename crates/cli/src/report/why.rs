//! Why a package is in an image, from the lock alone.

use std::collections::BTreeMap;

use longshore_image::rootfs::{RootFs, StorePathUse};
use longshore_oci::StorePath;
use longshore_sources::deb::resolve::why;
use longshore_stack::lock::{Lock, LockedClosure};
use longshore_stack::model::{Consumer, Scope};

/// The shortest chain of package names from something the image asks for to `package`; none when it is not in the
/// image. Of equally short chains the first by name.
pub fn chain(lock: &Lock, image: &str, package: &str) -> Option<Vec<String>> {
    let consumer = Consumer::Image(image.to_owned());
    let has = |closure: &&LockedClosure| {
        closure.consumer == consumer && closure.packages.iter().any(|id| id.name == package)
    };
    let closure = lock.closures.iter().find(has)?;
    let depends: BTreeMap<&str, &[String]> = closure
        .packages
        .iter()
        .filter_map(|id| Some((id.name.as_str(), lock.packages.get(id)?.depends.as_slice())))
        .collect();
    let edges = |name: &str| depends.get(name).copied().unwrap_or_default();
    let chains = closure.requires.iter().filter_map(|root| match root.scope {
        Scope::Alone => (root.package == package).then(|| vec![package]),
        Scope::Closure => why(edges, &root.package, package),
    });
    // Of equals the first is taken, and what is required is sorted by name.
    let shortest = chains.min_by_key(Vec::len)?;
    Some(shortest.into_iter().map(str::to_owned).collect())
}

/// The installable that a path of the Nix store came with, and the store paths from one of its outputs to it.
pub fn store_path(how: &StorePathUse) -> Vec<String> {
    let names = how.chain.iter().map(|path| path.base_name().to_owned());
    std::iter::once(how.installable.clone()).chain(names).collect()
}

/// The same for the first store path of an image that is called `name`: by its whole name, or without its version.
pub fn store_path_called(rootfs: &RootFs, name: &str) -> Option<Vec<String>> {
    let called =
        |path: &StorePath| [path.base_name(), path.name(), path.name_and_version().0].contains(&name);
    rootfs.store_paths().iter().find(|(path, _)| called(path)).map(|(_, how)| store_path(how))
}

/// ``image `web` → `ca-tools` → `curl` ``.
pub fn sentence(image: &str, chain: &[String]) -> String {
    let names = chain.iter().map(|name| format!(" → `{name}`")).collect::<String>();
    format!("image `{image}`{names}")
}
