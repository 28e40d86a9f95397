//! One file's bytes into the store, with the facts that are read on the way.

use std::fs::FileType;
use std::io::Write as _;
use std::os::unix::fs::FileTypeExt as _;

use fs_err as fs;
use longshore_oci::{Content, Digest, FileFacts, Store, StoreError};

use crate::elf;

/// Files up to this many bytes are best given whole to [`whole`], so that those already stored are not written again.
pub(crate) const SMALL: u64 = 4 << 20;
/// Bytes of a larger file passed on at once.
const CHUNK: usize = 256 * 1024;

/// Takes a file of `size` bytes, which `read` gives piece by piece until it says 0: in memory where it is small.
pub(crate) fn sized<E: From<StoreError>>(
    size: u64,
    mut read: impl FnMut(&mut [u8]) -> Result<usize, E>,
    store: &Store,
) -> Result<(Content, Option<FileFacts>), E> {
    if size > SMALL {
        return streamed(read, store);
    }
    // At most 4 MiB.
    let (mut bytes, mut filled) = (vec![0; size as usize], 0);
    while filled < bytes.len() {
        match read(&mut bytes[filled..])? {
            0 => break,
            count => filled += count,
        }
    }
    bytes.truncate(filled);
    // Asked once more, so that what only shows at the end of the data does.
    read(&mut [0; 1])?;
    Ok(whole(&bytes, store)?)
}

/// Takes a file that is in memory.
pub(crate) fn whole(bytes: &[u8], store: &Store) -> Result<(Content, Option<FileFacts>), StoreError> {
    let content = Content { digest: Digest::of(bytes), size: bytes.len() as u64 };
    if !store.has(&content) {
        let scratch = store.scratch();
        fs::write(&scratch, bytes)?;
        store.adopt(&scratch, &content)?;
    }
    Ok((content, elf::facts(bytes)))
}

/// Takes a file piece by piece: `read` fills as much of its buffer as there is, and says 0 at the end.
pub(crate) fn streamed<E: From<StoreError>>(
    mut read: impl FnMut(&mut [u8]) -> Result<usize, E>,
    store: &Store,
) -> Result<(Content, Option<FileFacts>), E> {
    let mut writer = store.writer()?;
    let mut buffer = vec![0; CHUNK];
    let mut start = Vec::new();
    loop {
        let count = read(&mut buffer)?;
        if count == 0 {
            break;
        }
        if start.is_empty() {
            start = buffer[..count.min(512)].to_vec();
        }
        writer.write_all(&buffer[..count]).map_err(StoreError::from)?;
    }
    let content = writer.commit()?;
    let facts = match start.as_slice() {
        [b'#', b'!', ..] => elf::script(&start),
        [0x7f, b'E', b'L', b'F', ..] => elf::facts_of_file(store.open_blob(&content)?),
        _ => None,
    };
    Ok((content, facts))
}

/// What is no file, folder or link is, for people.
pub(crate) fn kind(kind: FileType) -> &'static str {
    match kind {
        _ if kind.is_fifo() => "a named pipe",
        _ if kind.is_socket() => "a socket",
        _ if kind.is_block_device() => "a block device",
        _ if kind.is_char_device() => "a character device",
        _ => "no file, folder or link",
    }
}
