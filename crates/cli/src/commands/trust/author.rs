//! Who signs: a key and its password, or who we are.

use std::path::Path;

use longshore_net::Http;
use longshore_oci::read_bounded;
use longshore_trust::key::{Password, Sign};
use longshore_trust::{Client, Identity, Services};
use zeroize::Zeroizing;

use super::roots::believed;
use super::{ambient, login};
use crate::args::Author;
use crate::machine::Machine;
use crate::prompt;
use crate::report::Failure;
use crate::settings;

/// More bytes than this are no password and no token.
const LIMIT: u64 = 64 << 10;

/// Who signs, and the services that witness it.
pub enum Signer {
    Key(Box<dyn Sign>),
    Identity(Box<Identity>),
}

impl Signer {
    /// As the arguments say.
    pub fn new(args: &Author, machine: &Machine) -> Result<(Self, Option<Client>), Failure> {
        let services = args.signing_config.as_deref().map(Services::read).transpose()?;
        let client =
            |services: Services| Ok::<_, Failure>(Client::new(Http::new(machine.network())?, services));
        let Some(source) = &args.key else {
            let known = known(args, machine)?;
            let services = services.map_or_else(|| Ok::<_, Failure>(believed(machine)?.services()?), Ok)?;
            let identity = known.map_or_else(|| login::identity(args, &services, machine), Ok)?;
            return Ok((Self::Identity(Box::new(identity)), Some(client(services)?)));
        };
        let given = password(args.password_file.as_deref())?;
        let mut ask = || given.clone().or_else(|| asked("Password of the key: "));
        let key = source
            .load(&|name| variable(name).map(|text| text.to_string()), &mut ask)
            .map_err(longshore_trust::TrustError::from)?;
        // An empty configuration is how users of cosign say that there is to be no log.
        let witnesses = services.filter(|services| services.rekor.is_some() || services.timestamps.is_some());
        Ok((Self::Key(key), witnesses.map(client).transpose()?))
    }

    /// The same, to sign with.
    pub fn author(&self) -> longshore_trust::Author<'_> {
        match self {
            Self::Key(key) => longshore_trust::Author::Key(&**key),
            Self::Identity(identity) => longshore_trust::Author::Identity(identity),
        }
    }
}

/// A password from a file or the environment; none where it has to be asked for.
pub fn password(file: Option<&Path>) -> Result<Option<Password>, Failure> {
    let Some(file) = file else {
        // An empty password is one, too.
        return Ok(text_of("COSIGN_PASSWORD"));
    };
    Ok(Some(secret(file)?))
}

/// What the environment has under `name`, if that is something.
pub fn variable(name: &str) -> Option<Zeroizing<String>> {
    text_of(name).filter(|text| !text.is_empty())
}

fn text_of(name: &str) -> Option<Zeroizing<String>> {
    let bytes = Zeroizing::new(settings::variable(name)?);
    Some(Zeroizing::new(std::str::from_utf8(&bytes).ok()?.to_owned()))
}

/// Asks, if there is somebody to ask.
fn asked(question: &str) -> Option<Password> {
    prompt::somebody().then(|| prompt::ask_hidden(question).ok()).flatten()
}

/// The text of a file without the line end that editors add.
fn secret(file: &Path) -> Result<Zeroizing<String>, Failure> {
    let bytes = fs_err::File::open(file).and_then(|file| read_bounded(file, LIMIT)).map_err(Failure::Io)?;
    let bytes = Zeroizing::new(bytes);
    let text = std::str::from_utf8(&bytes).map_err(|_| Failure::Usage {
        message: format!("`{}` is not text", file.display()),
        hint: "write it as one line".to_owned(),
    })?;
    Ok(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned()))
}

/// Who the arguments or the CI system say that we are; none where somebody at the terminal has to.
fn known(args: &Author, machine: &Machine) -> Result<Option<Identity>, Failure> {
    let token = match (&args.identity_token, args.login) {
        (Some(file), _) => Some(secret(file)?),
        (None, None) => ambient::token(machine)?,
        (None, Some(_)) => None,
    };
    if token.is_none() && !prompt::somebody() {
        return Err(Failure::Usage {
            message: "nothing says who you are: this is no CI system that longshore knows, and no terminal to log in at"
                .to_owned(),
            hint: "sign with a key, `--key cosign.key`, or give `--identity-token FILE`".to_owned(),
        });
    }
    Ok(token.map(Identity::new).transpose().map_err(longshore_trust::TrustError::from)?)
}
