//! Platforms in Rust's and GCC's names.

use longshore_oci::Platform;
use longshore_stack::model::Linkage;

use super::Error;

/// A platform as Rust and GCC call it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// Rust's target triple.
    pub triple: &'static str,
    /// What Debian's GCC and binutils for it begin with: `aarch64-linux-gnu`.
    pub gnu: &'static str,
}

/// The C library that programs are linked to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Libc {
    /// glibc.
    Gnu,
    /// musl.
    Musl,
}

impl Libc {
    /// The one that a build asks for.
    pub fn of(linkage: Linkage) -> Self {
        match linkage {
            Linkage::Dynamic | Linkage::Static => Self::Gnu,
            Linkage::Musl => Self::Musl,
        }
    }
}

/// Every platform, by its name in image indexes: Rust's triples with glibc and musl, and GCC's prefix (the rustc book,
/// "Platform support"; Debian's multiarch tuples).
const TARGETS: [(&str, &str, &str, &str); 7] = [
    ("linux/386", "i686-unknown-linux-gnu", "i686-unknown-linux-musl", "i686-linux-gnu"),
    ("linux/amd64", "x86_64-unknown-linux-gnu", "x86_64-unknown-linux-musl", "x86_64-linux-gnu"),
    (
        "linux/arm/v7",
        "armv7-unknown-linux-gnueabihf",
        "armv7-unknown-linux-musleabihf",
        "arm-linux-gnueabihf",
    ),
    ("linux/arm64", "aarch64-unknown-linux-gnu", "aarch64-unknown-linux-musl", "aarch64-linux-gnu"),
    (
        "linux/ppc64le",
        "powerpc64le-unknown-linux-gnu",
        "powerpc64le-unknown-linux-musl",
        "powerpc64le-linux-gnu",
    ),
    ("linux/riscv64", "riscv64gc-unknown-linux-gnu", "riscv64gc-unknown-linux-musl", "riscv64-linux-gnu"),
    ("linux/s390x", "s390x-unknown-linux-gnu", "s390x-unknown-linux-musl", "s390x-linux-gnu"),
];

impl Target {
    /// The one for `platform` with `libc`.
    pub fn of(platform: &Platform, libc: Libc) -> Result<Self, Error> {
        let name = platform.to_string();
        let found = TARGETS.iter().find(|(known, ..)| *known == name);
        let (_, glibc, musl, gnu) = found.ok_or(Error::Platform { platform: name })?;
        let triple = match libc {
            Libc::Gnu => glibc,
            Libc::Musl => musl,
        };
        Ok(Self { triple, gnu })
    }

    /// The variable of Cargo's that sets `key` for it alone, never for build scripts of another platform (the Cargo
    /// book, "Configuration", `target.<triple>`).
    pub fn variable(&self, key: &str) -> String {
        format!("CARGO_TARGET_{}_{key}", self.triple.to_uppercase().replace('-', "_"))
    }

    /// The variable by which build scripts find a tool for it alone (the `cc` crate, "External configuration").
    pub fn variable_of(&self, tool: &str) -> String {
        format!("{tool}_{}", self.triple.replace('-', "_"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_platform_that_images_have_is_a_target() {
        for (name, _) in Platform::SUPPORTED {
            let target = |libc| Target::of(&name.parse().unwrap(), libc).unwrap();
            let (gnu, musl) = (target(Libc::Gnu), target(Libc::Musl));
            assert!(gnu.triple.contains("-unknown-linux-gnu"), "{name}");
            assert_eq!(gnu.triple.replace("-gnu", "-musl"), musl.triple);
            assert_eq!(gnu.gnu, musl.gnu);
        }
    }

    #[test]
    fn variables_are_those_of_cargo() {
        let arm = Target::of(&"linux/arm64".parse().unwrap(), Libc::Gnu).unwrap();
        assert_eq!(arm.variable("LINKER"), "CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER");
        let windows = Platform { architecture: "amd64".into(), os: "windows".into(), variant: None };
        assert_eq!(
            Target::of(&windows, Libc::Gnu).unwrap_err(),
            Error::Platform { platform: "windows/amd64".into() }
        );
    }
}
