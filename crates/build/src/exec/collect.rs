//! From the folder that a build left to an [`Output`]: bytes into the store, names and modes into a tree.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use fs_err as fs;
use longshore_oci::{Content, Entry, Facts, FileFacts, Node, Store, Tree, TreePath};
use longshore_sources::elf;

use crate::{Error, Output};

/// Files and folders that an output may have.
const MAX_ENTRIES: usize = 1_000_000;

/// Takes `folder`, seen inside as `inside`, of at most `limit` bytes. Modes become 0755 or 0644 by the owner's
/// executable bit, owners root, times nothing.
pub(crate) fn collect(
    build: &str,
    folder: &Path,
    inside: &str,
    limit: u64,
    store: &Store,
) -> Result<Output, Error> {
    let mut collector = Collector {
        build,
        inside,
        limit,
        store,
        size: 0,
        tree: Tree::new(),
        facts: Facts::new(),
        links: BTreeMap::new(),
    };
    if fs::symlink_metadata(folder).is_ok_and(|found| found.is_dir()) {
        collector.folder(folder, &TreePath::root())?;
    }
    if collector.tree.is_empty() {
        return Err(collector.refused(&TreePath::root(), "is empty; a build leaves what it makes there"));
    }
    let references = references(&collector.tree, &collector.facts);
    Ok(Output { tree: collector.tree, facts: collector.facts, references })
}

struct Collector<'a> {
    build: &'a str,
    inside: &'a str,
    limit: u64,
    store: &'a Store,
    size: u64,
    tree: Tree,
    facts: Facts,
    /// Files with several names, by device and inode.
    links: BTreeMap<(u64, u64), TreePath>,
}

impl Collector<'_> {
    fn folder(&mut self, folder: &Path, at: &TreePath) -> Result<(), Error> {
        let mut names: Vec<_> =
            fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name())).collect::<std::io::Result<_>>()?;
        names.sort();
        for name in names {
            let path = at.join(name.as_bytes()).map_err(|error| self.refused(at, &error.to_string()))?;
            let place = folder.join(&name);
            let found = fs::symlink_metadata(&place)?;
            if self.tree.len() >= MAX_ENTRIES {
                return Err(self.refused(&TreePath::root(), "holds more than a million files"));
            }
            let entry = if found.is_dir() {
                self.folder(&place, &path)?;
                Entry::directory(0o755)
            } else if found.is_symlink() {
                self.link(&place, &path)?
            } else if found.is_file() {
                self.file(&place, &path, &found)?
            } else {
                return Err(self.refused(&path, "is a device, pipe or socket"));
            };
            self.tree.insert(path, entry);
        }
        Ok(())
    }

    fn file(&mut self, place: &Path, path: &TreePath, found: &std::fs::Metadata) -> Result<Entry, Error> {
        let mode = if found.permissions().mode() & 0o100 == 0 { 0o644 } else { 0o755 };
        if found.nlink() > 1 {
            if let Some(first) = self.links.get(&(found.dev(), found.ino())) {
                return Ok(Entry { node: Node::Hardlink(first.clone()), ..Entry::directory(mode) });
            }
            self.links.insert((found.dev(), found.ino()), path.clone());
        }
        self.size = self.size.saturating_add(found.len());
        if self.size > self.limit {
            return Err(Error::TooLarge { build: self.build.to_owned(), limit: self.limit });
        }
        let (content, facts) = store_file(place, self.store)?;
        self.facts.extend(facts.map(|facts| (path.clone(), facts)));
        Ok(Entry::file(mode, content))
    }

    fn link(&self, place: &Path, path: &TreePath) -> Result<Entry, Error> {
        let target = fs::read_link(place)?;
        let target = target.as_os_str().as_bytes();
        // Absolute ones name what will be in the image.
        if !target.starts_with(b"/") {
            let mut depth = path.as_bytes().iter().filter(|&&b| b == b'/').count();
            for part in target.split(|&b| b == b'/') {
                match part {
                    b"" | b"." => {}
                    b".." if depth == 0 => {
                        let problem = format!(
                            "is a link to `{}`, which leads out of the output",
                            String::from_utf8_lossy(target)
                        );
                        return Err(self.refused(path, &problem));
                    }
                    b".." => depth -= 1,
                    _ => depth += 1,
                }
            }
        }
        let sandbox_only = [b"/build/".as_slice(), b"/src/", b"/deps/", b"/out/", b"/tmp/"];
        if sandbox_only.iter().any(|start| target.starts_with(start)) {
            let problem =
                format!("is a link to `{}`, which only the build had", String::from_utf8_lossy(target));
            return Err(self.refused(path, &problem));
        }
        Ok(Entry::symlink(target))
    }

    fn refused(&self, path: &TreePath, problem: &str) -> Error {
        let path = if path.is_root() { self.inside.to_owned() } else { format!("{}{path}", self.inside) };
        Error::Output { build: self.build.to_owned(), path, problem: problem.to_owned() }
    }
}

/// Copies a file into the store: nothing that the build still holds open can change it there.
fn store_file(place: &Path, store: &Store) -> Result<(Content, Option<FileFacts>), Error> {
    let mut file = fs::File::open(place)?;
    let mut start = Vec::new();
    (&mut file as &mut dyn std::io::Read).take(512).read_to_end(&mut start)?;
    file.seek(SeekFrom::Start(0))?;
    let mut writer = store.writer()?;
    std::io::copy(&mut file, &mut writer)?;
    writer.flush()?;
    let content = writer.commit()?;
    let facts = match start.as_slice() {
        [b'#', b'!', ..] => elf::script(&start),
        [0x7f, b'E', b'L', b'F', ..] => elf::facts_of_file(store.open_blob(&content)?),
        _ => None,
    };
    Ok((content, facts))
}

/// Program interpreters and shared libraries that the programs of an output need at run time and that are not in it,
/// sorted.
pub fn references(tree: &Tree, facts: &Facts) -> Vec<String> {
    let own: BTreeSet<&[u8]> = tree.iter().map(|(path, _)| path.name()).collect();
    let mut found = BTreeSet::new();
    for facts in facts.values() {
        match facts {
            FileFacts::Elf(elf) => {
                found.extend(elf.interpreter.as_deref());
                found.extend(elf.needed.iter().chain(&elf.dlopen).map(Vec::as_slice));
            }
            FileFacts::Script { interpreter, .. } => {
                found.insert(interpreter);
            }
        }
    }
    let foreign = found.into_iter().filter(|name| {
        let last = name.rsplit(|&b| b == b'/').next().unwrap_or_default();
        !own.contains(last)
    });
    foreign.map(|name| String::from_utf8_lossy(name).into_owned()).collect()
}
