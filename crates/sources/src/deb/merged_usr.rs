//! Paths of a merged `/usr`: `/bin`, `/sbin` and `/lib*` are links to the folders of the same name in `/usr`.
//!
//! Packages of Debian 12 still ship files under the old names, and dpkg writes them through the links. Here the paths
//! are rewritten instead. The text of a symbolic link stays as shipped: on a merged system the kernel resolves it from
//! where the link really is, which is where it is put here too.

use longshore_oci::TreePath;

use super::archive::{Member, MemberKind};

/// The folders that are links (Debian's `usrmerge`, base-files).
const ALIASES: [&str; 6] = ["bin", "lib", "lib32", "lib64", "libx32", "sbin"];

/// Where `path` is once `/usr` is merged.
pub fn merged_path(path: &TreePath) -> TreePath {
    let first = path.as_bytes().split(|&b| b == b'/').next().unwrap_or_default();
    if !is_alias(first) {
        return path.clone();
    }
    // A name four bytes longer; only one at the very limit of path lengths can't be, and it stays.
    TreePath::new([b"usr/", path.as_bytes()].concat()).unwrap_or_else(|_| path.clone())
}

/// Where a member is put; none for the aliases themselves, which every image gets anyway, and for links that would
/// point at themselves (`/bin/x` a file, `/usr/bin/x` a link to it, both one path now).
pub fn merged(member: &Member) -> Option<TreePath> {
    if is_alias(member.path.as_bytes())
        && !matches!(member.kind, MemberKind::File(_) | MemberKind::Hardlink(_))
    {
        return None;
    }
    let path = merged_path(&member.path);
    match &member.kind {
        MemberKind::Symlink(target) if resolved(&path, target).is_some_and(|target| target == path) => None,
        _ => Some(path),
    }
}

fn is_alias(name: &[u8]) -> bool {
    ALIASES.iter().any(|alias| alias.as_bytes() == name)
}

/// What a link points at, by its text alone.
fn resolved(link: &TreePath, target: &[u8]) -> Option<TreePath> {
    let mut path = if target.starts_with(b"/") { TreePath::root() } else { link.parent()? };
    for part in target.split(|&b| b == b'/') {
        path = match part {
            b"" | b"." => path,
            b".." => path.parent().unwrap_or_default(),
            name => path.join(name).ok()?,
        };
    }
    Some(merged_path(&path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(path: &str, kind: MemberKind) -> Member {
        Member {
            path: TreePath::new(path).unwrap(),
            mode: 0o755,
            uid: 0,
            gid: 0,
            xattrs: Default::default(),
            kind,
        }
    }

    #[test]
    fn old_paths_become_those_of_usr() {
        let check = |path: &str, expected: &str| {
            assert_eq!(merged_path(&TreePath::new(path).unwrap()).to_string(), expected);
        };
        check("bin/sh", "/usr/bin/sh");
        check("lib64/ld-linux-x86-64.so.2", "/usr/lib64/ld-linux-x86-64.so.2");
        check("libexec/x", "/libexec/x");
        check("usr/bin/x", "/usr/bin/x");
        check("opt/bin/x", "/opt/bin/x");
    }

    #[test]
    fn aliases_and_links_to_themselves_go() {
        let check = |path: &str, kind: MemberKind, expected: Option<&str>| {
            let found = merged(&member(path, kind)).map(|path| path.to_string());
            assert_eq!(found.as_deref(), expected, "{path}");
        };
        check("bin", MemberKind::Directory, None);
        check("lib64", MemberKind::Symlink(b"usr/lib64".to_vec()), None);
        check("usr/bin/x", MemberKind::Symlink(b"/bin/x".to_vec()), None);
        check("usr/bin/x", MemberKind::Symlink(b"../../bin/x".to_vec()), None);
        check("bin/x", MemberKind::Symlink(b"y".to_vec()), Some("/usr/bin/x"));
        check("bin/y", MemberKind::Symlink(b"/etc/y".to_vec()), Some("/usr/bin/y"));
    }
}
