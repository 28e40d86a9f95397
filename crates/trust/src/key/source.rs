//! Where a signing key is.

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use longshore_oci::read_bounded;
use zeroize::Zeroizing;

use super::{KeyError, LIMIT, Password, PrivateKey, Program, Sign, open};

/// Where a signing key is, as people write it: `cosign.key`, `env://COSIGN_PRIVATE_KEY`, `fd://3`, `program:./sign-with-tpm`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// In a file.
    File(PathBuf),
    /// In the environment variable of that name.
    Environment(String),
    /// Behind an open file of this process.
    Descriptor(u32),
    /// A program keeps it.
    Program(PathBuf),
}

impl FromStr for KeySource {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(name) = text.strip_prefix("env://") {
            return Ok(Self::Environment(name.to_owned()));
        }
        if let Some(number) = text.strip_prefix("fd://") {
            return number
                .parse()
                .map(Self::Descriptor)
                .map_err(|_| format!("`{number}` is not the number of an open file"));
        }
        if let Some(program) = text.strip_prefix("program:") {
            return Ok(Self::Program(program.into()));
        }
        match text.split_once("://") {
            Some((scheme, _)) => Err(format!(
                "`{scheme}://` is unknown: a key is a file, `env://VARIABLE`, `fd://NUMBER` or `program:PATH`"
            )),
            None => Ok(Self::File(text.into())),
        }
    }
}

impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "`{}`", path.display()),
            Self::Environment(name) => write!(f, "in {name}"),
            Self::Descriptor(number) => write!(f, "behind open file {number}"),
            Self::Program(path) => write!(f, "of `{}`", path.display()),
        }
    }
}

impl KeySource {
    /// The key. `variable` gives what the environment has under a name; `password` is asked for one that is sealed.
    ///
    /// # Errors
    /// When it is not there, or can't be opened.
    pub fn load(
        &self,
        variable: &dyn Fn(&str) -> Option<String>,
        password: &mut dyn FnMut() -> Option<Password>,
    ) -> Result<Box<dyn Sign>, KeyError> {
        let text = match self {
            Self::Program(path) => return Ok(Box::new(Program::new(path)?)),
            Self::File(path) => self.read(fs_err::File::open(path))?,
            Self::Descriptor(number) => {
                self.read(fs_err::File::open(Path::new("/proc/self/fd").join(number.to_string())))?
            }
            Self::Environment(name) => {
                let missing =
                    || KeyError::Unreadable { key: self.to_string(), reason: "it is not set".to_owned() };
                Zeroizing::new(variable(name).ok_or_else(missing)?)
            }
        };
        let key = self.to_string();
        let opened = match open(&text, None, &key) {
            Err(KeyError::Locked { .. }) => open(&text, password().as_ref(), &key),
            other => other,
        };
        Ok(Box::new(PrivateKey::from_pkcs8(&opened?, &key)?))
    }

    fn read(&self, file: std::io::Result<impl Read>) -> Result<Zeroizing<String>, KeyError> {
        let failed = |reason: String| KeyError::Unreadable { key: self.to_string(), reason };
        let bytes =
            file.and_then(|file| read_bounded(file, LIMIT)).map_err(|error| failed(error.to_string()))?;
        // What is no text may be a key in another form.
        let bytes = Zeroizing::new(bytes);
        let text = std::str::from_utf8(&bytes).map_err(|_| failed("it is not text".to_owned()))?;
        Ok(Zeroizing::new(text.to_owned()))
    }
}
