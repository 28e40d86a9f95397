//! What builds depend on, file by file: told of as builds are prepared, and taken from elsewhere than the network.
//!
//! A fetch step leaves files in a folder, and each is held to the sum that the project's own lock file has. What was vendored
//! comes the same way: a [`Supply`] finds the files, they are laid out as the client of that kind would have left them, and
//! the same code takes them.

use std::error::Error as StdError;
use std::path::Path;

use fs_err as fs;
use longshore_oci::{Content, Store};

use crate::Error;

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A `.crate` file.
    Crate,
    /// The objects of a git revision: a tar of loose objects.
    GitRevision,
    /// The zip of a Go module, or of a release of Go.
    GoModule,
    /// The `go.mod` of a Go module.
    GoMod,
    /// Which Go modules a main module needs: a `go.sum` with their lines alone.
    GoModules,
    /// A package of npm's.
    NpmTarball,
}

/// A file that a build needs, by what its project's lock file says of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wanted {
    /// What it is.
    pub kind: Kind,
    /// By what people know it: a crate's name, a module's path, an address.
    pub name: String,
    /// Its version or revision; empty where it has none.
    pub version: String,
    /// What no other file of its kind has: its name with the sum that pins it.
    pub id: String,
}

impl std::fmt::Display for Wanted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (what, name) = match self.kind {
            Kind::Crate => ("crate", &self.name),
            Kind::GitRevision => ("git revision", &self.name),
            Kind::GoModule => ("Go module", &self.name),
            Kind::GoMod => ("go.mod of", &self.name),
            Kind::GoModules => ("list of the Go modules of", &self.name),
            Kind::NpmTarball => ("npm package", &self.name),
        };
        match self.version.as_str() {
            "" => write!(f, "{what} `{name}`"),
            version => write!(f, "{what} `{name}` {version}"),
        }
    }
}

/// Is told of every file that builds take from elsewhere, whether it was fetched now or before. Each is in the store.
pub trait Witness: Sync {
    /// `build` takes it.
    fn takes(&self, build: &str, wanted: Wanted, content: Content);
}

/// Files that were brought together before.
pub trait Supply: Sync {
    /// Brings the file into the store; none where it is not among them. Whether it is what it is said to be, the caller
    /// finds out.
    fn find(&self, wanted: &Wanted) -> Result<Option<Content>, Box<dyn StdError + Send + Sync>>;
}

/// Lays out files of a supply as a client leaves what it fetched.
pub(crate) struct Layout<'a> {
    build: &'a str,
    supply: &'a dyn Supply,
    store: &'a Store,
    folder: std::path::PathBuf,
    missing: Vec<String>,
}

impl<'a> Layout<'a> {
    /// In a new folder of the store's scratch space.
    pub fn new(build: &'a str, supply: &'a dyn Supply, store: &'a Store) -> Result<Self, Error> {
        let folder = store.scratch();
        fs::create_dir_all(&folder)?;
        Ok(Self { build, supply, store, folder, missing: Vec::new() })
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The file, in the store; none where the supply lacks it, which [`Self::done`] then tells.
    pub fn find(&mut self, wanted: &Wanted) -> Result<Option<Content>, Error> {
        let found = self.supply.find(wanted).map_err(Error::Supply)?;
        if found.is_none() {
            self.missing.push(wanted.to_string());
        }
        Ok(found)
    }

    /// Puts the file at `path` of the folder.
    pub fn place(&mut self, wanted: &Wanted, path: &str) -> Result<(), Error> {
        let Some(content) = self.find(wanted)? else { return Ok(()) };
        let to = self.folder.join(path);
        fs::create_dir_all(to.parent().unwrap_or(&self.folder))?;
        // Another name of the same file: both are in the store's folder.
        match fs::hard_link(self.store.blob_path(&content.digest), to) {
            // Two names of one file.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
            other => Ok(other?),
        }
    }

    /// The folder, once nothing is missing.
    pub fn done(self) -> Result<std::path::PathBuf, Error> {
        match self.missing.is_empty() {
            true => Ok(self.folder),
            false => Err(Error::NotSupplied { build: self.build.to_owned(), missing: self.missing }),
        }
    }
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use longshore_oci::Digest;
    use longshore_stack::model::{CargoBuild, DefaultFeatures, Linkage};

    use crate::fixture::{Files, platform};
    use crate::{Error, cargo};

    /// A crate with this text in it.
    fn packed(text: &str) -> Vec<u8> {
        let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for (path, text) in [
            ("x-1.0.0/Cargo.toml", "[package]\nname = \"x\"\nversion = \"1.0.0\"\n"),
            ("x-1.0.0/lib.rs", text),
        ] {
            let mut header = tar::Header::new_ustar();
            header.set_size(text.len() as u64);
            header.set_mode(0o644);
            tar.append_data(&mut header, path, text.as_bytes()).unwrap();
        }
        tar.into_inner().unwrap().finish().unwrap()
    }

    #[test]
    fn what_was_vendored_is_held_to_the_projects_lock() {
        let (right, wrong) = (packed("right"), packed("wrong"));
        let checksum = Digest::of(&right);
        let lock = format!(
            "version = 4\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\ndependencies = [\"x\"]\n\n[[package]]\nname = \"x\"\n\
             version = \"1.0.0\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\nchecksum = \"{}\"\n",
            checksum.hex()
        );
        let manifest =
            "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[dependencies]\nx = \"1\"\n";
        let spec = CargoBuild {
            path: String::from("app"),
            package: None,
            bins: Vec::new(),
            features: Vec::new(),
            default_features: DefaultFeatures::On,
            profile: String::from("release"),
            linkage: Linkage::Dynamic,
        };
        let (fixture, supply) = Files::fixture(None);
        let files =
            [("Cargo.lock", lock.as_str()), ("Cargo.toml", manifest), ("src/main.rs", "fn main() {}")];
        let input = fixture.input(&files, &[("cargo", "1.85.1-1")]);
        let prepare = || cargo::prepare("app", &spec, &platform("linux/amd64"), &input);

        let error = prepare().unwrap_err();
        assert!(matches!(error, Error::NotSupplied { .. }), "{error}");
        assert_eq!(error.to_string(), "build `app` needs what was not vendored: crate `x` 1.0.0");
        assert!(error.hint().unwrap().contains("`longshore vendor`"));

        supply.give(&checksum.to_string(), &wrong);
        let error = prepare().unwrap_err();
        assert!(matches!(error, Error::Cargo(cargo::Error::Checksum { .. })), "{error}");

        supply.give(&checksum.to_string(), &right);
        prepare().unwrap();
    }
}
