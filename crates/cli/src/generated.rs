//! A folder of generated files: what is in it is known from a list that is kept beside them, so that what is no longer
//! generated goes, and nothing else does.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use fs_err as fs;
use longshore_deploy::Rendered;
use longshore_oci::layout::AtomicFile;

use crate::report::Failure;

/// The list: a path a line, sorted.
const LIST: &str = ".longshore-generated";
/// Most bytes that are compared of a file.
const MAX_BYTES: u64 = 64 << 20;

/// A folder of generated files.
pub struct Folder(PathBuf);

/// How the files on disk stand to those that would be generated, by path.
pub struct Standing(BTreeMap<String, State>);

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Same,
    Changed,
    New,
    Gone,
}

impl Standing {
    /// A line for each file that is not what it would be: `compose.yaml (changed)`.
    pub fn different(&self) -> Vec<String> {
        let word = |state: &State| match state {
            State::Same => None,
            State::Changed => Some("changed"),
            State::New => Some("new"),
            State::Gone => Some("no longer"),
        };
        self.0.iter().filter_map(|(path, state)| Some(format!("{path} ({})", word(state)?))).collect()
    }
}

impl Folder {
    pub fn new(path: PathBuf) -> Self {
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Compares `rendered` with what is there.
    pub fn compare(&self, rendered: &Rendered) -> Result<Standing, Failure> {
        let mut all: BTreeMap<String, State> =
            self.listed().into_iter().map(|path| (path, State::Gone)).collect();
        all.retain(|path, _| self.0.join(path).exists());
        for (path, text) in &rendered.files.0 {
            let place = self.0.join(path);
            let state =
                match fs::File::open(&place).and_then(|file| longshore_oci::read_bounded(file, MAX_BYTES)) {
                    Ok(bytes) if bytes == text.as_bytes() => State::Same,
                    Ok(_) => State::Changed,
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => State::New,
                    Err(error) => return Err(Failure::Io(error)),
                };
            all.insert(path.clone(), state);
        }
        Ok(Standing(all))
    }

    /// Writes `rendered`, each file by rename, and removes what an earlier run wrote and this one doesn't.
    pub fn write(&self, rendered: &Rendered) -> Result<(), Failure> {
        let before = self.listed();
        let foreign =
            rendered.files.0.keys().find(|path| !before.contains(*path) && self.0.join(path).exists());
        if let Some(path) = foreign {
            return Err(Failure::Usage {
                message: format!("`{}` is there, and was not generated", self.0.join(path).display()),
                hint: "name another folder with `--output`, or move the file away".to_owned(),
            });
        }
        self.list(before.iter().chain(rendered.files.0.keys()))?;
        for (path, text) in &rendered.files.0 {
            let place = self.0.join(path);
            if let Some(parent) = place.parent() {
                self.open(parent)?;
            }
            let mode = rendered.modes.get(path).copied().unwrap_or(0o644);
            let mut file = AtomicFile::create(&place).map_err(Failure::Io)?;
            file.write_all(text.as_bytes()).and_then(|()| file.commit()).map_err(Failure::Io)?;
            // Containers see the mode, whatever the umask here is.
            fs::set_permissions(&place, std::fs::Permissions::from_mode(mode.into())).map_err(Failure::Io)?;
        }
        for path in before.iter().filter(|path| !rendered.files.0.contains_key(*path)) {
            let place = self.0.join(path);
            match fs::remove_file(&place) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(Failure::Io(error)),
                _ => {}
            }
            // Folders that others still use stay.
            let above = place.ancestors().skip(1).take_while(|above| *above != self.0);
            above.map_while(|above| fs::remove_dir(above).ok()).for_each(drop);
        }
        self.list(rendered.files.0.keys())
    }

    /// Makes a folder that everybody may enter, and those above it up to this one.
    fn open(&self, folder: &Path) -> Result<(), Failure> {
        fs::create_dir_all(folder).map_err(Failure::Io)?;
        let ours = folder.ancestors().take_while(|above| *above != self.0);
        for above in ours {
            fs::set_permissions(above, std::fs::Permissions::from_mode(0o755)).map_err(Failure::Io)?;
        }
        Ok(())
    }

    fn listed(&self) -> BTreeSet<String> {
        let text = fs::read_to_string(self.0.join(LIST)).unwrap_or_default();
        // Nothing outside of the folder is ever touched, whatever the list says.
        let inside = |path: &&str| {
            let mut parts = Path::new(path).components();
            !path.is_empty() && parts.all(|part| matches!(part, std::path::Component::Normal(_)))
        };
        text.lines().filter(inside).map(str::to_owned).collect()
    }

    fn list<'a>(&self, paths: impl Iterator<Item = &'a String>) -> Result<(), Failure> {
        let paths: BTreeSet<&String> = paths.collect();
        let text: String = paths.into_iter().map(|path| format!("{path}\n")).collect();
        fs::create_dir_all(&self.0).map_err(Failure::Io)?;
        fs::write(self.0.join(LIST), text).map_err(Failure::Io)
    }
}
