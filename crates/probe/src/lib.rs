//! The tiny static health probe that goes into images instead of curl and a shell.
//!
//! [`binary`] is the program, a few kilobytes for each platform; [`Check`] makes the command that runs it. It asks a service
//! over HTTP, TCP or gRPC whether it does its work, says in one line what it saw, and ends with 0 for healthy, 1 for not, 2 for
//! wrong arguments.
//!
//! Its source is in `program/`, a package of its own without a standard library: the pure part of it, in
//! `program/src/probe`, is compiled into this crate as [`probe`] as well, and `program/src/system` is the system calls. The
//! binaries in `bin/` are what longshore makes of `stack.toml` here; a test of `longshore` builds them again and compares.
//!
//! **Invariant:** no network, clock, environment or randomness in this crate, and no `unsafe` but in the program's system
//! calls. The program panics on no input, and every read of foreign bytes has a bound.

mod check;

use longshore_oci::Platform;

pub use check::Check;

/// Pure parts of the program, for whoever has system calls of their own to go with them.
#[allow(
    clippy::new_without_default,
    clippy::should_implement_trait,
    reason = "the program has its own lints"
)]
#[path = "../program/src/probe/mod.rs"]
pub mod probe;

/// Where the program is in images.
pub const PATH: &str = "/usr/libexec/longshore-probe";

/// The program for `platform`, an ELF file that needs nothing else; none for platforms that it is not built for.
pub fn binary(platform: &Platform) -> Option<&'static [u8]> {
    match (platform.os.as_str(), platform.architecture.as_str()) {
        ("linux", "amd64") => Some(include_bytes!("../bin/longshore-probe-linux-amd64")),
        ("linux", "arm64") => Some(include_bytes!("../bin/longshore-probe-linux-arm64")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `e_machine` of ELF: x86-64 and AArch64 (System V ABI, "ELF header").
    const MACHINES: [(&str, [u8; 2]); 2] = [("linux/amd64", [62, 0]), ("linux/arm64", [183, 0])];

    #[test]
    fn binaries_are_small_programs_of_their_platform() {
        for (name, machine) in MACHINES {
            let binary = binary(&name.parse().unwrap()).unwrap();
            assert_eq!(binary[..4], *b"\x7fELF", "{name}");
            assert_eq!(binary[18..20], machine, "{name}");
            assert!(binary.len() < 40_000, "{name}: {} bytes", binary.len());
        }
    }

    #[test]
    fn other_platforms_have_none() {
        for (name, _) in Platform::SUPPORTED {
            let known = MACHINES.iter().any(|(known, _)| *known == name);
            assert_eq!(binary(&name.parse().unwrap()).is_some(), known, "{name}");
        }
    }
}
