//! What of a whole package stays out of an image.

use longshore_oci::TreePath;
use longshore_stack::model::Keep;
use serde::Serialize;

/// Why something of a package is not in the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LeftOut {
    /// Documentation; `keep = ["docs"]` keeps it.
    Docs,
    /// Manual pages; `keep = ["man"]` keeps them.
    Man,
    /// Translations; `keep = ["locales"]` keeps them.
    Locales,
    /// Completions, menus, lint overrides: of use on an interactive system only.
    Interactive,
    /// Account files, which are made from the stack file.
    Accounts,
    /// What a slice did not ask for and does not need.
    NotNeeded,
}

const DOCS: &[&str] =
    &["usr/share/doc", "usr/share/info", "usr/share/doc-base", "usr/share/gtk-doc", "usr/share/help"];
const INTERACTIVE: &[&str] = &[
    "usr/share/bash-completion",
    "usr/share/bug",
    "usr/share/fish/vendor_completions.d",
    "usr/share/linda",
    "usr/share/lintian",
    "usr/share/menu",
    "usr/share/reportbug",
    "usr/share/zsh/vendor-completions",
    "etc/bash_completion.d",
];
const ACCOUNTS: &[&str] = &["etc/passwd", "etc/group", "etc/shadow", "etc/gshadow"];

/// Why `path` of a package stays out; none when it goes in. Copyright files always go in.
pub(super) fn left_out(path: &TreePath, keep: &[Keep]) -> Option<LeftOut> {
    let within = |folders: &[&str]| {
        folders.iter().any(|folder| {
            path.as_bytes()
                .strip_prefix(folder.as_bytes())
                .is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
        })
    };
    if within(DOCS) {
        return (!is_copyright(path) && !keep.contains(&Keep::Docs)).then_some(LeftOut::Docs);
    }
    if within(&["usr/share/man"]) {
        return (!keep.contains(&Keep::Man)).then_some(LeftOut::Man);
    }
    if within(&["usr/share/locale"]) {
        return (!keep.contains(&Keep::Locales)).then_some(LeftOut::Locales);
    }
    if within(ACCOUNTS) {
        return Some(LeftOut::Accounts);
    }
    within(INTERACTIVE).then_some(LeftOut::Interactive)
}

/// Whether `path` is `/usr/share/doc/<package>/copyright`.
fn is_copyright(path: &TreePath) -> bool {
    path.as_bytes().strip_prefix(b"usr/share/doc/").is_some_and(|rest| {
        let mut parts = rest.split(|&b| b == b'/');
        parts.next().is_some() && parts.next() == Some(b"copyright") && parts.next().is_none()
    })
}

/// Whether `path` is `/usr/share/doc/<package>` itself: some packages ship a link to another's there.
pub(super) fn is_doc_folder(path: &TreePath) -> bool {
    path.as_bytes().strip_prefix(b"usr/share/doc/").is_some_and(|rest| !rest.contains(&b'/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documentation_stays_out_and_copyright_goes_in() {
        for (path, keep, expected) in [
            ("usr/bin/x", vec![], None),
            ("usr/share/doc/x/copyright", vec![], None),
            ("usr/share/doc/x/README", vec![], Some(LeftOut::Docs)),
            ("usr/share/doc/x/examples/copyright", vec![], Some(LeftOut::Docs)),
            ("usr/share/doc/x/README", vec![Keep::Docs], None),
            ("usr/share/docx/README", vec![], None),
            ("usr/share/man/man1/x.1.gz", vec![Keep::Docs], Some(LeftOut::Man)),
            ("usr/share/locale/de/LC_MESSAGES/x.mo", vec![], Some(LeftOut::Locales)),
            ("usr/share/lintian/overrides/x", vec![Keep::Docs, Keep::Man], Some(LeftOut::Interactive)),
            ("etc/passwd", vec![], Some(LeftOut::Accounts)),
        ] {
            assert_eq!(left_out(&TreePath::new(path).unwrap(), &keep), expected, "{path} {keep:?}");
        }
    }
}
