//! `longshore login` and `logout`: who the user is at a registry, kept where Docker and podman look.

use std::io::Read as _;
use std::path::PathBuf;

use longshore_registry::{AuthFile, Secret, canonical_host};
use serde_json::json;

use crate::args::{Global, Login, Logout};
use crate::machine::Machine;
use crate::prompt;
use crate::report::{Failure, print, print_json};

/// More than this is no password.
const MAX_PASSWORD: u64 = 64 << 10;

pub fn login(args: &Login, global: &Global, machine: &Machine) -> Result<(), Failure> {
    let host = canonical_host(&args.registry);
    let path = file(machine)?;
    let auth = AuthFile::read(&path).map_err(longshore_registry::Error::from)?;
    if let Some(helper) = auth.helper(&host) {
        return Err(Failure::Usage {
            message: format!(
                "`{}` leaves the logins of {host} to the helper `{helper}`, which has its own way",
                path.display()
            ),
            hint: format!("docker login {host}"),
        });
    }
    let (user, password) = ask(args)?;
    machine.registries().try_login(&host, &user, &password)?;
    auth.log_in(&host, &user, &password).map_err(Failure::Io)?;
    match global.json {
        true => print_json(&json!({ "registry": host, "user": user, "file": path })),
        false => print(&format!("logged in to {host} as {user}; kept in {}", path.display())),
    }
    Ok(())
}

pub fn logout(args: &Logout, global: &Global, machine: &Machine) -> Result<(), Failure> {
    let host = canonical_host(&args.registry);
    let mut from = Vec::new();
    for path in &machine.settings.registries.auth_files {
        let auth = AuthFile::read(path).map_err(longshore_registry::Error::from)?;
        if auth.log_out(&host).map_err(Failure::Io)? {
            from.push(path.clone());
        }
    }
    if global.json {
        print_json(&json!({ "registry": host, "files": from }));
    } else if from.is_empty() {
        print(&format!("you were not logged in to {host}"));
    } else {
        let from: Vec<_> = from.iter().map(|path| path.display().to_string()).collect();
        print(&format!("logged out of {host}: taken out of {}", from.join(", ")));
    }
    Ok(())
}

fn file(machine: &Machine) -> Result<PathBuf, Failure> {
    machine.settings.registries.login_file.clone().ok_or_else(|| Failure::Usage {
        message: "there is no place for logins: neither HOME nor DOCKER_CONFIG is set".to_owned(),
        hint: "set REGISTRY_AUTH_FILE to a file that you may write".to_owned(),
    })
}

/// Name and password, from the command line, standard input or the terminal.
fn ask(args: &Login) -> Result<(String, Secret), Failure> {
    let usage = |message: &str| Failure::Usage {
        message: message.to_owned(),
        hint: format!("longshore login {} --username NAME --password-stdin < password", args.registry),
    };
    if args.password_stdin {
        let user = args.username.clone().ok_or_else(|| usage("`--password-stdin` needs `--username`"))?;
        let mut text = String::new();
        std::io::stdin().lock().take(MAX_PASSWORD).read_to_string(&mut text).map_err(Failure::Io)?;
        // The one line end that `echo` adds is not the password's.
        let password =
            text.strip_suffix('\n').map_or(text.as_str(), |text| text.strip_suffix('\r').unwrap_or(text));
        return match password {
            "" => Err(usage("standard input holds no password")),
            password => Ok((user, Secret::new(password))),
        };
    }
    if !prompt::somebody() {
        return Err(usage("there is no terminal to ask for the password on"));
    }
    let user = args.username.clone().map_or_else(|| prompt::ask("Name: "), Ok).map_err(Failure::Io)?;
    let password = prompt::ask_hidden("Password or token: ").map_err(Failure::Io)?;
    if user.is_empty() || password.is_empty() {
        return Err(usage("name and password may not be empty"));
    }
    Ok((user, Secret::new(password.as_str())))
}
