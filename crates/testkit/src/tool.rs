//! Runs other people's programs, and says what to install when one is missing.

use std::ffi::OsStr;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// How long somebody may take from being forked to running a program.
const PATIENCE: Duration = Duration::from_secs(10);

/// A program under its name, with its arguments.
pub struct Tool {
    name: String,
    command: Command,
}

impl Tool {
    /// The program called `name`, found on `PATH`.
    pub fn new(name: &str) -> Self {
        let mut command = Command::new(name);
        command.stdin(Stdio::null());
        Self { name: name.to_owned(), command }
    }

    /// A program that `./x setup` keeps for tests, since the machine's own may be too old or not there.
    pub fn kept(name: &str) -> Self {
        let path = kept(name);
        assert!(
            path.exists(),
            "this test needs `{}`\n  hint: ./x setup, with --long for a test that is ignored otherwise",
            path.display()
        );
        let tool = Self::new(&path.display().to_string());
        Self { name: name.to_owned(), ..tool }
    }

    /// With one more argument.
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    /// With more arguments.
    pub fn args<I: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = I>) -> Self {
        self.command.args(arguments);
        self
    }

    /// With an environment variable.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Runs it whatever it answers.
    pub fn output(mut self) -> Output {
        started(&self.name, || self.command.output())
    }

    /// Runs it, expects success, and gives what it printed.
    pub fn run(self) -> String {
        let shown = format!("{:?}", self.command);
        let output = self.output();
        assert!(
            output.status.success(),
            "{shown} failed with {}\n--- stdout\n{}\n--- stderr\n{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Runs it, and gives what it printed, whatever it answers.
    pub fn run_quietly(self) -> String {
        String::from_utf8_lossy(&self.output().stdout).into_owned()
    }

    /// Starts it in the background; its output goes where `stdout` and `stderr` say.
    pub fn spawn(mut self, stdout: impl Into<Stdio>, stderr: impl Into<Stdio>) -> std::process::Child {
        self.command.stdout(stdout).stderr(stderr);
        started(&self.name, || self.command.spawn())
    }
}

/// Copies a program, to be run. A process of its own writes it: children of other tests' threads have whatever this process writes
/// open for a moment, and what is open for writing can't be run.
pub fn install(program: impl AsRef<OsStr>, to: impl AsRef<OsStr>) {
    Tool::new("cp").arg("--preserve=mode").arg(program).arg(to).run();
}

/// Where `./x setup` keeps a program.
pub(crate) fn kept(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/test-tools").join(name)
}

/// What comes of starting a program. One that was just written may be open in the child of another test's thread, which has not come
/// to its own program yet: nothing runs what somebody could write to.
fn started<T>(name: &str, mut start: impl FnMut() -> io::Result<T>) -> T {
    let began = Instant::now();
    loop {
        match start() {
            Ok(started) => return started,
            Err(error) if error.kind() == ErrorKind::ExecutableFileBusy && began.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(10));
            }
            Err(error) => panic!("{}", missing(name, &error)),
        }
    }
}

/// What to say when a program can't be started.
fn missing(name: &str, error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => format!("this test needs `{name}`, which is not installed\n  hint: ./x setup"),
        _ => format!("`{name}` can't be started: {error}"),
    }
}
