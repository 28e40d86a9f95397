//! Paths through chosen packages.

use std::collections::{BTreeMap, VecDeque};

/// The shortest path from a root to a package over `depends` (names by name), both ends included; the first in the order
/// of the edges where there are several, none where the package was not brought by that root.
pub fn why<'a>(depends: impl Fn(&str) -> &'a [String], from: &'a str, to: &str) -> Option<Vec<&'a str>> {
    let mut parents: BTreeMap<&str, Option<&str>> = BTreeMap::from([(from, None)]);
    let mut queue = VecDeque::from([from]);
    while let Some(name) = queue.pop_front() {
        if name == to {
            let mut path = vec![name];
            while let Some(Some(parent)) = path.last().and_then(|last| parents.get(last)) {
                path.push(parent);
            }
            path.reverse();
            return Some(path);
        }
        for next in depends(name) {
            if !parents.contains_key(next.as_str()) {
                parents.insert(next, Some(name));
                queue.push_back(next);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shortest_path() {
        let edges: BTreeMap<&str, Vec<String>> = BTreeMap::from([
            ("web", vec!["curl".to_owned(), "libc6".to_owned()]),
            ("curl", vec!["libcurl4".to_owned(), "libc6".to_owned()]),
            ("libcurl4", vec!["libssl3".to_owned(), "curl".to_owned()]),
        ]);
        let depends = |name: &str| edges.get(name).map_or(&[][..], Vec::as_slice);
        assert_eq!(why(depends, "web", "libssl3"), Some(vec!["web", "curl", "libcurl4", "libssl3"]));
        assert_eq!(why(depends, "web", "libc6"), Some(vec!["web", "libc6"]));
        assert_eq!(why(depends, "web", "web"), Some(vec!["web"]));
        assert_eq!(why(depends, "libc6", "web"), None);
    }
}
