//! A small stack under a real engine: Compose brings it up, it is confined, and its data stays.

#![allow(clippy::unwrap_used, reason = "in a test it is the assertion")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;

use common::{deployment, read, write};
use longshore_deploy::compose::compose;
use longshore_testkit::Tool;
use longshore_testkit::engine::Docker;

/// A web server whose pages are data, and a job and a service that reach it by its name.
const STACK: &str = r#"
[stack]
name = "small"
platforms = ["linux/amd64"]

[sources.debian]
kind = "apt"
distribution = "debian"
suites = ["trixie"]
keyring = "debian-archive"

[image.box]
contents = [{ text = "-", to = "/bin/busybox", mode = "0755" }]
command = ["/bin/busybox"]
ports = { http = 80 }
user = { name = "box", uid = 10001 }
writable = ["/srv", "/var/scratch"]

[service.web]
image = "box"
command = ["/bin/busybox", "httpd", "-f", "-h", "/", "-p", "{{ self.http.listen }}"]
env = { PRICE = "$5 ${HOME}" }
files = { "/etc/box/config" = { text = "neighbour: {{ reader.http.url }}\n", mode = "0600" } }
health = { exec = ["/bin/busybox", "wget", "-q", "-O", "/dev/null", "http://127.0.0.1/etc/box/config"], interval = "1s" }
publish = { http = PORT }
volumes = { pages = "/srv" }
secrets = ["key"]
resources = { memory = "64M", cpus = 0.5, pids = 32 }

[service.other]
image = "box"
groups = ["other"]

[service.reader]
image = "box"
command = ["/bin/busybox", "httpd", "-f", "-h", "/etc/box", "-p", "80"]
files = { "/etc/box/index.html" = { text = "reader\n" } }
needs = ["web", "job"]
health = { exec = ["/bin/busybox", "wget", "-q", "-O", "/dev/null", "http://reader/index.html"], interval = "1s" }
replicas = 2

[service.job]
image = "box"
kind = "job"
command = ["/bin/busybox", "wget", "-O", "/var/scratch/config", "{{ web.http.url }}/etc/box/config"]
needs = ["web"]

[secret.key]
generate = 16
"#;

/// An engine with the image of the stack, which is what longshore would make: busybox, and folders with their owners.
fn engine(folder: &Path) -> Docker {
    let root = folder.join("root");
    for path in ["bin", "etc/box", "srv", "var/scratch", "tmp"] {
        fs_err::create_dir_all(root.join(path)).unwrap();
    }
    fs_err::copy("/usr/bin/busybox", root.join("bin/busybox"))
        .or_else(|_| fs_err::copy("/bin/busybox", root.join("bin/busybox")))
        .unwrap();
    for path in ["srv", "var/scratch"] {
        Tool::new("chown").arg("10001:10001").arg(root.join(path)).run();
        Tool::new("chmod").arg("0750").arg(root.join(path)).run();
    }
    // Some engines take the image's bits for what they mount there.
    Tool::new("chmod").arg("1777").arg(root.join("tmp")).run();
    let tar = folder.join("box.tar");
    Tool::new("tar").args(["--numeric-owner", "-C"]).arg(&root).arg("-cf").arg(&tar).arg(".").run();
    let docker = Docker::start();
    docker.cli().args(["import", "--change", "USER 10001:10001"]).arg(&tar).arg("small/box:one").run();
    docker
}

#[test]
fn compose_brings_it_up() {
    let folder = tempfile::tempdir().unwrap();
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let stack = read(&STACK.replace("PORT", &port.to_string()));
    let images = BTreeMap::from([("box".to_owned(), "small/box:one".parse().unwrap())]);
    write(&compose(&deployment(&stack, &images)).unwrap(), folder.path());
    fs_err::create_dir(folder.path().join("secrets")).unwrap();
    fs_err::write(folder.path().join("secrets/key"), "sesame").unwrap();
    let work = tempfile::tempdir().unwrap();
    let docker = engine(work.path());
    let small = Project { folder: folder.path(), docker: &docker };
    let compose = |arguments: &[&str]| small.compose(arguments);
    let up = || compose(&["up", "-d", "--wait", "--wait-timeout", "120"]).run();
    up();
    let inside = |words: &[&str]| {
        let output = compose(&["exec", "-T", "web", "/bin/busybox"]).args(words).output();
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    assert_eq!(inside(&["id", "-u"]), (true, "10001\n".to_owned()));
    assert_eq!(inside(&["cat", "/run/secrets/key"]), (true, "sesame".to_owned()));
    assert_eq!(inside(&["cat", "/etc/box/config"]), (true, "neighbour: http://reader:80\n".to_owned()));
    assert!(inside(&["env"]).1.lines().any(|line| line == "PRICE=$5 ${HOME}"));
    assert_eq!(inside(&["stat", "-c", "%u:%g %a", "/srv"]), (true, "10001:10001 750\n".to_owned()));
    assert_eq!(inside(&["stat", "-c", "%u:%g %a", "/var/scratch"]), (true, "10001:10001 750\n".to_owned()));
    for (path, writable) in
        [("/srv/page", true), ("/var/scratch/x", true), ("/tmp/x", true), ("/etc/x", false)]
    {
        assert_eq!(inside(&["cp", "/run/secrets/key", path]).0, writable, "{path}");
    }
    let (_, status) = inside(&["cat", "/proc/1/status"]);
    for line in ["CapBnd:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"] {
        assert!(status.lines().any(|other| other == line), "no `{line}` in {status}");
    }
    assert_eq!(get(port, "/srv/page"), "sesame");
    let state = |service: &str| compose(&["ps", "-a", "--format", "{{.State}} {{.ExitCode}}", service]).run();
    assert_eq!(state("job"), "exited 0\n");
    assert_eq!(state("reader"), "running 0\nrunning 0\n");
    assert_eq!(state("web"), "running 0\n");
    assert_eq!(compose(&["ps", "-a", "--services"]).run().lines().collect::<BTreeSet<_>>().len(), 3);

    compose(&["down", "--timeout", "1"]).run();
    up();
    assert_eq!(get(port, "/srv/page"), "sesame");
    compose(&["down", "--timeout", "1", "--volumes"]).run();
    up();
    assert!(get(port, "/srv/page").contains("404"), "the volume was to be gone");
}

/// What Compose makes of a folder; gone, with its network, when dropped.
struct Project<'a> {
    folder: &'a Path,
    docker: &'a Docker,
}

impl Project<'_> {
    fn compose(&self, arguments: &[&str]) -> Tool {
        Tool::kept("docker-compose")
            .env("DOCKER_HOST", self.docker.host())
            .env("DOCKER_CONFIG", self.folder)
            .arg("-f")
            .arg(self.folder.join("compose.yaml"))
            .args(arguments)
    }
}

impl Drop for Project<'_> {
    fn drop(&mut self) {
        self.compose(&["down", "--timeout", "1", "--volumes"]).output();
    }
}

/// The page at `path` of the host's own `port`.
fn get(port: u16, path: &str) -> String {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}
