//! The `nix` command of this machine: what an installable is, what a path refers to, what its maker says of it.
//!
//! Versions from 2.8 on are understood. Their answers differ; [`super::answers`] reads all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use longshore_net::Access;
use longshore_oci::{Platform, Progress, Step, StorePath};
use longshore_stack::lock::{AboutStorePath, LockedStorePath};
use longshore_stack::model::Installable;

use super::{EvaluateError as Error, answers};

/// Most bytes of an answer that are read.
const ANSWER: u64 = 256 << 20;
/// Lines of what it says of a failure that are kept.
const LAST: usize = 20;
/// Store paths that are named in one command line.
const AT_ONCE: usize = 500;

/// `nix`, run in a stack's folder.
pub struct Nix {
    program: PathBuf,
    folder: PathBuf,
    network: Access,
    version: (u32, u32),
    /// What it builds for when nothing is said: `x86_64-linux`.
    system: String,
    place: Place,
}

/// Where the store of the command is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A folder that has the contents of `/nix/store`.
    Folder(PathBuf),
    /// On another machine, or in a form of its own: only the command can read it.
    Elsewhere,
}

impl Nix {
    /// `program`, run in `folder`, without network where there is to be none; asks it for its version and its store.
    ///
    /// # Errors
    /// When it can't be run, or is none.
    pub fn new(program: &Path, folder: &Path, network: Access) -> Result<Self, Error> {
        let mut nix = Self {
            program: program.to_owned(),
            folder: folder.to_owned(),
            network,
            version: (0, 0),
            system: String::new(),
            place: Place::Elsewhere,
        };
        let other = |said| Error::NotNix { program: program.to_owned(), said };
        let text = nix.run(&["--version"], &longshore_oci::Silent).map_err(|error| match error {
            Error::Failed { said, .. } => other(said),
            error => error,
        })?;
        let said = || text.split(|&byte| byte == b'\n').take(LAST).map(plain).collect();
        nix.version = answers::version(&text).ok_or_else(|| other(said()))?;
        // The command was called otherwise before 2.20.
        let words: &[&str] =
            if nix.version < (2, 20) { &["show-config", "--json"] } else { &["config", "show", "--json"] };
        let settings = nix.run(words, &longshore_oci::Silent)?;
        nix.place = answers::store(&settings);
        nix.system = answers::system(&settings).unwrap_or_default();
        Ok(nix)
    }

    /// Where its store is.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Builds `installable` for `platform`, or has it brought from where it can be had; the paths that it is.
    ///
    /// # Errors
    /// When it can't be built.
    pub fn build(
        &self,
        installable: &Installable,
        platform: &Platform,
        progress: &dyn Progress,
    ) -> Result<BTreeSet<StorePath>, Error> {
        let what = format!("{installable} ({platform})");
        let answer = progress.during("Building", &what, None, |step| {
            self.first(&["build", "--no-link", "--json"], installable, "", platform, step)
        });
        let answer = answer.map_err(|error| match error {
            Error::Failed { said, .. } => {
                Error::Build { installable: installable.to_string(), platform: platform.clone(), said }
            }
            other => other,
        })?;
        answers::outputs(&answer)
            .map_err(|reason| Error::Answer { command: "nix build --json".to_owned(), reason })
    }

    /// Has `path` brought to the store from where it can be had.
    ///
    /// # Errors
    /// When nobody has it.
    pub fn realise(&self, path: &StorePath, progress: &dyn Progress) -> Result<(), Error> {
        let words = ["build", "--no-link", &path.to_string()];
        progress.during("Fetching", path.name(), None, |step| self.run(&words, step)).map(drop)
    }

    /// `from` and all they refer to.
    ///
    /// # Errors
    /// When one of them is not in the store.
    pub fn closure(&self, from: &BTreeSet<StorePath>) -> Result<BTreeMap<StorePath, LockedStorePath>, Error> {
        let mut found = BTreeMap::new();
        let from: Vec<String> = from.iter().map(ToString::to_string).collect();
        for some in from.chunks(AT_ONCE) {
            let mut words = vec!["path-info".to_owned(), "--json".to_owned(), "--recursive".to_owned()];
            if self.version >= (2, 33) {
                words.extend(["--json-format".to_owned(), "1".to_owned()]);
            }
            words.extend(some.iter().cloned());
            let answer = self.run(&words, &longshore_oci::Silent)?;
            let infos = answers::infos(&answer)
                .map_err(|reason| Error::Answer { command: "nix path-info --json".to_owned(), reason })?;
            found.extend(infos);
        }
        Ok(found)
    }

    /// What derivations say of what they make, as far as they are at hand.
    pub fn derivations(&self, derivations: &BTreeSet<StorePath>) -> BTreeMap<StorePath, AboutStorePath> {
        let there = |path: &&StorePath| match &self.place {
            Place::Folder(folder) => folder.join(path.base_name()).exists(),
            Place::Elsewhere => true,
        };
        let there: Vec<String> = derivations.iter().filter(there).map(ToString::to_string).collect();
        let words: &[&str] =
            if self.version < (2, 14) { &["show-derivation"] } else { &["derivation", "show"] };
        let mut all = BTreeMap::new();
        for some in there.chunks(AT_ONCE) {
            let words: Vec<String> =
                words.iter().map(|word| (*word).to_owned()).chain(some.iter().cloned()).collect();
            // It is good to know, and nothing depends on it.
            if let Ok(answer) = self.run(&words, &longshore_oci::Silent) {
                all.extend(answers::derivations(&answer));
            }
        }
        all
    }

    /// What the maker of an installable says of it in `meta`, if it does.
    pub fn meta(&self, installable: &Installable, platform: &Platform) -> Option<AboutStorePath> {
        let words = ["eval", "--json", "--apply", META];
        let answer = self.first(&words, installable, ".meta", platform, &longshore_oci::Silent).ok()?;
        answers::meta(&answer)
    }

    /// Runs a command on an installable for `platform`, by the first of its names that the flake has.
    ///
    /// `--system` would do for names, too, but has Nix believe that this machine is of that kind, and run what it can't.
    fn first(
        &self,
        words: &[&str],
        installable: &Installable,
        attribute: &str,
        platform: &Platform,
        step: &dyn Step,
    ) -> Result<Vec<u8>, Error> {
        let system = system(platform);
        let foreign = Some(system.as_str()).filter(|system| *system != self.system);
        let mut failed = None;
        for names in named(installable, attribute, foreign) {
            let mut all: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            // What `builtins.currentSystem` is; before 2.18 there was only the other.
            if let (Some(system), Installable::File { .. }) = (foreign, installable) {
                let option = if self.version < (2, 18) { "--system" } else { "--eval-system" };
                all.extend([option.to_owned(), system.to_owned()]);
            }
            all.extend(names);
            match self.run(&all, step) {
                Err(Error::Failed { command, said }) => {
                    let lacks = said.iter().any(|line| line.contains("does not provide attribute"));
                    failed = failed.or(Some(Error::Failed { command, said: said.clone() }));
                    if !lacks {
                        break;
                    }
                }
                other => return other,
            }
        }
        Err(failed.unwrap_or_else(|| Error::NeedsNix { installable: installable.to_string() }))
    }

    /// The archive (NAR) of `path`.
    ///
    /// # Errors
    /// When the command can't be started.
    pub fn dump(&self, path: &StorePath) -> Result<Dump, Error> {
        let mut child =
            self.command(&["store", "dump-path", &path.to_string()]).spawn().map_err(|e| self.cant(e))?;
        let out = child.stdout.take().ok_or_else(|| self.cant(std::io::Error::other("it has no output")))?;
        Ok(Dump { child, out })
    }

    fn command<S: AsRef<OsStr>>(&self, words: &[S]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .current_dir(&self.folder)
            .args(["--extra-experimental-features", "nix-command flakes"])
            .args((self.network == Access::Offline).then_some("--offline"))
            .args(words)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn cant(&self, error: std::io::Error) -> Error {
        Error::Command { program: self.program.clone(), error }
    }

    /// Runs the command to its end; what it printed.
    fn run<S: AsRef<OsStr>>(&self, words: &[S], step: &dyn Step) -> Result<Vec<u8>, Error> {
        let mut child = self.command(words).spawn().map_err(|error| self.cant(error))?;
        let (out, errors) = (child.stdout.take(), child.stderr.take());
        let mut answer = Vec::new();
        let mut said = Vec::new();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                // Read to the end, or it would stand still with a full pipe.
                for line in errors
                    .into_iter()
                    .flat_map(|errors| BufReader::new(errors).split(b'\n'))
                    .map_while(Result::ok)
                {
                    let line = plain(&line);
                    step.detail(&line);
                    if said.len() == LAST {
                        said.remove(0);
                    }
                    said.push(line);
                }
            });
            let read = out.map_or(Ok(0), |out| out.take(ANSWER + 1).read_to_end(&mut answer));
            read.map_err(|error| self.cant(error))
        })?;
        let status = child.wait().map_err(|error| self.cant(error))?;
        let command = || {
            let words = words.iter().map(|word| word.as_ref().to_string_lossy()).collect::<Vec<_>>();
            format!("nix {}", words.join(" "))
        };
        if answer.len() as u64 > ANSWER {
            return Err(Error::Answer { command: command(), reason: "it is endless".to_owned() });
        }
        match status.success() {
            true => Ok(answer),
            false => Err(Error::Failed { command: command(), said }),
        }
    }
}

/// A line of what the command says, to be shown.
fn plain(line: &[u8]) -> String {
    String::from_utf8_lossy(line).chars().filter(|c| !c.is_control()).take(500).collect()
}

/// The archive of a path as the command writes it.
pub struct Dump {
    child: Child,
    out: ChildStdout,
}

impl std::io::Read for Dump {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.out.read(buffer)
    }
}

impl Drop for Dump {
    fn drop(&mut self) {
        // It has ended, or nobody reads it any more.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What Nix calls a platform.
pub fn system(platform: &Platform) -> String {
    let machine = match (platform.architecture.as_str(), platform.variant.as_deref()) {
        ("amd64", _) => "x86_64",
        ("arm64", _) => "aarch64",
        ("386", _) => "i686",
        ("arm", Some("v6")) => "armv6l",
        ("arm", _) => "armv7l",
        ("ppc64le", _) => "powerpc64le",
        (other, _) => other,
    };
    format!("{machine}-{}", platform.os)
}

/// How an installable is named to the command, an attribute of it for one that is no store path; where several names may be
/// meant, those that are tried in order. For another system than the machine's own (`foreign`) flakes are asked by it.
fn named(installable: &Installable, attribute: &str, foreign: Option<&str>) -> Vec<Vec<String>> {
    match installable {
        Installable::Flake(text) => {
            flake(text, attribute, foreign).into_iter().map(|name| vec![name]).collect()
        }
        Installable::File { file, attr } => {
            let attr = format!("{}{attribute}", attr.as_deref().unwrap_or_default());
            let attr = attr.trim_start_matches('.').to_owned();
            vec![vec!["--file".to_owned(), file.clone(), attr]]
        }
        Installable::StorePath(path) => vec![vec![path.to_string()]],
        Installable::Flox { outputs, .. } => {
            vec![outputs.values().flatten().map(ToString::to_string).collect()]
        }
    }
}

/// The names of an output of a flake.
fn flake(text: &str, attribute: &str, foreign: Option<&str>) -> Vec<String> {
    let (name, outputs) = text.split_once('^').map_or((text, ""), |(name, _)| (name, &text[name.len()..]));
    // Of an output only, not of its attributes, may one be chosen.
    let outputs = if attribute.is_empty() { outputs } else { "" };
    let (address, fragment) = name.split_once('#').unwrap_or((name, ""));
    let fragment = if fragment.is_empty() { "default" } else { fragment };
    let says_system = fragment.split('.').any(|part| part.ends_with("-linux") || part.ends_with("-darwin"));
    match foreign.filter(|_| !says_system) {
        Some(system) => ["packages", "legacyPackages"]
            .map(|set| format!("{address}#{set}.{system}.{fragment}{attribute}{outputs}"))
            .into(),
        None if attribute.is_empty() => vec![text.to_owned()],
        None => vec![format!("{address}#{fragment}{attribute}")],
    }
}

/// What of `meta` is asked for (nixpkgs manual, "Meta-attributes"): licences by their SPDX ids, and the CPE.
const META: &str = "m: let ls = m.license or []; l = if builtins.isList ls then ls else [ ls ]; in \
    { license = map (x: x.spdxId or null) l; cpe = m.identifiers.cpe or null; }";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn installables_as_nix_names_them() {
        let meta = |text: &str| flake(text, ".meta", None).join(" ");
        assert_eq!(meta(".#backend"), ".#backend.meta");
        assert_eq!(meta("nixpkgs#openssl^bin,out"), "nixpkgs#openssl.meta");
        assert_eq!(meta("github:a/b"), "github:a/b#default.meta");
        assert_eq!(flake("nixpkgs#openssl^bin,out", "", None), ["nixpkgs#openssl^bin,out"]);
        let foreign = |text: &str| flake(text, "", Some("aarch64-linux")).join(" ");
        assert_eq!(
            foreign("nixpkgs#openssl^bin"),
            "nixpkgs#packages.aarch64-linux.openssl^bin nixpkgs#legacyPackages.aarch64-linux.openssl^bin"
        );
        assert_eq!(foreign("."), ".#packages.aarch64-linux.default .#legacyPackages.aarch64-linux.default");
        assert_eq!(foreign(".#packages.x86_64-linux.a"), ".#packages.x86_64-linux.a");
        let file = |attr: Option<&str>, attribute| {
            let file = Installable::File { file: "a.nix".to_owned(), attr: attr.map(str::to_owned) };
            named(&file, attribute, None).concat().join(" ")
        };
        assert_eq!(file(Some("x"), ""), "--file a.nix x");
        assert_eq!(file(None, ""), "--file a.nix ");
        assert_eq!(file(None, ".meta"), "--file a.nix meta");
    }

    #[test]
    fn platforms_as_nix_names_them() {
        let system = |text: &str| system(&text.parse().unwrap());
        assert_eq!(system("linux/amd64"), "x86_64-linux");
        assert_eq!(system("linux/arm64"), "aarch64-linux");
    }
}
