//! Secrets: where each comes from, and its value where it is needed. No value is in a plan, a log or a message.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use fs_err as fs;
use longshore_stack::model::{SecretFormat, SecretOrigin, SecretSpec};

use super::place::{Place, private};

/// Most bytes of a secret.
const MOST: u64 = 1 << 20;
/// A program that prints a secret may take so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// A secret's value. Debugging it shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// The bytes, for whoever has to write them down.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Why a secret can't be had.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Its file can't be read.
    #[error("secret `{name}` is in a file that can't be read")]
    File {
        /// The secret.
        name: String,
        /// With the path.
        source: io::Error,
    },
    /// A variable is not there.
    #[error("secret `{name}` is to be in the environment, and `{variable}` is not set")]
    Variable {
        /// The secret.
        name: String,
        /// The variable.
        variable: String,
    },
    /// A program did not print it.
    #[error("secret `{name}` is what `{program}` prints, and it {wrong}")]
    Program {
        /// The secret.
        name: String,
        /// The program.
        program: String,
        /// What is wrong: `can't be started: …`.
        wrong: String,
    },
    /// It is empty.
    #[error("secret `{name}` is empty")]
    Empty {
        /// The secret.
        name: String,
    },
    /// It is too long.
    #[error("secret `{name}` has more than {MOST} bytes")]
    TooLong {
        /// The secret.
        name: String,
    },
    /// A generated one can't be kept.
    #[error("secret `{name}` can't be kept")]
    Kept {
        /// The secret.
        name: String,
        /// With the path.
        source: io::Error,
    },
}

impl SecretError {
    /// What the user can do.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::File { name, .. } => format!("write it there, or change `file` of `[secret.{name}]`"),
            Self::Variable { variable, .. } => format!("set it: `export {variable}=…`"),
            Self::Program { name, .. } => {
                format!("run it yourself, or change `command` of `[secret.{name}]`")
            }
            Self::Empty { name } | Self::TooLong { name } => {
                format!("look at where it comes from: `[secret.{name}]` of the stack file")
            }
            Self::Kept { .. } => return None,
        })
    }
}

/// What secrets come from besides the stack.
pub struct Surroundings<'a> {
    /// The stack file's folder.
    pub folder: &'a Path,
    /// A variable of the environment.
    pub variable: &'a dyn Fn(&str) -> Option<Vec<u8>>,
}

/// Whether a secret's origin has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// It does.
    There,
    /// It will be made when it is first needed.
    ToBeMade,
    /// It doesn't.
    Missing,
    /// Only running a program can tell.
    Unknown,
}

/// A stack's secrets.
pub struct Secrets<'a> {
    specs: &'a BTreeMap<String, SecretSpec>,
    place: &'a Place,
    around: Surroundings<'a>,
}

impl<'a> Secrets<'a> {
    /// Those of a stack whose state is at `place`.
    pub fn new(specs: &'a BTreeMap<String, SecretSpec>, place: &'a Place, around: Surroundings<'a>) -> Self {
        Self { specs, place, around }
    }

    /// Whether a secret can be had, as far as looking tells.
    pub fn look(&self, name: &str) -> Found {
        let there = |there| if there { Found::There } else { Found::Missing };
        match self.specs.get(name).map(|spec| &spec.origin) {
            None => Found::Missing,
            Some(SecretOrigin::Generate { .. }) if self.kept(name).exists() => Found::There,
            Some(SecretOrigin::Generate { .. }) => Found::ToBeMade,
            Some(SecretOrigin::File(path)) => there(self.around.folder.join(path).is_file()),
            Some(SecretOrigin::Env(variable)) => there((self.around.variable)(variable).is_some()),
            Some(SecretOrigin::Command(_)) => Found::Unknown,
        }
    }

    /// Its value; made and kept where it is to be generated and wasn't yet. None where the stack has no such secret.
    ///
    /// # Errors
    /// When it can't be had, is empty or too long.
    pub fn get(&self, name: &str) -> Result<Option<Secret>, SecretError> {
        let Some(spec) = self.specs.get(name) else { return Ok(None) };
        let value = match &spec.origin {
            SecretOrigin::Generate { bytes, format } => self.generated(name, *bytes, *format)?,
            SecretOrigin::File(path) => read(&self.around.folder.join(path))
                .map_err(|source| SecretError::File { name: name.to_owned(), source })?,
            SecretOrigin::Env(variable) => (self.around.variable)(variable)
                .ok_or_else(|| SecretError::Variable { name: name.to_owned(), variable: variable.clone() })?,
            SecretOrigin::Command(argv) => self.printed(name, argv)?,
        };
        match value.len() {
            0 => Err(SecretError::Empty { name: name.to_owned() }),
            length if length as u64 > MOST => Err(SecretError::TooLong { name: name.to_owned() }),
            _ => Ok(Some(Secret(value))),
        }
    }

    /// Where a generated one is kept.
    fn kept(&self, name: &str) -> PathBuf {
        self.place.secrets().join(name)
    }

    fn generated(&self, name: &str, bytes: u32, format: SecretFormat) -> Result<Vec<u8>, SecretError> {
        let kept = |source| SecretError::Kept { name: name.to_owned(), source };
        let path = self.kept(name);
        match read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            other => return other.map_err(kept),
        }
        let value = written(&random(bytes).map_err(kept)?, format);
        private(&self.place.secrets()).map_err(kept)?;
        // Under a name of its own first, so that it is there whole or not at all; as a link, so that of two who make one at
        // once both get the first.
        let unfinished = self.place.secrets().join(format!(".{name}.{}", std::process::id()));
        write(&unfinished, value.as_bytes(), 0o600).map_err(kept)?;
        // What it opens will be on the disk too.
        fs::File::open(&unfinished).and_then(|file| file.sync_all()).map_err(kept)?;
        let linked = fs::hard_link(&unfinished, &path);
        fs::remove_file(&unfinished).map_err(kept)?;
        match linked {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => read(&path).map_err(kept),
            Err(error) => Err(kept(error)),
            Ok(()) => Ok(value.into_bytes()),
        }
    }

    /// What a program prints, run in the stack file's folder with longshore's own environment and stderr.
    fn printed(&self, name: &str, argv: &[String]) -> Result<Vec<u8>, SecretError> {
        let (program, arguments) =
            argv.split_first().map_or(("", &[][..]), |(first, rest)| (first.as_str(), rest));
        let wrong = |wrong: String| SecretError::Program {
            name: name.to_owned(),
            program: program.to_owned(),
            wrong,
        };
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.around.folder).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(|error| wrong(format!("can't be started: {error}")))?;
        let Some(mut stdout) = child.stdout.take() else { return Ok(Vec::new()) };
        let reader = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            stdout.by_ref().take(MOST + 1).read_to_end(&mut bytes).map(|_| bytes)
        });
        let started = Instant::now();
        let status = loop {
            match child.try_wait().map_err(|error| wrong(error.to_string()))? {
                Some(status) => break status,
                None if started.elapsed() > PATIENCE => {
                    let _ = child.kill();
                    let _ = child.wait();
                    return Err(wrong(format!("did not end within {} s", PATIENCE.as_secs())));
                }
                None => std::thread::sleep(Duration::from_millis(5)),
            }
        };
        if !status.success() {
            return Err(wrong(format!("ended with {status}")));
        }
        let read = reader.join().unwrap_or_else(|_| Ok(Vec::new()));
        let mut value = read.map_err(|error| wrong(error.to_string()))?;
        // As `$(…)` of a shell does, but for one line break only.
        if value.last() == Some(&b'\n') {
            value.pop();
            if value.last() == Some(&b'\r') {
                value.pop();
            }
        }
        Ok(value)
    }
}

/// Reads a secret's file, and no more than a byte too much of it.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(MOST + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Writes a file that must not be there yet, with these permissions from its first moment.
pub(super) fn write(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    let mut file = {
        use fs_err::os::unix::fs::OpenOptionsExt as _;
        options.mode(mode).open(path)?
    };
    file.write_all(bytes)
}

/// From the kernel (`getrandom(2)`).
fn random(count: u32) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; count as usize];
    let mut rest = bytes.as_mut_slice();
    while !rest.is_empty() {
        let got = rustix::rand::getrandom(&mut *rest, rustix::rand::GetRandomFlags::empty())?;
        rest = rest.get_mut(got..).unwrap_or_default();
    }
    Ok(bytes)
}

fn written(bytes: &[u8], format: SecretFormat) -> String {
    match format {
        SecretFormat::Hex => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        SecretFormat::Base64 => {
            use base64::Engine as _;
            base64::engine::general_purpose::STANDARD.encode(bytes)
        }
    }
}
