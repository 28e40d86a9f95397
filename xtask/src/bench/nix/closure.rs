//! A Nix store with two closures to pack: the flake of the tests, and a gigabyte of Debian packages, each a store path that refers to
//! those that it depends on. Made once, and kept below `target/bench`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use super::super::{empty, said};
use crate::kubernetes::fresh;
use crate::run::{Result, capture, root, run, say};
use crate::tools::Apt;

/// Raised with what is made, so that what was made before is made anew.
const FOLDER: &str = "target/bench/nix-1";
/// With what they need some two hundred packages: languages, a database, compilers.
const PACKAGES: [&str; 8] =
    ["openjdk-21-jre-headless", "gcc", "g++", "llvm", "nodejs", "postgresql", "git", "python3-numpy"];
/// What builders call, as busybox knows it.
const APPLETS: [&str; 9] = ["sh", "ls", "id", "mkdir", "cat", "ln", "cp", "chmod", "printf"];
/// Nothing of the machine's, and no network. Packages have files with rights that Nix takes from them, and lets no builder give.
const CONFIG: &str = "experimental-features = nix-command flakes\nbuild-users-group =\nsandbox = false\nsandbox-paths =\nfilter-syscalls = false\n\
                      substituters =\nflake-registry =\nwarn-dirty = false";

/// A store in a folder: a path is at `FOLDER/nix/store/…`.
#[derive(Clone)]
pub struct Store {
    pub folder: PathBuf,
}

/// What is packed.
pub struct Closure {
    /// The path that refers to all others.
    pub top: String,
    /// All of them.
    pub paths: Vec<String>,
    /// The size of their archives in bytes.
    pub bytes: u64,
    /// A binary cache that has them, each archive in zstd, and nothing else.
    pub cache: PathBuf,
}

/// The store, the small closure and the large one.
pub fn prepare() -> Result<(Store, [Closure; 2])> {
    let folder = root().join(FOLDER);
    fresh(&folder, |folder| {
        let store = Store { folder: folder.join("store") };
        empty(&store.folder)?;
        let secret = capture(&mut store.nix(&["key", "generate-secret", "--key-name", "bench-1"]))?;
        write(&folder.join("secret"), &secret)?;
        let small = flake(&folder.join("small"))?;
        let large = packages(&folder.join("large"))?;
        for (name, words) in [("small", vec![small]), ("large", vec![String::from("--file"), large])] {
            say(&format!("building the {name} closure of store paths"));
            let mut build = store.nix(&["build", "--no-link", "--print-out-paths"]);
            let top = capture(build.args(words))?;
            write(&folder.join(format!("{name}.path")), top.trim())?;
            let to = format!(
                "file://{}?compression=zstd&secret-key={}",
                folder.join(format!("{name}-cache")).display(),
                folder.join("secret").display()
            );
            run(store.nix(&["copy", "--to", &to]).arg(top.trim()))?;
        }
        Ok(())
    })?;
    let store = Store { folder: folder.join("store").canonicalize().map_err(|error| said(&folder, &error))? };
    let closures = [closure(&store, &folder, "small")?, closure(&store, &folder, "large")?];
    Ok((store, closures))
}

/// The key that signed the caches, as those say it who trust it.
pub fn public_key(store: &Store) -> Result<String> {
    let secret = root().join(FOLDER).join("secret");
    let file = fs::File::open(&secret).map_err(|error| said(&secret, &error))?;
    Ok(capture(store.nix(&["key", "convert-secret-to-public"]).stdin(file))?.trim().to_owned())
}

fn closure(store: &Store, folder: &Path, name: &str) -> Result<Closure> {
    let path = folder.join(format!("{name}.path"));
    let top = fs::read_to_string(&path).map_err(|error| said(&path, &error))?;
    let info = capture(store.nix(&["path-info", "--json", "--recursive"]).arg(&top))?;
    let info: serde_json::Value = serde_json::from_str(&info).map_err(|error| error.to_string())?;
    let all = info.as_object().ok_or("`nix path-info` gives no paths")?;
    Ok(Closure {
        paths: all.keys().cloned().collect(),
        bytes: all.values().filter_map(|path| path["narSize"].as_u64()).sum(),
        cache: folder.join(format!("{name}-cache")),
        top,
    })
}

impl Store {
    /// Nix's command, with this store.
    pub fn nix(&self, arguments: &[&str]) -> Command {
        let mut nix = Command::new(programs().join("nix"));
        self.environment(&mut nix);
        nix.args(arguments);
        nix
    }

    /// Has a program use this store.
    pub fn environment(&self, program: &mut Command) {
        let path = std::env::var("PATH").unwrap_or_default();
        program.env("PATH", format!("{}:{path}", programs().display())).env("NIX_CONFIG", CONFIG);
        program.env("NIX_REMOTE", &self.folder).env("NIX_CONF_DIR", self.folder.join("none"));
        program.env("NIX_USER_CONF_FILES", "").env("HOME", &self.folder);
    }

    /// Puts a file or folder into it.
    pub fn add(&self, path: &Path) -> Result<String> {
        Ok(capture(self.nix(&["store", "add-path"]).arg(path))?.trim().to_owned())
    }
}

fn programs() -> PathBuf {
    root().join(crate::nix::PROGRAMS)
}

/// The flake that tests pack.
fn flake(folder: &Path) -> Result<String> {
    empty(folder)?;
    let from = root().join("crates/testkit/nix/closure/flake.nix");
    fs::copy(&from, folder.join("flake.nix")).map_err(|error| said(&from, &error))?;
    busybox(folder)?;
    Ok(format!("path:{}#stack", folder.display()))
}

fn busybox(folder: &Path) -> Result {
    let bin = folder.join("bb/bin");
    empty(&bin)?;
    let from = root().join("target/test-tools/nix-1/usr/bin/busybox");
    fs::copy(&from, bin.join("busybox")).map_err(|error| said(&from, &error))?;
    for applet in APPLETS {
        symlink("busybox", bin.join(applet)).map_err(|error| said(&bin, &error))?;
    }
    Ok(())
}

/// The Nix file of which the large closure is built.
fn packages(folder: &Path) -> Result<String> {
    let debs = folder.join("debs");
    empty(&debs)?;
    busybox(folder)?;
    say("downloading packages for a large closure");
    let apt = Apt::set_up(folder.join("apt"))?;
    apt.run("update", &[])?;
    let mut packages = BTreeMap::new();
    for (number, file) in apt.download_with_needed(&PACKAGES)?.into_iter().enumerate() {
        let package = Package::read(&file, format!("{number}.deb"))?;
        let to = debs.join(&package.file);
        fs::rename(&file, &to).map_err(|error| said(&to, &error))?;
        packages.insert(package.called.clone(), package);
    }
    apt.remove()?;
    write(&folder.join("packages.json"), &json!(acyclic(&packages)).to_string())?;
    let file = folder.join("packages.nix");
    write(&file, include_str!("packages.nix"))?;
    Ok(file.display().to_string())
}

/// A package by its control file.
struct Package {
    called: String,
    /// As Nix would call it.
    name: String,
    /// Below `debs`.
    file: String,
    /// The names in its dependencies, alternatives among them.
    depends: Vec<String>,
}

impl Package {
    fn read(path: &Path, file: String) -> Result<Self> {
        let field = |name: &str| capture(Command::new("dpkg-deb").arg("--field").arg(path).arg(name));
        let called = field("Package")?.trim().to_owned();
        let version = field("Version")?;
        let version = version.trim().rsplit(':').next().unwrap_or_default().replace('~', "-");
        let depends = [field("Pre-Depends")?, field("Depends")?].join(",");
        let word = |text: &str| text.trim().split([' ', ':', '(']).next().unwrap_or_default().to_owned();
        let depends = depends.split([',', '|']).map(word).filter(|name| !name.is_empty()).collect();
        Ok(Self { name: format!("{called}-{version}"), called, file, depends })
    }
}

/// The list that `packages.nix` reads: dependencies that would lead back are left out.
fn acyclic(packages: &BTreeMap<String, Package>) -> Vec<serde_json::Value> {
    let mut list = Vec::new();
    let mut begun = BTreeSet::new();
    for package in packages.values() {
        visit(package, packages, &mut begun, &mut BTreeSet::new(), &mut list);
    }
    list
}

fn visit<'a>(
    package: &'a Package,
    packages: &'a BTreeMap<String, Package>,
    begun: &mut BTreeSet<&'a str>,
    above: &mut BTreeSet<&'a str>,
    list: &mut Vec<serde_json::Value>,
) {
    if !begun.insert(&package.called) {
        return;
    }
    above.insert(&package.called);
    let mut needs = BTreeSet::new();
    for other in package.depends.iter().filter_map(|name| packages.get(name)) {
        visit(other, packages, begun, above, list);
        if !above.contains(other.called.as_str()) {
            needs.insert(&other.name);
        }
    }
    above.remove(package.called.as_str());
    list.push(json!({ "name": package.name, "file": package.file, "needs": needs }));
}

fn write(path: &Path, text: &str) -> Result {
    fs::write(path, text).map_err(|error| said(path, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn circles_are_cut() {
        let package = |called: &str, depends: &[&str]| Package {
            called: called.to_owned(),
            name: format!("{called}-1"),
            file: format!("{called}.deb"),
            depends: depends.iter().map(ToString::to_string).collect(),
        };
        let all = [package("a", &["b", "c", "none"]), package("b", &["c"]), package("c", &["a"])];
        let all = all.into_iter().map(|package| (package.called.clone(), package)).collect();
        let needs: Vec<_> = acyclic(&all).iter().map(|p| format!("{} {}", p["name"], p["needs"])).collect();
        assert_eq!(needs, ["\"c-1\" []", "\"b-1\" [\"c-1\"]", "\"a-1\" [\"b-1\",\"c-1\"]"]);
    }
}
