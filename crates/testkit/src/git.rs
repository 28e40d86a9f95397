//! Git with nobody's settings, and a server of repositories on loopback.

use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use crate::{Tool, free_port};

/// Same commits from same files, whoever runs the test and whatever their settings are.
const ENV: [(&str, &str); 8] = [
    // Of no file: git would even write to `/dev/null`, if something asked it to.
    ("GIT_CONFIG_GLOBAL", "/nowhere/gitconfig"),
    ("GIT_CONFIG_NOSYSTEM", "1"),
    ("GIT_AUTHOR_NAME", "Test"),
    ("GIT_AUTHOR_EMAIL", "test@git.example"),
    ("GIT_AUTHOR_DATE", "@1700000000 +0000"),
    ("GIT_COMMITTER_NAME", "Test"),
    ("GIT_COMMITTER_EMAIL", "test@git.example"),
    ("GIT_COMMITTER_DATE", "@1700000000 +0000"),
];

/// Runs git in `folder`, and gives what it said without the last line's end.
pub fn git(folder: &Path, arguments: &[&str]) -> String {
    // Submodules from folders are what these tests are for.
    let mut tool =
        Tool::new("git").arg("-C").arg(folder).args(["-c", "protocol.file.allow=always"]).args(arguments);
    for (name, value) in ENV {
        tool = tool.env(name, value);
    }
    tool.run().trim_end().to_owned()
}

/// Makes an empty repository in `folder`.
pub fn init(folder: &Path) {
    fs_err::create_dir_all(folder).unwrap();
    git(folder, &["init", "--quiet", "-b", "main"]);
}

/// Commits all that is in `folder`, and gives the commit's name.
pub fn commit(folder: &Path) -> String {
    git(folder, &["add", "--all"]);
    git(folder, &["commit", "--quiet", "--allow-empty", "-m", "a change"]);
    git(folder, &["rev-parse", "HEAD"])
}

/// Git's own server, for all repositories in a folder; ends with the value.
pub struct GitServer {
    child: Child,
    port: u16,
}

impl GitServer {
    /// Serves what is in `folder`.
    pub fn of(folder: &Path) -> Self {
        // Git can't say which one it chose itself.
        let port = free_port();
        // Not through `git`, which would leave it running when it is ended.
        let program = format!("{}/git-daemon", git(folder, &["--exec-path"]));
        let child = Tool::new(&program)
            .args(["--listen=127.0.0.1", "--export-all", "--reuseaddr"])
            .arg(format!("--port={port}"))
            .arg(format!("--base-path={}", folder.display()))
            .spawn(Stdio::null(), Stdio::null());
        let server = Self { child, port };
        for _ in 0..600 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return server;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("git's server doesn't answer on port {port}");
    }

    /// The address of the repository in the folder `name`.
    pub fn url(&self, name: &str) -> String {
        format!("git://127.0.0.1:{}/{name}", self.port)
    }
}

impl Drop for GitServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
