//! Which part of an ELF file a byte is in (System V ABI, "Sections").

use std::io::{Read, Seek};

use object::elf::{FileHeader32, FileHeader64};
use object::read::elf::{FileHeader, SectionHeader};
use object::read::{FileKind, ReadCache, ReadRef};
use object::{Endianness, pod};

/// The part that holds the byte at `offset`; none when it is in none, or the file is no ELF file. Reads the headers
/// alone, of which there are 65,535 at most: the form for more is taken for damage.
pub(super) fn holding(file: impl Read + Seek, offset: u64) -> Option<String> {
    let cache = ReadCache::new(file);
    match FileKind::parse(&cache).ok()? {
        FileKind::Elf32 => part::<FileHeader32<Endianness>, _>(&cache, offset),
        FileKind::Elf64 => part::<FileHeader64<Endianness>, _>(&cache, offset),
        _ => None,
    }
}

fn part<'data, H: FileHeader<Endian = Endianness>, R: ReadRef<'data>>(
    data: R,
    offset: u64,
) -> Option<String> {
    let header = H::parse(data).ok()?;
    let endian = header.endian().ok()?;
    let entries = |start: u64, count: u16, size: u16| {
        let size = u64::from(count) * u64::from(size);
        offset.checked_sub(start).is_some_and(|into| into < size)
    };
    if offset < pod::bytes_of(header).len() as u64 {
        return Some(String::from("the ELF header"));
    }
    if entries(header.e_phoff(endian).into(), header.e_phnum(endian), header.e_phentsize(endian)) {
        return Some(String::from("the program headers"));
    }
    if header.e_shnum(endian) == 0 {
        return None;
    }
    if entries(header.e_shoff(endian).into(), header.e_shnum(endian), header.e_shentsize(endian)) {
        return Some(String::from("the section headers"));
    }
    let sections = header.section_headers(endian, data).ok()?;
    let strings = header.section_strings(endian, data, sections).ok()?;
    let section = sections.iter().find(|section| {
        let range = section.file_range(endian);
        range.is_some_and(|(start, size)| offset.checked_sub(start).is_some_and(|into| into < size))
    })?;
    let name = String::from_utf8_lossy(section.name(endian, strings).ok()?);
    Some(format!("`{}`", crate::exec::printable(&name)))
}
