//! Runs the binary with nothing of the caller's: cleared environment, own home, own store, fixed width, no colour.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// Variables that say how to reach the network; passed on so that real archives can be reached.
const NETWORK: [&str; 9] = [
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "ALL_PROXY",
];

/// A folder to work in and the environment that commands run in.
pub struct Sandbox {
    program: PathBuf,
    through: Vec<String>,
    folder: TempDir,
    env: Vec<(String, String)>,
    hidden: Vec<(String, &'static str)>,
}

/// What a command answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Exit code; -1 when a signal ended it.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Sandbox {
    /// For `program`, usually `env!("CARGO_BIN_EXE_longshore")`.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["home", "work", "store", "tmp"] {
            fs_err::create_dir(folder.path().join(name)).unwrap();
        }
        let path = |name: &str| folder.path().join(name).display().to_string();
        let env = vec![
            (String::from("PATH"), std::env::var("PATH").unwrap_or_default()),
            (String::from("HOME"), path("home")),
            (String::from("TMPDIR"), path("tmp")),
            (String::from("LONGSHORE_STORE"), path("store")),
            (String::from("NO_COLOR"), String::from("1")),
            (String::from("COLUMNS"), String::from("100")),
            (String::from("TZ"), String::from("UTC")),
            (String::from("LC_ALL"), String::from("C.UTF-8")),
        ];
        let hidden = vec![(path("work"), "[WORK]"), (path("store"), "[STORE]"), (path("home"), "[HOME]")];
        Self { program: program.into(), through: Vec::new(), folder, env, hidden }
    }

    /// With a store that outlives this sandbox, for tests against a real archive.
    pub fn with_store(self, store: &Path) -> Self {
        fs_err::create_dir_all(store).unwrap();
        self.env("LONGSHORE_STORE", &store.display().to_string())
    }

    /// Run by another program, which has these words before the program's own name.
    pub fn through(self, words: Vec<String>) -> Self {
        Self { through: words, ..self }
    }

    /// With the caller's proxy and certificate settings.
    pub fn with_network(mut self) -> Self {
        for name in NETWORK {
            if let Ok(value) = std::env::var(name) {
                self = self.env(name, &value);
            }
        }
        self
    }

    /// With a variable.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.retain(|(known, _)| known != name);
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Shows `text` as `name` in snapshots: addresses and digests that change from run to run.
    pub fn hide(mut self, text: impl Into<String>, name: &'static str) -> Self {
        self.hidden.push((text.into(), name));
        self
    }

    /// The folder that commands run in.
    pub fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    /// The store that commands use.
    pub fn store(&self) -> PathBuf {
        let (_, store) = self.env.iter().find(|(name, _)| name == "LONGSHORE_STORE").unwrap();
        PathBuf::from(store)
    }

    /// Writes a file below [`Self::work`], folders included.
    pub fn write(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.work().join(path);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, bytes).unwrap();
    }

    /// Reads a file below [`Self::work`].
    pub fn read(&self, path: &str) -> String {
        fs_err::read_to_string(self.work().join(path)).unwrap()
    }

    /// A command, ready to be changed further.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut words = self.through.iter().map(OsStr::new).chain([self.program.as_os_str()]);
        let mut command = Command::new(words.next().unwrap_or_default());
        command
            .args(words)
            .args(arguments)
            .env_clear()
            .envs(self.env.iter().map(|(name, value)| (name, value)));
        command.current_dir(self.work()).stdin(Stdio::null());
        command
    }

    /// Runs a command.
    pub fn run(&self, arguments: &[&str]) -> Answer {
        Answer::of(&mut self.command(arguments))
    }

    /// Runs a command that must succeed, and gives its standard output.
    pub fn ok(&self, arguments: &[&str]) -> String {
        let answer = self.run(arguments);
        assert_eq!(answer.code, 0, "`longshore {}` failed\n{answer}", arguments.join(" "));
        answer.stdout
    }

    /// An answer as it goes into a snapshot: without the paths and addresses of this run.
    pub fn snapshot(&self, answer: &Answer) -> String {
        let mut text = answer.to_string();
        for (from, to) in &self.hidden {
            text = text.replace(from, to);
        }
        text
    }
}

impl Answer {
    /// Runs `command` and waits for it.
    pub fn of(command: &mut Command) -> Self {
        let output = command.output().unwrap_or_else(|error| panic!("{command:?} can't be started: {error}"));
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exit code: {}\n--- stdout\n{}--- stderr\n{}", self.code, self.stdout, self.stderr)
    }
}
