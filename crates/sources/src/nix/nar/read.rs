//! Reading an archive: one pass, hashed as it comes, without recursion.

use std::io::{BufRead as _, BufReader, Read};

use longshore_oci::{HashingReader, Store, StorePath, TreePath};

use super::{MAGIC, MAX_NAME, MAX_TARGET, Problem, Sink, Unpacked, child, lossy};
use crate::intake;

/// Longest of the strings that the format is made of.
const MAX_TAG: u64 = 16;
/// Bytes read at once.
const BUFFER: usize = 128 * 1024;

/// Reads the archive of `path`, of at most `limit` bytes, to its end, and puts its files into `store`.
///
/// Whether it is the archive that was wanted is told by [`Unpacked::nar`].
///
/// # Errors
/// What is not written exactly as Nix would write it is refused.
pub fn unpack(reader: impl Read, path: &StorePath, limit: u64, store: &Store) -> Result<Unpacked, Problem> {
    let hashing = HashingReader::new(reader);
    let mut nar = Nar { inner: BufReader::with_capacity(BUFFER, hashing), offset: 0, limit };
    let mut sink = Sink::default();
    if nar.string(MAX_TAG)?.as_deref() != Some(MAGIC) {
        return Err(Problem::NotNar);
    }
    nar.tree(path.tree_path(), &mut sink, store)?;
    if !nar.inner.fill_buf()?.is_empty() {
        return Err(Problem::Trailing);
    }
    Ok(sink.finish(nar.inner.into_inner().finish()))
}

struct Nar<R> {
    inner: BufReader<R>,
    /// Bytes read of it.
    offset: u64,
    limit: u64,
}

/// A folder that is not at its end.
struct Open {
    path: TreePath,
    /// The name of its last entry.
    last: Option<Vec<u8>>,
}

impl<R: Read> Nar<R> {
    /// Reads what is at `path` and all below.
    fn tree(&mut self, path: TreePath, sink: &mut Sink, store: &Store) -> Result<(), Problem> {
        let mut open: Vec<Open> = Vec::new();
        let mut next = Some(path);
        loop {
            match next.take() {
                Some(path) => {
                    if self.node(&path, sink, store)? {
                        open.push(Open { path, last: None });
                        next = self.entry(&mut open)?;
                        continue;
                    }
                }
                // The end of a folder is that of a node.
                None => drop(open.pop()),
            }
            if open.is_empty() {
                return Ok(());
            }
            self.expect(")")?;
            next = self.entry(&mut open)?;
        }
    }

    /// The path of the next entry of the innermost folder; none at its end.
    fn entry(&mut self, open: &mut [Open]) -> Result<Option<TreePath>, Problem> {
        let Some(folder) = open.last_mut() else { return Ok(None) };
        match self.string(MAX_TAG)?.as_deref() {
            Some(b")") => return Ok(None),
            Some(b"entry") => {}
            _ => return Err(self.unexpected("entry")),
        }
        self.expect("(")?;
        self.expect("name")?;
        let long = |folder: &Open| Problem::Name {
            folder: folder.path.clone(),
            name: "…".to_owned(),
            reason: format!("it is longer than {MAX_NAME} bytes"),
        };
        let name = self.string(MAX_NAME)?.ok_or_else(|| long(folder))?;
        let path = child(&folder.path, &name)?;
        if let Some(before) = folder.last.as_ref().filter(|before| **before >= name) {
            let (name, before) = (lossy(&name), lossy(before));
            return Err(Problem::Order { folder: folder.path.clone(), name, before });
        }
        folder.last = Some(name);
        self.expect("node")?;
        Ok(Some(path))
    }

    /// Reads a file or link; of a folder the beginning only. Whether it is one.
    fn node(&mut self, path: &TreePath, sink: &mut Sink, store: &Store) -> Result<bool, Problem> {
        self.expect("(")?;
        self.expect("type")?;
        match self.string(MAX_TAG)?.as_deref() {
            Some(b"directory") => {
                sink.directory(path)?;
                return Ok(true);
            }
            Some(b"symlink") => {
                self.expect("target")?;
                let target = self.string(MAX_TARGET)?;
                sink.symlink(path, target.unwrap_or_default())?;
            }
            Some(b"regular") => self.file(path, sink, store)?,
            _ => return Err(self.unexpected("regular`, `symlink` or `directory")),
        }
        self.expect(")")?;
        Ok(false)
    }

    fn file(&mut self, path: &TreePath, sink: &mut Sink, store: &Store) -> Result<(), Problem> {
        let executable = match self.string(MAX_TAG)?.as_deref() {
            Some(b"contents") => false,
            Some(b"executable") => {
                self.expect("")?;
                self.expect("contents")?;
                true
            }
            _ => return Err(self.unexpected("contents")),
        };
        let size = self.size()?;
        let mut left = size;
        let read = |buffer: &mut [u8]| {
            let wanted = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            self.exactly(&mut buffer[..wanted])?;
            left -= wanted as u64;
            Ok::<_, Problem>(wanted)
        };
        let file = intake::sized(size, read, store)?;
        self.padding(size)?;
        sink.file(path, executable, file)
    }

    /// The bytes of a string that may have `longest`; none where it has more.
    fn string(&mut self, longest: u64) -> Result<Option<Vec<u8>>, Problem> {
        let size = self.size()?;
        if size > longest {
            return Ok(None);
        }
        // At most 4 KiB.
        let mut bytes = vec![0; size as usize];
        self.exactly(&mut bytes)?;
        self.padding(size)?;
        Ok(Some(bytes))
    }

    fn expect(&mut self, expected: &'static str) -> Result<(), Problem> {
        match self.string(MAX_TAG)? {
            Some(found) if found == expected.as_bytes() => Ok(()),
            _ => Err(self.unexpected(expected)),
        }
    }

    fn unexpected(&self, expected: &'static str) -> Problem {
        Problem::Unexpected { expected, offset: self.offset }
    }

    /// The length of a string, all of which is within the limit.
    fn size(&mut self) -> Result<u64, Problem> {
        let mut bytes = [0; 8];
        self.exactly(&mut bytes)?;
        let size = u64::from_le_bytes(bytes);
        if size > self.limit - self.offset {
            return Err(Problem::TooLarge { limit: self.limit });
        }
        Ok(size)
    }

    /// The zeros behind a string of `size` bytes.
    fn padding(&mut self, size: u64) -> Result<(), Problem> {
        // Less than 8.
        let count = (size.wrapping_neg() % 8) as usize;
        let mut bytes = [0; 8];
        self.exactly(&mut bytes[..count])?;
        if bytes != [0; 8] {
            return Err(Problem::Padding { offset: self.offset });
        }
        Ok(())
    }

    fn exactly(&mut self, bytes: &mut [u8]) -> Result<(), Problem> {
        if bytes.len() as u64 > self.limit - self.offset {
            return Err(Problem::TooLarge { limit: self.limit });
        }
        self.inner.read_exact(bytes)?;
        self.offset += bytes.len() as u64;
        Ok(())
    }
}
