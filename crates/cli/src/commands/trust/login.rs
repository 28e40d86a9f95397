//! Who a person at the terminal is, by their login at an issuer of identities.

use std::process::{Command, Stdio};
use std::time::Duration;

use longshore_net::{Access, Http, Url};
use longshore_trust::{Endpoint, Identity, Issuer, LoginError, ServiceError, Services, TrustError};

use super::author::variable;
use crate::args::{Author, LoginWay};
use crate::machine::Machine;
use crate::prompt;
use crate::report::Failure;

/// So long somebody may take to log in.
const PATIENCE: Duration = Duration::from_secs(5 * 60);
/// What is below it is for the whole world.
const PUBLIC: &str = "sigstore.dev";

/// Has whoever sits at the terminal log in.
pub fn identity(args: &Author, services: &Services, machine: &Machine) -> Result<Identity, Failure> {
    if machine.access == Access::Offline {
        return Err(Failure::Usage {
            message: "nobody can log in without network".to_owned(),
            hint: "run again without `--offline`, or sign with a key: `--key cosign.key`".to_owned(),
        });
    }
    let lacking = ServiceError::Lacking { what: "an issuer of identities" };
    let url = args.oidc_issuer.clone().or_else(|| Some(services.issuer.as_ref()?.url.clone()));
    let url = url.ok_or(lacking).map_err(TrustError::from)?;
    agreed(services)?;
    let issuer = Issuer::discover(Http::new(machine.network())?, &url, &args.oidc_client_id);
    let issuer = issuer.map_err(TrustError::from)?;
    let identity = match args.login.unwrap_or_else(usual) {
        LoginWay::Browser => in_browser(&issuer),
        LoginWay::Device => on_device(&issuer),
    };
    let identity = identity.map_err(TrustError::from)?;
    prompt::say(&format!("You sign as {}, by {}.\n", identity.name(), identity.issuer()));
    Ok(identity)
}

/// A browser needs something to be shown on.
fn usual() -> LoginWay {
    match ["DISPLAY", "WAYLAND_DISPLAY"].into_iter().any(|name| variable(name).is_some()) {
        true => LoginWay::Browser,
        false => LoginWay::Device,
    }
}

/// Says where their address goes; where that is for the whole world, asks whether it may.
fn agreed(services: &Services) -> Result<(), Failure> {
    let log =
        services.rekor.as_ref().map(|log| format!(", and into the log at {}", log.url.trim_end_matches('/')));
    let log = log.unwrap_or_default();
    prompt::say(&format!("The email address that you log in with goes into the certificate{log}.\n"));
    // Fulcio has a log of its own, of all certificates.
    if ![&services.fulcio, &services.rekor].into_iter().flatten().any(is_public) {
        return Ok(());
    }
    let question =
        "That is public: anybody can read it there, and nobody can take it out again. Go on? [y/N] ";
    match prompt::ask(question).map_err(Failure::Io)?.trim() {
        "y" | "Y" | "yes" => Ok(()),
        _ => Err(Failure::Usage {
            message: "nothing was signed: your address was not to be in a public log".to_owned(),
            hint: "sign with a key, `--key cosign.key`, or with a Sigstore of your own: `longshore trusted-root update --mirror URL --root FILE`"
                .to_owned(),
        }),
    }
}

fn is_public(service: &Endpoint) -> bool {
    let host = service.url.parse::<Url>().map(|url| url.host().to_ascii_lowercase()).unwrap_or_default();
    let host = host.split(':').next().unwrap_or_default();
    host == PUBLIC || host.ends_with(&format!(".{PUBLIC}"))
}

fn in_browser(issuer: &Issuer) -> Result<Identity, LoginError> {
    let login = issuer.in_browser()?;
    prompt::say(&format!(
        "Log in in the browser. If none opens, open this address on this machine:\n  {}\n",
        login.address()
    ));
    open(login.address());
    login.wait(PATIENCE)
}

fn on_device(issuer: &Issuer) -> Result<Identity, LoginError> {
    let login = issuer.on_device()?;
    prompt::say(&format!(
        "On any device, open {}\nand enter the code   {}\n",
        login.address, login.user_code
    ));
    if let Some(whole) = &login.whole_address {
        prompt::say(&format!("or open             {whole}\n"));
    }
    login.wait(&std::thread::sleep)
}

/// Opens a browser: the first of BROWSER, or what the desktop has. That none opens is no failure, for the address is shown.
fn open(address: &str) {
    let chosen = variable("BROWSER");
    let chosen = chosen.as_ref().and_then(|all| all.split(':').find(|one| !one.trim().is_empty()));
    let mut words = chosen.unwrap_or("xdg-open").split_whitespace();
    let Some(program) = words.next() else { return };
    let mut arguments: Vec<String> = words.map(|word| word.replace("%s", address)).collect();
    if !arguments.iter().any(|argument| argument == address) {
        arguments.push(address.to_owned());
    }
    let mut browser = Command::new(program);
    browser.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // It lives on after this.
    let _ = browser.spawn();
}
