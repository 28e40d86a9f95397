//! Which setting of the machine is behind an error, and what to do about it.

use std::io;

use crate::{Error, Stage};

/// What containers have to be started with.
const CONTAINER: &str =
    "in a container, start it with `--security-opt seccomp=unconfined --security-opt systempaths=unconfined`";

/// Refused because of owner and mode, where EPERM is for lack of a privilege; the standard library doesn't tell them apart.
const EACCES: i32 = 13;

/// What of the machine bears on sandboxes.
#[derive(Debug, Default, Clone, Copy)]
struct Machine {
    /// Whether `kernel.unprivileged_userns_clone` (Debian's kernels) is 0.
    clone_is_off: bool,
    /// Whether `kernel.apparmor_restrict_unprivileged_userns` (Ubuntu's kernels) is 1.
    apparmor_restricts: bool,
}

impl Machine {
    #[cfg(target_os = "linux")]
    fn this() -> Self {
        let is = |name: &str, value: &str| {
            let text = fs_err::read_to_string(format!("/proc/sys/kernel/{name}"));
            text.is_ok_and(|text| text.trim() == value)
        };
        Self {
            clone_is_off: is("unprivileged_userns_clone", "0"),
            apparmor_restricts: is("apparmor_restrict_unprivileged_userns", "1"),
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn this() -> Self {
        Self::default()
    }
}

impl Error {
    /// What to do about it. Looks at the settings of this machine to name the right one.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unsupported => Some(String::from("run this on Linux; a virtual machine will do")),
            Self::Setup { stage, source, .. } => setup(*stage, source, Machine::this()),
            Self::Start { source, .. } => start(source),
            Self::Killed { .. } => {
                Some(String::from("if its memory is bounded: a few MiB are needed to start it at all"))
            }
            Self::Invalid { .. }
            | Self::Log { .. }
            | Self::Gone { .. }
            | Self::Filter(_)
            | Self::Kernel { .. } => None,
        }
    }
}

fn setup(stage: Stage, source: &io::Error, machine: Machine) -> Option<String> {
    use io::ErrorKind::{NotFound, PermissionDenied, StorageFull, Unsupported};
    let hint = match (stage, source.kind()) {
        // ENOSYS.
        (_, Unsupported) => {
            return Some(format!(
                "sandboxes need Linux 5.12 or newer (`uname -r` says which this is); {CONTAINER}"
            ));
        }
        (Stage::Namespaces, StorageFull) => {
            "the limit of user namespaces is reached; raise it: `sudo sysctl user.max_user_namespaces=65536`"
        }
        (Stage::Namespaces, PermissionDenied) if machine.clone_is_off => {
            "this kernel lets only root make namespaces; allow it: `sudo sysctl kernel.unprivileged_userns_clone=1`"
        }
        (stage, PermissionDenied) if machine.apparmor_restricts && stage.needs_privilege() => {
            "AppArmor keeps unprivileged user namespaces from being used; allow it: \
             `sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0`"
        }
        (Stage::Open, PermissionDenied) if source.raw_os_error() == Some(EACCES) => {
            "the user that runs this may not go there: look at the folders above it with `namei -l`"
        }
        (stage, PermissionDenied) if stage.needs_privilege() => return Some(String::from(CONTAINER)),
        (Stage::Open, NotFound) => "what is mounted doesn't exist on this machine",
        (Stage::Mount | Stage::Devices | Stage::Proc | Stage::Tmp, NotFound) => {
            "the sandbox's root folder has no such file or folder to mount on"
        }
        (Stage::Mount | Stage::Devices | Stage::Proc | Stage::Tmp, io::ErrorKind::NotADirectory) => {
            "a folder can be mounted on a folder only, and a file on a file"
        }
        (Stage::Folder, NotFound) => "the sandbox has no such folder to start in",
        _ => return None,
    };
    Some(String::from(hint))
}

fn start(source: &io::Error) -> Option<String> {
    /// `Exec format error`; the standard library has no stable name for it.
    const ENOEXEC: i32 = 8;
    let hint = match source.kind() {
        _ if source.raw_os_error() == Some(ENOEXEC) => {
            "it is made for another kind of processor, or is a script whose first line doesn't start with `#!`"
        }
        io::ErrorKind::NotFound => {
            "it is not in the sandbox, or the loader or interpreter that it names isn't"
        }
        io::ErrorKind::PermissionDenied => {
            "it is not executable for every user, or a folder on its way isn't open to all"
        }
        _ => return None,
    };
    Some(String::from(hint))
}

impl Stage {
    /// Whether only who has privileges, or a user namespace, may do this.
    fn needs_privilege(self) -> bool {
        matches!(
            self,
            Self::Namespaces
                | Self::Ids
                | Self::Private
                | Self::Open
                | Self::Restrict
                | Self::Pivot
                | Self::Mount
                | Self::Devices
                | Self::Proc
                | Self::Tmp
                | Self::Detach
                | Self::Names
                | Self::Privileges
                | Self::User
                | Self::Join
        )
    }
}

#[cfg(test)]
mod tests {
    use super::{EACCES, Machine, setup, start};
    use crate::Stage;

    const EPERM: i32 = 1;
    const ENOENT: i32 = 2;
    const ENOEXEC: i32 = 8;
    const ENOSPC: i32 = 28;
    const ENOSYS: i32 = 38;

    fn check(stage: Stage, errno: i32, machine: Machine, named: &str) {
        let hint = setup(stage, &std::io::Error::from_raw_os_error(errno), machine).unwrap();
        assert!(hint.contains(named), "{stage:?}, {errno}: expected `{named}` in: {hint}");
    }

    #[test]
    fn hints_name_the_setting() {
        let plain = Machine::default();
        let debian = Machine { clone_is_off: true, ..plain };
        let ubuntu = Machine { apparmor_restricts: true, ..plain };
        check(Stage::Namespaces, ENOSPC, plain, "user.max_user_namespaces");
        check(Stage::Namespaces, EPERM, plain, "seccomp=unconfined");
        check(Stage::Namespaces, EPERM, debian, "kernel.unprivileged_userns_clone=1");
        check(Stage::Namespaces, EPERM, ubuntu, "kernel.apparmor_restrict_unprivileged_userns=0");
        check(Stage::Private, EPERM, ubuntu, "kernel.apparmor_restrict_unprivileged_userns=0");
        check(Stage::Proc, EPERM, plain, "systempaths=unconfined");
        check(Stage::Restrict, ENOSYS, plain, "5.12");
        check(Stage::Namespaces, ENOSYS, plain, "seccomp=unconfined");
        check(Stage::Open, EACCES, plain, "namei");
        check(Stage::Mount, ENOENT, plain, "root folder");
        let foreign = start(&std::io::Error::from_raw_os_error(ENOEXEC)).unwrap();
        assert!(foreign.contains("processor"), "{foreign}");
    }
}
