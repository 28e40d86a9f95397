//! What programs need that neither their ELF headers nor their scripts say. One rule a family, each checked by running
//! the program with and without.

use longshore_oci::{PackageId, TreePath};

use super::Arch;
use super::search::Hit;

/// Something that belongs to something else: `path` and all below it, of each of some packages that is in the closure.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Companion {
    names: Names,
    pub(super) path: TreePath,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Names {
    These(Vec<String>),
    StartingWith(&'static str),
}

impl Companion {
    /// The packages of `closure` that may have it.
    pub(super) fn packages<'a>(&'a self, closure: &'a [PackageId]) -> impl Iterator<Item = PackageId> + 'a {
        let fits = |id: &&PackageId| match &self.names {
            Names::These(names) => names.contains(&id.name),
            Names::StartingWith(start) => id.name.starts_with(start),
        };
        closure.iter().filter(fits).cloned()
    }
}

/// The companions of a file that is going into an image.
pub(super) fn of(hit: &Hit, arch: Arch) -> Vec<Companion> {
    let path = String::from_utf8_lossy(hit.path.as_bytes());
    let mut all = Vec::new();
    let mut add = |names: Names, path: String| {
        // Paths made of clean paths are clean.
        all.extend(TreePath::new(path).ok().map(|path| Companion { names, path }));
    };
    let these = |names: &[&str]| Names::These(names.iter().map(|&name| name.to_owned()).collect());
    let tuple = arch.tuple;

    // `pthread_cancel` and `backtrace` load it by name.
    if path == format!("usr/lib/{tuple}/libc.so.6") {
        add(these(&["libgcc-s1"]), format!("usr/lib/{tuple}/libgcc_s.so.1"));
    }
    // Providers are modules; the configuration says which are active.
    if path.starts_with(&format!("usr/lib/{tuple}/libcrypto.so.")) {
        let openssl = ["libssl3", "libssl3t64", "openssl", "openssl-provider-legacy"];
        add(these(&openssl), format!("usr/lib/{tuple}/ossl-modules"));
        add(these(&openssl), "etc/ssl/openssl.cnf".to_owned());
        add(these(&openssl), "usr/lib/ssl/openssl.cnf".to_owned());
    }
    // The standard library, split over packages.
    if let Some(version) =
        path.strip_prefix("usr/bin/python3.").filter(|v| v.bytes().all(|b| b.is_ascii_digit()))
    {
        let names = ["libpython3.V-minimal", "libpython3.V-stdlib", "python3.V-minimal", "python3.V"];
        let names: Vec<_> = names.iter().map(|name| name.replace('V', version)).collect();
        add(Names::These(names.clone()), format!("usr/lib/python3.{version}"));
        add(Names::These(names), format!("etc/python3.{version}"));
    }
    // A Java runtime is its folder, with configuration under `/etc`.
    if let Some(runtime) = path.strip_prefix("usr/lib/jvm/java-").and_then(|rest| rest.split_once("-openjdk"))
        && runtime.1.starts_with(['-', '/'])
    {
        let folder = path.split('/').take(4).collect::<Vec<_>>().join("/");
        let own = || Names::These(vec![hit.id.name.clone(), format!("openjdk-{}-jre-headless", runtime.0)]);
        add(own(), folder);
        add(own(), format!("etc/java-{}-openjdk", runtime.0));
    }
    if path == "usr/sbin/nginx" {
        add(these(&["nginx", "nginx-common"]), "etc/nginx".to_owned());
    }
    // Modules that are part of other runtimes and of this distribution's packages.
    if path == "usr/bin/node" {
        add(Names::StartingWith("node-"), "usr/share/nodejs".to_owned());
    }
    if let Some(version) =
        path.strip_prefix("usr/lib/postgresql/").and_then(|rest| rest.strip_suffix("/bin/postgres"))
    {
        add(Names::These(vec![hit.id.name.clone()]), format!("usr/lib/postgresql/{version}/lib"));
        add(Names::These(vec![hit.id.name.clone()]), format!("usr/share/postgresql/{version}"));
    }
    all
}
