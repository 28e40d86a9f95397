//! What an ELF object or a script needs to run, read from its bytes.
//!
//! Follows the program headers alone, as the dynamic loader does, so stripped section tables do not matter
//! (System V ABI, "Program Loading and Dynamic Linking"). Damage gives fewer facts or none, never an error: whether a
//! broken object matters is for whoever runs it.

use std::io::{Read, Seek};

use longshore_oci::{Elf, ElfClass, FileFacts};
use object::Endianness;
use object::elf::{
    DT_NEEDED, DT_NULL, DT_RPATH, DT_RUNPATH, DT_SONAME, DT_STRSZ, DT_STRTAB, FileHeader32, FileHeader64,
    PT_LOAD,
};
use object::read::elf::{Dyn, FileHeader, ProgramHeader};
use object::read::{FileKind, ReadCache, ReadRef, StringTable};
use serde::Deserialize;

/// Notes and dynamic sections larger than this are taken for damage.
const MAX_SEGMENT: u64 = 1 << 20;
/// As many entries of a dynamic section are read; the largest known have a few hundred.
const MAX_DYNAMIC: usize = 10_000;
/// The longest `#!` line that Linux reads (`BINPRM_BUF_SIZE`).
const MAX_SHEBANG: usize = 256;
/// The type of a dlopen note, its owner being `FDO` (UAPI group, "ELF dlopen metadata").
const NOTE_DLOPEN: u32 = 0x407c_0c0a;

/// The facts of a file, all of it given.
pub fn facts(bytes: &[u8]) -> Option<FileFacts> {
    if bytes.starts_with(b"#!") { script(bytes) } else { object(bytes).map(FileFacts::Elf) }
}

/// The facts of an ELF object of which only the parts needed are read.
pub fn facts_of_file(reader: impl Read + Seek) -> Option<FileFacts> {
    let cache = ReadCache::new(reader);
    object(&cache).map(FileFacts::Elf)
}

/// The facts of a script, of which at least the first 256 bytes are given. Interpreters that are no absolute path do
/// not count: `#![…]` begins a Rust file.
pub fn script(start: &[u8]) -> Option<FileFacts> {
    let line = start.strip_prefix(b"#!")?;
    let line = &line[..line.len().min(MAX_SHEBANG - 2)];
    let line = line.split(|&b| b == b'\n').next().unwrap_or_default().trim_ascii();
    let end = line.iter().position(|&b| b == b' ' || b == b'\t').unwrap_or(line.len());
    let (interpreter, argument) = (&line[..end], line[end..].trim_ascii());
    if !interpreter.starts_with(b"/") || interpreter.contains(&0) {
        return None;
    }
    let argument = (!argument.is_empty()).then(|| argument.to_vec());
    Some(FileFacts::Script { interpreter: interpreter.to_vec(), argument })
}

fn object<'data>(data: impl ReadRef<'data>) -> Option<Elf> {
    match FileKind::parse(data).ok()? {
        FileKind::Elf32 => read::<FileHeader32<Endianness>, _>(data, ElfClass::Bits32),
        FileKind::Elf64 => read::<FileHeader64<Endianness>, _>(data, ElfClass::Bits64),
        _ => None,
    }
}

fn read<'data, H: FileHeader<Endian = Endianness>, R: ReadRef<'data>>(
    data: R,
    class: ElfClass,
) -> Option<Elf> {
    let header = H::parse(data).ok()?;
    let endian = header.endian().ok()?;
    let mut elf = Elf {
        class,
        machine: header.e_machine(endian).0,
        interpreter: None,
        soname: None,
        needed: Vec::new(),
        runpath: Vec::new(),
        dlopen: Vec::new(),
    };
    let segments = header.program_headers(endian, data).unwrap_or_default();
    for segment in segments.iter().filter(|segment| segment.p_filesz(endian).into() <= MAX_SEGMENT) {
        if let Ok(Some(interpreter)) = segment.interpreter(endian, data) {
            elf.interpreter = Some(interpreter.to_vec());
        } else if let Ok(Some(entries)) = segment.dynamic(endian, data) {
            dynamic::<H, R>(&mut elf, endian, data, segments, entries);
        } else if let Ok(Some(notes)) = segment.notes(endian, data) {
            let ours = notes
                .map_while(Result::ok)
                .filter(|n| n.n_type(endian).0 == NOTE_DLOPEN && n.name() == b"FDO");
            ours.for_each(|note| dlopen(&mut elf.dlopen, note.desc()));
        }
    }
    Some(elf)
}

fn dynamic<'data, H: FileHeader<Endian = Endianness>, R: ReadRef<'data>>(
    elf: &mut Elf,
    endian: Endianness,
    data: R,
    segments: &[H::ProgramHeader],
    entries: &[H::Dyn],
) {
    let entries: Vec<&H::Dyn> =
        entries.iter().take(MAX_DYNAMIC).take_while(|entry| entry.tag(endian) != DT_NULL).collect();
    let value = |tag| entries.iter().find(|entry| entry.tag(endian) == tag).map(|entry| entry.val(endian));
    let (Some(address), Some(size)) = (value(DT_STRTAB), value(DT_STRSZ)) else { return };
    // The table is named by where it is loaded; the segment that holds it says where that is in the file.
    let Some(offset) =
        segments.iter().filter(|segment| segment.p_type(endian) == PT_LOAD).find_map(|segment| {
            let inside = address.checked_sub(segment.p_vaddr(endian).into())?;
            (inside < segment.p_filesz(endian).into())
                .then(|| inside.checked_add(segment.p_offset(endian).into()))?
        })
    else {
        return;
    };
    let strings = StringTable::new(data, offset, offset.saturating_add(size));
    let text = |entry: &&H::Dyn| -> Option<Vec<u8>> {
        let text = strings.get(u32::try_from(entry.val(endian)).ok()?).ok()?;
        (!text.is_empty() && text.len() <= 4096).then(|| text.to_vec())
    };
    let all = |tag| entries.iter().filter(move |entry| entry.tag(endian) == tag).filter_map(text);
    elf.needed = all(DT_NEEDED).collect();
    elf.soname = all(DT_SONAME).next();
    let runpath = all(DT_RUNPATH).next().or_else(|| all(DT_RPATH).next()).unwrap_or_default();
    elf.runpath =
        runpath.split(|&b| b == b':').filter(|folder| !folder.is_empty()).map(<[u8]>::to_vec).collect();
}

/// One entry of a dlopen note.
#[derive(Deserialize)]
struct Dlopen {
    #[serde(default)]
    soname: Vec<String>,
    /// `required`, `recommended` (also when not said) or `suggested`.
    priority: Option<String>,
}

fn dlopen(found: &mut Vec<Vec<u8>>, note: &[u8]) {
    let text = note.split(|&b| b == 0).next().unwrap_or_default();
    let entries: Vec<Dlopen> = serde_json::from_slice(text).unwrap_or_default();
    for entry in entries {
        if matches!(entry.priority.as_deref(), None | Some("required" | "recommended"))
            && let Some(name) = entry.soname.into_iter().next().map(String::into_bytes)
            && !found.contains(&name)
        {
            found.push(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts() {
        let check = |text: &str, expected: Option<(&str, Option<&str>)>| {
            let expected = expected.map(|(interpreter, argument)| FileFacts::Script {
                interpreter: interpreter.into(),
                argument: argument.map(Into::into),
            });
            assert_eq!(facts(text.as_bytes()), expected, "{text:.40}");
        };
        check("#!/bin/sh\necho", Some(("/bin/sh", None)));
        check("#! /usr/bin/env  -S python3 -u \n", Some(("/usr/bin/env", Some("-S python3 -u"))));
        check("#!/bin/sh", Some(("/bin/sh", None)));
        check("#![no_std]\n", None);
        check("#!\n/bin/sh", None);
        check("#!/a\0b\n", None);
        check(&format!("#!/{}", "x".repeat(300)), Some((&format!("/{}", "x".repeat(253)), None)));
    }

    #[test]
    fn dlopen_notes_count_by_priority() {
        let mut found = Vec::new();
        dlopen(&mut found, br#"[{"soname":["liba.so.2","liba.so.1"],"priority":"recommended"},{"soname":["libb.so"],"priority":"suggested"},{"soname":["libc.so"]}]"#);
        dlopen(&mut found, b"[{\"soname\":[\"liba.so.2\"],\"priority\":\"required\"}]\0\0");
        dlopen(&mut found, b"[{]");
        assert_eq!(found, [b"liba.so.2".to_vec(), b"libc.so".to_vec()]);
    }
}
