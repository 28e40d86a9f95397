//! Secrets for others: as files for Compose, as a manifest for Kubernetes.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use base64::Engine as _;
use fs_err as fs;
use longshore_stack::model::Stack;

use super::Error;
use super::place::private;
use super::secrets::{Secret, write};
use crate::kube;

/// Writes a file a secret into `folder`, which only its owner may enter and which keeps itself out of git. Everybody may read
/// the files: Compose mounts them as they are, for services of any user.
///
/// # Errors
/// When the disk says no.
pub fn folder(folder: &Path, secrets: &[(String, Secret)]) -> Result<(), Error> {
    private(folder)?;
    // It may have been there.
    fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))?;
    let ignored = (".gitignore".to_owned(), &b"*\n"[..]);
    let files = secrets.iter().map(|(name, value)| (name.clone(), value.bytes()));
    for (name, bytes) in files.chain([ignored]) {
        let (unfinished, path) = (folder.join(format!(".{name}.new")), folder.join(&name));
        match fs::remove_file(&unfinished) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        write(&unfinished, bytes, 0o444)?;
        fs::set_permissions(&unfinished, std::fs::Permissions::from_mode(0o444))?;
        fs::rename(unfinished, path)?;
    }
    Ok(())
}

/// A manifest of the Secret that the objects of `stack` name.
pub fn kube(stack: &Stack, secrets: &[(String, Secret)]) -> String {
    let (name, namespace) = (kube::secret_name(stack), kube::namespace(stack));
    let head = format!(
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: {name}\n  namespace: {namespace}\n  labels:\n    app.kubernetes.io/part-of: {namespace}\ntype: Opaque\n"
    );
    let mut text = head + if secrets.is_empty() { "data: {}\n" } else { "data:\n" };
    for (name, value) in secrets {
        let value = base64::engine::general_purpose::STANDARD.encode(value.bytes());
        text += &format!("  {name}: {value}\n");
    }
    text
}
