//! What programs in a tree need, read once while their bytes are there, so that composition never opens a file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::TreePath;

/// Facts by path; only files that are ELF objects or scripts have any.
pub type Facts = BTreeMap<TreePath, FileFacts>;

/// What one file needs to run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum FileFacts {
    /// An ELF object.
    Elf(Elf),
    /// A script: the interpreter's path and its one argument, from the `#!` line.
    Script {
        /// The interpreter as written.
        interpreter: Vec<u8>,
        /// What follows it, if anything.
        argument: Option<Vec<u8>>,
    },
}

/// An ELF object's dynamic section (System V ABI, "Dynamic Linking").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Elf {
    /// 32 or 64 bits: libraries of the other class never satisfy it.
    pub class: ElfClass,
    /// `e_machine`.
    pub machine: u16,
    /// `PT_INTERP`; none for libraries and static programs.
    pub interpreter: Option<Vec<u8>>,
    /// `DT_SONAME`.
    pub soname: Option<Vec<u8>>,
    /// `DT_NEEDED`, in order.
    pub needed: Vec<Vec<u8>>,
    /// `DT_RUNPATH`, or `DT_RPATH` where there is none; split at colons, `$ORIGIN` kept.
    pub runpath: Vec<Vec<u8>>,
    /// Libraries opened at run time, from `.note.dlopen` (ELF dlopen metadata, UAPI group): first name of each entry
    /// whose priority is `required` or `recommended`.
    pub dlopen: Vec<Vec<u8>>,
}

/// `EI_CLASS`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ElfClass {
    /// 32-bit objects.
    Bits32,
    /// 64-bit objects.
    Bits64,
}
