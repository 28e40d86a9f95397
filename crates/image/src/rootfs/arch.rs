//! What composition must know of a CPU architecture.

use longshore_oci::{Elf, ElfClass, Platform, TreePath};

/// Facts of a Debian architecture (Debian multiarch tuples; System V ABI supplements).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arch {
    /// Debian's name.
    pub debian: &'static str,
    /// Multiarch tuple: the name of the library folder.
    pub tuple: &'static str,
    /// `e_machine`.
    pub machine: u16,
    /// Word size of its objects.
    pub class: ElfClass,
    /// Top-level links into `/usr`.
    pub links: &'static [&'static str],
    /// Flags of its libraries in `ld.so.cache` (glibc `ldconfig.h`).
    pub cache_flags: u32,
    /// Byte order of its files.
    pub endian: Endian,
}

/// Byte order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endian {
    /// Least significant byte first.
    Little,
    /// Most significant byte first.
    Big,
}

const PLAIN: &[&str] = &["bin", "lib", "sbin"];
const LIB64: &[&str] = &["bin", "lib", "lib64", "sbin"];

const fn arch(
    debian: &'static str,
    tuple: &'static str,
    machine: u16,
    class: ElfClass,
    links: &'static [&'static str],
    cache_flags: u32,
) -> Arch {
    Arch { debian, tuple, machine, class, links, cache_flags, endian: Endian::Little }
}

const ARCHES: [Arch; 7] = [
    arch("amd64", "x86_64-linux-gnu", 62, ElfClass::Bits64, LIB64, 0x0303),
    arch("arm64", "aarch64-linux-gnu", 183, ElfClass::Bits64, PLAIN, 0x0a03),
    arch("armhf", "arm-linux-gnueabihf", 40, ElfClass::Bits32, PLAIN, 0x0903),
    arch("i386", "i386-linux-gnu", 3, ElfClass::Bits32, PLAIN, 0x0003),
    arch("ppc64el", "powerpc64le-linux-gnu", 21, ElfClass::Bits64, LIB64, 0x0503),
    arch("riscv64", "riscv64-linux-gnu", 243, ElfClass::Bits64, PLAIN, 0x1003),
    Arch { endian: Endian::Big, ..arch("s390x", "s390x-linux-gnu", 22, ElfClass::Bits64, PLAIN, 0x0403) },
];

impl Arch {
    /// The facts of `platform`.
    pub fn of(platform: &Platform) -> Self {
        let name = platform.debian_architecture();
        // `Platform` can only be parsed from the supported names, and each has a row.
        ARCHES.into_iter().find(|arch| arch.debian == name).unwrap_or(ARCHES[0])
    }

    /// Whether `elf` is an object of this architecture.
    pub fn runs(&self, elf: &Elf) -> bool {
        elf.class == self.class && elf.machine == self.machine
    }

    /// The folders that the dynamic loader searches by itself, in its order, on a merged `/usr`.
    pub fn library_folders(&self) -> Vec<TreePath> {
        [format!("usr/lib/{}", self.tuple), "usr/lib".to_owned()]
            .iter()
            .filter_map(|folder| TreePath::new(folder).ok())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_supported_platform_has_its_row() {
        for (name, debian) in Platform::SUPPORTED {
            assert_eq!(Arch::of(&name.parse().unwrap()).debian, debian);
        }
    }
}
