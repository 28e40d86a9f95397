//! Go's files as they are told of and as they come from what was vendored.
//!
//! A module's files are known by their lines of `go.sum`. Which modules a main module needs only Go can say, so the answer is
//! vendored as well: a `go.sum` with their lines alone, by what it was the answer to. It vouches for nothing: every file is held
//! to the sums that the project and the stack's lock have.

use std::path::PathBuf;

use longshore_oci::{Digest, Store, Tree, TreePath, read_bounded};

use super::client;
use super::error::GoError;
use super::gosum::{self, GoSum, Part};
use super::module::ModuleVersion;
use crate::supply::Layout;
use crate::{Error, Kind, Supply, Wanted, Witness};

/// How a part of a module is asked for.
pub fn wanted(module: &ModuleVersion, part: Part, sum: &str) -> Wanted {
    Wanted {
        kind: match part {
            Part::Zip => Kind::GoModule,
            Part::GoMod => Kind::GoMod,
        },
        name: module.path().to_owned(),
        version: module.version().to_owned(),
        id: format!("{module} {sum}"),
    }
}

/// How the list of a main module's modules is asked for.
fn list(of: &str, key: &Digest) -> Wanted {
    Wanted {
        kind: Kind::GoModules,
        name: of.trim_matches('`').to_owned(),
        version: String::new(),
        id: key.to_string(),
    }
}

/// Parts of one module as the script that fetches them leaves them, each at its path.
pub fn parts(
    build: &str,
    module: &ModuleVersion,
    known: &GoSum,
    parts: &[(Part, &str)],
    supply: &dyn Supply,
    store: &Store,
) -> Result<PathBuf, Error> {
    let mut layout = Layout::new(build, supply, store)?;
    for (part, path) in parts {
        layout.place(&wanted(module, *part, known.get(module, *part).unwrap_or_default()), path)?;
    }
    layout.done()
}

/// The module cache of all that a main module needs, `key` being what was asked.
pub fn cache(
    build: &str,
    of: &str,
    key: &Digest,
    supply: &dyn Supply,
    store: &Store,
) -> Result<PathBuf, Error> {
    let mut layout = Layout::new(build, supply, store)?;
    let Some(content) = layout.find(&list(of, key))? else { return layout.done() };
    let bytes = read_bounded(store.open_blob(&content)?, gosum::MAX_SIZE)?;
    let text =
        String::from_utf8(bytes).map_err(|_| GoError::Text { file: "list of modules", of: of.to_owned() })?;
    let sums = GoSum::parse(&text).map_err(|error| GoError::GoSum { of: of.to_owned(), error })?;
    for (module, part, sum) in sums.iter() {
        let path = format!("{}/cache/download/{}.{}", client::FETCHED, module.cached(), part.ending());
        layout.place(&wanted(&module, part, sum), &path)?;
    }
    layout.done()
}

/// Tells of the modules in `tree`, a module proxy's, and of the list of them.
pub fn tell(
    build: &str,
    of: &str,
    key: &Digest,
    tree: &Tree,
    sums: &GoSum,
    witness: &dyn Witness,
    store: &Store,
) -> Result<(), Error> {
    let within = sums.within(tree);
    for (module, part, sum) in within.iter() {
        let path = TreePath::new(format!("{}.{}", module.cached(), part.ending()));
        let entry = path.ok().and_then(|path| tree.get(&path));
        if let Some(longshore_oci::Node::File(content)) = entry.map(|entry| &entry.node) {
            witness.takes(build, wanted(&module, part, sum), *content);
        }
    }
    witness.takes(build, list(of, key), store.put(within.to_string().as_bytes())?);
    Ok(())
}
