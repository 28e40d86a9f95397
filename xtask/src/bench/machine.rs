//! Where it was measured, and with which versions.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::registries;
use crate::run::{root, shipped};

/// A name and what is to be known of it.
pub type Facts = Vec<(String, String)>;

/// The machine's processors, memory and system. Nothing tells which machine it is.
pub fn machine() -> Facts {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let after = |text: &str, key: &str, between: char| {
        let line = text.lines().find(|line| line.starts_with(key));
        let value = line.and_then(|line| line.split_once(between));
        value.map_or_else(|| String::from("unknown"), |(_, value)| value.trim().trim_matches('"').to_owned())
    };
    let processors = read("/proc/cpuinfo");
    let count = std::thread::available_parallelism().map_or(1, usize::from);
    let memory = after(&read("/proc/meminfo"), "MemTotal", ':');
    let kilobytes: f64 = memory.trim_end_matches(" kB").parse().unwrap_or_default();
    let kernel = read("/proc/sys/kernel/osrelease");
    vec![
        ("processors".to_owned(), format!("{count} × {}", after(&processors, "model name", ':'))),
        ("memory".to_owned(), format!("{:.0} GB", kilobytes * 1024.0 / 1e9)),
        ("system".to_owned(), after(&read("/etc/os-release"), "PRETTY_NAME", '=')),
        // What builders of kernels add to its version is not said.
        ("kernel".to_owned(), kernel.trim().split(['-', '+']).next().unwrap_or_default().to_owned()),
    ]
}

/// What every program says of its own version.
pub fn versions() -> Facts {
    let crane = registries::crane();
    let programs: [(&str, &Path, &str); 11] = [
        ("longshore", &shipped(), "--version"),
        ("tar", Path::new("tar"), "--version"),
        ("sha256sum", Path::new("sha256sum"), "--version"),
        ("gzip", Path::new("gzip"), "--version"),
        ("pigz", Path::new("pigz"), "--version"),
        ("zstd", Path::new("zstd"), "--version"),
        ("umoci", Path::new("umoci"), "--version"),
        ("buildah", Path::new("buildah"), "--version"),
        ("crane", &crane, "version"),
        ("go", Path::new("go"), "version"),
        ("nix", &root().join(crate::nix::PROGRAMS).join("nix"), "--version"),
    ];
    let said = programs.map(|(name, program, argument)| {
        let output = Command::new(program).arg(argument).output();
        // pigz before 2.7 says it on the wrong stream.
        let text = output.map(|output| [output.stdout, output.stderr].concat()).unwrap_or_default();
        let text = String::from_utf8_lossy(&text).into_owned();
        (name.to_owned(), text.lines().next().unwrap_or_default().trim().trim_matches('*').trim().to_owned())
    });
    said.into_iter().filter(|(_, version)| !version.is_empty()).collect()
}
