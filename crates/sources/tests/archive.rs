//! Package files made to do harm, each refused with a message that names the file, the member and the reason; and
//! damaged real ones, which may be refused in any way but a panic.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod debs;

use std::io::{Cursor, Write as _};

use longshore_sources::deb::archive::{ArchiveError, Deb, Limits, MemberKind};
use longshore_sources::elf;
use proptest::prelude::*;

/// One header of a tar, in GNU form.
fn header(name: &[u8], kind: u8, size: u64, link: &[u8]) -> [u8; 512] {
    let mut block = [0; 512];
    block[..name.len()].copy_from_slice(name);
    block[100..108].copy_from_slice(b"0000644\0");
    block[108..116].copy_from_slice(b"0000000\0");
    block[116..124].copy_from_slice(b"0000000\0");
    block[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
    block[136..148].copy_from_slice(b"00000000000\0");
    block[156] = kind;
    block[157..157 + link.len()].copy_from_slice(link);
    block[257..265].copy_from_slice(b"ustar  \0");
    seal(block)
}

fn seal(mut block: [u8; 512]) -> [u8; 512] {
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|&b| u32::from(b)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

fn member(name: &str, kind: u8, bytes: &[u8], link: &str) -> Vec<u8> {
    let mut out = header(name.as_bytes(), kind, bytes.len() as u64, link.as_bytes()).to_vec();
    out.extend(bytes);
    out.resize(out.len().next_multiple_of(512), 0);
    out
}

fn tar(members: &[Vec<u8>]) -> Vec<u8> {
    [members.concat(), vec![0; 1024]].concat()
}

fn ar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = b"!<arch>\n".to_vec();
    for (name, bytes) in members {
        out.extend(
            format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 0, 100_644, bytes.len()).into_bytes(),
        );
        out.extend(*bytes);
        if bytes.len() % 2 == 1 {
            out.push(b'\n');
        }
    }
    out
}

fn control() -> Vec<u8> {
    tar(&[member("./control", b'0', b"Package: x\nVersion: 1\nArchitecture: all\n", "")])
}

/// A package with these members of its data.
fn deb(members: &[Vec<u8>]) -> Vec<u8> {
    ar(&[("debian-binary", b"2.0\n"), ("control.tar", &control()), ("data.tar", &tar(members))])
}

/// Reads all of it; the paths and what was at them.
fn read(bytes: &[u8], limits: Limits) -> Result<Vec<(String, Vec<u8>)>, ArchiveError> {
    let mut deb = Deb::open("x_1_all.deb", Cursor::new(bytes), limits)?;
    deb.control()?;
    let mut data = deb.data(2)?;
    let mut found = Vec::new();
    let mut buffer = vec![0; 65536];
    while let Some(member) = data.next_entry()? {
        let mut all = Vec::new();
        if let MemberKind::File(_) = member.kind {
            loop {
                let count = data.read(&mut buffer)?;
                if count == 0 {
                    break;
                }
                all.extend(&buffer[..count]);
            }
        }
        found.push((member.path.to_string(), all));
    }
    Ok(found)
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 6);
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zst(bytes: &[u8]) -> Vec<u8> {
    zstd::stream::encode_all(bytes, 3).unwrap()
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn every_compression_is_read() {
    let data = tar(&[member("./usr/x", b'0', b"hello", ""), member("./usr/y", b'2', b"", "x")]);
    let expected = [("/usr/x".to_owned(), b"hello".to_vec()), ("/usr/y".to_owned(), Vec::new())];
    for (extension, bytes) in
        [("", data.clone()), (".xz", xz(&data)), (".gz", gz(&data)), (".zst", zst(&data))]
    {
        let name = format!("data.tar{extension}");
        // Signatures of third parties are passed over.
        let deb = ar(&[
            ("debian-binary", b"2.0\n"),
            ("_gpg", b"x"),
            ("control.tar.gz/", &gz(&control())),
            (&name, &bytes),
        ]);
        assert_eq!(read(&deb, Limits::default()).unwrap(), expected, "{extension}");
    }
}

#[test]
fn names_are_bytes_and_may_be_long() {
    let long = format!("./{}", ["d".repeat(60), "e".repeat(60), "f".repeat(60)].join("/"));
    let mut raw = header(b"./caf\xe9", b'0', 0, b"");
    raw[100] = b'0';
    let mut link = member("././@LongLink", b'L', format!("{long}\0").as_bytes(), "");
    link.extend(member("./ddd", b'0', b"1", ""));
    // POSIX ustar with a prefix.
    let mut ustar = header(b"name", b'0', 0, b"");
    ustar[257..265].copy_from_slice(b"ustar\x0000");
    ustar[345..351].copy_from_slice(b"./a/bc");
    let found = read(&deb(&[seal(raw).to_vec(), link, seal(ustar).to_vec()]), Limits::default()).unwrap();
    let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["/caf\u{fffd}", long.trim_start_matches('.'), "/a/bc/name"]);
}

#[test]
fn a_long_name_cut_after_a_slash_is_still_a_file() {
    // As in `ghc` and `rabbitmq-server`: the header has the first 100 bytes, which look like an old tar's directory.
    let cut = format!("./{}/", "d".repeat(97));
    let long = format!("{cut}file");
    let link = |name: &str| member("././@LongLink", b'L', format!("{name}\0").as_bytes(), "");
    let bytes = deb(&[link(&long), member(&cut, b'0', b"bytes", "")]);
    assert_eq!(read(&bytes, Limits::default()).unwrap(), [(long[1..].to_owned(), b"bytes".to_vec())]);
    // The other way round, the whole name does make a directory, which holds no data.
    let directory = format!("{long}/");
    let bytes = deb(&[link(&directory), member(&cut[..99], b'0', b"", "")]);
    assert_eq!(read(&bytes, Limits::default()).unwrap(), [(long[1..].to_owned(), Vec::new())]);
    let bytes = deb(&[link(&directory), member(&cut[..99], b'0', b"bytes", "")]);
    assert!(read(&bytes, Limits::default()).unwrap_err().to_string().contains("announces 5 bytes"));
}

#[test]
fn harm_is_refused() {
    let file = |name: &str| member(name, b'0', b"x", "");
    let with = |change: fn(&mut [u8; 512])| {
        let mut block = header(b"./x", b'0', 0, b"");
        change(&mut block);
        vec![seal(block).to_vec()]
    };
    let debs: Vec<(&str, Vec<u8>)> = vec![
        ("traversal", deb(&[file("./../etc/passwd")])),
        ("traversal within", deb(&[file("./usr/../../etc/passwd")])),
        ("absolute", deb(&[file("/etc/passwd")])),
        ("empty name", deb(&[file("")])),
        ("the root as a file", deb(&[file("./")[..].to_vec(), file("./.")])),
        ("character device", deb(&[member("./dev/null", b'3', b"", "")])),
        ("block device", deb(&[member("./dev/sda", b'4', b"", "")])),
        ("pipe", deb(&[member("./p", b'6', b"", "")])),
        ("sparse", deb(&[member("./s", b'S', b"", "")])),
        ("PAX", deb(&[member("./PaxHeaders/x", b'x', b"13 path=evil\n", ""), file("./x")])),
        ("duplicate file", deb(&[file("./usr/x"), file("usr//x")])),
        ("file over directory", deb(&[member("./x", b'5', b"", ""), file("./x")])),
        ("file over link", deb(&[member("./x", b'2', b"", "/etc"), file("./x")])),
        ("climbing link", deb(&[member("./usr/x", b'2', b"", "../../etc/passwd")])),
        ("climbing absolute link", deb(&[member("./usr/x", b'2', b"", "/../etc")])),
        ("hard link outside", deb(&[member("./x", b'1', b"", "../../etc/shadow")])),
        ("hard link to the unseen", deb(&[member("./x", b'1', b"", "./etc/shadow"), file("./etc/shadow")])),
        ("hard link to a link", deb(&[member("./y", b'2', b"", "/etc"), member("./x", b'1', b"", "./y")])),
        ("link with data", deb(&[member("./x", b'2', b"data", "y")])),
        ("wrong checksum", {
            let mut tar = file("./x");
            tar[0] = b'_';
            deb(&[tar])
        }),
        ("size past the end", deb(&[header(b"./x", b'0', 1 << 20, b"").to_vec()])),
        ("huge size", deb(&with(|block| block[124..136].fill(0xff)))),
        (
            "owner past 32 bits",
            deb(&with(|block| block[108..116].copy_from_slice(&[0x80, 0, 0, 1, 0, 0, 0, 0]))),
        ),
        ("no number", deb(&with(|block| block[100..108].copy_from_slice(b"00x0644\0")))),
        ("long name alone", deb(&[member("././@LongLink", b'L', b"./x\0", "")])),
        ("long name too long", deb(&[member("././@LongLink", b'L', &[b'a'; 5000], ""), file("./x")])),
        ("NUL in a long name", deb(&[member("././@LongLink", b'L', b"./a\0b\0", ""), file("./x")])),
        ("data after the end", {
            let data = [tar(&[file("./x")]), file("./y")].concat();
            ar(&[("debian-binary", b"2.0\n"), ("control.tar", &control()), ("data.tar", &data)])
        }),
        (
            "no end",
            ar(&[("debian-binary", b"2.0\n"), ("control.tar", &control()), ("data.tar", &file("./x"))]),
        ),
        ("bomb", {
            let data = xz(&tar(&[member("./zeros", b'0', &vec![0; 80 << 20], "")]));
            ar(&[("debian-binary", b"2.0\n"), ("control.tar", &control()), ("data.tar.xz", &data)])
        }),
        ("truncated xz", {
            let data =
                xz(&tar(&[member("./x", b'0', &(0..=255).cycle().take(100_000).collect::<Vec<u8>>(), "")]));
            ar(&[
                ("debian-binary", b"2.0\n"),
                ("control.tar", &control()),
                ("data.tar.xz", &data[..data.len() / 2]),
            ])
        }),
        (
            "no xz",
            ar(&[("debian-binary", b"2.0\n"), ("control.tar", &control()), ("data.tar.xz", b"no xz at all")]),
        ),
        (
            "no zstd",
            ar(&[("debian-binary", b"2.0\n"), ("control.tar", &control()), ("data.tar.zst", b"no zstd")]),
        ),
        (
            "no gzip",
            ar(&[("debian-binary", b"2.0\n"), ("control.tar.gz", b"no gzip"), ("data.tar", &tar(&[]))]),
        ),
        ("bzip2", ar(&[("debian-binary", b"2.0\n"), ("control.tar", &control()), ("data.tar.bz2", b"BZh")])),
        (
            "two controls",
            ar(&[
                ("debian-binary", b"2.0\n"),
                ("control.tar", &control()),
                ("control.tar.gz", b""),
                ("data.tar", b""),
            ]),
        ),
        (
            "two data",
            ar(&[
                ("debian-binary", b"2.0\n"),
                ("control.tar", &control()),
                ("data.tar", b""),
                ("data.tar", b""),
            ]),
        ),
        (
            "stranger",
            ar(&[("debian-binary", b"2.0\n"), ("control.tar", &control()), ("data.tar", b""), ("evil", b"")]),
        ),
        ("order", ar(&[("debian-binary", b"2.0\n"), ("data.tar", b""), ("control.tar", &control())])),
        ("no data", ar(&[("debian-binary", b"2.0\n"), ("control.tar", &control())])),
        ("version 3", ar(&[("debian-binary", b"3.0\n"), ("control.tar", &control()), ("data.tar", b"")])),
        ("duplicate control", {
            let control = tar(&[file("./control"), file("./control")]);
            ar(&[("debian-binary", b"2.0\n"), ("control.tar", &control), ("data.tar", &tar(&[]))])
        }),
        ("link in control", {
            let control = tar(&[member("./control", b'2', b"", "/etc/passwd")]);
            ar(&[("debian-binary", b"2.0\n"), ("control.tar", &control), ("data.tar", &tar(&[]))])
        }),
        ("cut short", {
            let whole = deb(&[file("./x")]);
            whole[..whole.len() - 700].to_vec()
        }),
        ("wrong ar size", {
            let mut whole = deb(&[]);
            whole[8 + 48..8 + 58].copy_from_slice(b"99999999  ");
            whole
        }),
        ("broken ar header", {
            let mut whole = deb(&[]);
            whole[8 + 48..8 + 58].copy_from_slice(b"-4        ");
            whole
        }),
        ("no package", b"PK\x03\x04 is a zip file".to_vec()),
        ("empty", Vec::new()),
    ];
    let said: Vec<String> = debs
        .iter()
        .map(|(what, bytes)| match read(bytes, Limits::default()) {
            Ok(found) => panic!("{what}: was taken as {found:?}"),
            Err(error) => format!("{what}: {error}"),
        })
        .collect();
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn bounds_hold() {
    let limits = Limits { entries: 2, ..Limits::default() };
    let many =
        deb(&[member("./a", b'5', b"", ""), member("./b", b'5', b"", ""), member("./c", b'5', b"", "")]);
    assert!(read(&many, limits).unwrap_err().to_string().ends_with("more than 2 entries"));
    let limits = Limits { unpacked: 4096, ..Limits::default() };
    let large = deb(&[member("./a", b'0', &[1; 8192], "")]);
    let said = read(&large, limits).unwrap_err().to_string();
    assert!(said.contains("unpack to more than 4096 bytes"), "{said}");
    // A dictionary of 8 MiB (preset 6) does not fit into 1 MiB.
    let data = xz(&tar(&[]));
    let small = ar(&[("debian-binary", b"2.0\n"), ("control.tar", &control()), ("data.tar.xz", &data)]);
    assert!(read(&small, Limits { memory: 1 << 20, ..Limits::default() }).is_err());
    assert!(read(&small, Limits::default()).is_ok());
}

#[test]
fn damaged_real_packages_do_no_harm() {
    let deb = fs_err::read(&debs::download("trixie", &["dash"])[0]).unwrap();
    let limits = Limits { unpacked: 32 << 20, ..Limits::default() };
    // Uncompressed, so that damage reaches the tar and not only the decoder's checksum.
    let data = read(&deb, limits).unwrap();
    let plain = ar(&[
        ("debian-binary", b"2.0\n"),
        ("control.tar", &control()),
        ("data.tar", &{
            let members: Vec<Vec<u8>> = data
                .iter()
                .filter(|(path, _)| path.len() < 90 && path != "/")
                .map(|(path, bytes)| member(&format!(".{path}"), b'0', bytes, ""))
                .collect();
            tar(&members)
        }),
    ]);
    let program = data.iter().find(|(path, _)| path == "/usr/bin/dash").unwrap().1.clone();
    assert!(elf::facts(&program).is_some());
    let change = (any::<prop::sample::Index>(), any::<u8>());
    let config = ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(changes in prop::collection::vec(change, 1..20), cut in any::<prop::sample::Index>())| {
        for original in [&deb, &plain] {
            let mut bytes = original.clone();
            for (at, to) in &changes {
                // Headers are few: half of the changes go to the first bytes.
                let range = if to % 2 == 0 { bytes.len() } else { 4096.min(bytes.len()) };
                let at = at.index(range);
                bytes[at] = *to;
            }
            let _ = read(&bytes, limits);
            let _ = read(&bytes[..cut.index(bytes.len())], limits);
        }
        let mut bytes = program.clone();
        for (at, to) in &changes {
            let at = at.index(if to % 2 == 0 { bytes.len() } else { 1024 });
            bytes[at] = *to;
        }
        let whole = elf::facts(&bytes);
        // From a file and from memory the same is read.
        let from_file = elf::facts_of_file(Cursor::new(&bytes));
        if bytes.starts_with(b"\x7fELF") {
            prop_assert_eq!(whole, from_file);
        }
        let _ = elf::facts(&bytes[..cut.index(bytes.len())]);
    });
}
