//! Services as plain processes of this machine, for who works on them: no namespaces, no filter, the user's own files.
//!
//! Programs expect what they were told of at absolute paths, so these are replaced in arguments, variables and the service's
//! own files: what is made for the service is in the stack's state, what its image has is in the image's folder. Other
//! services have no names here, so they are told by their addresses. What is written in files of the image, or compiled into
//! a program, stays, and means the machine's own.
//!
//! A program is started by the image's own dynamic loader with the image's own libraries, whatever the machine has.

mod paths;
mod text;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use longshore_image::rootfs::RootFs;
use longshore_oci::{Elf, FileFacts};

use self::paths::{Paths, tree_path};
use super::{Check, Mode, Planned};
use crate::run::Error;
use crate::run::place::Place;

/// Scripts whose interpreters are scripts.
const DEPTH: u32 = 4;

/// Why a service can't be outside of a container.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unsound {
    /// A folder is named of which the image has a part.
    #[error("it is told of the folder `{}`, of which one part is in its image and another is not", path.display())]
    Part {
        /// As the service sees it.
        path: PathBuf,
    },
    /// Something is to be seen in a folder that is the service's to write.
    #[error("it sees `{}` in `{}`, where it writes", path.display(), folder.display())]
    Below {
        /// As the service sees it.
        path: PathBuf,
        /// Likewise.
        folder: PathBuf,
    },
    /// A folder's name can't be in an argument or variable.
    #[error("`{}` is no UTF-8", path.display())]
    Name {
        /// On the machine.
        path: PathBuf,
    },
}

/// Changes how `service` is run, whose root is known, to a plain process of this machine.
pub(super) fn outside(
    service: &str,
    planned: &mut Planned,
    image: &RootFs,
    place: &Place,
) -> Result<(), Error> {
    let unsound = |why| Error::NotNative { service: service.to_owned(), why };
    let paths = Paths::of(service, planned, image, place).map_err(unsound)?;
    let outside = Outside { service, paths, image };
    planned.argv = outside.command(&planned.argv)?;
    if let Some(health) = &mut planned.health
        && let Check::Exec { argv } = &mut health.check
    {
        *argv = outside.command(argv)?;
    }
    for (name, value) in &mut planned.env {
        *value = if name == "PATH" { outside.search_path(value)? } else { outside.text(value)? };
    }
    for file in planned.files.values_mut() {
        file.text = outside.text(&file.text)?;
    }
    let folder = outside.paths.find(&planned.cwd).map_err(unsound)?;
    let folder = folder.or_else(|| outside.paths.in_image(&planned.cwd));
    planned.cwd = folder.unwrap_or_else(|| outside.paths.root().to_owned());
    // Whose the process is, so are what it reads and what it writes.
    planned.user = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    planned.volumes.values_mut().for_each(|volume| volume.owner = planned.user);
    planned.mode = Mode::Native;
    Ok(())
}

struct Outside<'a> {
    service: &'a str,
    paths: Paths<'a>,
    image: &'a RootFs,
}

impl Outside<'_> {
    fn unsound(&self, why: Unsound) -> Error {
        Error::NotNative { service: self.service.to_owned(), why }
    }

    fn words(&self, path: PathBuf) -> Result<String, Error> {
        let words = path.into_os_string().into_string();
        words.map_err(|path| self.unsound(Unsound::Name { path: path.into() }))
    }

    /// `text` with the machine's paths in it.
    fn text(&self, text: &str) -> Result<String, Error> {
        text::with_paths(text, |path| {
            let slash = if path.len() > 1 && path.ends_with('/') { "/" } else { "" };
            let found = self.paths.find(Path::new(path)).map_err(|why| self.unsound(why))?;
            found.map(|found| Ok(self.words(found)? + slash)).transpose()
        })
    }

    /// The image's own folders first, then the machine's.
    fn search_path(&self, folders: &str) -> Result<String, Error> {
        let own = folders.split(':').filter_map(|folder| self.paths.in_image(Path::new(folder)));
        let own = own.map(|folder| self.words(folder)).collect::<Result<Vec<_>, _>>()?;
        Ok(own.iter().map(String::as_str).chain([folders]).collect::<Vec<_>>().join(":"))
    }

    /// A command whose program is a path in the image.
    fn command(&self, argv: &[String]) -> Result<Vec<String>, Error> {
        let Some((program, arguments)) = argv.split_first() else { return Ok(Vec::new()) };
        let mut command = self.program(program, DEPTH)?;
        for argument in arguments {
            command.push(self.text(argument)?);
        }
        Ok(command)
    }

    /// What starts a program of the image: it, or first of all what has to be started to read it.
    fn program(&self, program: &str, depth: u32) -> Result<Vec<String>, Error> {
        let missing = || Error::NoProgram { service: self.service.to_owned(), program: program.to_owned() };
        let at = tree_path(Path::new(program)).and_then(|at| self.image.follow(&at)).ok_or_else(missing)?;
        let file = self.paths.in_image(Path::new(program)).ok_or_else(missing)?;
        let file = self.words(file)?;
        match self.image.facts().get(&at) {
            Some(FileFacts::Elf(elf)) => self.loaded(elf, file),
            Some(FileFacts::Script { interpreter, argument }) if depth > 0 => {
                let mut command = self.program(&String::from_utf8_lossy(interpreter), depth - 1)?;
                command.extend(argument.as_ref().map(|it| String::from_utf8_lossy(it).into_owned()));
                command.push(file);
                Ok(command)
            }
            _ => Ok(vec![file]),
        }
    }

    /// With the image's dynamic loader, where it needs one; a loader that the image lacks is the machine's.
    fn loaded(&self, elf: &Elf, file: String) -> Result<Vec<String>, Error> {
        let loader = elf.interpreter.as_ref().map(|path| Path::new(OsStr::from_bytes(path)));
        let Some(loader) = loader.and_then(|loader| self.paths.in_image(loader)) else {
            return Ok(vec![file]);
        };
        let asked = elf.runpath.iter().map(|folder| PathBuf::from(OsStr::from_bytes(folder)));
        let usual = self.image.library_folders().iter();
        let usual = usual.map(|folder| Path::new("/").join(OsStr::from_bytes(folder.as_bytes())));
        let folders = asked.chain(usual).filter_map(|folder| self.paths.in_image(&folder));
        let folders = folders.map(|folder| self.words(folder)).collect::<Result<Vec<_>, _>>()?;
        Ok(vec![self.words(loader)?, "--library-path".to_owned(), folders.join(":"), file])
    }
}
