//! The same root filesystem and an OCI layout of it, made with other tools from the same packages on disk.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::measure::Runs;
use super::{Case, Deb, Row, empty, said};
use crate::run::{Result, capture};

/// mmdebstrap with umoci, and mmdebstrap with buildah.
pub fn rows(case: &Case, work: &Path, debs: &[Deb]) -> Result<Vec<Row>> {
    let repository = work.join("repository");
    empty(&repository)?;
    for deb in debs {
        let target = repository.join(&deb.name);
        fs::copy(&deb.bytes, &target).map_err(|error| said(&target, &error))?;
    }
    let index = capture(Command::new("dpkg-scanpackages").args(["-m", "."]).current_dir(&repository))?;
    let path = repository.join("Packages");
    fs::write(&path, index).map_err(|error| said(&path, &error))?;

    let hand = work.join("hand");
    let root = "mmdebstrap --quiet --mode=root --variant=extract --include=\"$1\" trixie root.tar \"deb [trusted=yes] copy:$2 ./\"";
    let umoci = format!(
        "{root}\numoci init --layout layout\numoci new --image layout:x\numoci raw add-layer --image layout:x root.tar\n\
         umoci config --image layout:x --config.user 10101 --config.cmd /bin/true"
    );
    let buildah = format!(
        "{root}\ncontainer=$(buildah from scratch)\nbuildah add --quiet \"$container\" root.tar /\n\
         buildah config --user 10101 --cmd /bin/true \"$container\"\nbuildah commit --quiet --rm --disable-compression=false \"$container\" oci:layout:x"
    );
    let timed = |script: &str| {
        let mut command = Command::new("sh");
        command.args(["-e", "-c", script, "sh", case.package]).arg(&repository).current_dir(&hand);
        command.env("CONTAINERS_STORAGE_CONF", work.join("storage.conf")).env("BUILDAH_ISOLATION", "chroot");
        command
    };
    let storage = format!(
        "[storage]\ndriver = \"overlay\"\ngraphroot = \"{0}/containers\"\nrunroot = \"{0}/containers-run\"\n",
        work.display()
    );
    let path = work.join("storage.conf");
    fs::write(&path, storage).map_err(|error| said(&path, &error))?;
    let with_umoci = Runs::take(5, work, || empty(&hand), || timed(&umoci))?;
    let with_buildah = Runs::take(5, work, || empty(&hand), || timed(&buildah))?;
    // The overlay driver mounts its folder onto itself; the next run could not delete it.
    let mounted = work.join("containers/overlay");
    drop(Command::new("umount").arg("-l").arg(&mounted).output());
    Ok(vec![
        Row { name: "mmdebstrap + umoci", runs: with_umoci },
        Row { name: "mmdebstrap + buildah", runs: with_buildah },
    ])
}
