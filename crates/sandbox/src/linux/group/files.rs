//! The small files of a control group.

use std::path::Path;

use fs_err as fs;

use crate::Error;

/// Sets a value.
pub(super) fn set(folder: &Path, file: &str, value: impl ToString) -> Result<(), Error> {
    let path = folder.join(file);
    fs::write(&path, value.to_string()).map_err(|source| Error::Kernel { what: "write", path, source })
}

/// Sets a value where this kernel has such a file.
pub(super) fn set_if_there(folder: &Path, file: &str, value: impl ToString) -> Result<(), Error> {
    match folder.join(file).exists() {
        true => set(folder, file, value),
        false => Ok(()),
    }
}

/// A file that holds one number.
pub(super) fn number(folder: &Path, file: &str) -> Result<u64, Error> {
    Ok(read(folder, file)?.trim().parse().unwrap_or(0))
}

/// The number after a name in a file of lines `name number`; zero when it isn't there.
pub(super) fn named(folder: &Path, file: &str, name: &str) -> Result<u64, Error> {
    let text = read(folder, file)?;
    let found = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    Ok(found.and_then(|it| it.trim().parse().ok()).unwrap_or(0))
}

fn read(folder: &Path, file: &str) -> Result<String, Error> {
    let path = folder.join(file);
    fs::read_to_string(&path).map_err(|source| Error::Kernel { what: "read", path, source })
}
