//! Container engines that live as long as one test: nothing of the machine's own engine is touched.

mod containerd;
mod docker;
mod podman;

pub use containerd::Containerd;
pub use docker::{Container, Docker, Run, ports};
pub use podman::Podman;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tool;

    /// Both engines start, take an image and give it back, and leave nothing running.
    #[test]
    fn engines_start_and_stop() {
        let folder = tempfile::tempdir().unwrap();
        let tar = folder.path().join("root.tar");
        fs_err::write(folder.path().join("file"), "x").unwrap();
        Tool::new("tar").arg("-cf").arg(&tar).arg("-C").arg(folder.path()).arg("file").run();

        let docker = Docker::start();
        docker.cli().arg("import").arg(&tar).arg("test:1").run();
        assert_eq!(docker.inspect("test:1")["Os"], "linux");
        docker.forget();
        assert_eq!(docker.cli().args(["image", "ls", "-q"]).run(), "");
        let socket = docker.host();
        drop(docker);
        assert!(!std::path::Path::new(socket.trim_start_matches("unix://")).exists());

        let podman = Podman::new();
        podman.cli().arg("import").arg(&tar).arg("test:1").run();
        assert_eq!(podman.inspect("test:1")["Os"], "linux");
    }
}
