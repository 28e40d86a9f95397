//! `longshore keygen`: a pair of keys, as cosign makes them.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use fs_err as fs;
use longshore_trust::TrustError;
use longshore_trust::key::{Password, PrivateKey, Sign as _, seal};
use serde_json::json;

use super::author::password;
use crate::args::{Global, Keygen};
use crate::prompt;
use crate::report::{Failure, print, print_json};

pub fn run(args: &Keygen, global: &Global, folder: &Path) -> Result<(), Failure> {
    let at = |extension: &str| {
        let mut name = folder.join(&args.name).into_os_string();
        name.push(extension);
        PathBuf::from(name)
    };
    let (private, public) = (at(".key"), at(".pub"));
    for path in [&private, &public] {
        if path.exists() {
            return Err(Failure::Usage {
                message: format!("`{}` is there already, and nobody could make it again", path.display()),
                hint: "choose another name: `longshore keygen NAME`".to_owned(),
            });
        }
    }
    let password = new_password(args)?;
    let pkcs8 = PrivateKey::generate().map_err(TrustError::from)?;
    let key = PrivateKey::from_pkcs8(&pkcs8, "that was made").map_err(TrustError::from)?;
    let sealed = seal(&pkcs8, &password).map_err(TrustError::from)?;
    let mut file = fs::OpenOptions::new();
    // Nobody else may read it from its first byte on.
    file.write(true).create_new(true);
    fs_err::os::unix::fs::OpenOptionsExt::mode(&mut file, 0o600);
    let mut file = file.open(&private).map_err(Failure::Io)?;
    file.write_all(sealed.as_bytes()).and_then(|()| file.sync_all()).map_err(Failure::Io)?;
    fs::write(&public, key.public().to_pem()).map_err(Failure::Io)?;
    let ignored = ignore(&private)?;
    let (private, public) = (private.display().to_string(), public.display().to_string());
    if global.json {
        print_json(
            &json!({ "private": private, "public": public, "fingerprint": key.public().fingerprint() }),
        );
        return Ok(());
    }
    print(&format!(
        "{private}  the private key: keep it secret{}",
        if ignored { "; git ignores it" } else { "" }
    ));
    print(&format!("{public}  the public key: give it to whoever verifies, {}", key.public().fingerprint()));
    Ok(())
}

fn new_password(args: &Keygen) -> Result<Password, Failure> {
    if let Some(given) = password(args.password_file.as_deref())? {
        return Ok(given);
    }
    if !prompt::somebody() {
        return Err(Failure::Usage {
            message: "there is no terminal to ask for the password on".to_owned(),
            hint: "set COSIGN_PASSWORD, or give `--password-file FILE`; an empty password leaves the key to the file's permissions"
                .to_owned(),
        });
    }
    let first = prompt::ask_hidden("Password for the private key: ").map_err(Failure::Io)?;
    let second = prompt::ask_hidden("The same once more: ").map_err(Failure::Io)?;
    match first == second {
        true => Ok(first),
        false => Err(Failure::Usage {
            message: "the two passwords differ".to_owned(),
            hint: "longshore keygen".to_owned(),
        }),
    }
}

/// Has git leave a private key alone where it lies in a work tree; whether it does.
fn ignore(key: &Path) -> Result<bool, Failure> {
    let key = fs::canonicalize(key).map_err(Failure::Io)?;
    let (Some(folder), Some(name)) = (key.parent(), key.file_name()) else { return Ok(false) };
    if !folder.ancestors().any(|folder| folder.join(".git").exists()) {
        return Ok(false);
    }
    let (file, line) = (folder.join(".gitignore"), format!("/{}", name.to_string_lossy()));
    let mut text = fs::read_to_string(&file).unwrap_or_default();
    if !text.lines().any(|known| known == line) {
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        fs::write(&file, format!("{text}{line}\n")).map_err(Failure::Io)?;
    }
    Ok(true)
}
