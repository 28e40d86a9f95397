//! A pinned file that is in the store, as a tree: unpacked if it is an archive.

use std::io::{self, Read as _, Seek as _, SeekFrom};

use longshore_oci::{Content, Store, StoreError, TreePath};
use longshore_stack::model::{UrlForm, UrlSpec};

use super::sink::{Mode, Sink};
use super::{Error, Unpacked, zip};
use crate::deb::archive::compression::Compression;
use crate::deb::archive::entries::{Dialect, Entries};
use crate::deb::archive::{Limits, MemberKind, Problem};

/// What can go wrong below; the name of the archive is added above.
pub(super) enum Bad {
    Tar(Problem),
    Zip(zip::ZipProblem),
    NoArchive,
    Store(StoreError),
}

impl From<Problem> for Bad {
    fn from(problem: Problem) -> Self {
        Self::Tar(problem)
    }
}

impl From<StoreError> for Bad {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<io::Error> for Bad {
    fn from(error: io::Error) -> Self {
        Self::Tar(error.into())
    }
}

pub(super) fn unpack(
    name: &str,
    spec: &UrlSpec,
    file_name: &str,
    content: &Content,
    store: &Store,
) -> Result<Unpacked, Error> {
    let mut sink = Sink::new(store, spec.strip);
    let done = match spec.form {
        UrlForm::Archive => archive(content, store, &mut sink),
        UrlForm::File => file(file_name, content, store, &mut sink),
    };
    let name = || name.to_owned();
    done.map_err(|bad| match bad {
        Bad::Tar(problem) => Error::Tar { name: name(), problem },
        Bad::Zip(problem) => Error::Zip { name: name(), problem },
        Bad::NoArchive => Error::NoArchive { name: name() },
        Bad::Store(error) => error.into(),
    })?;
    if sink.tree.is_empty() && spec.strip > 0 {
        return Err(Error::Stripped { name: name(), strip: spec.strip });
    }
    sink.tree.check().map_err(|error| Error::Tree { name: name(), error })?;
    Ok(Unpacked { tree: sink.tree, facts: sink.facts })
}

fn file(file_name: &str, content: &Content, store: &Store, sink: &mut Sink<'_>) -> Result<(), Bad> {
    let path = TreePath::new(file_name).map_err(|_| Problem::Path {
        path: file_name.to_owned(),
        reason: "it can't be the name of a file",
    })?;
    let mut blob = store.open_blob(content)?;
    sink.file(&path, Mode::Unknown, content.size, |buffer| Ok::<_, Bad>(blob.read(buffer)?))
}

/// What it is, is told by its first bytes: names may lie.
fn archive(content: &Content, store: &Store, sink: &mut Sink<'_>) -> Result<(), Bad> {
    let limits = Limits::default();
    let mut blob = store.open_blob(content)?;
    let mut start = Vec::new();
    blob.by_ref().take(512).read_to_end(&mut start)?;
    blob.seek(SeekFrom::Start(0))?;
    if start.starts_with(b"PK\x03\x04") || start.starts_with(b"PK\x05\x06") {
        return zip::unpack(blob, content.size, &limits, sink);
    }
    let compression = Compression::sniff(&start);
    if compression == Compression::None && start.get(257..262) != Some(b"ustar") {
        return Err(Bad::NoArchive);
    }
    let mut tar = Entries::new(compression.decode(blob, content.size, &limits, 1)?, &limits, Dialect::Any);
    while let Some(member) = tar.advance()? {
        match member.kind {
            _ if member.path.is_root() => {}
            MemberKind::Directory => sink.directory(&member.path)?,
            MemberKind::Symlink(target) => sink.symlink(&member.path, target)?,
            MemberKind::Hardlink(target) => sink.hardlink(&member.path, &target)?,
            MemberKind::File(size) => {
                let read = |buffer: &mut [u8]| Ok::<_, Bad>(tar.read(buffer)?);
                sink.file(&member.path, Mode::Bits(member.mode), size, read)?;
            }
        }
    }
    Ok(())
}
