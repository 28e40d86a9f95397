//! `/etc/ld.so.cache`, for libraries in folders that only `/etc/ld.so.conf` names: what `ldconfig` would have written. In
//! the format `glibc-ld.so.cache1.1` (glibc, `sysdeps/generic/dl-cache.h`).

use std::cmp::Ordering;
use std::collections::BTreeMap;

use longshore_oci::{FileFacts, Node, Origin, Tree, TreePath};

use super::builder::Builder;
use super::{Arch, ComposeError, Endian, links, others};

/// Where the loaders of other systems than Debian look: musl's, and those of 64-bit systems that are not multi-arch.
const FOLDERS_OF_BASES: [&str; 4] = ["lib", "lib64", "usr/lib64", "usr/local/lib"];

/// Writes the cache if there is something for it; returns the folders that the dynamic loader searches.
pub(super) fn place(build: &mut Builder<'_>, arch: Arch) -> Result<Vec<TreePath>, ComposeError> {
    let standard = match build.input.spec.base {
        Some(_) => standard_of_others(&build.tree, arch),
        None => arch.library_folders(),
    };
    let mut folders: Vec<TreePath> = Vec::new();
    for folder in configured(build)? {
        let folder = links::follow(&build.tree, &folder).unwrap_or(folder);
        if !standard.contains(&folder) && !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    let mut libraries: BTreeMap<Vec<u8>, TreePath> = BTreeMap::new();
    for folder in &folders {
        for (name, path) in libraries_in(build, folder, arch) {
            libraries.entry(name).or_insert(path);
        }
    }
    // Of its own libraries the base has a cache, if its loader reads one.
    if libraries.values().all(|path| others::base_has(build, path)) {
        folders.extend(standard);
        return Ok(folders);
    }
    let bytes = cache(libraries.into_iter().collect(), arch);
    let origin = Origin::Longshore("ld.so.cache".to_owned());
    build.put_bytes(&TreePath::new("etc/ld.so.cache")?, 0o644, &bytes, &origin)?;
    folders.extend(standard);
    Ok(folders)
}

/// The folders in which the loader of an image of others looks without being told.
pub(super) fn standard_of_others(tree: &Tree, arch: Arch) -> Vec<TreePath> {
    let mut standard = arch.library_folders();
    for folder in FOLDERS_OF_BASES {
        let folder = TreePath::new(folder).ok().and_then(|folder| links::follow(tree, &folder));
        standard.extend(folder.filter(|folder| !standard.contains(folder)));
    }
    standard
}

/// The folders that `/etc/ld.so.conf` and its snippets name, in their order. Debian's `ld.so.conf` includes the snippets;
/// images rarely have it, so they count without.
fn configured(build: &Builder<'_>) -> Result<Vec<TreePath>, ComposeError> {
    let snippets = TreePath::new("etc/ld.so.conf.d")?;
    let mut files: Vec<_> = build
        .tree
        .under(&snippets)
        .map(|(p, _)| p.clone())
        .filter(|p| p.name().ends_with(b".conf"))
        .collect();
    files.push(TreePath::new("etc/ld.so.conf")?);
    let mut folders = Vec::new();
    for file in files {
        for line in build.read(&file)?.unwrap_or_default().split(|&b| b == b'\n') {
            let line = line.split(|&b| b == b'#').next().unwrap_or_default().trim_ascii();
            if line.starts_with(b"/") {
                folders.extend(TreePath::new(line).map(|path| links::merged(&path)));
            }
        }
    }
    Ok(folders)
}

/// Libraries of the right architecture directly in `folder`, by the name they are looked for by.
fn libraries_in(build: &Builder<'_>, folder: &TreePath, arch: Arch) -> BTreeMap<Vec<u8>, TreePath> {
    let mut found = BTreeMap::new();
    for (path, entry) in build.tree.under(folder) {
        let direct = path.parent().as_ref() == Some(folder) && entry.node != Node::Directory;
        let shared = path.name().starts_with(b"lib") && path.name().windows(3).any(|part| part == b".so");
        let end = if direct && shared { links::follow(&build.tree, path) } else { None };
        let Some(FileFacts::Elf(elf)) = end.and_then(|end| build.facts.get(&end)) else { continue };
        if !arch.runs(elf) {
            continue;
        }
        let name = elf.soname.clone().unwrap_or_else(|| path.name().to_vec());
        // The entry called as the library calls itself is the one that `ldconfig` lists.
        if path.name() == name || !found.contains_key(&name) {
            found.insert(name, path.clone());
        }
    }
    found
}

const HEADER: usize = 48;
const ENTRY: usize = 24;

fn cache(mut libraries: Vec<(Vec<u8>, TreePath)>, arch: Arch) -> Vec<u8> {
    // The loader searches by halves, in this order.
    libraries.sort_by(|a, b| compare(&b.0, &a.0));
    let n32 = |n: usize| {
        let n = u32::try_from(n).unwrap_or(u32::MAX);
        if arch.endian == Endian::Big { n.to_be_bytes() } else { n.to_le_bytes() }
    };
    let mut strings = Vec::new();
    let mut entries = Vec::new();
    let start = HEADER + libraries.len() * ENTRY;
    for (name, path) in &libraries {
        let mut add = |text: &[u8]| {
            let at = start + strings.len();
            strings.extend_from_slice(text);
            strings.push(0);
            at
        };
        let (key, value) = (add(name), add(&[b"/", path.as_bytes()].concat()));
        let fields = [n32(arch.cache_flags as usize), n32(key), n32(value), n32(0)];
        entries.extend(fields.concat());
        // No hardware capabilities.
        entries.extend([0; 8]);
    }
    let mut out = b"glibc-ld.so.cache1.1".to_vec();
    out.extend(n32(libraries.len()));
    out.extend(n32(strings.len()));
    // Byte order, then padding, no extensions, unused.
    out.push(if arch.endian == Endian::Big { 3 } else { 2 });
    out.extend([0; 3 + 4 + 12]);
    [out, entries, strings].concat()
}

/// The loader's order of names: runs of digits by their number.
fn compare(a: &[u8], b: &[u8]) -> Ordering {
    let (mut a, mut b) = (a, b);
    loop {
        let digit = |s: &[u8]| s.first().is_some_and(u8::is_ascii_digit);
        match (digit(a), digit(b)) {
            (true, true) => {
                let (x, rest_a) = number(a);
                let (y, rest_b) = number(b);
                match x.cmp(&y) {
                    Ordering::Equal => (a, b) = (rest_a, rest_b),
                    other => return other,
                }
            }
            (true, false) => return Ordering::Greater,
            (false, true) => return Ordering::Less,
            (false, false) => match (a.split_first(), b.split_first()) {
                (None, None) => return Ordering::Equal,
                (x, y) => match x.map(|x| x.0).cmp(&y.map(|y| y.0)) {
                    Ordering::Equal => (a, b) = (&a[1..], &b[1..]),
                    other => return other,
                },
            },
        }
    }
}

fn number(text: &[u8]) -> (u64, &[u8]) {
    let end = text.iter().position(|b| !b.is_ascii_digit()).unwrap_or(text.len());
    let value =
        text[..end].iter().fold(0_u64, |n, b| n.saturating_mul(10).saturating_add(u64::from(b - b'0')));
    (value, &text[end..])
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::super::fixture::*;
    use super::*;

    #[test]
    fn names_are_ordered_as_the_loader_orders_them() {
        let mut names = ["libb.so.10", "libb.so.9", "liba.so", "libb.so", "libb-2.so.1"].map(str::as_bytes);
        names.sort_by(|a, b| compare(a, b));
        assert_eq!(
            names.map(|n| str::from_utf8(n).unwrap()),
            ["liba.so", "libb-2.so.1", "libb.so", "libb.so.9", "libb.so.10"]
        );
    }

    #[test]
    fn ldconfig_reads_the_cache_that_is_written_only_when_it_is_needed() {
        let far = "opt/vendor/lib";
        let app = || {
            package("app", &[])
                .library("usr/lib/x86_64-linux-gnu/libnear.so.1", &[])
                .library(&format!("{far}/libb.so.10"), &[])
                .library(&format!("{far}/libb.so.9"), &[])
                .elf(&format!("{far}/libodd.so.1.2"), &[], |elf| elf.soname = Some(b"libodd.so.1".to_vec()))
                .elf(&format!("{far}/libarm.so.1"), &[], |elf| elf.machine = 183)
                .link(&format!("{far}/libb.so"), "libb.so.10")
                .library(&format!("{far}/deep/libdeep.so.1"), &[])
        };
        let without = World::new([app()]).compose(&spec([whole("app")])).unwrap();
        assert_eq!(without.tree().get(&path("etc/ld.so.cache")), None);

        let conf = "# vendor\n/opt/vendor/lib/ # here\n/lib\ninclude other\n";
        let world = World::new([app().text("etc/ld.so.conf.d/vendor.conf", 0o644, conf)]);
        let rootfs = world.compose(&spec([whole("app")])).unwrap();
        let folders: Vec<_> = rootfs.library_folders().iter().map(ToString::to_string).collect();
        assert_eq!(folders, ["/opt/vendor/lib", "/usr/lib/x86_64-linux-gnu", "/usr/lib"]);

        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("cache");
        fs_err::write(&file, world.read(&rootfs, "etc/ld.so.cache")).unwrap();
        let ran = Command::new("/sbin/ldconfig").arg("-p").arg("-C").arg(&file).output();
        let ran = ran.expect("`ldconfig` is needed: apt-get install libc-bin");
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        let listed = String::from_utf8(ran.stdout).unwrap();
        let lines: Vec<_> =
            listed.lines().skip(1).map(str::trim).filter(|line| line.contains("=>")).collect();
        assert_eq!(
            lines,
            [
                "libodd.so.1 (libc6,x86-64) => /opt/vendor/lib/libodd.so.1.2",
                "libb.so.10 (libc6,x86-64) => /opt/vendor/lib/libb.so.10",
                "libb.so.9 (libc6,x86-64) => /opt/vendor/lib/libb.so.9",
            ]
        );
    }
}
