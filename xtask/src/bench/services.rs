//! From everything built to everything ready: `longshore up` against `docker compose up --wait`, the same images, the same
//! services, new volumes each time.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::measure::Runs;
use super::report::{Section, target};
use super::{Row, empty, said};
use crate::run::{Result, capture, root, run, shipped};

/// A web service with PostgreSQL: a database is made at the first start.
const STACK: &str = "examples/notes";
const RUNS: usize = 5;

/// `longshore up` and Compose.
pub fn section(work: &Path) -> Result<Section> {
    empty(work)?;
    let bench = Bench { stack: work.join("stack"), work };
    run(Command::new("cp").arg("-a").arg(root().join(STACK)).arg(&bench.stack))?;
    run(&mut bench.longshore(&["build"]))?;
    // What is unpacked once in the life of the store is no part of a start.
    run(&mut bench.longshore(&["up", "--detach"]))?;
    let memory = supervisor(&bench.state())?;
    run(&mut bench.longshore(&["down", "--volumes"]))?;

    let docker = Docker::start(work)?;
    let with_docker = |mut command: Command| {
        command.env("DOCKER_HOST", docker.host()).env("DOCKER_CONFIG", work);
        command
    };
    run(&mut with_docker(bench.longshore(&["load", "--engine", "docker"])))?;
    let files = work.join("compose");
    run(bench.longshore(&["generate", "compose", "--output"]).arg(&files))?;
    run(bench.longshore(&["secrets", "export"]).arg(files.join("secrets")))?;
    let compose = |arguments: &[&str]| {
        let mut command = Command::new(root().join("target/test-tools/docker-compose"));
        command.arg("-f").arg(files.join("compose.yaml")).args(arguments);
        with_docker(command)
    };

    let gone = || capture(&mut bench.longshore(&["--quiet", "down", "--volumes"])).map(drop);
    let ours = Runs::take(RUNS, work, gone, || bench.longshore(&["up", "--detach"]))?;
    gone()?;
    let gone = || capture(compose(&["down", "--volumes", "--timeout", "10"]).stderr(Stdio::null())).map(drop);
    let theirs = Runs::take(RUNS, work, gone, || compose(&["up", "--detach", "--wait"]))?;
    gone()?;
    let rows = vec![
        Row { name: "longshore up --detach", runs: ours },
        Row { name: "docker compose up --wait", runs: theirs },
    ];
    let (ours, theirs) = (wall(&rows, 0), wall(&rows, 1));
    let targets = format!(
        "\nup is not slower than Compose: {} · supervisor {:.1} MB when all is ready (target under 20 MB: {})\n",
        target(ours <= theirs),
        memory / 1e6,
        target(memory < 20e6),
    );
    Ok(Section {
        title: format!("{STACK}: to all ready"),
        key: "services",
        rows,
        targets,
        ..Section::default()
    })
}

fn wall(rows: &[Row], index: usize) -> f64 {
    rows.get(index).map_or(f64::NAN, |row| row.runs.figure(|run| run.wall).0)
}

struct Bench<'a> {
    stack: PathBuf,
    work: &'a Path,
}

impl Bench<'_> {
    fn longshore(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(shipped());
        command.arg("-C").arg(&self.stack).args(arguments);
        command.env("LONGSHORE_STORE", self.work.join("store")).env("XDG_STATE_HOME", self.state());
        command
    }

    fn state(&self) -> PathBuf {
        self.work.join("state")
    }
}

/// Resident bytes of the supervisor whose state is below `state`: the largest process that has this folder open.
fn supervisor(state: &Path) -> Result<f64> {
    let state = state.display().to_string();
    let mut most = 0.0_f64;
    for entry in std::fs::read_dir("/proc").map_err(|error| said(Path::new("/proc"), &error))?.flatten() {
        let read = |name: &str| std::fs::read_to_string(entry.path().join(name)).unwrap_or_default();
        if !(read("cmdline").contains("supervise") && read("cmdline").contains(&state)) {
            continue;
        }
        let status = read("status");
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = resident.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok());
        most = most.max(kilobytes.unwrap_or_default() * 1024.0);
    }
    match most > 0.0 {
        true => Ok(most),
        false => Err(format!("no supervisor runs below {state}")),
    }
}

/// An engine of the benchmark's own.
struct Docker {
    folder: PathBuf,
    daemon: Child,
}

impl Docker {
    fn start(work: &Path) -> Result<Self> {
        // Socket paths are short.
        let folder = std::env::temp_dir().join("longshore-bench-docker");
        empty(&folder)?;
        let mut daemon = Command::new("dockerd");
        daemon.arg("--data-root").arg(work.join("docker")).arg("--exec-root").arg(folder.join("exec"));
        daemon
            .arg("-p")
            .arg(folder.join("pid"))
            .arg("-H")
            .arg(format!("unix://{}", folder.join("sock").display()));
        daemon.args(["--bridge=none", "--iptables=false", "--ip-forward=false", "--ip-masq=false"]);
        let daemon = daemon.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let docker =
            Self { daemon: daemon.map_err(|error| format!("dockerd can't be started: {error}"))?, folder };
        for _ in 0..300 {
            let version = Command::new("docker").args(["-H", &docker.host(), "version"]).output();
            if version.is_ok_and(|output| output.status.success()) {
                return Ok(docker);
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        Err(String::from("dockerd did not answer within a minute"))
    }

    fn host(&self) -> String {
        format!("unix://{}", self.folder.join("sock").display())
    }
}

impl Drop for Docker {
    fn drop(&mut self) {
        // So that it ends its own children.
        drop(Command::new("kill").args(["-TERM", &self.daemon.id().to_string()]).status());
        drop(self.daemon.wait());
        drop(Command::new("umount").arg("-l").arg(self.folder.join("exec/netns/default")).output());
    }
}
