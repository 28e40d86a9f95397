//! `longshore init`: a first stack file that builds as it is, or one of what a Flox environment is.

use std::io::Write;
use std::path::{Component, Path};

use fs_err as fs;
use longshore_stack::flox::{Draft, Environment, draft};

use crate::args::Init;
use crate::report::{Failure, plural, print};

pub fn run(args: &Init, folder: &Path) -> Result<(), Failure> {
    if let Some(environment) = &args.from_flox {
        return from_flox(args, environment, folder);
    }
    let name = match &args.name {
        Some(name) => name.clone(),
        None => name_of(folder)?,
    };
    check(&name)?;
    let text = include_str!("init/stack.toml").replace("@NAME@", &name);
    let path = write(folder, &text)?;
    print(&format!(
        "Wrote {path}: one image, `web`, that serves a page on port 8080.\n\nNext:\n  longshore build         # lock, fetch, compose\n  longshore load          # into docker or podman\n  docker run --rm --read-only -p 127.0.0.1:8080:8080 {name}/web"
    ));
    Ok(())
}

fn from_flox(args: &Init, environment: &Path, folder: &Path) -> Result<(), Failure> {
    let named = beside(environment)?;
    let environment = Environment::read(&folder.join(&named), &named)?;
    let name = args.name.clone().unwrap_or_else(|| clean(&environment.name));
    check(&name)?;
    let Draft { text, images, left_out } = draft(&environment, &name, &named)?;
    let path = write(folder, &text)?;
    print(&format!(
        "Wrote {path} of Flox environment `{}`: {} ({}).",
        environment.name,
        plural(images.len(), "image"),
        images.join(", ")
    ));
    if !left_out.is_empty() {
        print("\nYours to say, each with a comment where it belongs:");
        left_out.iter().for_each(|sentence| print(&format!("  - {sentence}")));
    }
    print(
        "\nNext:\n  longshore check         # reads it as it stands\n  longshore build         # lock, fetch, compose\n  longshore up            # runs its services",
    );
    Ok(())
}

/// The environment's folder as the stack file names it: beside it.
fn beside(folder: &Path) -> Result<String, Failure> {
    let mut parts = Vec::new();
    for part in folder.components() {
        match part {
            Component::CurDir => {}
            Component::Normal(name) => parts.push(name.to_string_lossy().into_owned()),
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => {
                return Err(Failure::Usage {
                    message: format!(
                        "`{}` is not in the folder of the stack file to be, which takes the environment by its path",
                        folder.display()
                    ),
                    hint: "longshore -C FOLDER init --from-flox, where FOLDER holds the environment"
                        .to_owned(),
                });
            }
        }
    }
    Ok(if parts.is_empty() { ".".to_owned() } else { parts.join("/") })
}

fn check(name: &str) -> Result<(), Failure> {
    let valid = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || !name.chars().all(valid) || name.starts_with('-') || name.ends_with('-') {
        return Err(Failure::Usage {
            message: format!(
                "`{name}` can't name a stack: expected lower-case letters, digits and `-` between them"
            ),
            hint: "longshore init my-stack".to_owned(),
        });
    }
    Ok(())
}

/// Writes `stack.toml`; the path, for people.
fn write(folder: &Path, text: &str) -> Result<String, Failure> {
    fs::create_dir_all(folder).map_err(Failure::Io)?;
    let path = folder.join("stack.toml");
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
    Ok(path.display().to_string())
}

fn name_of(folder: &Path) -> Result<String, Failure> {
    let folder = fs::canonicalize(folder).map_err(Failure::Io)?;
    Ok(clean(&folder.file_name().map(|name| name.to_string_lossy()).unwrap_or_default()))
}

fn clean(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    let clean: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    clean.trim_matches('-').to_owned()
}
