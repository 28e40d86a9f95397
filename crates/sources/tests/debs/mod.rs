//! Real packages for tests, downloaded once with apt from the mirror that this machine is set up with.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

/// One download at a time: tests of one process share the folder.
static TURN: Mutex<()> = Mutex::new(());

/// Package files of `names` of a suite (`bookworm`, `trixie`), in the order given; kept between runs.
pub fn download(suite: &str, names: &[&str]) -> Vec<PathBuf> {
    let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/test-debs").join(suite);
    let missing: Vec<&str> = names.iter().copied().filter(|name| find(&folder, name).is_none()).collect();
    if !missing.is_empty() {
        fetch(suite, &folder, &missing);
    }
    let path = |name: &&str| find(&folder, name).unwrap_or_else(|| panic!("apt did not download {name}"));
    names.iter().map(path).collect()
}

fn find(folder: &Path, name: &str) -> Option<PathBuf> {
    let prefix = format!("{name}_");
    let entries = fs_err::read_dir(folder).ok()?;
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.starts_with(&prefix) && name.ends_with(".deb")
    });
    files.pop()
}

/// A private apt, so that the machine's own lists and suites do not matter; the mirror is the machine's.
fn fetch(suite: &str, folder: &Path, names: &[&str]) {
    let apt = folder.join("apt");
    for part in
        ["etc/apt", "var/lib/apt/lists/partial", "var/cache/apt/archives/partial", "var/lib/dpkg", "new"]
    {
        fs_err::create_dir_all(apt.join(part)).unwrap();
    }
    fs_err::write(apt.join("var/lib/dpkg/status"), "").unwrap();
    let keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";
    fs_err::write(
        apt.join("etc/apt/sources.list"),
        format!("deb [signed-by={keyring}] {} {suite} main\n", mirror()),
    )
    .unwrap();
    let root = apt.display();
    let conf = format!(
        "Dir \"{root}\";\nDir::State \"{root}/var/lib/apt\";\nDir::State::status \"{root}/var/lib/dpkg/status\";\n\
         Dir::Cache \"{root}/var/cache/apt\";\nDir::Etc \"{root}/etc/apt\";\nAPT::Architecture \"amd64\";\n\
         APT::Architectures {{\"amd64\";}};\nAPT::Sandbox::User \"root\";\nAcquire::Languages \"none\";\n"
    );
    fs_err::write(apt.join("apt.conf"), conf).unwrap();
    let run = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command.env("APT_CONFIG", apt.join("apt.conf")).current_dir(apt.join("new")).args(arguments);
        let output = command.output().expect("`apt-get` is needed by this test; run it on Debian");
        assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    run(&["-q", "update"]);
    run(&[&["-q", "download"], names].concat());
    // Whole files only: another process may look meanwhile.
    for entry in fs_err::read_dir(apt.join("new")).unwrap() {
        let path = entry.unwrap().path();
        fs_err::rename(&path, folder.join(path.file_name().unwrap())).unwrap();
    }
}

/// The address of the machine's own Debian archive.
fn mirror() -> String {
    let output = Command::new("apt-get").args(["indextargets", "--format", "$(LABEL) $(REPO_URI)"]).output();
    let output = output.expect("`apt-get` is needed by this test; run it on Debian");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let found = text.lines().find_map(|line| line.strip_prefix("Debian ")).map(str::to_owned);
    found.expect("apt knows no Debian archive on this machine; run `apt-get update`")
}
