//! Lints on what came with paths of the Nix store: what builds a program is no part of it, and a reference to it is most often
//! an oversight that a whole compiler follows.

use longshore_oci::{Node, Origin, StorePath, TreePath};

use super::files::{COMPILERS, plain};
use super::{Finding, Severity};
use crate::rootfs::{RootFs, StorePathUse};

/// Reports what it finds.
pub(super) fn check(rootfs: &RootFs, findings: &mut Vec<Finding>) {
    for (path, how) in rootfs.store_paths() {
        let root = path.tree_path();
        let entries = || rootfs.tree().under(&root);
        let below = |at: &TreePath| at.as_bytes()[root.as_bytes().len()..].to_vec();
        let compiler = entries().find(|(at, entry)| {
            let program = matches!(entry.node, Node::File(_) | Node::Hardlink(_)) && entry.mode & 0o111 != 0;
            program && below(at).starts_with(b"/bin/") && is_compiler(at.name())
        });
        if let Some((at, _)) = compiler {
            findings.push(finding(
                "compiler",
                path,
                how,
                &format!("is a compiler, assembler or linker (`{at}`)"),
            ));
            // Its headers go with it.
            continue;
        }
        let header =
            entries().find(|(at, entry)| entry.node != Node::Directory && is_development(&below(at)));
        match header {
            Some((at, _)) => {
                let what = format!("has headers, static libraries or pkg-config files (`{at}`)");
                findings.push(finding("development", path, how, &what));
            }
            None if path.name().ends_with("-dev") => {
                findings.push(finding("development", path, how, "is the development output of its package"));
            }
            None => {}
        }
    }
}

fn is_compiler(name: &[u8]) -> bool {
    std::str::from_utf8(name).is_ok_and(|name| COMPILERS.contains(&plain(name)))
}

fn is_development(below: &[u8]) -> bool {
    below.starts_with(b"/include/")
        || below.starts_with(b"/share/pkgconfig/")
        || (below.starts_with(b"/lib/")
            && (below.ends_with(b".a") || below.windows(11).any(|part| part == b"/pkgconfig/")))
}

fn finding(lint: &'static str, path: &StorePath, how: &StorePathUse, what: &str) -> Finding {
    let name = path.name();
    let asked = how.chain.len() == 1;
    let (why, hint) = match asked {
        true => (format!("`{}` asks for it", how.installable), "take another output".to_owned()),
        false => (
            how.way(),
            format!(
                "have the one before it built without the reference, or leave it out: `exclude = [\"{name}\"]`"
            ),
        ),
    };
    Finding {
        lint,
        severity: Severity::Error,
        subject: name.to_owned(),
        message: format!(
            "`{name}` {what}, and is there because {}",
            if asked { why } else { format!("of {why}") }
        ),
        hint,
        origin: Some(Origin::Nix(path.clone())),
    }
}
