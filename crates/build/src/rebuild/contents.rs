//! Where the bytes of two files differ first, as a person reads it: a line of text, a section of a program, bytes.

use std::fmt::Write as _;
use std::io::{Read, Seek, SeekFrom};

use fs_err as fs;
use longshore_oci::{Content, Store};

use super::section;
use crate::{Error, exec};

/// Bytes that are shown around the first one that differs.
const CONTEXT: u64 = 16;
/// Bytes of a line that are shown on either side of it.
const LINE: u64 = 100;
/// As many bytes at the start of a file say whether it is text.
const START: u64 = 512;

/// The first byte where two files differ.
struct Place {
    offset: u64,
    /// Line breaks before it.
    breaks: u64,
}

/// How `first` and `second`, which are not the same, differ.
pub(super) fn differ(first: &Content, second: &Content, store: &Store) -> Result<String, Error> {
    let (mut a, mut b) = (store.open_blob(first)?, store.open_blob(second)?);
    let place = place(&mut a, &mut b)?;
    let sizes = match first.size == second.size {
        true => format!("{} bytes both times", first.size),
        false => format!("{} bytes, then {}", first.size, second.size),
    };
    let (at, shown) = match lines(&mut a, &mut b, &place)? {
        Some(lines) => (format!(", in line {}", place.breaks + 1), lines),
        None => {
            let part = section::holding(&mut a, place.offset);
            let shown = [&mut a, &mut b].map(|file| around(file, place.offset));
            let [first, second] = shown;
            (part.map(|part| format!(", in {part}")).unwrap_or_default(), [first?, second?])
        }
    };
    let [one, other] = shown;
    Ok(format!("differs at byte {}{at} ({sizes}):\n  first  {one}\n  second {other}", place.offset))
}

fn place(a: &mut fs::File, b: &mut fs::File) -> Result<Place, Error> {
    let (mut here, mut there) = (vec![0; 64 << 10], vec![0; 64 << 10]);
    let mut place = Place { offset: 0, breaks: 0 };
    loop {
        let (n, m) = (fill(a, &mut here)?, fill(b, &mut there)?);
        let common = n.min(m);
        let differs = here[..common].iter().zip(&there[..common]).position(|(a, b)| a != b);
        let same = differs.unwrap_or(common);
        place.offset += same as u64;
        place.breaks += here[..same].iter().filter(|&&byte| byte == b'\n').count() as u64;
        if differs.is_some() || n != m || n == 0 {
            return Ok(place);
        }
    }
}

/// The lines that differ, where both files are text and the lines look different.
fn lines(a: &mut fs::File, b: &mut fs::File, place: &Place) -> Result<Option<[String; 2]>, Error> {
    let (Some(one), Some(other)) = (line(a, place.offset)?, line(b, place.offset)?) else { return Ok(None) };
    Ok((one.trim() != other.trim()).then_some([one, other]))
}

/// The line of a text that holds the byte at `offset`, or as much around it as fits on a screen.
fn line(file: &mut fs::File, offset: u64) -> Result<Option<String>, Error> {
    let start = window(file, 0, START)?;
    let from = offset.saturating_sub(LINE);
    let near = window(file, from, offset - from + LINE)?;
    if [&start, &near].iter().any(|bytes| bytes.contains(&0)) {
        return Ok(None);
    }
    // Shorter than where it was cut when the file ends there.
    let at = near.len().min((offset - from) as usize);
    let begin = near[..at].iter().rposition(|&byte| byte == b'\n').map(|before| before + 1);
    let end = near[at..].iter().position(|&byte| byte == b'\n').map(|after| at + after);
    let whole = (near.len() as u64) < offset - from + LINE;
    let Some(text) = text(&near[begin.unwrap_or(0)..end.unwrap_or(near.len())]) else { return Ok(None) };
    let before = if begin.is_none() && from > 0 { "…" } else { "" };
    let after = if end.is_none() && !whole { "…" } else { "" };
    Ok(Some(match text.is_empty() && end.is_none() {
        true => String::from("(its end)"),
        false => format!("{before}{text}{after}"),
    }))
}

/// Bytes as text, if they are; characters that were cut in half at the ends are left out.
fn text(bytes: &[u8]) -> Option<String> {
    let start = bytes.iter().take(3).take_while(|&&byte| byte & 0xc0 == 0x80).count();
    let bytes = &bytes[start..];
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&bytes[..error.valid_up_to()]).ok()?
        }
        Err(_) => return None,
    };
    Some(exec::printable(text))
}

/// Some bytes from a few before `offset`, in hexadecimal and as text.
fn around(file: &mut fs::File, offset: u64) -> Result<String, Error> {
    let from = offset.saturating_sub(CONTEXT / 2);
    let part = window(file, from, offset - from + CONTEXT)?;
    let mut hex = String::new();
    for byte in &part {
        // Writing to a `String` can't fail.
        let _ = write!(hex, "{byte:02x} ");
    }
    let text: String = part
        .iter()
        .map(|&byte| if byte.is_ascii_graphic() || byte == b' ' { byte.into() } else { '.' })
        .collect();
    Ok(format!("{hex} |{text}|"))
}

/// At most `length` bytes from `from` on.
fn window(file: &mut fs::File, from: u64, length: u64) -> Result<Vec<u8>, Error> {
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    (file as &mut dyn Read).take(length).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..])? {
            0 => break,
            count => filled += count,
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(first: &[u8], second: &[u8]) -> String {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let [first, second] = [first, second].map(|bytes| store.put(bytes).unwrap());
        differ(&first, &second, &store).unwrap()
    }

    #[test]
    fn texts_differ_in_lines() {
        assert_eq!(
            check(b"one\ntwo words\nthree\n", b"one\ntwo birds\nthree\n"),
            "differs at byte 8, in line 2 (20 bytes both times):\n  first  two words\n  second two birds"
        );
        assert_eq!(
            check("a\ngrün\n".as_bytes(), "a\ngrüß, grau\n".as_bytes()),
            "differs at byte 6, in line 2 (8 bytes, then 15):\n  first  grün\n  second grüß, grau"
        );
        assert_eq!(
            check(b"a\nb\n", b"a\nb\nc\n"),
            "differs at byte 4, in line 3 (4 bytes, then 6):\n  first  (its end)\n  second c"
        );
        // Far from the start of the file, and of a line that fits on no screen.
        let long = |word: &str| {
            format!("{}{}{word}{}\n", "line\n".repeat(40_000), "<".repeat(5000), ">".repeat(5000))
        };
        let shown = check(long("one").as_bytes(), long("two").as_bytes());
        let (open, close) = ("<".repeat(100), ">".repeat(97));
        assert_eq!(
            shown,
            format!(
                "differs at byte 205000, in line 40001 (210004 bytes both times):\n  first  …{open}one{close}…\n  second …{open}two{close}…"
            )
        );
    }

    #[test]
    fn what_looks_the_same_is_shown_in_bytes() {
        assert_eq!(
            check(b"a\r\n", b"a\n"),
            "differs at byte 1 (3 bytes, then 2):\n  first  61 0d 0a  |a..|\n  second 61 0a  |a.|"
        );
        let shown = check(b"\0binary one", b"\0binary two");
        assert!(shown.starts_with("differs at byte 8 (11 bytes both times):\n  first  00 62 69"), "{shown}");
        assert!(shown.ends_with("74 77 6f  |.binary two|"), "{shown}");
    }

    #[test]
    fn programs_differ_in_sections() {
        let program = fs::read(std::env::current_exe().unwrap()).unwrap();
        let change = |at: usize| {
            let mut other = program.clone();
            other[at] ^= 0x55;
            check(&program, &other)
        };
        assert!(change(20).starts_with("differs at byte 20, in the ELF header ("), "{}", change(20));
        assert!(change(70).starts_with("differs at byte 70, in the program headers ("), "{}", change(70));
        // `readelf` is the second implementation: its lines are `[Nr] name type address offset size …`.
        let readelf = longshore_testkit::Tool::new("readelf").args(["--wide", "--section-headers"]);
        let listed = readelf.arg(std::env::current_exe().unwrap()).run();
        for wanted in [".text", ".rodata", ".note.gnu.build-id", ".shstrtab"] {
            let line =
                listed.lines().find(|line| line.split_whitespace().any(|word| word == wanted)).unwrap();
            let words: Vec<_> = line.split(']').nth(1).unwrap().split_whitespace().collect();
            let number = |word: &str| usize::from_str_radix(word, 16).unwrap();
            let (offset, size) = (number(words[3]), number(words[4]));
            for at in [offset, offset + size - 1] {
                let shown = change(at);
                assert!(shown.starts_with(&format!("differs at byte {at}, in `{wanted}` (")), "{shown}");
            }
        }
        // A table that claims more sections than there are names none.
        let mut broken = program.clone();
        broken[60..62].copy_from_slice(&u16::MAX.to_le_bytes());
        let other = [&broken[..program.len() - 1], &[!program[program.len() - 1]]].concat();
        assert!(check(&broken, &other).contains(" bytes both times):\n"), "{}", check(&broken, &other));
    }
}
