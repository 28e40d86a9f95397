//! Following symbolic links inside a tree, never outside it.

use longshore_oci::{Node, Tree, TreePath};

/// As many links as Linux follows before it gives up (`MAXSYMLINKS`).
const MAX_HOPS: usize = 40;

/// Where `target`, written in a link at `link`, points: absolute from the tree's root, relative from the link's folder,
/// `..` at the root staying there. None when it is no path.
pub fn target(link: &TreePath, target: &[u8]) -> Option<TreePath> {
    let mut parts: Vec<&[u8]> = if target.starts_with(b"/") {
        Vec::new()
    } else {
        let folder = link.as_bytes().len() - link.name().len();
        link.as_bytes()[..folder].split(|&b| b == b'/').filter(|part| !part.is_empty()).collect()
    };
    for part in target.split(|&b| b == b'/') {
        match part {
            b"" | b"." => {}
            b".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    TreePath::new(parts.join(&b'/')).ok()
}

/// `path` as it is where `/bin`, `/sbin`, `/lib` and its like are links into `/usr`.
pub fn merged(path: &TreePath) -> TreePath {
    let first = path.as_bytes().split(|&b| b == b'/').next().unwrap_or_default();
    if matches!(first, b"bin" | b"sbin" | b"lib" | b"lib32" | b"lib64" | b"libx32") {
        // Four bytes more only matter to paths at the limit of length, which then stay as they are.
        return TreePath::root().join([b"usr/", path.as_bytes()].concat()).unwrap_or_else(|_| path.clone());
    }
    path.clone()
}

/// Where a walk ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Walk {
    /// At this path, which is in the tree or whose parents are directories or missing.
    At(TreePath),
    /// A part on the way is neither directory nor link.
    Blocked(TreePath),
    /// In a circle.
    Loop,
}

/// Resolves the links above `path`; the thing at its end is not followed.
pub fn parents(tree: &Tree, path: &TreePath) -> Walk {
    walk(tree, path, &mut 0)
}

/// Resolves every link of `path`, its last part included; none when nothing is there.
pub fn follow(tree: &Tree, path: &TreePath) -> Option<TreePath> {
    let mut hops = 0;
    let mut at = path.clone();
    loop {
        let Walk::At(found) = walk(tree, &at, &mut hops) else { return None };
        match &tree.get(&found)?.node {
            Node::Symlink(to) => at = target(&found, to)?,
            _ => return Some(found),
        }
        hops += 1;
        if hops > MAX_HOPS {
            return None;
        }
    }
}

fn walk(tree: &Tree, path: &TreePath, hops: &mut usize) -> Walk {
    let mut at = path.clone();
    loop {
        // A tree has nothing under a link, so above one of its folders there is none.
        if tree.above(&at).is_some_and(|(_, above)| above.node == Node::Directory) {
            return Walk::At(at);
        }
        let above = at.ancestors().find_map(|parent| match tree.get(&parent).map(|entry| &entry.node) {
            None | Some(Node::Directory) => None,
            Some(node) => Some((parent, node)),
        });
        match above {
            None => return Walk::At(at),
            Some((parent, Node::Symlink(to))) => {
                *hops += 1;
                let rest = &at.as_bytes()[parent.as_bytes().len()..];
                match target(&parent, to).and_then(|to| to.join(rest).ok()) {
                    Some(next) if *hops <= MAX_HOPS => at = next,
                    _ => return Walk::Loop,
                }
            }
            Some((parent, _)) => return Walk::Blocked(parent),
        }
    }
}

#[cfg(test)]
mod tests {
    use longshore_oci::{Content, Entry};

    use super::*;

    fn path(text: &str) -> TreePath {
        TreePath::new(text).unwrap()
    }

    #[test]
    fn targets_stay_inside() {
        for (link, to, expected) in [
            ("usr/lib/a", "b", "/usr/lib/b"),
            ("usr/lib/a", "../b", "/usr/b"),
            ("usr/lib/a", "/etc/./b/", "/etc/b"),
            ("a", "../../../b", "/b"),
            ("x/a", "..", "/"),
        ] {
            assert_eq!(target(&path(link), to.as_bytes()).unwrap().to_string(), expected, "{link} -> {to}");
        }
    }

    #[test]
    fn walks_resolve_links_and_stop_at_files_and_circles() {
        let tree: Tree = [
            (path("bin"), Entry::symlink("usr/bin")),
            (path("usr/bin/sh"), Entry::symlink("dash")),
            (path("usr/bin/dash"), Entry::file(0o755, Content::of(b"dash"))),
            (path("a"), Entry::symlink("b")),
            (path("b"), Entry::symlink("/a")),
        ]
        .into_iter()
        .collect();
        assert_eq!(follow(&tree, &path("/bin/sh")), Some(path("usr/bin/dash")));
        assert_eq!(follow(&tree, &path("/bin/bash")), None);
        assert_eq!(follow(&tree, &path("/a")), None);
        assert_eq!(parents(&tree, &path("/bin/new")), Walk::At(path("usr/bin/new")));
        assert_eq!(parents(&tree, &path("/bin/sh")), Walk::At(path("usr/bin/sh")));
        assert_eq!(parents(&tree, &path("/usr/bin/dash/x")), Walk::Blocked(path("usr/bin/dash")));
        assert_eq!(parents(&tree, &path("/a/x")), Walk::Loop);
    }

    #[test]
    fn merged_paths_lie_under_usr() {
        assert_eq!(merged(&path("/lib64/ld.so")).to_string(), "/usr/lib64/ld.so");
        assert_eq!(merged(&path("/library")).to_string(), "/library");
    }
}
