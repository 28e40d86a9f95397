//! Programs of a newer Debian than the machine may be, unpacked for tests alone: nothing of them is installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run::{Result, capture, root, run, say};

/// Where they are from.
const SUITE: &str = "trixie";

/// A program's name, its package, and where it is in that. All run without anything else of the package.
const TOOLS: [(&str, &str, &str); 2] = [
    ("docker-compose", "docker-compose", "usr/libexec/docker/cli-plugins/docker-compose"),
    ("quadlet", "podman", "usr/libexec/podman/quadlet"),
];

/// Unpacks those that are missing; says nothing when all are there.
pub fn setup() -> Result {
    let folder = root().join("target/test-tools");
    let missing: Vec<_> = TOOLS.iter().filter(|(name, ..)| !folder.join(name).exists()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<&str> = missing.iter().map(|(_, package, _)| *package).collect();
    say(&format!("unpacking {} of Debian {SUITE} into target/test-tools", packages.join(" ")));
    let apt = Apt::set_up(folder.join("apt"))?;
    apt.run("update", &[])?;
    for (name, package, path) in missing {
        apt.run("download", &[package])?;
        let unpacked = apt.unpack(package)?;
        fs::rename(unpacked.join(path), folder.join(name))
            .map_err(|error| format!("{package} of {SUITE} has no {path}: {error}"))?;
    }
    apt.remove()
}

/// An apt of its own, with the mirror of the machine's and nothing else of it.
pub struct Apt {
    folder: PathBuf,
}

impl Apt {
    /// For which no package is installed. Its folder is made anew.
    pub fn set_up(folder: PathBuf) -> Result<Self> {
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(|error| said(&folder, &error))?;
        }
        for part in
            ["etc/apt.conf.d", "etc/preferences.d", "state/lists/partial", "cache/archives/partial", "new"]
        {
            let part = folder.join(part);
            fs::create_dir_all(&part).map_err(|error| said(&part, &error))?;
        }
        let keyring = root().join("crates/sources/src/deb/keyrings/debian-archive.gpg");
        let source = format!("deb [signed-by={}] {} {SUITE} main\n", keyring.display(), mirror()?);
        let at = folder.display();
        let settings = format!(
            "Dir::State \"{at}/state\";\nDir::State::status \"{at}/state/status\";\nDir::Cache \"{at}/cache\";\n\
             Dir::Etc \"{at}/etc\";\nAPT::Sandbox::User \"root\";\nAcquire::Languages \"none\";\n"
        );
        for (name, text) in [("state/status", ""), ("etc/sources.list", &source), ("settings", &settings)] {
            let file = folder.join(name);
            fs::write(&file, text).map_err(|error| said(&file, &error))?;
        }
        Ok(Self { folder })
    }

    /// Runs `apt-get`.
    pub fn run(&self, command: &str, packages: &[&str]) -> Result {
        let mut apt = Command::new("apt-get");
        apt.args(["-q", "-o", "Acquire::Retries=3", command]).args(packages);
        run(apt.env("APT_CONFIG", self.folder.join("settings")).current_dir(self.folder.join("new")))
    }

    /// Unpacks packages with all that they need into `folder`.
    pub fn unpack_with_needed(&self, packages: &[&str], folder: &Path) -> Result {
        for file in self.download_with_needed(packages)? {
            run(Command::new("dpkg-deb").arg("-x").arg(file).arg(folder))?;
        }
        Ok(())
    }

    /// Downloads packages with all that they need; the files, sorted. They go with [`Apt::remove`].
    pub fn download_with_needed(&self, packages: &[&str]) -> Result<Vec<PathBuf>> {
        let options = ["--yes", "--no-install-recommends", "--download-only"];
        self.run("install", &[&options, packages].concat())?;
        let archives = self.folder.join("cache/archives");
        let entries = fs::read_dir(&archives).map_err(|error| said(&archives, &error))?;
        let files = entries.flatten().map(|entry| entry.path());
        let mut files: Vec<_> =
            files.filter(|path| path.extension().is_some_and(|end| end == "deb")).collect();
        files.sort();
        Ok(files)
    }

    /// Removes all that it knows and has downloaded.
    pub fn remove(self) -> Result {
        fs::remove_dir_all(&self.folder).map_err(|error| said(&self.folder, &error))
    }

    /// Unpacks the one file that was downloaded.
    fn unpack(&self, package: &str) -> Result<PathBuf> {
        let new = self.folder.join("new");
        let entries = fs::read_dir(&new).map_err(|error| said(&new, &error))?;
        let mut files = entries.flatten().map(|entry| entry.path());
        let start = format!("{package}_");
        let ours =
            |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&start));
        let file = files.find(ours).ok_or_else(|| format!("apt did not download {package}"))?;
        let unpacked = self.folder.join(package);
        run(Command::new("dpkg-deb").arg("-x").arg(&file).arg(&unpacked))?;
        Ok(unpacked)
    }
}

/// The address of the machine's own Debian archive.
fn mirror() -> Result<String> {
    let text = capture(Command::new("apt-get").args(["indextargets", "--format", "$(LABEL) $(REPO_URI)"]))?;
    let found = text.lines().find_map(|line| line.strip_prefix("Debian ")).map(str::to_owned);
    found.ok_or_else(|| String::from("apt knows no Debian archive on this machine; run `apt-get update`"))
}

fn said(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
}
