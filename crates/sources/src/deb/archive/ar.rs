//! The `ar` container of a `.deb`: its table of members, checked whole before a byte of any member is read.
//!
//! deb(5) fixes what may be in it, so this reads the few lines of ar(5) that matter and refuses the rest: no string
//! table, no long names, no symbol index.

use std::io::{ErrorKind, Read, Seek, SeekFrom};

use super::Problem;

/// The magic of the whole file.
const MAGIC: &[u8; 8] = b"!<arch>\n";
/// Bytes of a member's header.
const HEADER: u64 = 60;
/// More members than this is no package: three are needed, a few signatures may follow.
const MAX_MEMBERS: usize = 16;

/// One member: where its bytes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    /// Its name, without padding and trailing slash.
    pub name: String,
    /// Where its bytes begin.
    pub offset: u64,
    /// Their number.
    pub size: u64,
}

/// Reads the headers of all members. Sizes add up to the file's, so each member's bytes are known to be there.
pub(super) fn members(reader: &mut (impl Read + Seek)) -> Result<Vec<Member>, Problem> {
    let end = reader.seek(SeekFrom::End(0))?;
    reader.seek(SeekFrom::Start(0))?;
    let mut magic = [0; MAGIC.len()];
    match reader.read_exact(&mut magic) {
        Ok(()) if magic == *MAGIC => {}
        Ok(()) => return Err(Problem::NotDeb),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Err(Problem::NotDeb),
        Err(error) => return Err(error.into()),
    }
    let mut members = Vec::new();
    let mut at = MAGIC.len() as u64;
    while at < end {
        if members.len() == MAX_MEMBERS {
            return Err(Problem::TooManyMembers(MAX_MEMBERS));
        }
        if end - at < HEADER {
            return Err(Problem::Truncated { missing: HEADER - (end - at) });
        }
        reader.seek(SeekFrom::Start(at))?;
        let mut header = [0; HEADER as usize];
        reader.read_exact(&mut header)?;
        let Some(Member { name, size, .. }) = parse(&header) else {
            return Err(Problem::BadHeader { offset: at });
        };
        let offset = at + HEADER;
        if size > end - offset {
            return Err(Problem::Truncated { missing: size - (end - offset) });
        }
        members.push(Member { name, offset, size });
        // Members begin at even offsets; the padding of the last one may be left out.
        at = offset + size + size % 2;
    }
    Ok(members)
}

fn parse(header: &[u8; HEADER as usize]) -> Option<Member> {
    if &header[58..] != b"`\n" {
        return None;
    }
    let name = std::str::from_utf8(&header[..16]).ok()?.trim_end_matches(' ');
    let name = name.strip_suffix('/').unwrap_or(name);
    if name.is_empty() || !name.bytes().all(|b| b.is_ascii_graphic() && b != b'/') {
        return None;
    }
    let size = std::str::from_utf8(&header[48..58]).ok()?.trim_end_matches(' ');
    if size.is_empty() || !size.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(Member { name: name.to_owned(), offset: 0, size: size.parse().ok()? })
}
