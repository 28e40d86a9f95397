//! Lints on how the image starts: its program, its user, its working directory, its state, its environment.

use longshore_oci::{Entry, Node, TreePath};
use longshore_stack::model::ImageSpec;

use super::{Finding, Severity};
use crate::rootfs::{RootFs, links};

/// Where programs are looked for when the image sets no `PATH`, as container engines do it.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Reports what it finds; returns the path of the program that the image starts.
pub(super) fn check(rootfs: &RootFs, spec: &ImageSpec, findings: &mut Vec<Finding>) -> Option<TreePath> {
    let user = Ids { uid: spec.user.uid, gid: spec.user.gid };
    if spec.user.uid == 0 {
        findings.push(Finding {
            lint: "root-user",
            severity: Severity::Warning,
            subject: spec.user.name.clone(),
            message: "the image runs as root".to_owned(),
            hint: "set `user = { name = \"app\", uid = 10001 }`".to_owned(),
            origin: None,
        });
    }
    if let Some(workdir) = &spec.workdir
        && !enters(rootfs, workdir, user)
    {
        findings.push(Finding {
            lint: "workdir",
            severity: Severity::Error,
            subject: workdir.to_string(),
            message: format!("user `{}` can't enter `{workdir}`, where the program starts", spec.user.name),
            hint: "choose another `workdir`, or list it in `writable`".to_owned(),
            origin: rootfs.origin(workdir).cloned(),
        });
    }
    state(rootfs, spec, findings);
    secrets(spec, findings);
    program(rootfs, spec, user, findings)
}

fn program(rootfs: &RootFs, spec: &ImageSpec, user: Ids, findings: &mut Vec<Finding>) -> Option<TreePath> {
    let name = spec.entrypoint.first().or_else(|| spec.command.first())?;
    let mut report = |message: String, hint: String, at: Option<&TreePath>| {
        findings.push(Finding {
            lint: "command",
            severity: Severity::Error,
            subject: name.clone(),
            message,
            hint,
            origin: at.and_then(|at| rootfs.origin(at)).cloned(),
        });
    };
    let found = candidates(name, spec).into_iter().find_map(|path| links::follow(rootfs.tree(), &path));
    let Some(at) = found else {
        let base = name.rsplit('/').next().unwrap_or(name);
        let elsewhere = rootfs.tree().iter().find(|(path, entry)| {
            path.name() == base.as_bytes() && entry.node != Node::Directory && entry.mode & 0o111 != 0
        });
        let hint = match elsewhere {
            Some((path, _)) => format!("did you mean `{path}`?"),
            None => format!("add what brings `{base}` to `contents`, or correct `command`"),
        };
        report(format!("the image starts `{name}`, which is not in it"), hint, None);
        return None;
    };
    let file = rootfs.tree().get(&at).filter(|entry| matches!(entry.node, Node::File(_) | Node::Hardlink(_)));
    if !file.is_some_and(|entry| may(entry, user, 1)) || !at.ancestors().all(|p| passes(rootfs, &p, user)) {
        let mode = rootfs.tree().get(&at).map_or(0, |entry| entry.mode);
        let message = format!(
            "the image starts `{name}`, which user `{}` can't execute (`{at}`, mode {mode:04o})",
            spec.user.name
        );
        report(message, "set `mode = \"0755\"` where it comes in".to_owned(), Some(&at));
    }
    Some(at)
}

/// Paths that `name` may mean.
fn candidates(name: &str, spec: &ImageSpec) -> Vec<TreePath> {
    let workdir = spec.workdir.clone().unwrap_or_default();
    if name.starts_with('/') {
        return links::target(&TreePath::root(), name.as_bytes()).into_iter().collect();
    }
    if name.contains('/') {
        let path = [b"/", workdir.as_bytes(), b"/", name.as_bytes()].concat();
        return links::target(&TreePath::root(), &path).into_iter().collect();
    }
    let folders = spec.env.get("PATH").map_or(PATH, String::as_str).split(':');
    folders.filter_map(|folder| TreePath::new(format!("{folder}/{name}")).ok()).collect()
}

fn state(rootfs: &RootFs, spec: &ImageSpec, findings: &mut Vec<Finding>) {
    for writable in &spec.writable {
        let (uid, gid) = writable.owner;
        let owner = Ids { uid, gid };
        let there = links::follow(rootfs.tree(), &writable.path);
        let entry = there.as_ref().and_then(|at| rootfs.tree().get(at));
        let works = entry.is_some_and(|entry| entry.node == Node::Directory && may(entry, owner, 3));
        if works && enters(rootfs, &writable.path, owner) {
            continue;
        }
        findings.push(Finding {
            lint: "writable",
            severity: Severity::Error,
            subject: writable.path.to_string(),
            message: format!(
                "`{}` is declared as writable, and its owner {uid}:{gid} can't write there",
                writable.path
            ),
            hint: "give it mode 0750 or more, and put it under folders that everyone may enter".to_owned(),
            origin: rootfs.origin(&writable.path).cloned(),
        });
    }
}

fn secrets(spec: &ImageSpec, findings: &mut Vec<Finding>) {
    for (name, value) in &spec.env {
        if !names_secret(name, value) && !is_secret(value) {
            continue;
        }
        findings.push(Finding {
            lint: "secret",
            severity: Severity::Warning,
            subject: name.clone(),
            message: format!("the environment variable `{name}` looks like a secret; everyone who has the image can read it"),
            hint: format!("pass it when the service starts, or allow it: `allow = [\"secret:{name}\"]`"),
            origin: None,
        });
    }
}

fn names_secret(name: &str, value: &str) -> bool {
    const WORDS: [&str; 9] = [
        "PASSWORD",
        "PASSWD",
        "PASSPHRASE",
        "SECRET",
        "TOKEN",
        "APIKEY",
        "API_KEY",
        "PRIVATE_KEY",
        "ACCESS_KEY",
    ];
    let name = name.to_uppercase();
    // Where a secret is, how long it lives, whether there is one: all of these are fine.
    let about = ["_FILE", "_PATH", "_DIR", "_URL", "_TTL", "_ENABLED", "_EXPIRY", "_NAME"];
    let path_or_switch =
        value.is_empty() || value.starts_with('/') || ["true", "false", "0", "1"].contains(&value);
    WORDS.iter().any(|word| name.contains(word))
        && !about.iter().any(|end| name.ends_with(end))
        && !path_or_switch
}

/// Whether a value is a secret whatever it is called: tokens by their issuers' prefixes, keys, passwords in addresses.
fn is_secret(value: &str) -> bool {
    const PREFIXES: [&str; 8] =
        ["AKIA", "ghp_", "gho_", "github_pat_", "glpat-", "xoxb-", "xoxp-", "-----BEGIN "];
    let password = value.split_once("://").is_some_and(|(_, rest)| {
        let authority = rest.split('/').next().unwrap_or_default();
        authority
            .rsplit_once('@')
            .is_some_and(|(user, _)| user.split_once(':').is_some_and(|(_, p)| !p.is_empty()))
    });
    password || PREFIXES.iter().any(|prefix| value.starts_with(prefix) && value.len() > prefix.len() + 8)
}

/// Who does something.
#[derive(Debug, Clone, Copy)]
struct Ids {
    uid: u32,
    gid: u32,
}

/// Whether `who` has all of `wanted` (4 read, 2 write, 1 execute) on `entry`. Root has everything but the execution of
/// what nobody may execute.
fn may(entry: &Entry, who: Ids, wanted: u16) -> bool {
    let bits = match who {
        Ids { uid: 0, .. } if wanted & 1 == 0 || entry.node == Node::Directory => 7,
        Ids { uid: 0, .. } => 6 | u16::from(entry.mode & 0o111 != 0),
        Ids { uid, .. } if uid == entry.uid => entry.mode >> 6,
        Ids { gid, .. } if gid == entry.gid => entry.mode >> 3,
        _ => entry.mode,
    };
    bits & wanted == wanted
}

/// Whether `who` may pass through the directory at `path`; the root lets everyone.
fn passes(rootfs: &RootFs, path: &TreePath, who: Ids) -> bool {
    path.is_root()
        || rootfs.tree().get(path).is_some_and(|entry| entry.node == Node::Directory && may(entry, who, 1))
}

/// Whether `who` can go to the directory at `path`, links followed.
fn enters(rootfs: &RootFs, path: &TreePath, who: Ids) -> bool {
    if path.is_root() {
        return true;
    }
    let Some(at) = links::follow(rootfs.tree(), path) else { return false };
    passes(rootfs, &at, who) && at.ancestors().all(|parent| passes(rootfs, &parent, who))
}
