//! What was meant by a path that is not there.

use longshore_oci::TreePath;

/// Of `paths` the one that is probably meant by `wanted`: of the same name somewhere else, or with a similar one in the same folder.
pub(super) fn similar<'a>(
    wanted: &TreePath,
    paths: impl Iterator<Item = &'a TreePath>,
) -> Option<&'a TreePath> {
    let paths: Vec<_> = paths.collect();
    let elsewhere = paths.iter().find(|path| path.name() == wanted.name()).copied();
    elsewhere.or_else(|| {
        let beside: Vec<_> = paths.into_iter().filter(|path| path.folder() == wanted.folder()).collect();
        let names: Vec<_> = beside.iter().map(|path| String::from_utf8_lossy(path.name())).collect();
        let name = String::from_utf8_lossy(wanted.name());
        let nearest = longshore_stack::nearest(&name, names.iter().map(AsRef::as_ref))?;
        beside.into_iter().zip(&names).find(|(_, name)| *name == nearest).map(|(path, _)| path)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_name_elsewhere_comes_before_a_similar_one_in_the_same_folder() {
        let path = |text: &str| TreePath::new(text).unwrap();
        let paths =
            ["usr/bin/caddy", "usr/bin/candle", "usr/share/caddy", "usr/share/doc/cady.txt"].map(path);
        for (wanted, expected) in [
            ("usr/bin/cady", Some("/usr/bin/caddy")),
            ("bin/caddy", Some("/usr/bin/caddy")),
            ("usr/bin/cady.txt", Some("/usr/share/doc/cady.txt")),
            ("usr/lib/cady", None),
            ("usr/bin/nginx", None),
        ] {
            let found = similar(&path(wanted), paths.iter()).map(ToString::to_string);
            assert_eq!(found.as_deref(), expected, "{wanted}");
        }
    }
}
