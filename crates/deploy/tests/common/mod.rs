//! A stack that says everything, read from a file as a user's is.

use std::collections::BTreeMap;
use std::path::Path;

use longshore_deploy::{Deployment, Rendered};
use longshore_oci::{Digest, Reference};
use longshore_stack::model::Stack;

/// The whole of `common/stack.toml`.
#[allow(dead_code, reason = "not every test file needs it")]
pub fn rich() -> Stack {
    read(include_str!("stack.toml"))
}

/// A stack of this text, with `config.yaml.j2` beside it.
pub fn read(text: &str) -> Stack {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("stack.toml");
    fs_err::write(&file, text).unwrap();
    fs_err::write(folder.path().join("config.yaml.j2"), include_str!("config.yaml.j2")).unwrap();
    longshore_stack::read(&file, None).unwrap_or_else(|error| panic!("{error}\n{error:#?}")).stack
}

/// Images as a loaded one and a pushed one are called.
#[allow(dead_code, reason = "not every test file needs it")]
pub fn images() -> BTreeMap<String, Reference> {
    let digest = Digest::of(b"tool");
    let all = [
        ("api", String::from("shop.eu/api:lock-0123456789ab")),
        ("db", String::from("shop.eu/db:lock-ba9876543210")),
        ("tool", format!("registry.example:5000/shop/tool@{digest}")),
    ];
    all.into_iter().map(|(name, reference)| (name.to_owned(), reference.parse().unwrap())).collect()
}

/// What is rendered of it.
pub fn deployment<'a>(stack: &'a Stack, images: &'a BTreeMap<String, Reference>) -> Deployment<'a> {
    Deployment { stack, images, lock: Digest::of(b"lock") }
}

/// Writes what was rendered as the binary does.
pub fn write(rendered: &Rendered, folder: &Path) {
    use std::os::unix::fs::PermissionsExt;

    for (path, text) in &rendered.files.0 {
        let file = folder.join(path);
        fs_err::create_dir_all(file.parent().unwrap()).unwrap();
        fs_err::write(&file, text).unwrap();
        let mode = rendered.modes.get(path).copied().unwrap_or(0o644);
        fs_err::set_permissions(&file, PermissionsExt::from_mode(mode.into())).unwrap();
    }
}

/// All of it as one text.
#[allow(dead_code, reason = "not every test file needs it")]
pub fn shown(rendered: &Rendered) -> String {
    let mut text = String::new();
    for (path, content) in &rendered.files.0 {
        let mode = rendered.modes.get(path).map(|mode| format!(" {mode:04o}")).unwrap_or_default();
        text.push_str(&format!("=== {path}{mode}\n{content}"));
    }
    for note in &rendered.notes {
        text.push_str(&format!("note: {note}\n"));
    }
    text
}
