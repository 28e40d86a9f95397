//! What other parts of the stack may speak of: an image's users, ports and folder.

use std::collections::{BTreeMap, BTreeSet};

use longshore_oci::TreePath;

use super::names;
use crate::file::{At, ImageTable, PortTable, Shorthand, UserTable};
use crate::findings::Findings;
use crate::model::{PortSpec, Protocol, UserSpec};

/// The plain facts of an image.
#[derive(Debug, Clone)]
pub(super) struct Runtime {
    pub(super) user: UserSpec,
    pub(super) users: Vec<UserSpec>,
    pub(super) ports: BTreeMap<String, PortSpec>,
    pub(super) workdir: Option<TreePath>,
}

impl Runtime {
    /// The numbers of a declared user, or of root.
    pub(super) fn owner(&self, name: &At<String>, findings: &mut Findings) -> (u32, u32) {
        let own = Some(&self.user).filter(|user| !user.is_later());
        let users: Vec<&UserSpec> = own.into_iter().chain(&self.users).collect();
        if let Some(user) = users.iter().find(|user| user.name == name.value) {
            return (user.uid, user.gid);
        }
        if name.value != "root" {
            let known: BTreeSet<&str> = users.iter().map(|user| user.name.as_str()).chain(["root"]).collect();
            super::unknown("user", name, &known.into_iter().collect::<Vec<_>>(), findings);
        }
        (0, 0)
    }
}

pub(super) fn check(image: &At<String>, table: &ImageTable, findings: &mut Findings) -> Runtime {
    let user = match &table.user {
        Some(user) => check_user(user, findings),
        None if table.base.is_some() => UserSpec::later(),
        // The number that distroless images use for the same purpose.
        None => UserSpec {
            name: "app".into(),
            uid: 65532,
            gid: 65532,
            home: "/".into(),
            shell: "/usr/sbin/nologin".into(),
        },
    };
    if user.uid == 0 && !table.allow.iter().any(|allow| allow.value == "root-user") {
        let span = table.user.as_ref().map_or(&image.span, |user| &user.uid.span);
        findings.error("stack::root-user", span, format!("image `{}` runs as root", image.value)).help(
            "give it a number of its own; if it must be root, add `allow = [\"root-user\"]`".to_owned(),
        );
    }
    let mut users: Vec<UserSpec> = Vec::new();
    for other in &table.users {
        let checked = check_user(other, findings);
        for known in std::iter::once(&user).chain(&users) {
            if known.name == checked.name {
                let message = format!("image `{}` has two users called `{}`", image.value, checked.name);
                findings.error("stack::doubled", &other.name.span, message);
            } else if known.uid == checked.uid {
                let message = format!(
                    "users `{}` and `{}` of image `{}` are both {}",
                    known.name, checked.name, image.value, checked.uid
                );
                findings.error("stack::doubled", &other.uid.span, message);
            }
        }
        users.push(checked);
    }
    users.sort_by(|a, b| a.name.cmp(&b.name));
    Runtime {
        user,
        users,
        ports: check_ports("image", image, &table.ports, findings),
        workdir: table.workdir.as_ref().and_then(|path| names::absolute("`workdir`", path, findings)),
    }
}

fn check_user(table: &UserTable, findings: &mut Findings) -> UserSpec {
    let name = &table.name;
    if !names::is_user(name) {
        findings
            .error("stack::name", &name.span, format!("`{}` can't be the name of a user", name.value))
            .help(
                "use at most 32 lower-case letters, digits, `-` and `_`, beginning with a letter".to_owned(),
            );
    }
    if (name.value == "root") != (table.uid.value == 0) {
        findings
            .error(
                "stack::name",
                &table.uid.span,
                format!("user `{}` can't have number {}", name.value, table.uid.value),
            )
            .help("`root` is 0, and nobody else is".to_owned());
    }
    let mut path = |what: &str, path: &Option<At<String>>, default: &str| {
        let Some(written) = path else { return default.to_owned() };
        if written.contains([':', '\n']) {
            let message =
                format!("{what} holds a colon or a line break, which separate fields in /etc/passwd");
            findings.error("stack::path", &written.span, message);
        }
        names::absolute(what, written, findings).map_or_else(|| default.to_owned(), |path| path.to_string())
    };
    UserSpec {
        home: path("`home`", &table.home, "/"),
        shell: path("`shell`", &table.shell, "/usr/sbin/nologin"),
        name: name.value.clone(),
        uid: table.uid.value,
        gid: table.gid.unwrap_or(table.uid.value),
    }
}

/// The ports of an image or a service, which `what` says.
pub(super) fn check_ports(
    what: &str,
    owner: &At<String>,
    written: &BTreeMap<At<String>, At<Shorthand<PortTable>>>,
    findings: &mut Findings,
) -> BTreeMap<String, PortSpec> {
    let mut ports: BTreeMap<String, PortSpec> = BTreeMap::new();
    for (name, written) in written {
        if !names::is_user(&name.replace('_', "-")) {
            findings
                .error("stack::name", &name.span, format!("`{}` can't be the name of a port", name.value))
                .help("use lower-case letters, digits, `-` and `_`, beginning with a letter".to_owned());
        }
        let Some(port) = parse_port(&written.value) else {
            // What is wrong with numbers and tables the schema has said.
            if !matches!(written.value, Shorthand::Text(_)) {
                continue;
            }
            findings
                .error(
                    "stack::port",
                    &written.span,
                    format!("port `{}` is not a number from 1 to 65535", name.value),
                )
                .help("write 8080, \"53/udp\" or { number = 53, protocol = \"udp\" }".to_owned());
            continue;
        };
        if let Some((other, _)) = ports.iter().find(|(_, known)| **known == port) {
            let message = format!(
                "ports `{other}` and `{}` of {what} `{}` are both {}",
                name.value, owner.value, port.number
            );
            findings.error("stack::doubled", &written.span, message);
        }
        ports.insert(name.value.clone(), port);
    }
    ports
}

pub(super) fn parse_port(port: &Shorthand<PortTable>) -> Option<PortSpec> {
    let (number, protocol) = match port {
        Shorthand::Number(number) => (*number, "tcp"),
        Shorthand::Text(text) => {
            let (number, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
            if !number.bytes().all(|digit| digit.is_ascii_digit()) {
                return None;
            }
            (number.parse().ok()?, protocol)
        }
        Shorthand::Full(table) => (table.number, table.protocol.as_deref().unwrap_or("tcp")),
    };
    let protocol = match protocol {
        "tcp" => Protocol::Tcp,
        "udp" => Protocol::Udp,
        _ => return None,
    };
    let number = u16::try_from(number).ok().filter(|number| *number != 0)?;
    Some(PortSpec { number, protocol })
}
