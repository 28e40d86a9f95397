//! A strict reader of layers: it takes the canonical form and nothing else.
//!
//! It shares no code with the writer, so that each checks the other.

use std::collections::BTreeSet;
use std::io::{self, Read};

use crate::{Entry, Node, Sha256, Tree, TreePath};

/// Longest extended header; names and attributes are far shorter.
const MAX_EXTENDED: u64 = 1 << 20;
const BLOCK: usize = 512;

/// Where and why a layer is not canonical.
#[derive(Debug, thiserror::Error)]
#[error("at `{entry}`: {reason}")]
pub struct TarError {
    /// The entry, or the one before.
    pub entry: TreePath,
    /// What is wrong.
    pub reason: String,
}

/// What an extended header says.
#[derive(Default)]
struct Extended {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
    uid: Option<u64>,
    gid: Option<u64>,
    xattrs: Vec<(Vec<u8>, Vec<u8>)>,
}

/// Reads a whole layer to the end of the stream. Names must be sorted, unique and clean, directories come before what
/// is in them, hard links after what they name, all have one time, and two zero blocks end the stream.
pub fn read(mut input: impl Read) -> Result<Tree, TarError> {
    let mut state = State::default();
    let mut last = TreePath::root();
    loop {
        match state.next(&mut input) {
            Ok(Some((path, entry))) => {
                last = path.clone();
                state.tree.insert(path, entry);
            }
            Ok(None) => return Ok(state.tree),
            Err(reason) => return Err(TarError { entry: last, reason: format!("after it, {reason}") }),
        }
    }
}

#[derive(Default)]
struct State {
    tree: Tree,
    directories: BTreeSet<TreePath>,
    last: Option<TreePath>,
    time: Option<u64>,
}

impl State {
    fn next(&mut self, input: &mut impl Read) -> Result<Option<(TreePath, Entry)>, String> {
        let mut header = block(input)?;
        if header == [0; BLOCK] {
            if block(input)? != [0; BLOCK] {
                return Err("a single zero block".into());
            }
            let rest = io::copy(input, &mut io::sink()).map_err(|error| error.to_string())?;
            return if rest == 0 { Ok(None) } else { Err(format!("{rest} bytes follow the end")) };
        }
        let mut extended = Extended::default();
        check_header(&header)?;
        if header[156] == b'x' {
            extended = read_extended(input, number(&header[124..136])?)?;
            header = block(input)?;
            check_header(&header)?;
        }
        self.entry(input, &header, extended).map(Some)
    }

    fn entry(
        &mut self,
        input: &mut impl Read,
        header: &[u8; BLOCK],
        extended: Extended,
    ) -> Result<(TreePath, Entry), String> {
        let kind = header[156];
        let name = extended.path.unwrap_or_else(|| text(&header[..100]).to_vec());
        let link = extended.link.unwrap_or_else(|| text(&header[157..257]).to_vec());
        let size = either(extended.size, &header[124..136])?;
        let clean = if kind == b'5' { name.strip_suffix(b"/") } else { Some(name.as_slice()) };
        let path = TreePath::new(&name).map_err(|error| error.to_string())?;
        if clean != Some(path.as_bytes()) || path.is_root() {
            return Err(format!("the name `{}` is not clean", String::from_utf8_lossy(&name)));
        }
        self.place(&path)?;
        let time = number(&header[136..148])?;
        if *self.time.get_or_insert(time) != time {
            return Err(format!("`{path}` has the time {time}, others another"));
        }
        if kind != b'0' && size != 0 {
            return Err(format!("`{path}` has {size} bytes and is not a file"));
        }
        let node = match kind {
            b'5' => {
                self.directories.insert(path.clone());
                Node::Directory
            }
            b'0' => Node::File(file(input, size).map_err(|error| format!("in `{path}`: {error}"))?),
            b'2' if !link.is_empty() => Node::Symlink(link),
            b'1' => self.hard_link(&path, &link)?,
            _ => return Err(format!("`{path}` has the type {:?}", char::from(kind))),
        };
        let id = |value: u64| u32::try_from(value).map_err(|_| format!("`{path}` has the owner {value}"));
        let mode = number(&header[100..108])?;
        let entry = Entry {
            mode: u16::try_from(mode)
                .ok()
                .filter(|mode| *mode <= 0o7777)
                .ok_or(format!("`{path}` has the mode {mode:o}"))?,
            uid: id(either(extended.uid, &header[108..116])?)?,
            gid: id(either(extended.gid, &header[116..124])?)?,
            xattrs: extended.xattrs.into_iter().collect(),
            node,
        };
        Ok((path, entry))
    }

    /// Whether `path` may come now.
    fn place(&mut self, path: &TreePath) -> Result<(), String> {
        if self.last.as_ref().is_some_and(|last| last >= path) {
            return Err(format!("`{path}` is out of order or there twice"));
        }
        if path.parent().is_some_and(|parent| !parent.is_root() && !self.directories.contains(&parent)) {
            return Err(format!("`{path}` is not in a directory of the layer"));
        }
        if path.name().starts_with(b".wh.") {
            return Err(format!("`{path}` is a whiteout"));
        }
        self.last = Some(path.clone());
        Ok(())
    }

    fn hard_link(&self, path: &TreePath, link: &[u8]) -> Result<Node, String> {
        let target = TreePath::new(link).ok().filter(|target| target.as_bytes() == link);
        match target {
            Some(target) if self.tree.get(&target).is_some_and(|file| matches!(file.node, Node::File(_))) => {
                Ok(Node::Hardlink(target))
            }
            _ => Err(format!(
                "`{path}` is a hard link to `{}`, no earlier file",
                String::from_utf8_lossy(link)
            )),
        }
    }
}

fn block(input: &mut impl Read) -> Result<[u8; BLOCK], String> {
    let mut block = [0; BLOCK];
    input.read_exact(&mut block).map_err(|error| error.to_string())?;
    Ok(block)
}

fn check_header(header: &[u8; BLOCK]) -> Result<(), String> {
    let sum: u64 = header
        .iter()
        .enumerate()
        .map(|(i, &b)| u64::from(if (148..156).contains(&i) { b' ' } else { b }))
        .sum();
    if number(&header[148..155])? != sum || header[155] != b' ' {
        return Err("a header has a wrong checksum".into());
    }
    let unused = [&header[265..329], &header[345..512]];
    if &header[257..265] != b"ustar\x0000" || unused.iter().any(|field| field.iter().any(|b| *b != 0)) {
        return Err("a header is not plain ustar".into());
    }
    Ok(())
}

/// Octal digits to the field's end but for a NUL.
fn number(field: &[u8]) -> Result<u64, String> {
    let (digits, end) = field.split_at(field.len() - 1);
    if end != [0] || digits.iter().any(|digit| !(b'0'..=b'7').contains(digit)) {
        return Err(format!("`{}` is not a full octal field", String::from_utf8_lossy(field)));
    }
    Ok(digits.iter().fold(0, |value, digit| value << 3 | u64::from(digit - b'0')))
}

/// The extended header's value where there is one; the field must be zero then.
fn either(extended: Option<u64>, field: &[u8]) -> Result<u64, String> {
    match (extended, number(field)?) {
        (None, value) => Ok(value),
        (Some(value), 0) if value >> (3 * (field.len() - 1)) != 0 => Ok(value),
        (Some(value), _) => Err(format!("the extended header says {value} without need")),
    }
}

fn text(field: &[u8]) -> &[u8] {
    field.split(|&byte| byte == 0).next().unwrap_or_default()
}

/// Hashes a file's bytes and reads their padding.
fn file(input: &mut impl Read, size: u64) -> Result<crate::Content, String> {
    let mut hash = Sha256::new();
    let read = io::copy(&mut input.by_ref().take(size), &mut hash).map_err(|error| error.to_string())?;
    if read != size {
        return Err(format!("{read} of {size} bytes"));
    }
    padding(input, size)?;
    Ok(hash.finish())
}

fn padding(input: &mut impl Read, size: u64) -> Result<(), String> {
    let mut rest = Vec::new();
    let length = size.next_multiple_of(BLOCK as u64) - size;
    input.by_ref().take(length).read_to_end(&mut rest).map_err(|error| error.to_string())?;
    if rest.len() as u64 != length || rest.iter().any(|byte| *byte != 0) {
        return Err("bad padding".into());
    }
    Ok(())
}

fn read_extended(input: &mut impl Read, size: u64) -> Result<Extended, String> {
    if size > MAX_EXTENDED {
        return Err(format!("an extended header has {size} bytes"));
    }
    let mut bytes = Vec::new();
    input.by_ref().take(size).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    padding(input, size)?;
    let (mut extended, mut rest, mut last) = (Extended::default(), bytes.as_slice(), Vec::new());
    let mut binary = false;
    while !rest.is_empty() {
        let space = rest.iter().position(|&b| b == b' ').ok_or("an extended header without length")?;
        let length: usize = String::from_utf8_lossy(&rest[..space])
            .parse()
            .map_err(|_| "a bad length in an extended header")?;
        let record = rest.get(space + 1..length).and_then(|r| r.strip_suffix(b"\n")).ok_or("a bad record")?;
        rest = &rest[length..];
        let equals = record.iter().position(|&b| b == b'=').ok_or("a record without `=`")?;
        let (keyword, value) = (&record[..equals], &record[equals + 1..]);
        if keyword <= last.as_slice() {
            return Err("unsorted or repeated records".into());
        }
        last = keyword.to_vec();
        let decimal = || {
            String::from_utf8_lossy(value)
                .parse()
                .map_err(|_| "a bad number in an extended header".to_owned())
        };
        match keyword {
            b"path" => extended.path = Some(value.to_vec()),
            b"linkpath" => extended.link = Some(value.to_vec()),
            b"size" => extended.size = Some(decimal()?),
            b"uid" => extended.uid = Some(decimal()?),
            b"gid" => extended.gid = Some(decimal()?),
            b"hdrcharset" if value == b"BINARY" => binary = true,
            _ => match keyword.strip_prefix(b"SCHILY.xattr.") {
                Some(name) if !name.is_empty() => extended.xattrs.push((name.to_vec(), value.to_vec())),
                _ => return Err(format!("an unknown keyword `{}`", String::from_utf8_lossy(keyword))),
            },
        }
    }
    let names = [&extended.path, &extended.link];
    let must_be_binary = names.into_iter().flatten().any(|name| std::str::from_utf8(name).is_err());
    if binary != must_be_binary {
        return Err("`hdrcharset` does not fit the names".into());
    }
    Ok(extended)
}
