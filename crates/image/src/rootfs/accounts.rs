//! `/etc/passwd` and `/etc/group`, from the stack file alone, or from the base with what the stack file adds.

use std::collections::BTreeMap;

use longshore_oci::{Origin, TreePath};
use longshore_stack::model::{ImageSpec, UserSpec};

use super::ComposeError;
use super::builder::Builder;

const NOBODY: u32 = 65534;

/// Writes the account files.
pub(super) fn place(build: &mut Builder<'_>) -> Result<(), ComposeError> {
    let origin = Origin::Longshore("accounts".to_owned());
    if build.input.spec.base.is_some() {
        return on_base(build, &origin);
    }
    let (passwd, group) = files(build.input.spec);
    build.put_bytes(&TreePath::new("etc/passwd")?, 0o644, passwd.as_bytes(), &origin)?;
    build.put_bytes(&TreePath::new("etc/group")?, 0o644, group.as_bytes(), &origin)?;
    Ok(())
}

/// Adds the users of the stack file to the accounts of the base; files that have them already stay the base's.
fn on_base(build: &mut Builder<'_>, origin: &Origin) -> Result<(), ComposeError> {
    let spec = build.input.spec;
    let (passwd, group) = (TreePath::new("etc/passwd")?, TreePath::new("etc/group")?);
    let (mut users, mut groups) = (lines(build, &passwd)?, lines(build, &group)?);
    let before = (users.clone(), groups.clone());
    for user in spec.users.iter().chain([&spec.user]) {
        let (uid, gid) = (user.uid.to_string(), user.gid.to_string());
        if !has(&users, 0, &user.name, &[(2, &uid), (3, &gid)]) && !has(&users, 2, &uid, &[(3, &gid)]) {
            users.retain(|line| field(line, 0) != user.name);
            users.push(account(user));
        }
        if !has(&groups, 2, &gid, &[]) {
            groups.retain(|line| field(line, 0) != user.name);
            groups.push(format!("{}:x:{gid}:", user.name));
        }
    }
    for (path, before, now) in [(passwd, before.0, users), (group, before.1, groups)] {
        if before != now {
            let text = now.iter().map(|line| format!("{line}\n")).collect::<String>();
            build.put_bytes(&path, 0o644, text.as_bytes(), origin)?;
        }
    }
    Ok(())
}

fn lines(build: &Builder<'_>, path: &TreePath) -> Result<Vec<String>, ComposeError> {
    let bytes = build.read(path)?.unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    Ok(text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect())
}

/// Whether the first line that has `value` in `column` has the rest too.
fn has(lines: &[String], column: usize, value: &str, rest: &[(usize, &str)]) -> bool {
    let line = lines.iter().find(|line| field(line, column) == value);
    line.is_some_and(|line| rest.iter().all(|(column, value)| field(line, *column) == *value))
}

fn field(line: &str, column: usize) -> &str {
    line.split(':').nth(column).unwrap_or_default()
}

fn account(user: &UserSpec) -> String {
    let UserSpec { name, uid, gid, home, shell } = user;
    format!("{name}:x:{uid}:{gid}:{name}:{home}:{shell}")
}

/// The two files: `root` and `nobody` as Debian has them unless the stack file says otherwise, then its own users; sorted
/// by number.
fn files(spec: &ImageSpec) -> (String, String) {
    let builtin = |name: &str, id: u32, home: &str| UserSpec {
        name: name.to_owned(),
        uid: id,
        gid: id,
        home: home.to_owned(),
        shell: "/usr/sbin/nologin".to_owned(),
    };
    let mut users = BTreeMap::new();
    let all = [builtin("root", 0, "/root"), builtin("nobody", NOBODY, "/nonexistent")];
    for user in all.iter().chain(&spec.users).chain([&spec.user]) {
        users.insert(user.name.as_str(), user);
    }
    let mut users: Vec<_> = users.into_values().collect();
    users.sort_by(|a, b| (a.uid, &a.name).cmp(&(b.uid, &b.name)));

    let mut groups = BTreeMap::from([(0, "root"), (NOBODY, "nogroup")]);
    for user in &users {
        groups.entry(user.gid).or_insert(&user.name);
    }
    let passwd = users.iter().map(|user| account(user) + "\n").collect();
    (passwd, groups.iter().map(|(gid, name)| format!("{name}:x:{gid}:\n")).collect())
}
