//! A root folder with busybox, and ways to run scripts in it.

use std::io::{Read, Write};
use std::num::NonZeroUsize;
use std::os::fd::AsFd;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use longshore_sandbox::{
    Access, Command, Error, Exit, Filter, Group, Identity, Limits, Mount, Network, Output, Process, Running,
    Sandbox, Tmpfs, start_native,
};
use tempfile::TempDir;

const APPLETS: [&str; 36] = [
    "awk", "cat", "chmod", "chown", "dd", "echo", "env", "false", "grep", "head", "hostname", "id",
    "ifconfig", "kill", "ls", "mkdir", "mount", "nc", "nproc", "ping", "ps", "readlink", "rm", "route",
    "sed", "seq", "setsid", "sh", "sleep", "stat", "touch", "tr", "true", "umount", "unshare", "wc",
];

/// A root, and a folder of the machine that is written to as `/build`.
pub struct World {
    folder: PathBuf,
    /// Removes it; none in a helper.
    _kept: Option<TempDir>,
}

/// What a script did.
#[derive(Debug)]
pub struct Ran {
    pub exit: Exit,
    pub log: String,
}

impl World {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        for name in ["bin", "tmp", "dev", "proc", "build", "src", "etc"] {
            fs_err::create_dir_all(root.join(name)).unwrap();
        }
        for name in ["build", "src"] {
            fs_err::create_dir(folder.path().join(name)).unwrap();
        }
        fs_err::write(folder.path().join("src/file"), "source\n").unwrap();
        install(Path::new(busybox()), &root.join("bin/busybox"));
        for applet in APPLETS {
            symlink("busybox", root.join("bin").join(applet)).unwrap();
        }
        // An ordinary user runs some of the tests.
        for open in ["", "root", "build"] {
            let mode = std::fs::Permissions::from_mode(if open == "build" { 0o777 } else { 0o755 });
            fs_err::set_permissions(folder.path().join(open), mode).unwrap();
        }
        Self { folder: folder.path().to_owned(), _kept: Some(folder) }
    }

    /// One that another process has made.
    fn at(folder: PathBuf) -> Self {
        Self { folder, _kept: None }
    }

    pub fn path(&self, below: &str) -> PathBuf {
        self.folder.join(below)
    }

    pub fn sandbox(&self) -> Sandbox {
        sandbox(&self.folder)
    }

    /// A sandbox for services of this user.
    pub fn service(&self, user: u32) -> Sandbox {
        Sandbox {
            ids: (user, user),
            identity: Identity::Same,
            filter: Filter::Services,
            limits: Limits::default(),
            ..self.sandbox()
        }
    }

    /// Runs a script, which must end by itself with exit code 0.
    pub fn script(&self, script: &str) -> String {
        let ran = run(&self.sandbox(), script).unwrap();
        assert!(ran.exit.status.success(), "`{script}`: {}\n{}", ran.exit.status, ran.log);
        ran.log
    }

    /// Runs a script in a sandbox made by another process, under another user when `user` is given.
    pub fn helper(&self, user: Option<u32>, script: &str) -> std::process::Command {
        // Another user may not reach the folder that the tests were built in.
        let program = self.path("helper");
        if !program.exists() {
            install(&std::env::current_exe().unwrap(), &program);
        }
        // Whoever runs the tests in the background has them ignore SIGINT, which the helper would inherit.
        let mut command = std::process::Command::new("env");
        command.arg("--default-signal=INT");
        match user {
            None => command.arg(program),
            Some(user) => command
                .arg("setpriv")
                .arg(format!("--reuid={user}"))
                .arg(format!("--regid={user}"))
                .arg("--clear-groups")
                .arg(program),
        };
        command.args(["--exact", "helper", "--ignored", "--nocapture"]);
        command.env("SANDBOX_WORLD", &self.folder).env("SANDBOX_SCRIPT", script);
        command.current_dir("/").stdin(Stdio::null());
        command
    }
}

/// Copies a program. A process of its own writes it: children of other tests' threads have whatever this process writes open for a
/// moment, and what is open for writing can't be run.
fn install(program: &Path, to: &Path) {
    let mut copy = std::process::Command::new("cp");
    assert!(copy.arg("--preserve=mode").arg(program).arg(to).status().unwrap().success());
}

/// A service of a test, and what it says.
pub struct Service {
    pub running: Running,
    pub stdout: std::fs::File,
    pub stderr: std::fs::File,
}

impl Service {
    pub fn try_start(sandbox: &Sandbox, command: &Command) -> Result<Self, Error> {
        Self::start_in(sandbox, command, None)
    }

    pub fn start_in(sandbox: &Sandbox, command: &Command, group: Option<Group>) -> Result<Self, Error> {
        let pipe = || rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
        let ((out, stdout), (err, stderr)) = (pipe(), pipe());
        let running = sandbox.start(command, Output { stdout, stderr }, group)?;
        Ok(Self { running, stdout: out.into(), stderr: err.into() })
    }

    /// One that is not kept apart.
    pub fn start_native(command: &Command) -> Result<Self, Error> {
        let pipe = || rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
        let ((out, stdout), (err, stderr)) = (pipe(), pipe());
        let running = start_native(command, Output { stdout, stderr }, None)?;
        Ok(Self { running, stdout: out.into(), stderr: err.into() })
    }

    #[track_caller]
    pub fn start(sandbox: &Sandbox, script: &str) -> Self {
        Self::try_start(sandbox, &shell(script)).unwrap()
    }

    /// As many bytes of its stdout.
    pub fn said(&self, bytes: usize) -> String {
        let mut said = vec![0; bytes];
        (&self.stdout).read_exact(&mut said).unwrap();
        String::from_utf8(said).unwrap()
    }

    #[track_caller]
    pub fn has_said(&self, text: &str) {
        assert_eq!(self.said(text.len()), text);
    }
}

fn sandbox(world: &Path) -> Sandbox {
    let mount =
        |name: &str, access| Mount { from: world.join(name), to: PathBuf::from(format!("/{name}")), access };
    Sandbox {
        root: world.join("root"),
        mounts: vec![mount("build", Access::Write), mount("src", Access::Read)],
        tmpfs: vec![Tmpfs::tmp()],
        network: Network::None,
        hostname: String::from("box"),
        ids: (1000, 1000),
        identity: Identity::Caller,
        filter: Filter::None,
        limits: Limits { time: Some(Duration::from_secs(60)), file: Some(1 << 30), ..Limits::default() },
    }
}

pub fn shell(script: &str) -> Command {
    Command {
        argv: ["/bin/sh", "-c", script].map(String::from).to_vec(),
        env: [("PATH", "/bin"), ("HOME", "/homeless")]
            .map(|(name, value)| (name.into(), value.into()))
            .into(),
        cwd: PathBuf::from("/build"),
    }
}

/// The same, of the machine.
pub fn native(script: &str) -> Command {
    let env = [("PATH", "/usr/bin:/bin"), ("COLOUR", "green")];
    Command {
        env: env.map(|(name, value)| (name.into(), value.into())).into(),
        cwd: PathBuf::from("/"),
        ..shell(script)
    }
}

pub fn run(sandbox: &Sandbox, script: &str) -> Result<Ran, Error> {
    let mut log = Vec::new();
    let exit = sandbox.run(&shell(script), &mut log)?;
    Ok(Ran { exit, log: String::from_utf8(log).unwrap() })
}

/// What [`World::helper`] starts; `SANDBOX_MODE` says what it does with the script.
pub fn helper() {
    let world = World::at(PathBuf::from(std::env::var("SANDBOX_WORLD").unwrap()));
    let script = std::env::var("SANDBOX_SCRIPT").unwrap();
    match std::env::var("SANDBOX_MODE").unwrap_or_default().as_str() {
        "terminal" => {
            let exit = world.sandbox().interactive(&shell(&script)).unwrap();
            println!("told: {}", exit.status);
        }
        "service" => service(&world, &script),
        "native" => {
            let stderr = || std::io::stderr().as_fd().try_clone_to_owned().unwrap();
            let output = Output { stdout: stderr(), stderr: stderr() };
            let mut running = start_native(&native(&script), output, None).unwrap();
            tell(&format!("told: {}", running.wait().unwrap().status));
        }
        "terminal beside" => {
            let service = Service::start(&world.service(10_001), "sleep 1000");
            let exit = service.running.process().interactive(&shell(&script)).unwrap();
            println!("told: {}", exit.status);
        }
        beside if beside.starts_with("beside ") => {
            let numbers: Vec<u64> = beside.split(' ').skip(1).map(|it| it.parse().unwrap()).collect();
            let process = Process { pid: u32::try_from(numbers[0]).unwrap(), born: numbers[1] };
            let time = Duration::from_secs(20);
            match process.run(&shell(&script), time, &mut std::io::stderr()) {
                Ok(exit) => tell(&format!("told: {}", exit.status)),
                Err(error) => tell(&format!("told: {error}")),
            }
        }
        _ => {
            let exit = world.sandbox().run(&shell(&script), &mut std::io::stderr()).unwrap();
            assert!(exit.status.success(), "{}", exit.status);
        }
    }
}

/// Starts a service that shares this process's streams, says which it is, and leaves it to itself.
fn service(world: &World, script: &str) {
    let stderr = || std::io::stderr().as_fd().try_clone_to_owned().unwrap();
    let output = Output { stdout: stderr(), stderr: stderr() };
    let mut running = world.service(10_001).start(&shell(script), output, None).unwrap();
    let process = running.process();
    tell(&format!("process {} {}", process.pid, process.born));
    tell(&format!("groups {}", longshore_sandbox::Groups::find("longshore-test").is_ok()));
    eventually("it has started its child", || running.usage().unwrap().processes != 1);
    let usage = running.usage().unwrap();
    tell(&format!("processes {}, with memory: {}", usage.processes, usage.memory > 100_000));
    tell(&format!("told: {}", running.wait().unwrap().status));
}

/// Says a line, in one piece: a service may say something of its own at the same time.
fn tell(line: &str) {
    std::io::stderr().write_all(format!("{line}\n").as_bytes()).unwrap();
}

pub fn cpus(number: usize) -> Option<NonZeroUsize> {
    NonZeroUsize::new(number)
}

/// Host processes whose command line holds `marker`.
pub fn processes(marker: &str) -> Vec<String> {
    let all = fs_err::read_dir("/proc").unwrap();
    let lines = all.filter_map(|entry| fs_err::read(entry.unwrap().path().join("cmdline")).ok());
    lines
        .map(|line| String::from_utf8_lossy(&line).into_owned())
        .filter(|line| line.contains(marker))
        .collect()
}

/// Waits until `condition` holds.
#[track_caller]
pub fn eventually(what: &str, condition: impl Fn() -> bool) {
    for _ in 0..1000 {
        if condition() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("not within 10 seconds: {what}");
}

fn busybox() -> &'static str {
    let found = ["/bin/busybox", "/usr/bin/busybox"].into_iter().find(|path| Path::new(path).exists());
    let path = found.expect("busybox is missing: `apt-get install busybox-static`");
    let bytes = fs_err::read(path).unwrap();
    let loader = b"/ld-linux";
    let dynamic = bytes.windows(loader.len()).take(1 << 16).any(|window| window == loader);
    assert!(!dynamic, "`{path}` needs libraries: `apt-get install busybox-static`");
    path
}
