//! The repository: pool, indexes, signed release files, and the server in front of them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::Path;

use longshore_oci::Digest;
use tempfile::TempDir;

use super::{Key, Package};
use crate::http::{Fault, Server, Times};

/// What a release file says besides its hashes.
#[derive(Debug, Clone)]
pub struct Suite {
    /// `Suite` and `Codename`.
    pub name: String,
    /// `Date`, as written in the file.
    pub date: String,
    /// `Valid-Until`, as written in the file.
    pub valid_until: Option<String>,
}

impl Default for Suite {
    fn default() -> Self {
        Self {
            name: String::from("stable"),
            date: String::from("Sat, 15 Nov 2025 12:00:00 UTC"),
            valid_until: None,
        }
    }
}

/// A repository on loopback; gone when dropped.
pub struct Repository {
    root: TempDir,
    key: Key,
    suite: Suite,
    server: Server,
}

impl Repository {
    /// One suite called `stable`, component `main`, with these packages.
    pub fn new(packages: &[Package]) -> Self {
        Self::with_suite(packages, Suite::default())
    }

    /// One suite as described.
    pub fn with_suite(packages: &[Package], suite: Suite) -> Self {
        let root = tempfile::tempdir().unwrap();
        let server = Server::new(root.path());
        let repository = Self { root, key: Key::new(), suite, server };
        repository.publish(packages);
        repository
    }

    /// Publishes anew: packages that are not named leave the pool, as they do from a real archive.
    pub fn publish(&self, packages: &[Package]) {
        let pool = self.root.path().join("pool");
        if pool.exists() {
            fs_err::remove_dir_all(&pool).unwrap();
        }
        for package in packages {
            write(&self.root.path().join(package.pool_path()), &package.deb());
        }
        let base = self.root.path().join("dists").join(&self.suite.name);
        let mut hashes = BTreeMap::new();
        let architectures: BTreeSet<_> =
            packages.iter().map(Package::arch).chain(["amd64"]).filter(|a| *a != "all").collect();
        for architecture in &architectures {
            let index = index(packages, architecture);
            let folder = format!("main/binary-{architecture}");
            for (name, bytes) in
                [("Packages", index.clone().into_bytes()), ("Packages.xz", xz(index.as_bytes()))]
            {
                let digest = Digest::of(&bytes);
                write(&base.join(&folder).join(name), &bytes);
                write(&base.join(&folder).join("by-hash/SHA256").join(digest.hex()), &bytes);
                hashes.insert(format!("{folder}/{name}"), (digest, bytes.len()));
            }
        }
        let release = base.join("Release");
        write(&release, self.release(&architectures, &hashes).as_bytes());
        self.key.clear_sign(&release, &base.join("InRelease"));
        self.key.detach_sign(&release, &base.join("Release.gpg"));
    }

    fn release(&self, architectures: &BTreeSet<&str>, hashes: &BTreeMap<String, (Digest, usize)>) -> String {
        let Suite { name, date, valid_until } = &self.suite;
        let architectures: Vec<_> = architectures.iter().copied().collect();
        let mut text = format!(
            "Origin: Test\nLabel: Test\nSuite: {name}\nCodename: {name}\nDate: {date}\nArchitectures: {}\nComponents: main\nAcquire-By-Hash: yes\n",
            architectures.join(" ")
        );
        if let Some(until) = valid_until {
            text += &format!("Valid-Until: {until}\n");
        }
        text += "SHA256:\n";
        for (path, (digest, size)) in hashes {
            text += &format!(" {} {size} {path}\n", digest.hex());
        }
        text
    }

    /// Its address.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Its key.
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// Its files, to change one behind the release file's back.
    pub fn path(&self) -> &Path {
        self.root.path()
    }

    /// Makes requests for `path` go wrong.
    pub fn fault(&self, path: &str, fault: Fault, times: Times) {
        self.server.fault(path, fault, times);
    }

    /// Ends all faults.
    pub fn heal(&self) {
        self.server.heal();
    }

    /// How often `path` was asked for.
    pub fn requests(&self, path: &str) -> usize {
        self.server.requests(path)
    }

    /// How often anything was asked for.
    pub fn total_requests(&self) -> usize {
        self.server.total_requests()
    }
}

/// The `Packages` file of an architecture.
fn index(packages: &[Package], architecture: &str) -> String {
    let mut paragraphs = Vec::new();
    for package in packages.iter().filter(|package| [architecture, "all"].contains(&package.arch())) {
        let deb = package.deb();
        let place = format!(
            "Filename: {}\nSize: {}\nSHA256: {}\n",
            package.pool_path(),
            deb.len(),
            Digest::of(&deb).hex()
        );
        paragraphs.push(package.control() + &place);
    }
    paragraphs.join("\n")
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 6);
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn write(path: &Path, bytes: &[u8]) {
    fs_err::create_dir_all(path.parent().unwrap()).unwrap();
    fs_err::write(path, bytes).unwrap();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tool;

    /// apt itself updates from the repository and sees the package: signature, hashes and index are right.
    #[test]
    fn apt_takes_it() {
        let repository = Repository::new(&[Package::new("hello", "1.0").executable("usr/bin/hello", "x")]);
        let root = tempfile::tempdir().unwrap();
        let at = root.path();
        for folder in [
            "etc/apt/apt.conf.d",
            "etc/apt/preferences.d",
            "var/lib/dpkg",
            "var/cache/apt",
            "var/lib/apt/lists",
        ] {
            fs_err::create_dir_all(at.join(folder)).unwrap();
        }
        fs_err::write(at.join("var/lib/dpkg/status"), "").unwrap();
        let source = format!(
            "deb [signed-by={}] {} stable main\n",
            repository.key().public().display(),
            repository.url()
        );
        fs_err::write(at.join("etc/apt/sources.list"), source).unwrap();
        let apt = |program: &str| {
            Tool::new(program).args(["-o", "APT::Architecture=amd64", "-o", "APT::Architectures=amd64"]).args(
                [
                    "-o".to_owned(),
                    format!("Dir={}", at.display()),
                    "-o".to_owned(),
                    format!("Dir::State::status={}/var/lib/dpkg/status", at.display()),
                    "-o".to_owned(),
                    String::from("APT::Sandbox::User=root"),
                ],
            )
        };
        apt("apt-get").args(["-o", "APT::Update::Error-Mode=any", "update"]).run();
        let shown = apt("apt-cache").args(["show", "hello"]).run();
        assert!(shown.contains("Filename: pool/main/hello/hello_1.0_amd64.deb"), "{shown}");
    }
}
