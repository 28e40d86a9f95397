//! Platforms in Rust's and GCC's names.

use longshore_oci::Platform;

use super::Error;

/// A platform as Rust and GCC call it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// Rust's target triple.
    pub triple: &'static str,
    /// What Debian's GCC and binutils for it begin with: `aarch64-linux-gnu`.
    pub gnu: &'static str,
}

/// Every platform, by its name in image indexes (the rustc book, "Platform support"; Debian's multiarch tuples).
const TARGETS: [(&str, Target); 7] = [
    ("linux/386", Target { triple: "i686-unknown-linux-gnu", gnu: "i686-linux-gnu" }),
    ("linux/amd64", Target { triple: "x86_64-unknown-linux-gnu", gnu: "x86_64-linux-gnu" }),
    ("linux/arm/v7", Target { triple: "armv7-unknown-linux-gnueabihf", gnu: "arm-linux-gnueabihf" }),
    ("linux/arm64", Target { triple: "aarch64-unknown-linux-gnu", gnu: "aarch64-linux-gnu" }),
    ("linux/ppc64le", Target { triple: "powerpc64le-unknown-linux-gnu", gnu: "powerpc64le-linux-gnu" }),
    ("linux/riscv64", Target { triple: "riscv64gc-unknown-linux-gnu", gnu: "riscv64-linux-gnu" }),
    ("linux/s390x", Target { triple: "s390x-unknown-linux-gnu", gnu: "s390x-linux-gnu" }),
];

impl Target {
    /// The one for `platform`.
    pub fn of(platform: &Platform) -> Result<Self, Error> {
        let name = platform.to_string();
        TARGETS
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, target)| *target)
            .ok_or(Error::Platform { platform: name })
    }

    /// The variable of Cargo's that sets `key` for it alone, never for build scripts of another platform (the Cargo
    /// book, "Configuration", `target.<triple>`).
    pub fn variable(&self, key: &str) -> String {
        format!("CARGO_TARGET_{}_{key}", self.triple.to_uppercase().replace('-', "_"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_platform_that_images_have_is_a_target() {
        for (name, _) in Platform::SUPPORTED {
            let target = Target::of(&name.parse().unwrap()).unwrap();
            assert!(target.triple.contains("-unknown-linux-gnu"), "{name}");
        }
    }

    #[test]
    fn variables_are_those_of_cargo() {
        let arm = Target::of(&"linux/arm64".parse().unwrap()).unwrap();
        assert_eq!(arm.variable("LINKER"), "CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER");
        let windows = Platform { architecture: "amd64".into(), os: "windows".into(), variant: None };
        assert_eq!(Target::of(&windows).unwrap_err(), Error::Platform { platform: "windows/amd64".into() });
    }
}
