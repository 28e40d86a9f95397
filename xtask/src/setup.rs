//! Installs what tests compare with and run images in.

use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use crate::run::{Result, root, run, say};
use crate::test::Length;
use crate::{kubernetes, nix, policies, registries, sboms, sigstore, tools};

/// Programs that tests call, each with the Debian packages that bring it.
const PROGRAMS: [(&str, &[&str]); 31] = [
    ("dockerd", &["docker.io"]),
    ("docker", &["docker.io", "docker-cli"]),
    ("ctr", &["containerd"]),
    ("podman", &["podman"]),
    ("docker-registry", &["docker-registry"]),
    ("skopeo", &["skopeo"]),
    ("umoci", &["umoci"]),
    ("buildah", &["buildah"]),
    ("mmdebstrap", &["mmdebstrap"]),
    ("dpkg-scanpackages", &["dpkg-dev", "libdpkg-perl"]),
    ("gpg", &["gnupg", "gpgv"]),
    ("git", &["git"]),
    ("setpriv", &["util-linux"]),
    ("systemd-analyze", &["systemd"]),
    ("xz", &["xz-utils"]),
    ("time", &["time"]),
    ("busybox", &["busybox-static"]),
    ("npm", &["nodejs", "npm"]),
    ("caddy", &["caddy"]),
    ("chromium", &["chromium"]),
    ("etcd", &["etcd-server"]),
    ("qemu-aarch64-static", &["qemu-user-static"]),
    ("qemu-x86_64-static", &["qemu-user-static"]),
    ("readelf", &["binutils"]),
    ("dnsmasq", &["dnsmasq-base"]),
    ("openssl", &["openssl"]),
    ("softhsm2-util", &["softhsm2"]),
    ("pkcs11-tool", &["opensc"]),
    ("jq", &["jq"]),
    ("xxd", &["xxd"]),
    ("patchelf", &["patchelf"]),
];

/// Files that stand for packages without a program of their own.
const FILES: [(&str, &str); 5] = [
    ("/usr/lib/python3/dist-packages/apt_pkg", "python3-apt"),
    ("/usr/lib/python3/dist-packages/jsonschema", "python3-jsonschema"),
    ("/usr/lib/python3/dist-packages/yaml", "python3-yaml"),
    ("/usr/share/perl5/Dpkg/Deps.pm", "libdpkg-perl"),
    ("/usr/lib/python3/dist-packages/grpc", "python3-grpcio"),
];

/// Programs that benchmarks compare with besides.
const PACKERS: [(&str, &[&str]); 4] =
    [("pigz", &["pigz"]), ("zstd", &["zstd"]), ("umoci", &["umoci"]), ("buildah", &["buildah"])];

/// Installs those that benchmarks alone need.
pub fn benchmarks() -> Result {
    install(|| lacking(&PACKERS))
}

/// Installs what is missing; says nothing when all is there.
pub fn setup(length: Length) -> Result {
    packages()?;
    programs(length)
}

/// Installs Debian's packages.
pub fn packages() -> Result {
    install(missing)
}

/// Builds and unpacks what Debian has not, or not that new, into `target/test-tools`.
pub fn programs(length: Length) -> Result {
    tools::setup()?;
    nix::setup()?;
    kubernetes::schemas()?;
    registries::programs()?;
    sigstore::setup(length)?;
    policies::programs(length)?;
    sboms::validators()?;
    if length == Length::Short {
        return Ok(());
    }
    foreign()?;
    sboms::scanner()?;
    sboms::openvex()?;
    kubernetes::programs()
}

fn install(find: impl Fn() -> Vec<&'static str>) -> Result {
    let missing = find();
    if missing.is_empty() {
        return Ok(());
    }
    say(&format!("installing {}", missing.join(" ")));
    let mut last = Err(String::from("apt-get was never run"));
    for pause in [2, 10, 30] {
        last = apt(&["update"]).and_then(|()| {
            let mut arguments = vec!["install", "-y", "--no-install-recommends"];
            // `docker-cli` is a package of its own only where `docker.io` does not hold the client.
            arguments.extend(missing.iter().copied().filter(|package| known(package)));
            apt(&arguments)
        });
        if last.is_ok() {
            break;
        }
        sleep(Duration::from_secs(pause));
    }
    last.map_err(|error| format!("{error}\n  needed: {}", missing.join(" ")))?;
    match find().as_slice() {
        [] => Ok(()),
        left => Err(format!("still missing after installing: {}", left.join(" "))),
    }
}

/// What builds programs for another architecture, which QEMU runs.
fn foreign() -> Result {
    let compiler = Command::new("aarch64-linux-gnu-gcc").arg("--version").output();
    if !compiler.is_ok_and(|output| output.status.success()) {
        say("installing a compiler for aarch64");
        let packages = ["gcc-aarch64-linux-gnu", "libc6-dev-arm64-cross"];
        apt(&[&["install", "-y", "--no-install-recommends"][..], &packages].concat())?;
    }
    run(Command::new("rustup").args(["target", "add", "aarch64-unknown-linux-gnu"]).current_dir(root()))
}

/// The packages of those programs that are not there.
fn lacking(programs: &[(&str, &[&'static str])]) -> Vec<&'static str> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Daemons lie where an ordinary user's PATH does not look.
    let folders: Vec<_> = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]).collect();
    let lacking =
        programs.iter().filter(|(program, _)| !folders.iter().any(|folder| folder.join(program).exists()));
    lacking.flat_map(|(_, packages)| packages.iter().copied()).collect()
}

fn missing() -> Vec<&'static str> {
    let files = FILES.iter().filter(|(file, _)| !installed(file)).map(|(_, package)| *package);
    // Debian takes a part of Python's own library out, into a package without a fixed path.
    let venv = Command::new("python3").args(["-c", "import ensurepip"]).output();
    let venv = venv.is_ok_and(|output| output.status.success());
    let venv = (!venv).then_some("python3-venv");
    let mut all: Vec<_> = lacking(&PROGRAMS).into_iter().chain(files).chain(venv).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Whether a file whose name starts so is there (Python's modules end in an ABI's name).
fn installed(start: &str) -> bool {
    let Some((folder, name)) = start.rsplit_once('/') else { return false };
    let Ok(entries) = std::fs::read_dir(folder) else { return false };
    entries.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with(name))
}

fn known(package: &str) -> bool {
    let output = Command::new("apt-cache").args(["show", "--no-all-versions", package]).output();
    output.is_ok_and(|output| output.status.success() && !output.stdout.is_empty())
}

fn apt(arguments: &[&str]) -> Result {
    let me =
        Command::new("id").arg("-u").output().map_err(|error| format!("`id` can't be started: {error}"))?;
    let mut command = if me.stdout.starts_with(b"0\n") {
        Command::new("apt-get")
    } else {
        let mut sudo = Command::new("sudo");
        sudo.arg("apt-get");
        sudo
    };
    run(command.arg("-q").args(arguments).env("DEBIAN_FRONTEND", "noninteractive"))
}
