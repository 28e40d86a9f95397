//! The canonical tar writer: equal entries give equal bytes, everywhere and always.
//!
//! POSIX ustar headers (IEEE Std 1003.1, `pax`, "ustar Interchange Format"), preceded by a `pax` extended header only
//! where ustar can't say it: names longer than 100 bytes or not ASCII, sizes of 8 GiB and more, ids of 2²¹ and more,
//! extended attributes. Owners are numbers without names, every time is the epoch, files are never sparse, and two
//! zero blocks end the archive without padding to a record.

use std::io::{self, Write};

use longshore_oci::{Content, Entry, Epoch, Node, TreePath};

/// What every header and every file's bytes are padded to.
const BLOCK: usize = 512;
/// The two zero blocks that end an archive.
pub const END: [u8; 2 * BLOCK] = [0; 2 * BLOCK];
/// The name of every extended header; readers ignore it.
const PAX_NAME: &[u8] = b"././@PaxHeader";

/// How many zero bytes follow `size` bytes of a file.
pub fn padding(size: u64) -> usize {
    // The remainder is less than a block.
    (BLOCK - (size % BLOCK as u64) as usize) % BLOCK
}

/// Appends the header of `entry`, with its extended header where it needs one. For a file its bytes and their
/// [`padding`] follow; nothing follows anything else.
pub fn append_header(out: &mut Vec<u8>, epoch: Epoch, path: &TreePath, entry: &Entry) {
    let mut name = path.as_bytes().to_vec();
    let (kind, size, link): (u8, u64, &[u8]) = match &entry.node {
        Node::Directory => {
            name.push(b'/');
            (b'5', 0, b"")
        }
        Node::File(content) => (b'0', content.size, b""),
        Node::Symlink(target) => (b'2', 0, target),
        Node::Hardlink(target) => (b'1', 0, target.as_bytes()),
    };
    let records = extended_records(&name, link, size, entry);
    if !records.is_empty() {
        let size = records.len() as u64;
        Fields { name: PAX_NAME, link: b"", mode: 0o644, uid: 0, gid: 0, size, epoch: Epoch(0), kind: b'x' }
            .append(out);
        out.extend_from_slice(&records);
        out.resize(out.len() + padding(size), 0);
    }
    let Entry { mode, uid, gid, .. } = *entry;
    Fields { name: &name, link, mode, uid, gid, size, epoch, kind }.append(out);
}

/// The `pax` records that this entry needs, sorted by keyword; none for most.
fn extended_records(name: &[u8], link: &[u8], size: u64, entry: &Entry) -> Vec<u8> {
    let mut records: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    let fits = |text: &[u8]| text.len() <= 100 && text.is_ascii();
    let mut binary = false;
    for (keyword, text) in [("path", name), ("linkpath", link)] {
        if !fits(text) {
            binary |= std::str::from_utf8(text).is_err();
            records.push((keyword.into(), text.to_vec()));
        }
    }
    if binary {
        records.push((b"hdrcharset".to_vec(), b"BINARY".to_vec()));
    }
    for (keyword, value, digits) in
        [("uid", u64::from(entry.uid), 7), ("gid", u64::from(entry.gid), 7), ("size", size, 11)]
    {
        if value >> (3 * digits) != 0 {
            records.push((keyword.into(), value.to_string().into_bytes()));
        }
    }
    for (name, value) in &entry.xattrs {
        records.push(([b"SCHILY.xattr.", name.as_slice()].concat(), value.clone()));
    }
    records.sort();
    let mut out = Vec::new();
    for (keyword, value) in records {
        append_record(&mut out, &keyword, &value);
    }
    out
}

/// `<length> <keyword>=<value>\n`, where the length counts itself.
fn append_record(out: &mut Vec<u8>, keyword: &[u8], value: &[u8]) {
    let rest = keyword.len() + value.len() + 3;
    let mut length = rest;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    out.extend_from_slice(length.to_string().as_bytes());
    out.push(b' ');
    out.extend_from_slice(keyword);
    out.push(b'=');
    out.extend_from_slice(value);
    out.push(b'\n');
}

/// The fields of one ustar header.
struct Fields<'a> {
    name: &'a [u8],
    link: &'a [u8],
    mode: u16,
    uid: u32,
    gid: u32,
    size: u64,
    epoch: Epoch,
    kind: u8,
}

impl Fields<'_> {
    fn append(&self, out: &mut Vec<u8>) {
        let mut block = [0; BLOCK];
        text(&mut block[0..100], self.name);
        octal(&mut block[100..108], u64::from(self.mode));
        octal(&mut block[108..116], u64::from(self.uid));
        octal(&mut block[116..124], u64::from(self.gid));
        octal(&mut block[124..136], self.size);
        octal(&mut block[136..148], u64::from(self.epoch.0));
        block[148..156].fill(b' ');
        block[156] = self.kind;
        text(&mut block[157..257], self.link);
        block[257..265].copy_from_slice(b"ustar\x0000");
        octal(&mut block[329..337], 0);
        octal(&mut block[337..345], 0);
        let sum = block.iter().map(|&byte| u64::from(byte)).sum();
        octal(&mut block[148..155], sum);
        out.extend_from_slice(&block);
    }
}

/// As much of `value` as fits, in ASCII; what does not fit is in the extended header.
fn text(field: &mut [u8], value: &[u8]) {
    for (to, &from) in field.iter_mut().zip(value) {
        *to = if from.is_ascii() { from } else { b'_' };
    }
}

/// Octal digits and a NUL; zero when `value` does not fit, and then it is in the extended header.
fn octal(field: &mut [u8], value: u64) {
    let digits = field.len() - 1;
    field[digits] = 0;
    let mut rest = if value >> (3 * digits) == 0 { value } else { 0 };
    for digit in field[..digits].iter_mut().rev() {
        *digit = b'0' + (rest & 7) as u8;
        rest >>= 3;
    }
}

/// An archive of plain files and folders of root's, for outputs that are tar files themselves.
pub struct Archive<W> {
    out: W,
    epoch: Epoch,
}

impl<W: Write> Archive<W> {
    /// An archive into `out`, whose entries all have the time `epoch`.
    pub fn new(out: W, epoch: Epoch) -> Self {
        Self { out, epoch }
    }

    /// Adds a folder.
    pub fn directory(&mut self, path: &TreePath) -> io::Result<()> {
        self.header(path, &Entry::directory(0o755))
    }

    /// Adds a file of these bytes.
    pub fn file(&mut self, path: &TreePath, bytes: &[u8]) -> io::Result<()> {
        self.stream(path, Content::of(bytes), |out| out.write_all(bytes))
    }

    /// Adds a file whose bytes `write` produces; they must be exactly as many as `content` says.
    pub fn stream<E: From<io::Error>>(
        &mut self,
        path: &TreePath,
        content: Content,
        write: impl FnOnce(&mut dyn Write) -> Result<(), E>,
    ) -> Result<(), E> {
        self.header(path, &Entry::file(0o644, content))?;
        let mut counted = Counted { out: &mut self.out, left: content.size };
        write(&mut counted)?;
        if counted.left != 0 {
            return Err(wrong_size(path, content.size).into());
        }
        self.out.write_all(&END[..padding(content.size)])?;
        Ok(())
    }

    /// Ends the archive and gives back what it was written to.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.write_all(&END)?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn header(&mut self, path: &TreePath, entry: &Entry) -> io::Result<()> {
        let mut header = Vec::with_capacity(BLOCK);
        append_header(&mut header, self.epoch, path, entry);
        self.out.write_all(&header)
    }
}

fn wrong_size(path: &TreePath, size: u64) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("`{path}` has fewer than the {size} bytes its header says"),
    )
}

/// Lets exactly so many bytes through.
struct Counted<'a, W> {
    out: &'a mut W,
    left: u64,
}

impl<W: Write> Write for Counted<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() as u64 > self.left {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "more bytes than the header of the file says",
            ));
        }
        let written = self.out.write(bytes)?;
        self.left -= written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
