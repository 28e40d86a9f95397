//! `longshore nix-builder`: the builder of derivations that the flake's library makes. There is no shell and nothing else in them.
//!
//! Nix writes the derivation's attributes as JSON (Nix manual, "Advanced attributes", `__structuredAttrs`):
//!
//! ```json
//! { "stack": "/nix/store/…-stack", "commands": [["save", "web", "--output", "/nix/store/…-web.tar"]],
//!   "installables": { "linux/amd64": { ".#web": ["/nix/store/…-web-1.0"] } }, "closure": [{ "path": "…" }] }
//! ```
//!
//! `stack` is a folder with a stack file, or that file alone; the last two are what the commands take instead of asking Nix.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use fs_err as fs;
use longshore_oci::read_bounded;
use longshore_sandbox::Status;
use serde::Deserialize;

use crate::report::Failure;
use crate::settings;

/// Most bytes of attributes: a closure of a hundred thousand paths.
const MAX_BYTES: u64 = 256 << 20;

#[derive(Deserialize)]
struct Attributes {
    stack: PathBuf,
    commands: Vec<Vec<String>>,
}

pub fn run() -> Result<(), Failure> {
    let file = variable("NIX_ATTRS_JSON_FILE")?;
    let folder = variable("NIX_BUILD_TOP")?;
    let attributes = read(&file)?;
    let stack = stack_folder(&attributes.stack, &folder)?;
    let program = std::env::current_exe().map_err(Failure::Io)?;
    for arguments in &attributes.commands {
        let mut command = Command::new(&program);
        command.args(["--offline", "--directory"]).arg(&stack).args(arguments);
        command.env("LONGSHORE_STORE", folder.join("store"));
        command.env("LONGSHORE_NIX", "none").env("LONGSHORE_NIX_GRAPH", &file);
        // Nix shows builders a terminal and keeps what they write there: through a pipe there are lines and no bars.
        let mut running = command.stderr(Stdio::piped()).spawn().map_err(Failure::Io)?;
        if let Some(mut said) = running.stderr.take() {
            io::copy(&mut said, &mut io::stderr()).map_err(Failure::Io)?;
        }
        let status = running.wait().map_err(Failure::Io)?;
        if !status.success() {
            // It said itself what is wrong.
            let code = status.code().and_then(|code| u8::try_from(code).ok());
            return Err(Failure::Shell(Status::Code(code.unwrap_or(1))));
        }
    }
    Ok(())
}

fn variable(name: &str) -> Result<PathBuf, Failure> {
    use std::os::unix::ffi::OsStringExt as _;
    let value = settings::variable(name).filter(|value| !value.is_empty());
    let value = value.ok_or_else(|| Failure::Usage {
        message: format!(
            "`{name}` is not set: this command runs in builds of Nix with `__structuredAttrs` alone"
        ),
        hint: "longshore --help".to_owned(),
    })?;
    Ok(PathBuf::from(std::ffi::OsString::from_vec(value)))
}

fn read(file: &Path) -> Result<Attributes, Failure> {
    let bytes = read_bounded(fs::File::open(file).map_err(Failure::Io)?, MAX_BYTES).map_err(Failure::Io)?;
    serde_json::from_slice(&bytes).map_err(|error| Failure::Usage {
        message: format!("`{}` is not what a derivation of the flake's library has: {error}", file.display()),
        hint: "take `lib` and `packages` of one and the same flake of longshore".to_owned(),
    })
}

/// The folder of a stack whose file may be all that there is of it.
fn stack_folder(stack: &Path, folder: &Path) -> Result<PathBuf, Failure> {
    if stack.is_dir() {
        return Ok(stack.to_owned());
    }
    let made = folder.join("stack");
    fs::create_dir(&made).map_err(Failure::Io)?;
    fs::copy(stack, made.join("stack.toml")).map_err(Failure::Io)?;
    Ok(made)
}
