//! Writing an archive, byte by byte as `nix-store --dump` does.

use std::io::{self, Write};

use longshore_oci::{Entry, Node, Store, StorePath, Tree};

use super::{MAGIC, Problem};

/// Writes the archive of `path`, of which `tree` holds all and whose files are in `store`, to `out`.
///
/// # Errors
/// When the tree holds what no archive does: other entries beside it, hard links, entries without their folder.
pub fn write(tree: &Tree, path: &StorePath, store: &Store, out: impl Write) -> Result<(), Problem> {
    let root = path.tree_path();
    // The order of archives is that of names, folder by folder, and not that of whole paths.
    let mut entries: Vec<(Vec<&[u8]>, &Entry)> = Vec::with_capacity(tree.len());
    for (at, entry) in tree.iter() {
        if !at.is_under(&root) {
            return Err(Problem::Foreign { path: at.clone(), reason: "it is not in the store path" });
        }
        let below = &at.as_bytes()[root.as_bytes().len()..];
        entries.push((below.split(|&byte| byte == b'/').skip(1).collect(), entry));
    }
    entries.sort_by(|(a, _), (b, _)| a.cmp(b));
    let foreign = |reason| Problem::Foreign { path: root.clone(), reason };
    if entries.first().is_none_or(|(names, _)| !names.is_empty()) {
        return Err(foreign("nothing of it is there"));
    }
    let mut nar = Writer::new(out)?;
    let mut folders: Vec<&[u8]> = Vec::new();
    let mut inside = false;
    for (names, entry) in entries {
        if let Some((name, parents)) = names.split_last() {
            while folders.len() > parents.len() {
                nar.close_directory()?;
                nar.close_entry()?;
                folders.pop();
            }
            if !inside || folders != parents {
                return Err(foreign("something of it lies in no folder"));
            }
            nar.entry(name)?;
        }
        match &entry.node {
            Node::Directory => {
                nar.directory()?;
                folders.extend(names.last());
                inside = true;
                continue;
            }
            Node::Symlink(target) => nar.symlink(target)?,
            Node::File(content) => {
                nar.file(entry.mode & 0o100 != 0, content.size)?;
                io::copy(&mut store.open_blob(content)?, &mut nar)?;
                nar.close_file(content.size)?;
            }
            Node::Hardlink(_) => return Err(foreign("it holds a hard link")),
        }
        if !names.is_empty() {
            nar.close_entry()?;
        }
    }
    while folders.pop().is_some() {
        nar.close_directory()?;
        nar.close_entry()?;
    }
    if inside {
        nar.close_directory()?;
    }
    Ok(nar.finish().flush()?)
}

/// The parts of an archive, in the order of their calls.
pub(in crate::nix) struct Writer<W> {
    out: W,
}

impl<W: Write> Writer<W> {
    pub(in crate::nix) fn new(out: W) -> io::Result<Self> {
        let mut writer = Self { out };
        writer.string(MAGIC)?;
        Ok(writer)
    }

    /// Begins a folder; its entries follow, sorted.
    pub(in crate::nix) fn directory(&mut self) -> io::Result<()> {
        self.strings(["(", "type", "directory"])
    }

    pub(in crate::nix) fn close_directory(&mut self) -> io::Result<()> {
        self.string(b")")
    }

    /// Begins an entry of a folder; what it is follows.
    pub(in crate::nix) fn entry(&mut self, name: &[u8]) -> io::Result<()> {
        self.strings(["entry", "(", "name"])?;
        self.string(name)?;
        self.string(b"node")
    }

    pub(in crate::nix) fn close_entry(&mut self) -> io::Result<()> {
        self.string(b")")
    }

    pub(in crate::nix) fn symlink(&mut self, target: &[u8]) -> io::Result<()> {
        self.strings(["(", "type", "symlink", "target"])?;
        self.string(target)?;
        self.string(b")")
    }

    /// Begins a file; its `size` bytes are written to this writer next.
    pub(in crate::nix) fn file(&mut self, executable: bool, size: u64) -> io::Result<()> {
        self.strings(["(", "type", "regular"])?;
        if executable {
            self.strings(["executable", ""])?;
        }
        self.string(b"contents")?;
        self.out.write_all(&size.to_le_bytes())
    }

    pub(in crate::nix) fn close_file(&mut self, size: u64) -> io::Result<()> {
        self.padding(size)?;
        self.string(b")")
    }

    pub(in crate::nix) fn finish(self) -> W {
        self.out
    }

    fn strings<const N: usize>(&mut self, strings: [&str; N]) -> io::Result<()> {
        strings.iter().try_for_each(|string| self.string(string.as_bytes()))
    }

    fn string(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(&(bytes.len() as u64).to_le_bytes())?;
        self.out.write_all(bytes)?;
        self.padding(bytes.len() as u64)
    }

    /// Strings end at a multiple of 8 bytes.
    fn padding(&mut self, size: u64) -> io::Result<()> {
        self.out.write_all(&[0; 8][..(size.wrapping_neg() % 8) as usize])
    }
}

impl<W: Write> Write for Writer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
