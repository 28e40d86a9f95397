//! `/etc/passwd` and `/etc/group`, from the stack file alone.

use std::collections::BTreeMap;

use longshore_oci::{Origin, TreePath};
use longshore_stack::model::{ImageSpec, UserSpec};

use super::ComposeError;
use super::builder::Builder;

const NOBODY: u32 = 65534;

/// Writes the account files.
pub(super) fn place(build: &mut Builder<'_>) -> Result<(), ComposeError> {
    let (passwd, group) = files(build.input.spec);
    let origin = Origin::Longshore("accounts".to_owned());
    build.put_bytes(&TreePath::new("etc/passwd")?, 0o644, passwd.as_bytes(), &origin)?;
    build.put_bytes(&TreePath::new("etc/group")?, 0o644, group.as_bytes(), &origin)?;
    Ok(())
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
    let passwd = users
        .iter()
        .map(|u| format!("{}:x:{}:{}:{}:{}:{}\n", u.name, u.uid, u.gid, u.name, u.home, u.shell))
        .collect();
    (passwd, groups.iter().map(|(gid, name)| format!("{name}:x:{gid}:\n")).collect())
}
