//! Every lint by name; the reference documentation is made from this table.

use super::Severity;

/// A lint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lint {
    /// Its name in `allow`.
    pub name: &'static str,
    /// The worst it reports.
    pub severity: Severity,
    /// What it finds.
    pub description: &'static str,
}

const fn lint(name: &'static str, severity: Severity, description: &'static str) -> Lint {
    Lint { name, severity, description }
}

/// All lints, sorted by name.
pub const LINTS: &[Lint] = &[
    lint(
        "command",
        Severity::Error,
        "The program that the image starts is not in it, or can't be executed by its user.",
    ),
    lint(
        "compiler",
        Severity::Error,
        "A compiler, assembler or linker is in the image. A warning, and an error for what came with a path of the Nix store.",
    ),
    lint(
        "development",
        Severity::Error,
        "Headers, static libraries or pkg-config files are in the image. A warning, and an error for what came with a path of the \
         Nix store.",
    ),
    lint(
        "flox-hook",
        Severity::Error,
        "The hook of a Flox environment does more than setting variables; accepted, it is left out as a whole.",
    ),
    lint(
        "missing-interpreter",
        Severity::Error,
        "The dynamic loader of a program, or the interpreter of a script, is not in the image.",
    ),
    lint(
        "missing-library",
        Severity::Error,
        "A shared library that a program or library names as needed is not where the dynamic loader looks.",
    ),
    lint("override", Severity::Note, "The stack file's own contents replace a file of a package."),
    lint("package-manager", Severity::Note, "A package manager is in the image."),
    lint("root-user", Severity::Warning, "The image runs as root."),
    lint(
        "secret",
        Severity::Warning,
        "An environment variable looks like a secret; everyone who has the image can read it.",
    ),
    lint(
        "setuid",
        Severity::Warning,
        "A file runs with its owner's or group's rights, or a package's file lost that bit.",
    ),
    lint("shell", Severity::Note, "A shell is in the image."),
    lint("workdir", Severity::Error, "The user can't enter the directory where the program starts."),
    lint(
        "world-writable",
        Severity::Warning,
        "Everyone may write a file, or a directory without the sticky bit.",
    ),
    lint("writable", Severity::Error, "A directory declared as writable can't be written by its owner."),
    lint("wrong-architecture", Severity::Error, "A program is for another CPU architecture than the image."),
];
