//! PAX records, of which those that say what a member is are taken (POSIX.1-2017, pax, "pax Extended Header").

use std::collections::BTreeMap;

use super::Problem;
use super::tar::lossy;

/// What precedes the name of an extended attribute in a record's key.
const XATTR: &[u8] = b"SCHILY.xattr.";
/// Most bytes of records before one member.
pub(super) const MAX_PAX: u64 = 1 << 20;

/// What the records before a member say of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Pax {
    pub uid: Option<u64>,
    pub gid: Option<u64>,
    /// Extended attributes by full name (`SCHILY.xattr.` in star(5), which Go and GNU tar write too).
    pub xattrs: BTreeMap<Vec<u8>, Vec<u8>>,
    pub path: Option<Vec<u8>>,
    pub link: Option<Vec<u8>>,
    pub size: Option<u64>,
}

impl Pax {
    /// Decodes `LENGTH KEY=VALUE\n` records; `name` is their own member, for messages.
    pub fn parse(mut records: &[u8], name: &[u8]) -> Result<Self, Problem> {
        let broken = || Problem::BadNumber { path: lossy(name), what: "length of a PAX record" };
        let mut pax = Self::default();
        while !records.is_empty() {
            let space = records.iter().position(|&b| b == b' ').ok_or_else(broken)?;
            let length = number(&records[..space]).ok_or_else(broken)? as usize;
            let record =
                records.get(space + 1..length).and_then(|r| r.strip_suffix(b"\n")).ok_or_else(broken)?;
            let equals = record.iter().position(|&b| b == b'=').ok_or_else(broken)?;
            let (key, value) = (&record[..equals], &record[equals + 1..]);
            match key {
                b"path" => pax.path = Some(value.to_vec()),
                b"linkpath" => pax.link = Some(value.to_vec()),
                b"uid" => pax.uid = Some(number(value).ok_or_else(broken)?),
                b"gid" => pax.gid = Some(number(value).ok_or_else(broken)?),
                b"size" => pax.size = Some(number(value).ok_or_else(broken)?),
                _ if key.starts_with(b"GNU.sparse.") => {
                    return Err(Problem::Kind { path: lossy(name), kind: "a GNU sparse file".to_owned() });
                }
                // Times, names of owners, comments.
                _ => {
                    if let Some(name) = key.strip_prefix(XATTR).filter(|name| !name.is_empty()) {
                        pax.xattrs.insert(name.to_vec(), value.to_vec());
                    }
                }
            }
            records = &records[length..];
        }
        Ok(pax)
    }
}

fn number(digits: &[u8]) -> Option<u64> {
    let plain = !digits.is_empty() && digits.len() <= 18 && digits.iter().all(u8::is_ascii_digit);
    plain.then(|| digits.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0')))
}
