//! `longshore init`: a first stack file that builds as it is.

use std::io::Write;
use std::path::Path;

use fs_err as fs;

use crate::args::Init;
use crate::report::{Failure, print};

pub fn run(args: &Init, folder: &Path) -> Result<(), Failure> {
    let name = match &args.name {
        Some(name) => name.clone(),
        None => name_of(folder)?,
    };
    let valid = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || !name.chars().all(valid) || name.starts_with('-') || name.ends_with('-') {
        return Err(Failure::Usage {
            message: format!(
                "`{name}` can't name a stack: expected lower-case letters, digits and `-` between them"
            ),
            hint: "longshore init my-stack".to_owned(),
        });
    }
    fs::create_dir_all(folder).map_err(Failure::Io)?;
    let path = folder.join("stack.toml");
    let text = include_str!("init/stack.toml").replace("@NAME@", &name);
    // `create_new`: a stack file that is there already is never lost.
    match fs::OpenOptions::new().write(true).create_new(true).open(&path) {
        Ok(mut file) => file.write_all(text.as_bytes()).map_err(Failure::Io)?,
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            return Err(Failure::Usage {
                message: format!("`{}` is there already", path.display()),
                hint: "longshore check".to_owned(),
            });
        }
        Err(error) => return Err(Failure::Io(error)),
    }
    print(&format!(
        "Wrote {}: one image, `web`, that serves a page on port 8080.\n\nNext:\n  longshore build         # lock, fetch, compose\n  longshore load          # into docker or podman\n  docker run --rm --read-only -p 127.0.0.1:8080:8080 {name}/web",
        path.display()
    ));
    Ok(())
}

fn name_of(folder: &Path) -> Result<String, Failure> {
    let folder = fs::canonicalize(folder).map_err(Failure::Io)?;
    let name = folder.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    let clean: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    Ok(clean.trim_matches('-').to_owned())
}
