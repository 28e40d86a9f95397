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
        let mark = written(&random(8).map_err(kept)?, SecretFormat::Hex);
        private(&self.place.secrets()).map_err(kept)?;
        // Under a name of its own first, so that it is there whole or not at all; as a link, so that of two who make one at
        // once both get the first.
        let unfinished = self.place.secrets().join(format!(".{name}.{mark}"));
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
        let read = reader.join().unwrap_or_else(|_| Ok(Vec::new()));
        let mut value = read.map_err(|error| wrong(error.to_string()))?;
        // One that says too much was ended by that.
        if !status.success() && value.len() as u64 <= MOST {
            return Err(wrong(format!("ended with {status}")));
        }
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

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn generated(bytes: u32, format: SecretFormat) -> SecretSpec {
        SecretSpec { origin: SecretOrigin::Generate { bytes, format }, description: None }
    }

    fn printed(script: &str) -> SecretSpec {
        let argv = ["sh", "-c", script].map(str::to_owned).to_vec();
        SecretSpec { origin: SecretOrigin::Command(argv), description: None }
    }

    /// What becomes of one secret, in a folder of its own.
    fn value(spec: SecretSpec) -> Result<String, String> {
        let folder = tempfile::tempdir().unwrap();
        let specs = BTreeMap::from([("it".to_owned(), spec)]);
        let place = Place::at(folder.path());
        let around = Surroundings { folder: folder.path(), variable: &|_| None };
        let value = Secrets::new(&specs, &place, around).get("it");
        value
            .map(|value| String::from_utf8(value.unwrap().bytes().to_vec()).unwrap())
            .map_err(|it| it.to_string())
    }

    #[test]
    fn generated_ones_are_made_once_for_their_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::at(folder.path().join("state"));
        let specs = BTreeMap::from([("it".to_owned(), generated(20, SecretFormat::Hex))]);
        let around = || Surroundings { folder: folder.path(), variable: &|_| None };
        let secrets = Secrets::new(&specs, &place, around());
        assert_eq!(secrets.look("it"), Found::ToBeMade);
        // Whoever makes it at the same time gets the same.
        let all: Vec<Secret> = std::thread::scope(|scope| {
            let one = || {
                Secrets::new(&specs, &place, Surroundings { folder: folder.path(), variable: &|_| None })
                    .get("it")
            };
            let started: Vec<_> = (0..4).map(|_| scope.spawn(move || one().unwrap().unwrap())).collect();
            started.into_iter().map(|one| one.join().unwrap()).collect()
        });
        assert!(all.iter().all(|one| *one == all[0]));
        assert_eq!(secrets.look("it"), Found::There);
        assert_eq!(secrets.get("it").unwrap().unwrap(), all[0]);
        assert_eq!((all[0].bytes().len(), format!("{:?}", all[0]).as_str()), (40, "***"));
        let mode =
            |path: &str| fs::metadata(place.folder().join(path)).unwrap().permissions().mode() & 0o7777;
        assert_eq!((mode("secrets"), mode("secrets/it")), (0o700, 0o600));
        assert_eq!(fs::read_dir(place.secrets()).unwrap().count(), 1);
    }

    #[test]
    fn random_bytes_are_written_as_asked() {
        let hex = value(generated(16, SecretFormat::Hex)).unwrap();
        assert!(
            hex.len() == 32 && hex.bytes().all(|it| it.is_ascii_digit() || (b'a'..=b'f').contains(&it)),
            "{hex}"
        );
        let base64 = value(generated(16, SecretFormat::Base64)).unwrap();
        assert!(base64.len() == 24 && base64.ends_with("=="), "{base64}");
        assert_ne!(value(generated(16, SecretFormat::Hex)).unwrap(), hex);
    }

    #[test]
    fn programs_print_them() {
        assert_eq!(value(printed("echo word")).as_deref(), Ok("word"));
        assert_eq!(value(printed("printf 'two\n\n'")).as_deref(), Ok("two\n"));
        assert_eq!(value(printed("printf bare")).as_deref(), Ok("bare"));
        let wrong = |script| value(printed(script)).unwrap_err();
        assert_eq!(wrong("exit 3"), "secret `it` is what `sh` prints, and it ended with exit status: 3");
        assert_eq!(wrong("true"), "secret `it` is empty");
        assert_eq!(wrong("head -c 2000000 /dev/zero"), "secret `it` has more than 1048576 bytes");
        let nobody = SecretSpec { origin: SecretOrigin::Command(vec!["/no/such".into()]), description: None };
        let said = value(nobody).unwrap_err();
        assert!(
            said.starts_with("secret `it` is what `/no/such` prints, and it can't be started: No such file"),
            "{said}"
        );
    }

    #[test]
    fn files_and_variables_have_to_be_there() {
        let file = SecretSpec { origin: SecretOrigin::File("missing.txt".into()), description: None };
        assert_eq!(value(file).unwrap_err(), "secret `it` is in a file that can't be read");
        let variable = SecretSpec { origin: SecretOrigin::Env("WORD".into()), description: None };
        assert_eq!(
            value(variable).unwrap_err(),
            "secret `it` is to be in the environment, and `WORD` is not set"
        );
    }
}
