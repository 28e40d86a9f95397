//! Why a package is in an image, from the lock alone.

use std::collections::BTreeMap;

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

/// `image `web` → `ca-tools` → `curl``.
pub fn sentence(lock: &Lock, image: &str, package: &str) -> Option<String> {
    let chain = chain(lock, image, package)?;
    let names = chain.iter().map(|name| format!(" → `{name}`")).collect::<String>();
    Some(format!("image `{image}`{names}"))
}
