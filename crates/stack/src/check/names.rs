//! Names, paths, modes: text into types.

use std::path::{Path, PathBuf};

use longshore_oci::TreePath;

use crate::file::At;
use crate::findings::Findings;
use crate::model::Destination;

/// A path component of an image reference (OCI distribution specification, `<name>`).
pub(crate) fn is_name(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.len() <= 128
        && text.starts_with(plain)
        && text.ends_with(plain)
        && text.chars().all(|c| plain(c) || matches!(c, '-' | '_' | '.'))
        && text.as_bytes().windows(2).all(|pair| plain(pair[0].into()) || plain(pair[1].into()))
}

/// A Debian package's name (Debian policy 5.6.1).
pub(crate) fn is_package(text: &str) -> bool {
    text.len() >= 2
        && text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '+' | '-' | '.'))
}

/// A sum of a Go module: `h1:` and base64 of a SHA-256 (Go modules reference, "go.sum files").
pub(crate) fn is_go_sum(text: &str) -> bool {
    let plain = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'+' | b'/');
    text.strip_prefix("h1:")
        .and_then(|rest| rest.strip_suffix('='))
        .is_some_and(|base64| base64.len() == 43 && base64.bytes().all(plain))
}

/// A user's name as shadow's tools take it by default.
pub(super) fn is_user(text: &str) -> bool {
    text.len() <= 32
        && text.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_'))
}

/// An absolute path inside an image.
pub(super) fn absolute(what: &str, text: &At<String>, findings: &mut Findings) -> Option<TreePath> {
    if !text.starts_with('/') {
        findings
            .error("stack::path", &text.span, format!("{what} `{}` is not an absolute path", text.value))
            .label("must begin with `/`")
            .help(format!("write `/{}`", text.trim_start_matches("./")));
        return None;
    }
    TreePath::new(text.as_bytes())
        .map_err(|error| {
            findings.error("stack::path", &text.span, format!("{what}: {error}"));
        })
        .ok()
}

/// An absolute path inside an image that is not its root.
pub(super) fn below_root(what: &str, text: &At<String>, findings: &mut Findings) -> Option<TreePath> {
    let path = absolute(what, text, findings)?;
    if path.is_root() {
        findings.error("stack::path", &text.span, format!("{what} can't be the root folder itself"));
        return None;
    }
    Some(path)
}

/// A relative path inside `whole`; the root when it is `.`.
pub(super) fn inside(whole: &str, text: &At<String>, findings: &mut Findings) -> Option<TreePath> {
    match TreePath::new(text.as_bytes()) {
        Ok(path) if !text.starts_with('/') => Some(path),
        Ok(path) => {
            findings
                .error(
                    "stack::path",
                    &text.span,
                    format!("`{}` is absolute; it must be a path inside {whole}", text.value),
                )
                .help(format!("write `{}`", path.to_string().trim_start_matches('/')));
            None
        }
        Err(error) => {
            findings.error("stack::path", &text.span, error.to_string());
            None
        }
    }
}

/// Where something goes; a slash at the end makes a folder of it.
pub(super) fn destination(text: &At<String>, findings: &mut Findings) -> Option<Destination> {
    if text.ends_with('/') {
        absolute("`to`", text, findings).map(Destination::Into)
    } else {
        below_root("`to`", text, findings).map(Destination::Exactly)
    }
}

/// Permission bits in octal.
pub(super) fn mode(text: Option<&At<String>>, findings: &mut Findings) -> Option<u16> {
    let text = text?;
    let octal = (3..=4).contains(&text.len()).then(|| u16::from_str_radix(text, 8).ok()).flatten();
    if octal.is_none() || text.starts_with('+') {
        findings
            .error("stack::mode", &text.span, format!("`{}` is not a file mode", text.value))
            .help("write three or four octal digits, as in \"0644\"".to_owned());
        return None;
    }
    octal
}

/// What is expected beside the stack file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beside {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// One of the two.
    Either,
}

/// A path beside the stack file, cleaned of `./`, that is there, is what is expected and does not lead out of `folder`,
/// not even by symbolic links. The second path is where it really is.
pub(super) fn beside(
    what: Beside,
    text: &At<String>,
    folder: &Path,
    findings: &mut Findings,
) -> Option<(String, PathBuf)> {
    let outside = |findings: &mut Findings| {
        findings
            .error(
                "stack::path",
                &text.span,
                format!("`{}` leads out of the stack file's folder", text.value),
            )
            .help(
                "name a path inside the folder of the stack file, so that the stack can be moved as one"
                    .to_owned(),
            );
    };
    let (noun, is): (_, fn(&std::fs::Metadata) -> bool) = match what {
        Beside::File => ("file", std::fs::Metadata::is_file),
        Beside::Folder => ("folder", std::fs::Metadata::is_dir),
        Beside::Either => ("file or folder", |meta| meta.is_file() || meta.is_dir()),
    };
    let clean = match TreePath::new(text.as_bytes()) {
        _ if text.starts_with('/') || text.split('/').any(|part| part == "..") => {
            outside(findings);
            return None;
        }
        Ok(path) if path.is_root() => {
            findings.error(
                "stack::path",
                &text.span,
                format!("`{}` is the stack file's own folder", text.value),
            );
            return None;
        }
        Ok(path) => String::from_utf8_lossy(path.as_bytes()).into_owned(),
        Err(error) => {
            findings.error("stack::path", &text.span, error.to_string());
            return None;
        }
    };
    // The stack file's folder was read from a moment ago.
    let root = fs_err::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    match fs_err::canonicalize(folder.join(&clean)).and_then(|path| Ok((fs_err::metadata(&path)?, path))) {
        Ok((_, path)) if !path.starts_with(&root) => {
            outside(findings);
            None
        }
        Ok((metadata, path)) if is(&metadata) => Some((clean, path)),
        Ok(_) => {
            findings.error("stack::path", &text.span, format!("`{clean}` is not a {noun}"));
            None
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            findings.error(
                "stack::path",
                &text.span,
                format!("there is no {noun} `{clean}` beside the stack file"),
            );
            None
        }
        Err(error) => {
            findings.error("stack::path", &text.span, format!("can't look at `{clean}`: {}", error.kind()));
            None
        }
    }
}

/// A variable of an environment.
pub(super) fn check_env(name: &At<String>, value: &At<String>, findings: &mut Findings) {
    if name.is_empty() || name.contains(['=', '\0']) || name.contains(char::is_whitespace) {
        let message = format!("`{}` can't be the name of an environment variable", name.value);
        findings.error("stack::name", &name.span, message);
    }
    if value.contains('\0') {
        let message = format!("the value of `{}` holds a NUL character", name.value);
        findings.error("stack::env", &value.span, message);
    }
}
