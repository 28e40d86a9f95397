//! Nix as `./x setup` unpacks it, with stores, signed binary caches and flakes of one test's own.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Tool;
use crate::tool::kept;

/// Where `./x setup` keeps it.
const FOLDER: &str = "nix-1";
/// What builders of tests call, as busybox knows it.
const APPLETS: [&str; 9] = ["sh", "ls", "id", "mkdir", "cat", "ln", "cp", "chmod", "printf"];
/// Nothing of the machine's, and no network: only what is said here or in a test.
const CONFIG: &str = "experimental-features = nix-command flakes\nbuild-users-group =\nsandbox = true\nsandbox-paths =\n\
                      substituters =\nwarn-dirty = false\n\
                      extra-platforms = aarch64-linux x86_64-linux";
/// This machine, as Nix calls it.
pub const SYSTEM: &str = if cfg!(target_arch = "aarch64") { "aarch64-linux" } else { "x86_64-linux" };

/// Nix itself, without a store.
#[derive(Debug, Clone)]
pub struct Nix {
    folder: PathBuf,
}

/// A store in a folder, and how programs come to it.
#[derive(Debug, Clone)]
pub struct NixStore {
    nix: Nix,
    folder: PathBuf,
    place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In the folder, while paths say `/nix/store`: only Nix sees it, and whom Nix builds.
    Diverted,
    /// At `/nix`, for the programs that are run here.
    Mounted,
}

/// Who signs what is in a binary cache.
#[derive(Debug, Clone)]
pub struct NixKey {
    /// The secret key, in a file.
    pub file: PathBuf,
    /// The public key: `NAME:BASE64`.
    pub public: String,
}

impl Nix {
    /// The one that `./x setup` unpacked.
    pub fn installed() -> Self {
        let folder = kept(FOLDER);
        assert!(folder.join("done").exists(), "this test needs `{}`\n  hint: ./x setup", folder.display());
        Self { folder: folder.canonicalize().unwrap() }
    }

    /// The folder of `nix` and its other names, for a PATH.
    pub fn programs(&self) -> PathBuf {
        self.folder.join("programs")
    }

    /// A static busybox, which needs nothing of a store.
    pub fn busybox(&self) -> PathBuf {
        self.folder.join("usr/bin/busybox")
    }

    /// A store below `folder`, where its paths are not where they say they are: a path is at `folder/nix/store/…`.
    pub fn store(&self, folder: &Path) -> NixStore {
        self.store_at(folder, Place::Diverted)
    }

    /// A store below `folder` that is at `/nix` for what [`NixStore::tool`] and [`NixStore::through`] run, and for nobody else.
    /// Needs root.
    pub fn mounted_store(&self, folder: &Path) -> NixStore {
        // A mount needs a place, which stays empty.
        fs_err::create_dir_all("/nix").unwrap();
        self.store_at(folder, Place::Mounted)
    }

    fn store_at(&self, folder: &Path, place: Place) -> NixStore {
        for part in ["home", "nix"] {
            fs_err::create_dir_all(folder.join(part)).unwrap();
        }
        NixStore { nix: self.clone(), folder: folder.canonicalize().unwrap(), place }
    }

    /// Writes a flake without inputs into `folder`: `#stack` is a closure of thirty paths, and `#conf`, `#link`, `#odd`, `#service0` to
    /// `#service2`, `#tool0` and `#lib7` are some of them; for both platforms, since the busybox is the same.
    pub fn closure_flake(&self, folder: &Path) {
        self.write_flake("closure", folder);
    }

    /// Writes a flake without inputs into `folder`: `#hello` refers to `#greeting`, and patches, licences and a CPE are said of them;
    /// of `#plain` nothing.
    pub fn bills_flake(&self, folder: &Path) {
        self.write_flake("bills", folder);
    }

    /// Writes a flake of testkit's, with busybox beside it.
    fn write_flake(&self, name: &str, folder: &Path) {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("nix").join(name);
        let bin = folder.join("bb/bin");
        fs_err::create_dir_all(&bin).unwrap();
        for entry in fs_err::read_dir(from).unwrap() {
            let file = entry.unwrap();
            fs_err::copy(file.path(), folder.join(file.file_name())).unwrap();
        }
        fs_err::copy(self.busybox(), bin.join("busybox")).unwrap();
        for applet in APPLETS {
            std::os::unix::fs::symlink("busybox", bin.join(applet)).unwrap();
        }
    }
}

impl NixStore {
    /// What programs need in their environment to use this store, with `path` behind Nix's own folder.
    pub fn environment(&self, path: &str) -> Vec<(&'static str, String)> {
        let remote = match self.place {
            Place::Diverted => self.folder.display().to_string(),
            Place::Mounted => String::from("local"),
        };
        vec![
            ("PATH", format!("{}:{path}", self.nix.programs().display())),
            ("NIX_CONFIG", self.config()),
            ("NIX_CONF_DIR", self.folder.join("none").display().to_string()),
            ("NIX_USER_CONF_FILES", String::new()),
            ("NIX_REMOTE", remote),
        ]
    }

    fn config(&self) -> String {
        let registry = self.folder.join("registry.json");
        let registry = if registry.exists() { registry.display().to_string() } else { String::new() };
        format!("{CONFIG}\nflake-registry = {registry}")
    }

    /// Writes a flake into `folder` that stands for nixpkgs, and has the registry know it by that name: some packages and builders, among
    /// them `rustPlatform.buildRustPackage`, which gives `longshore` when it is asked for that.
    pub fn stub_nixpkgs(&self, longshore: &Path, folder: &Path) {
        self.nix.write_flake("pkgs", folder);
        let (libraries, program) = (folder.join("libraries"), folder.join("longshore/longshore"));
        fs_err::create_dir(&libraries).unwrap();
        fs_err::create_dir(program.parent().unwrap()).unwrap();
        fs_err::copy(longshore, &program).unwrap();
        let needed = Tool::new("ldd").arg(longshore).run();
        let files = needed.split_whitespace().filter(|word| word.starts_with('/')).map(Path::new);
        let mut loader = None;
        for file in files {
            let name = file.file_name().unwrap();
            fs_err::copy(file, libraries.join(name)).unwrap();
            loader = loader.or(name.to_str().filter(|name| name.starts_with("ld-")));
        }
        // There is no loader in a sandbox but this one.
        let flake = format!("path:{}", folder.display());
        let place = self.run(&["eval", "--raw", &format!("{flake}#legacyPackages.{SYSTEM}.libraries")]);
        let patch = Tool::new("patchelf").args(["--force-rpath", "--set-rpath", &place, "--set-interpreter"]);
        patch.arg(Path::new(&place).join(loader.unwrap())).arg(&program).run();

        let registry = serde_json::json!({
            "version": 2,
            "flakes": [{ "from": { "type": "indirect", "id": "nixpkgs" }, "to": { "type": "path", "path": folder } }],
        });
        fs_err::write(self.folder.join("registry.json"), registry.to_string()).unwrap();
    }

    /// What comes before a program's name, so that it sees the store: nothing for one that is not at `/nix`.
    pub fn through(&self) -> Vec<String> {
        match self.place {
            Place::Diverted => Vec::new(),
            Place::Mounted => {
                let nix = self.folder.join("nix").display().to_string();
                let script = String::from("mount --bind \"$0\" /nix && exec \"$@\"");
                [&["unshare", "--mount", "sh", "-c"].map(String::from)[..], &[script, nix]].concat()
            }
        }
    }

    /// A program that uses the store.
    pub fn tool(&self, program: &str) -> Tool {
        let words = [self.through(), vec![program.to_owned()]].concat();
        let path = std::env::var("PATH").unwrap_or_default();
        let tool = Tool::new(&words[0]).args(&words[1..]).env("HOME", self.folder.join("home"));
        self.environment(&path).into_iter().fold(tool, |tool, (name, value)| tool.env(name, value))
    }

    /// Runs `nix`, and gives what it printed.
    pub fn run(&self, arguments: &[&str]) -> String {
        self.tool("nix").args(arguments).run()
    }

    /// Builds, and gives the paths of the outputs.
    pub fn build(&self, installables: &[&str]) -> Vec<String> {
        let options = ["build", "--no-link", "--print-out-paths"];
        self.run(&[&options, installables].concat()).lines().map(str::to_owned).collect()
    }

    /// Where a store path is on disk.
    pub fn on_disk(&self, path: &str) -> PathBuf {
        self.folder.join(path.trim_start_matches('/'))
    }

    /// Makes a key called `name` for a cache, its secret part in `folder`.
    pub fn key(&self, name: &str, folder: &Path) -> NixKey {
        let file = folder.join(name);
        fs_err::write(&file, self.run(&["key", "generate-secret", "--key-name", name])).unwrap();
        let mut convert = Command::new(self.nix.programs().join("nix"));
        convert.args(["key", "convert-secret-to-public"]).env("NIX_CONFIG", CONFIG);
        let output = convert.stdin(fs_err::File::open(&file).unwrap().into_parts().0).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        NixKey { file, public: String::from_utf8(output.stdout).unwrap().trim().to_owned() }
    }

    /// Copies `paths` with all they refer to into a binary cache in `folder`, each archive in `compression` (`none`, `xz`, `zstd`, `gzip`,
    /// `bzip2`, `br`), signed with `key` where one is given.
    pub fn cache(&self, folder: &Path, compression: &str, key: Option<&NixKey>, paths: &[String]) {
        let signed = key.map(|key| format!("&secret-key={}", key.file.display())).unwrap_or_default();
        let to = format!("file://{}?compression={compression}{signed}", folder.display());
        self.tool("nix").args(["copy", "--to", &to]).args(paths).run();
        // What public caches say besides, and a folder that Nix writes does not.
        let info = "StoreDir: /nix/store\nWantMassQuery: 1\nPriority: 40\n";
        fs_err::write(folder.join("nix-cache-info"), info).unwrap();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both kinds of stores build the same paths, and a cache gives them back only to whom trusts its key.
    #[test]
    fn stores_and_caches() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let nix = Nix::installed();
        nix.closure_flake(&at("flake"));
        let stack = format!("path:{}#stack", at("flake").display());

        let (diverted, mounted) = (nix.store(&at("diverted")), nix.mounted_store(&at("mounted")));
        let built = diverted.build(&[&stack]);
        assert_eq!(built, mounted.build(&[&stack]));
        for store in [&diverted, &mounted] {
            assert!(store.on_disk(&built[0]).join("manifest").is_file());
        }
        assert_eq!(diverted.tool("nix-store").args(["-qR", &built[0]]).run().lines().count(), 30);
        let seen = mounted.tool("cat").arg(format!("{}/manifest", built[0])).run();
        assert!(seen.contains("-service0"), "{seen}");

        let (key, other) = (diverted.key("test-1", folder.path()), diverted.key("test-2", folder.path()));
        diverted.cache(&at("cache"), "zstd", Some(&key), &built);
        let other_store = nix.store(&at("other"));
        let from = format!("file://{}", at("cache").display());
        let copy = |trusted: &NixKey| {
            let tool = other_store.tool("nix").args(["copy", "--from", &from]).arg(&built[0]);
            tool.args(["--option", "trusted-public-keys", &trusted.public]).output()
        };
        let refused = copy(&other);
        assert!(String::from_utf8_lossy(&refused.stderr).contains("lacks a signature by a trusted key"));
        assert!(copy(&key).status.success());
        assert!(other_store.on_disk(&built[0]).join("manifest").is_file());
    }
}
