//! An engine's command-line client.

use std::io::{self, Read, Write};
use std::process::{Child, Command, Output, Stdio};

use longshore_oci::Digest;

use crate::Error;

/// A client prints no more than this.
const MAX_OUTPUT: u64 = 64 << 20;

/// An engine's command-line client: a program and the arguments that always come first.
#[derive(Debug, Clone)]
pub struct Client {
    program: String,
    arguments: Vec<String>,
}

impl Client {
    /// The program called `program` on the search path, or at that path.
    pub fn new(program: impl Into<String>) -> Self {
        Self { program: program.into(), arguments: Vec::new() }
    }

    /// With an argument before every command: `--host=…`.
    pub fn with(mut self, argument: impl Into<String>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// What it is called.
    pub fn program(&self) -> &str {
        &self.program
    }

    /// Runs a command and gives what it printed.
    pub(super) fn run(&self, arguments: &[&str]) -> Result<String, Error> {
        self.feed(arguments, |_| Ok(())).map(|((), printed)| printed)
    }

    /// Runs a command that reads what `write` writes, and gives what it printed.
    pub(super) fn feed<T>(
        &self,
        arguments: &[&str],
        write: impl FnOnce(&mut dyn Write) -> Result<T, Error>,
    ) -> Result<(T, String), Error> {
        let mut child = self.start(arguments)?;
        let mut input = child.stdin.take();
        let (output, error) = (child.stdout.take(), child.stderr.take());
        let (written, output, error) = std::thread::scope(|scope| {
            // Both are read while we write, or a client that prints much would wait for us and we for it.
            let output = scope.spawn(|| read(output));
            let error = scope.spawn(|| read(error));
            let written = match &mut input {
                Some(input) => write(input),
                None => Err(io::Error::other("no standard input").into()),
            };
            if written.as_ref().is_err_and(|error| !is_closed(error)) {
                // Before its input ends: it must not take a broken archive for a whole one.
                let _ = child.kill();
            }
            drop(input);
            let join = |thread: std::thread::ScopedJoinHandle<'_, Vec<u8>>| thread.join().unwrap_or_default();
            (written, join(output), join(error))
        });
        let status = child.wait().map_err(|source| self.broken(source))?;
        match written {
            Err(error) if !is_closed(&error) => Err(error),
            written => {
                self.check(arguments, &Output { status, stdout: Vec::new(), stderr: error })?;
                Ok((written?, String::from_utf8_lossy(&output).trim().to_owned()))
            }
        }
    }

    /// The id of the image called `name`, as the engine has it.
    pub(super) fn image_id(&self, name: &str) -> Result<Digest, Error> {
        let command = ["image", "inspect", "--format", "{{.Id}}", name];
        let said = self.run(&command)?;
        let parsed = Digest::from_hex(said.strip_prefix("sha256:").unwrap_or(&said));
        parsed.map_err(|_| self.surprise(&command, &said, "an image id"))
    }

    /// The error for an answer that can't be understood.
    pub(super) fn surprise(&self, arguments: &[&str], said: &str, expected: &'static str) -> Error {
        let said = said.chars().take(200).collect();
        Error::Answer { program: self.program.clone(), command: arguments.join(" "), said, expected }
    }

    fn start(&self, arguments: &[&str]) -> Result<Child, Error> {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().map_err(|source| self.broken(source))
    }

    fn broken(&self, source: io::Error) -> Error {
        Error::NoEngine { program: self.program.clone(), source }
    }

    fn check(&self, arguments: &[&str], output: &Output) -> Result<(), Error> {
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        let said = if said.is_empty() { output.status.to_string() } else { said };
        let program = self.program.clone();
        let away = [
            "Cannot connect to",
            "Is the docker daemon running",
            "unable to connect",
            "permission denied while trying to connect",
        ];
        if away.iter().any(|sign| said.contains(sign)) {
            return Err(Error::Unreachable { program, said });
        }
        Err(Error::Engine { program, command: arguments.join(" "), said })
    }
}

fn read(pipe: Option<impl Read>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(mut pipe) = pipe {
        // What could be read is what the client said.
        let _ = pipe.by_ref().take(MAX_OUTPUT).read_to_end(&mut bytes);
        let _ = io::copy(&mut pipe, &mut io::sink());
    }
    bytes
}

/// Whether the client stopped reading: then what it said tells why.
fn is_closed(error: &Error) -> bool {
    let source = match error {
        Error::Write(source) => source,
        Error::Pack(longshore_image::pack::Error::Write { source, .. }) => source,
        _ => return false,
    };
    source.kind() == io::ErrorKind::BrokenPipe
}
