//! The filter of system calls for services.
//!
//! Two programs, of which the kernel takes the stricter answer and among refusals that of the one installed last:
//!
//! 1. what isn't [`allowed::ALLOWED`] doesn't exist (`ENOSYS`), so that C libraries and runtimes fall back to what does when a
//!    newer kernel has more;
//! 2. what is [`refused::REFUSED`], or allowed only in part, is not permitted (`EPERM`), which is what programs expect that
//!    try to mount or to trace.
//!
//! `clone3` doesn't exist: its flags are in memory, where no filter can look, and everyone who calls it knows `clone`.

mod allowed;
mod numbers;
mod refused;

use std::collections::BTreeMap;

use rustix::io::Errno;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen as Length, SeccompCmpOp as Is, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch,
};

use crate::{Error, Filter};

/// Programs in the order in which they are to be installed.
pub(super) type Programs = Vec<BpfProgram>;

#[cfg(target_arch = "x86_64")]
const MACHINE: TargetArch = TargetArch::x86_64;
#[cfg(target_arch = "aarch64")]
const MACHINE: TargetArch = TargetArch::aarch64;

/// Makes the programs. Allocates.
pub(super) fn programs(filter: Filter) -> Result<Programs, Error> {
    match filter {
        Filter::None => Ok(Vec::new()),
        Filter::Services => {
            let made = allowed().and_then(|allowed| Ok(vec![allowed, refused()?]));
            made.map_err(|error| Error::Filter(Box::new(error)))
        }
    }
}

fn allowed() -> Result<BpfProgram, seccompiler::Error> {
    let rules = allowed::ALLOWED.iter().copied().flatten().map(|call| (*call, Vec::new())).collect();
    program(rules, answer(Errno::NOSYS), SeccompAction::Allow)
}

fn refused() -> Result<BpfProgram, seccompiler::Error> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        refused::REFUSED.iter().copied().flatten().map(|call| (*call, Vec::new())).collect();
    let argument = |number, is, value| SeccompCondition::new(number, Length::Dword, is, value);
    // Any one of the flags.
    let clone = allowed::NAMESPACES.iter().map(|flag| rule([argument(0, Is::MaskedEq(*flag), *flag)]));
    rules.insert(libc::SYS_clone, clone.collect::<Result<_, _>>()?);
    let ioctl = allowed::TYPING.iter().map(|request| rule([argument(1, Is::Eq, *request)]));
    rules.insert(libc::SYS_ioctl, ioctl.collect::<Result<_, _>>()?);
    // None of the values.
    for (call, values) in allowed::FIRST_ARGUMENTS {
        rules.insert(call, vec![rule(values.iter().map(|value| argument(0, Is::Ne, *value)))?]);
    }
    program(rules, SeccompAction::Allow, answer(Errno::PERM))
}

fn rule(
    all: impl IntoIterator<Item = Result<SeccompCondition, seccompiler::BackendError>>,
) -> Result<SeccompRule, seccompiler::Error> {
    Ok(SeccompRule::new(all.into_iter().collect::<Result<_, _>>()?)?)
}

fn program(
    rules: BTreeMap<i64, Vec<SeccompRule>>,
    others: SeccompAction,
    these: SeccompAction,
) -> Result<BpfProgram, seccompiler::Error> {
    Ok(BpfProgram::try_from(SeccompFilter::new(rules, others, these, MACHINE)?)?)
}

fn answer(errno: Errno) -> SeccompAction {
    SeccompAction::Errno(errno.raw_os_error().cast_unsigned())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{allowed, programs, refused};
    use crate::Filter;

    #[test]
    fn each_call_is_said_once() {
        let all: Vec<i64> = [allowed::ALLOWED, refused::REFUSED].concat().concat();
        let once: BTreeSet<i64> = all.iter().copied().collect();
        let twice: Vec<_> =
            once.iter().filter(|it| all.iter().filter(|call| call == it).count() > 1).collect();
        assert_eq!(twice, Vec::<&i64>::new());
        assert!(!once.contains(&libc::SYS_clone3));
    }

    /// The kernel's limit is 4096 instructions a program.
    #[test]
    fn programs_are_small_enough() {
        let sizes: Vec<_> = programs(Filter::Services).unwrap().iter().map(Vec::len).collect();
        assert!(sizes.len() == 2 && sizes.iter().all(|size| (100..4096).contains(size)), "{sizes:?}");
        assert!(programs(Filter::None).unwrap().is_empty());
    }
}
