//! A command as `execve` takes it.

use std::ffi::{CStr, CString, OsStr, c_char};
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::process::{Resource, Rlimit, getrlimit};

use super::filter;
use super::plan::Role;
use crate::{Command, Error, Filter, Limits};

/// Files that a service may have open: some programs close all that they might have, one by one.
const OPEN_FILES: u64 = 1 << 20;

/// What is executed.
pub(super) struct Program {
    pub(super) cwd: CString,
    /// The strings that `argv_pointers` points to.
    argv: Vec<CString>,
    #[expect(dead_code, reason = "it owns what `env_pointers` points to")]
    env: Vec<CString>,
    pub(super) argv_pointers: Vec<*const c_char>,
    pub(super) env_pointers: Vec<*const c_char>,
    pub(super) limits: Vec<(Resource, Rlimit)>,
    pub(super) filter: filter::Programs,
}

impl Program {
    pub(super) fn new(command: &Command, limits: &Limits, role: Role, filter: Filter) -> Result<Self, Error> {
        let Some(program) = command.argv.first() else {
            return Err(invalid("command", "", "has no program"));
        };
        absolute("program", Path::new(program))?;
        let argv = command.argv.iter().map(|it| c_string("argument", it)).collect::<Result<Vec<_>, _>>()?;
        let env = command.env.iter().map(|(name, value)| {
            if name.is_empty() || name.contains('=') {
                return Err(invalid("environment variable", name, "is not a name"));
            }
            c_string("environment variable", format!("{name}={value}"))
        });
        let env = env.collect::<Result<Vec<_>, _>>()?;
        let pointers = |of: &[CString]| of.iter().map(|it| it.as_ptr()).chain([std::ptr::null()]).collect();
        Ok(Self {
            cwd: c_string("folder", absolute("folder", &command.cwd)?)?,
            argv_pointers: pointers(&argv),
            env_pointers: pointers(&env),
            argv,
            env,
            limits: bounded(limits, role),
            filter: filter::programs(filter)?,
        })
    }

    /// The program.
    pub(super) fn path(&self) -> &CStr {
        self.argv.first().map_or(c"", CString::as_c_str)
    }
}

/// What can be set: never more than the caller itself may have.
fn bounded(limits: &Limits, role: Role) -> Vec<(Resource, Rlimit)> {
    let mut wanted = vec![(Resource::Core, Some(0)), (Resource::Fsize, limits.file)];
    wanted.push((Resource::As, limits.memory));
    wanted.push((Resource::Nofile, (role == Role::Service).then_some(OPEN_FILES)));
    let bounded = wanted.into_iter().filter_map(|(resource, limit)| {
        let wanted = limit?;
        let limit = Some(getrlimit(resource).maximum.map_or(wanted, |most| most.min(wanted)));
        Some((resource, Rlimit { current: limit, maximum: limit }))
    });
    bounded.collect()
}

pub(super) fn absolute<'a>(what: &'static str, path: &'a Path) -> Result<&'a Path, Error> {
    match path.is_absolute() {
        true => Ok(path),
        false => Err(invalid(what, path, "is not an absolute path")),
    }
}

pub(super) fn c_string(what: &'static str, text: impl AsRef<OsStr>) -> Result<CString, Error> {
    CString::new(text.as_ref().as_bytes()).map_err(|_| invalid(what, text, "holds a zero byte"))
}

pub(super) fn invalid(what: &'static str, text: impl AsRef<OsStr>, wrong: &'static str) -> Error {
    let mut shown = String::new();
    // Writing to a string can't fail.
    let _ = write!(shown, "{}", text.as_ref().to_string_lossy().escape_debug());
    Error::Invalid { what, text: shown, wrong }
}
