//! Everything that can be asked of an index.

use longshore_sources::deb::index::Index;

/// Asks it.
pub fn walk(index: &Index) {
    for name in index.names().take(1000) {
        let _ = (index.name_text(name), index.rank(name), index.name(index.name_text(name)));
        index.providers(name).take(1000).for_each(drop);
        for package in index.packages(name).take(1000) {
            let _ = (package.id(), package.path(), package.content(), package.suite(), package.section());
            let _ =
                (package.multi_arch(), package.priority(), package.source_version(), package.is_essential());
            package.depends().take(1000).for_each(drop);
            package.conflicts().take(1000).for_each(drop);
            package.breaks().take(1000).for_each(drop);
        }
    }
}
