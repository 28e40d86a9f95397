//! The tar inside a `.deb`, read strictly.
//!
//! Of the many tars, deb(5) allows three, and [`super::entries`] refuses others unless told that any will do: the old one (v7), POSIX `ustar`, and GNU's with long names (`L`, `K`) and
//! base-256 numbers. In packages, PAX headers are refused as dpkg refuses them; so the ways in which mixing the formats makes two
//! readers see two archives do not exist here. Layout of a header: `ustar` in POSIX.1-1988 and tar(5).

use super::Problem;
use super::pax::Pax;

/// The unit of everything in a tar.
pub(super) const BLOCK: usize = 512;
/// A long name in a GNU header is at most this long, its NUL included.
pub(super) const MAX_LONG_NAME: u64 = 4096;

/// What a header announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Hardlink,
    Symlink,
    Directory,
    /// The next member's name follows as data.
    LongName,
    /// The next member's link target follows as data.
    LongLink,
    /// Records about the next member follow as data.
    Pax,
    /// Records about all members after it follow as data.
    PaxGlobal,
}

/// One header, numbers decoded, names raw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub kind: Kind,
    pub name: Vec<u8>,
    pub link: Vec<u8>,
    pub mode: u16,
    pub uid: u32,
    pub gid: u32,
    pub size: u64,
}

impl Header {
    /// Decodes one block; none when it is all zeros, which ends the archive.
    pub fn parse(block: &[u8; BLOCK]) -> Result<Option<Self>, Problem> {
        if block.iter().all(|&b| b == 0) {
            return Ok(None);
        }
        if number(&block[148..156]) != Some(checksum(block)) {
            return Err(Problem::BadChecksum);
        }
        let ustar = &block[257..263] == b"ustar\0";
        let gnu = &block[257..265] == b"ustar  \0";
        let mut name = text(&block[..100]).to_vec();
        if ustar && block[345] != 0 {
            let mut full = text(&block[345..500]).to_vec();
            full.push(b'/');
            full.append(&mut name);
            name = full;
        }
        let field = |range: std::ops::Range<usize>, what| {
            number(&block[range]).ok_or_else(|| Problem::BadNumber { path: lossy(&name), what })
        };
        let small = |value: u64, what| {
            u32::try_from(value).map_err(|_| Problem::BadNumber { path: lossy(&name), what })
        };
        let kind = match block[156] {
            b'0' | 0 => Kind::File,
            b'1' => Kind::Hardlink,
            b'2' => Kind::Symlink,
            b'5' => Kind::Directory,
            b'L' if gnu => Kind::LongName,
            b'K' if gnu => Kind::LongLink,
            b'x' => Kind::Pax,
            b'g' => Kind::PaxGlobal,
            flag => return Err(Problem::Kind { path: lossy(&name), kind: describe(flag) }),
        };
        let mode = field(100..108, "mode")?;
        let header = Self {
            kind,
            link: text(&block[157..257]).to_vec(),
            // Some writers put the file type above the permission bits.
            mode: (mode & 0o7777) as u16,
            uid: small(field(108..116, "owner")?, "owner")?,
            gid: small(field(116..124, "group")?, "group")?,
            size: field(124..136, "size")?,
            name,
        };
        let holds_data =
            matches!(kind, Kind::File | Kind::LongName | Kind::LongLink | Kind::Pax | Kind::PaxGlobal);
        if !holds_data && header.size != 0 {
            return Err(Problem::Data { path: lossy(&header.name), size: header.size });
        }
        Ok(Some(header))
    }
}

impl Header {
    /// The same with what records before it say.
    pub fn with(self, pax: &Pax) -> Result<Self, Problem> {
        let small = |value: Option<u64>, old: u32, what| match value.map(u32::try_from) {
            None => Ok(old),
            Some(number) => number.map_err(|_| Problem::BadNumber { path: lossy(&self.name), what }),
        };
        let (uid, gid) = (small(pax.uid, self.uid, "owner")?, small(pax.gid, self.gid, "group")?);
        Ok(Self { uid, gid, size: pax.size.unwrap_or(self.size), ..self })
    }
}

/// How many zeros follow `size` bytes of data.
pub(super) fn padding(size: u64) -> u64 {
    let block = BLOCK as u64;
    (block - size % block) % block
}

/// For messages, shortened.
pub(crate) fn lossy(name: &[u8]) -> String {
    String::from_utf8_lossy(&name[..name.len().min(300)]).into_owned()
}

fn describe(flag: u8) -> String {
    match flag {
        b'3' => "a character device".to_owned(),
        b'4' => "a block device".to_owned(),
        b'6' => "a named pipe".to_owned(),
        b'S' => "a GNU sparse file".to_owned(),
        b'X' => "a PAX header".to_owned(),
        other => format!("a tar member of type `{}`", other.escape_ascii()),
    }
}

/// Up to the first NUL.
fn text(field: &[u8]) -> &[u8] {
    field.split(|&b| b == 0).next().unwrap_or_default()
}

/// Octal digits between spaces or NULs, or GNU's base 256 (first bit set, big-endian). Negative numbers are none.
fn number(field: &[u8]) -> Option<u64> {
    if field[0] & 0x80 != 0 {
        let (first, rest) = (field[0] & 0x7f, &field[1..]);
        return [first]
            .iter()
            .chain(rest)
            .try_fold(0_u64, |sum, &b| sum.checked_mul(256)?.checked_add(b.into()));
    }
    let digits = text(field).trim_ascii();
    digits.iter().try_fold(0_u64, |sum, &b| match b {
        b'0'..=b'7' => sum.checked_mul(8)?.checked_add(u64::from(b - b'0')),
        _ => None,
    })
}

fn checksum(block: &[u8; BLOCK]) -> u64 {
    let sum = |bytes: &[u8]| bytes.iter().map(|&b| u64::from(b)).sum::<u64>();
    sum(&block[..148]) + sum(&block[156..]) + 8 * u64::from(b' ')
}
