//! Why a build is made again: what of its recipe changed, in words.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use longshore_oci::{Digest, Entry, Node, PackageId, Tree, TreePath};

use crate::{Error, Executor, Mounted, Recipe, Root, Step};

/// Changed files of one tree that are named.
const NAMED: usize = 20;

/// What changed from `old` to `new`, a line each; none when they have one key.
pub fn explain(executor: &Executor<'_>, old: &Recipe, new: &Recipe) -> Result<Vec<String>, Error> {
    let mut lines = Vec::new();
    if old.sandbox != new.sandbox {
        lines.push(format!("rules of the sandbox: {} → {}", old.sandbox, new.sandbox));
    }
    if old.platform != new.platform {
        lines.push(format!("platform: {} → {}", old.platform, new.platform));
    }
    roots(&mut lines, &old.root, &new.root);
    mounts(&mut lines, executor, &old.mounts, &new.mounts)?;
    steps(&mut lines, &old.steps, &new.steps);
    if old.output != new.output {
        lines.push(format!("output: `{}` → `{}`", old.output, new.output));
    }
    Ok(lines)
}

fn roots(lines: &mut Vec<String>, old: &Root, new: &Root) {
    match (old, new) {
        (Root::Host, Root::Host) => {}
        (Root::Host, Root::Packages(_)) => {
            lines.push(String::from("toolchain: the machine's → locked packages"))
        }
        (Root::Packages(_), Root::Host) => {
            lines.push(String::from("toolchain: locked packages → the machine's"))
        }
        (Root::Packages(old), Root::Packages(new)) => packages(lines, old, new),
    }
}

fn packages(lines: &mut Vec<String>, old: &BTreeMap<PackageId, Digest>, new: &BTreeMap<PackageId, Digest>) {
    let by_name = |packages: &BTreeMap<PackageId, Digest>| -> BTreeMap<(String, String), (String, Digest)> {
        let named = |(id, deb): (&PackageId, &Digest)| {
            ((id.name.clone(), id.architecture.clone()), (id.version.clone(), *deb))
        };
        packages.iter().map(named).collect()
    };
    for ((name, architecture), old, new) in both(&by_name(old), &by_name(new)) {
        let package = format!("toolchain package `{name}:{architecture}`");
        lines.push(match (old, new) {
            (Some((old, _)), Some((new, _))) if old != new => format!("{package}: {old} → {new}"),
            (Some((version, old)), Some((_, new))) => {
                format!("{package} {version}: its file {} → {}", old.short(), new.short())
            }
            (None, Some((new, _))) => format!("{package}: {new} is new"),
            (Some((old, _)), None) => format!("{package}: {old} is gone"),
            (None, None) => continue,
        });
    }
}

fn mounts(
    lines: &mut Vec<String>,
    executor: &Executor<'_>,
    old: &BTreeMap<String, Mounted>,
    new: &BTreeMap<String, Mounted>,
) -> Result<(), Error> {
    for (at, old, new) in both(old, new) {
        match (old, new) {
            (Some(old), Some(new)) => {
                if old.what != new.what {
                    lines.push(format!("`{at}`: {} → {}", old.what, new.what));
                }
                if old.tree != new.tree {
                    trees(lines, &new.what, executor.tree(&old.tree).ok(), &executor.tree(&new.tree)?);
                }
            }
            (None, Some(new)) => lines.push(format!("`{at}`: {} is new", new.what)),
            (Some(old), None) => lines.push(format!("`{at}`: {} is gone", old.what)),
            (None, None) => {}
        }
    }
    Ok(())
}

fn trees(lines: &mut Vec<String>, what: &str, old: Option<Tree>, new: &Tree) {
    let Some(old) = old else {
        lines.push(format!("{what}: changed; what it was is no longer in the store"));
        return;
    };
    let by_path = |tree: &Tree| -> BTreeMap<TreePath, Arc<Entry>> {
        tree.iter().map(|(path, entry)| (path.clone(), entry.clone())).collect()
    };
    let (old, new) = (by_path(&old), by_path(new));
    let changed = both(&old, &new);
    for (path, old, new) in changed.iter().take(NAMED) {
        let path = path.to_string();
        let path = path.trim_start_matches('/');
        lines.push(match (old, new) {
            (Some(old), Some(new)) => format!("{what}: `{path}`: {} → {}", shown(old), shown(new)),
            (None, Some(_)) => format!("{what}: `{path}` is new"),
            (Some(_), None) | (None, None) => format!("{what}: `{path}` is gone"),
        });
    }
    if let Some(more) = changed.len().checked_sub(NAMED).filter(|more| *more > 0) {
        lines.push(format!("{what}: and {more} more files"));
    }
}

/// An entry in a few words.
pub(crate) fn shown(entry: &Entry) -> String {
    match &entry.node {
        Node::Directory => format!("a folder {:04o}", entry.mode),
        Node::File(content) => {
            format!("{} bytes {:04o} {}", content.size, entry.mode, content.digest.short())
        }
        Node::Symlink(target) => format!("a link to `{}`", String::from_utf8_lossy(target)),
        Node::Hardlink(target) => format!("another name of `{target}`"),
    }
}

fn steps(lines: &mut Vec<String>, old: &[Step], new: &[Step]) {
    let number = |steps: &[Step]| -> BTreeMap<usize, Step> { steps.iter().cloned().enumerate().collect() };
    for (index, old, new) in both(&number(old), &number(new)) {
        let at = format!("command {}", index + 1);
        let (old, new) = match (old, new) {
            (Some(old), Some(new)) => (old, new),
            (None, Some(new)) => {
                lines.push(format!("{at}: `{}` is new", new.argv.join(" ")));
                continue;
            }
            (Some(old), None) => {
                lines.push(format!("{at}: `{}` is gone", old.argv.join(" ")));
                continue;
            }
            (None, None) => continue,
        };
        if old.what != new.what && old.argv == new.argv {
            lines.push(format!("{at}: called `{}` → `{}`", old.what, new.what));
        }
        if old.argv != new.argv {
            lines.push(format!("{at}: `{}` → `{}`", old.argv.join(" "), new.argv.join(" ")));
        }
        if old.cwd != new.cwd {
            lines.push(format!("{at}: starts in `{}` → `{}`", old.cwd, new.cwd));
        }
        for (name, old, new) in both(&old.env, &new.env) {
            lines.push(match (old, new) {
                (Some(old), Some(new)) => format!("{at}: `{name}={old}` → `{name}={new}`"),
                (None, Some(new)) => format!("{at}: `{name}={new}` is new"),
                (Some(old), None) => format!("{at}: `{name}={old}` is gone"),
                (None, None) => continue,
            });
        }
    }
}

/// What two maps say of the keys where they differ.
pub(crate) fn both<'a, K: Ord + Clone, V: PartialEq>(
    old: &'a BTreeMap<K, V>,
    new: &'a BTreeMap<K, V>,
) -> Vec<(K, Option<&'a V>, Option<&'a V>)> {
    let keys: BTreeSet<&K> = old.keys().chain(new.keys()).collect();
    let pairs = keys.into_iter().map(|key| (key.clone(), old.get(key), new.get(key)));
    pairs.filter(|(_, old, new)| old != new).collect()
}
