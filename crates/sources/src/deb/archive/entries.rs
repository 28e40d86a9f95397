//! Members of a tar, one after the other, as safe entries: what comes out can't leave the root.

use std::collections::BTreeMap;
use std::io::{self, BufReader, ErrorKind, Read};

use longshore_oci::{TreeError, TreePath};

use super::pax::{MAX_PAX, Pax};
use super::tar::{BLOCK, Header, Kind, MAX_LONG_NAME, lossy, padding};
use super::{Limits, Problem};

/// One member of a package's tar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Where it lies, as shipped (`/lib` is still `/lib`).
    pub path: TreePath,
    /// Permission, set-id and sticky bits.
    pub mode: u16,
    /// Numeric owner; the name in the tar is never used.
    pub uid: u32,
    /// Numeric group.
    pub gid: u32,
    /// Extended attributes by full name; packages have none.
    pub xattrs: BTreeMap<Vec<u8>, Vec<u8>>,
    /// What it is.
    pub kind: MemberKind,
}

/// What a member is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MemberKind {
    /// A directory.
    Directory,
    /// A file of that many bytes; [`Entries`] reads them until the next member is asked for.
    File(u64),
    /// A symbolic link with its raw target. Absolute targets mean the package's own root; relative ones stay in it.
    Symlink(Vec<u8>),
    /// Another name of a file seen before; never a link to a link.
    Hardlink(TreePath),
}

/// Reads a tar's members in order. As [`Read`], gives the bytes of the file it stands at.
pub struct Entries<'a> {
    dialect: Dialect,
    reader: BufReader<Box<dyn Read + 'a>>,
    /// Bytes left of the current file, and the zeros after it.
    left: u64,
    padding: u64,
    /// What every path seen is: hard links must name a file, and nothing but a directory may come twice.
    seen: BTreeMap<TreePath, Seen>,
    limit: usize,
    ended: bool,
}

/// Which tars are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Those that deb(5) allows.
    Deb,
    /// POSIX's with PAX headers, too.
    Any,
    /// Those of images' layers: what comes twice counts as it comes last, hard links may name what lies in a layer below,
    /// and a leading slash means the root.
    Layer,
}

#[derive(Clone, PartialEq)]
enum Seen {
    Directory,
    File,
    Symlink,
    Hardlink(TreePath),
}

impl<'a> Entries<'a> {
    pub(crate) fn new(reader: Box<dyn Read + 'a>, limits: &Limits, dialect: Dialect) -> Self {
        Self {
            dialect,
            reader: BufReader::with_capacity(64 * 1024, reader),
            left: 0,
            padding: 0,
            seen: BTreeMap::new(),
            limit: limits.entries,
            ended: false,
        }
    }

    /// The next member, skipping what was not read of the one before. At the end, what follows must be zeros.
    pub(crate) fn advance(&mut self) -> Result<Option<Member>, Problem> {
        if self.ended {
            return Ok(None);
        }
        self.skip()?;
        let (mut long_name, mut long_link) = (None, None);
        let mut pax = Pax::default();
        loop {
            let Some(header) = self.header()? else {
                if long_name.is_some() || long_link.is_some() || pax != Pax::default() {
                    return Err(Problem::LongNameAlone);
                }
                self.ended = true;
                self.only_zeros_follow()?;
                return Ok(None);
            };
            let slot = match header.kind {
                Kind::LongName => &mut long_name,
                Kind::LongLink => &mut long_link,
                Kind::Pax | Kind::PaxGlobal if self.dialect == Dialect::Deb => {
                    return Err(Problem::Kind { path: lossy(&header.name), kind: "a PAX header".to_owned() });
                }
                Kind::Pax => {
                    pax = Pax::parse(&self.text(header.size, MAX_PAX)?, &header.name)?;
                    continue;
                }
                Kind::PaxGlobal => {
                    // What would rename all members is never written; comments are.
                    if Pax::parse(&self.text(header.size, MAX_PAX)?, &header.name)? != Pax::default() {
                        let kind = "a PAX header that changes all members after it".to_owned();
                        return Err(Problem::Kind { path: lossy(&header.name), kind });
                    }
                    continue;
                }
                _ => {
                    let header = header.with(&pax)?;
                    let (name, link) = (pax.path.or(long_name), pax.link.or(long_link));
                    let member = self.member(header, name, link)?;
                    return Ok(Some(Member { xattrs: pax.xattrs, ..member }));
                }
            };
            if slot.is_some() {
                return Err(Problem::LongNameAlone);
            }
            let mut text = self.text(header.size, MAX_LONG_NAME)?;
            if text.last() == Some(&0) {
                text.pop();
            }
            *slot = Some(text);
        }
    }

    fn member(
        &mut self,
        header: Header,
        long_name: Option<Vec<u8>>,
        long_link: Option<Vec<u8>>,
    ) -> Result<Member, Problem> {
        let name = long_name.unwrap_or(header.name);
        let link = long_link.unwrap_or(header.link);
        let path = self.inside(&name)?;
        // Old tars mark directories by their trailing slash alone. Only the whole name tells: a long one, cut off in its
        // header after 100 bytes, may end in a slash there.
        let by_slash = header.kind == Kind::File && name.ends_with(b"/");
        if header.kind != Kind::File && header.size != 0 {
            return Err(Problem::Data { path: lossy(&name), size: header.size });
        }
        if by_slash && header.size != 0 {
            return Err(Problem::Data { path: lossy(&name), size: header.size });
        }
        if self.seen.len() >= self.limit {
            return Err(Problem::TooManyEntries(self.limit));
        }
        let (kind, seen) = match header.kind {
            _ if by_slash => (MemberKind::Directory, Seen::Directory),
            Kind::Directory => (MemberKind::Directory, Seen::Directory),
            Kind::Symlink => {
                stays_inside(&path, &link)?;
                (MemberKind::Symlink(link), Seen::Symlink)
            }
            Kind::Hardlink => {
                let target = self.inside(&link)?;
                let target = match self.seen.get(&target) {
                    Some(Seen::File) => target,
                    Some(Seen::Hardlink(first)) => first.clone(),
                    None if self.dialect == Dialect::Layer => target,
                    _ => return Err(Problem::Hardlink { path: lossy(&name), target: lossy(&link) }),
                };
                (MemberKind::Hardlink(target.clone()), Seen::Hardlink(target))
            }
            Kind::File | Kind::LongName | Kind::LongLink | Kind::Pax | Kind::PaxGlobal => {
                (MemberKind::File(header.size), Seen::File)
            }
        };
        if path.is_root() && kind != MemberKind::Directory {
            return Err(Problem::Path { path: lossy(&name), reason: "it is the root and no directory" });
        }
        let first = self.seen.insert(path.clone(), seen.clone());
        let twice = first.is_some_and(|first| first != Seen::Directory || seen != Seen::Directory);
        if twice && self.dialect != Dialect::Layer {
            return Err(Problem::DuplicatePath { path: lossy(&name) });
        }
        if let MemberKind::File(size) = kind {
            (self.left, self.padding) = (size, padding(size));
        }
        let xattrs = BTreeMap::new();
        Ok(Member { path, mode: header.mode, uid: header.uid, gid: header.gid, xattrs, kind })
    }

    fn inside(&self, name: &[u8]) -> Result<TreePath, Problem> {
        match name.strip_prefix(b"/") {
            Some([]) if self.dialect == Dialect::Layer => Ok(TreePath::root()),
            Some(rest) if self.dialect == Dialect::Layer => inside(rest),
            _ => inside(name),
        }
    }

    fn header(&mut self) -> Result<Option<Header>, Problem> {
        let mut block = [0; BLOCK];
        self.exactly(&mut block)?;
        Header::parse(&block)
    }

    /// The data of a header that is about another, at most `limit` bytes.
    fn text(&mut self, size: u64, limit: u64) -> Result<Vec<u8>, Problem> {
        if size > limit {
            return Err(Problem::LongNameTooLong(size));
        }
        let mut text = vec![0; (size + padding(size)) as usize];
        self.exactly(&mut text)?;
        text.truncate(size as usize);
        Ok(text)
    }

    fn exactly(&mut self, buffer: &mut [u8]) -> Result<(), Problem> {
        self.reader.read_exact(buffer).map_err(cut_short)
    }

    fn skip(&mut self) -> Result<(), Problem> {
        let wanted = std::mem::take(&mut self.left) + std::mem::take(&mut self.padding);
        let skipped = io::copy(&mut self.reader.by_ref().take(wanted), &mut io::sink())?;
        if skipped == wanted { Ok(()) } else { Err(Problem::TarTruncated) }
    }

    /// Also reads the compressed stream to its end, so that its own check is made.
    fn only_zeros_follow(&mut self) -> Result<(), Problem> {
        let mut buffer = [0; 8192];
        loop {
            match self.reader.read(&mut buffer)? {
                0 => return Ok(()),
                read if buffer[..read].iter().all(|&b| b == 0) => {}
                _ => return Err(Problem::TrailingData),
            }
        }
    }
}

impl Read for Entries<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        if wanted == 0 {
            return Ok(0);
        }
        let read = self.reader.read(&mut buffer[..wanted])?;
        if read == 0 {
            return Err(io::Error::new(ErrorKind::UnexpectedEof, "the tar ends in the middle of a file"));
        }
        self.left -= read as u64;
        Ok(read)
    }
}

fn cut_short(error: io::Error) -> Problem {
    if error.kind() == ErrorKind::UnexpectedEof { Problem::TarTruncated } else { Problem::Io(error) }
}

/// A path of the tar as a tree path. Absolute ones are refused: no Debian tool writes them.
fn inside(name: &[u8]) -> Result<TreePath, Problem> {
    let problem = |reason| Problem::Path { path: lossy(name), reason };
    if name.is_empty() {
        return Err(problem("it is empty"));
    }
    if name.starts_with(b"/") {
        return Err(problem("it is absolute"));
    }
    TreePath::new(name).map_err(|error| match error {
        TreeError::UnsafePath { reason, .. } => problem(reason),
        _ => problem("it is no path"),
    })
}

/// A relative target that climbs above the root is refused rather than clamped: inside the image the kernel would stop
/// at the root, but tools that look at the unpacked files from outside would be led out.
pub(crate) fn stays_inside(path: &TreePath, target: &[u8]) -> Result<(), Problem> {
    let problem = |reason| Problem::Symlink { path: path.to_string(), target: lossy(target), reason };
    if target.is_empty() {
        return Err(problem("is empty"));
    }
    if target.contains(&0) {
        return Err(problem("holds a NUL byte"));
    }
    let mut depth = if target.starts_with(b"/") { 0 } else { path.ancestors().count() };
    for part in target.split(|&b| b == b'/') {
        depth = match part {
            b"" | b"." => depth,
            b".." => depth.checked_sub(1).ok_or_else(|| problem("leads out of the root"))?,
            _ => depth + 1,
        };
    }
    Ok(())
}
