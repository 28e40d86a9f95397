//! Builds from source against the ecosystems' own commands: the same sources, the same compilers, nothing compiled before.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::measure::Runs;
use super::report::{Section, target};
use super::{Row, empty, said};
use crate::run::{Result, capture, root, run, shipped};

/// A published program, fetched and built by Go itself.
const KO: &str = "github.com/google/ko@v0.18.1";
/// Where a registry for ko's base image answers.
const REGISTRY: &str = "127.0.0.1:5123";

/// A build of the repository.
struct Case {
    name: &'static str,
    kind: &'static str,
    folder: &'static str,
}

const GO: Case = Case { name: "collector", kind: "go", folder: "stacks/betrace/collector" };
const CARGO: Case = Case { name: "answer", kind: "cargo", folder: "examples/from-source/answer" };

/// Go against `go build` and ko, Cargo against `cargo build`.
pub fn sections(folder: &Path) -> Result<Vec<Section>> {
    Ok(vec![go(&folder.join("go"))?, cargo(&folder.join("cargo"))?])
}

fn go(work: &Path) -> Result<Section> {
    let bench = Bench::new(&GO, work)?;
    let mut rows = bench.rows()?;
    let source = bench.stack.join(GO.name);
    let text = crate::run::read(&source.join("go.mod"))?;
    let version = text.lines().find_map(|line| line.strip_prefix("go ")).unwrap_or_default();
    let modules = work.join("modules");
    let cache = work.join("compiled");
    let with_go = |program: &Path, arguments: &[&str]| {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&source);
        command.env("GOTOOLCHAIN", format!("go{version}")).env("CGO_ENABLED", "0");
        command
            .env("GOMODCACHE", &modules)
            .env("GOCACHE", &cache)
            .env("GOFLAGS", "-mod=readonly -buildvcs=false");
        command
    };
    run(&mut with_go(Path::new("go"), &["mod", "download"]))?;
    let out = work.join("plain").display().to_string();
    let arguments = ["build", "-trimpath", "-ldflags=-s -w -buildid=", "-o", &out, "."];
    let plain = Runs::take(3, work, || empty(&cache), || with_go(Path::new("go"), &arguments))?;
    rows.push(Row { name: "go build", runs: plain });

    let tools = work.join("tools");
    run(Command::new("go").args(["install", KO]).env("GOBIN", &tools).env("GOFLAGS", "").current_dir(work))?;
    let _registry = Registry::start(work)?;
    let layout = work.join("ko-layout").display().to_string();
    let arguments = ["build", "--push=false", "--oci-layout-path", &layout, "--platform=linux/amd64", "."];
    let by_ko = || {
        let mut command = with_go(&tools.join("ko"), &arguments);
        command.env("KO_DOCKER_REPO", REGISTRY).env("KO_DEFAULTBASEIMAGE", format!("{REGISTRY}/base"));
        command
    };
    rows.push(Row { name: "ko build", runs: Runs::take(3, work, || empty(&cache), by_ko)? });
    let targets = targets(&rows, "go build");
    Ok(Section { title: format!("{} with Go", GO.folder), key: "go", rows, targets, ..Section::default() })
}

/// In the very root that longshore builds in, so that both have one compiler: takes root's rights.
fn cargo(work: &Path) -> Result<Section> {
    let bench = Bench::new(&CARGO, work)?;
    let mut rows = bench.rows()?;
    let source = bench.stack.join(CARGO.name);
    let vendor = ["vendor", "--locked", "--versioned-dirs", "--quiet"];
    run(Command::new("cargo")
        .args(vendor)
        .arg(work.join("deps/vendor"))
        .current_dir(&source)
        .stdout(Stdio::null()))?;
    let toolchain = bench.root("usr/bin/cargo")?;
    let script = "mount -t proc proc $1/proc; mount -t tmpfs tmp $1/tmp; mount --rbind /dev $1/dev; mount --bind $2 $1/src; mount --bind $3 $1/deps\n\
         mount --bind $4 $1/build\n\
         exec chroot $1 /usr/bin/env -i PATH=/usr/bin:/bin HOME=/build CARGO_HOME=/build/ch CARGO_TARGET_DIR=/build/target \
         CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER=gcc CC=gcc sh -c 'cd /src; exec cargo build --frozen --release \
         --target x86_64-unknown-linux-gnu --config profile.release.strip=\\\"symbols\\\" \
         --config source.crates-io.replace-with=\\\"v\\\" --config source.v.directory=\\\"/deps/vendor\\\"'";
    let build = work.join("build");
    let plain = || {
        let mut command = Command::new("unshare");
        command.args(["--mount", "--pid", "--fork", "sh", "-e", "-c", script, "sh"]);
        command.args([&toolchain, &source, &work.join("deps"), &build]);
        command
    };
    rows.push(Row { name: "cargo build", runs: Runs::take(3, work, || empty(&build), plain)? });
    let targets = targets(&rows, "cargo build");
    Ok(Section {
        title: format!("{} with Cargo", CARGO.folder),
        key: "cargo",
        rows,
        targets,
        ..Section::default()
    })
}

/// A stack of one build and one image of it.
struct Bench<'a> {
    work: &'a Path,
    stack: PathBuf,
    store: PathBuf,
}

impl<'a> Bench<'a> {
    /// Writes the stack, locks it and builds it once, so that everything is fetched.
    fn new(case: &Case, work: &'a Path) -> Result<Self> {
        empty(work)?;
        let (stack, store) = (work.join("stack"), work.join("store"));
        fs::create_dir_all(&stack).map_err(|error| said(&stack, &error))?;
        run(Command::new("cp").arg("-r").arg(root().join(case.folder)).arg(stack.join(case.name)))?;
        let Case { name, kind, .. } = case;
        let text = format!(
            "[stack]\nname = \"bench\"\n\n[sources.debian]\nkind = \"apt\"\ndistribution = \"debian\"\n\
             suites = [\"trixie\", \"trixie-updates\", \"trixie-security\"]\nkeyring = \"debian-archive\"\n\n\
             [build.{name}]\nkind = \"{kind}\"\npath = \"{name}\"\n\n\
             [image.{name}]\ncontents = [{{ build = \"{name}\", from = \"bin/{name}\", to = \"/bin/\" }}]\n\
             command = [\"/bin/{name}\"]\nallow = [\"missing-library\", \"missing-interpreter\"]\n"
        );
        let path = stack.join("stack.toml");
        fs::write(&path, text).map_err(|error| said(&path, &error))?;
        run(Command::new("git").args(["init", "--quiet"]).arg(&stack))?;
        run(Command::new("git").arg("-C").arg(&stack).args(["add", "--all"]))?;
        let bench = Self { work, stack, store };
        run(&mut bench.longshore(&["lock"]))?;
        run(&mut bench.longshore(&["build"]))?;
        Ok(bench)
    }

    fn longshore(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(shipped());
        command.arg("-C").arg(&self.stack).args(arguments).env("LONGSHORE_STORE", &self.store);
        command
    }

    /// Cold: everything is fetched and the toolchain is unpacked, and nothing is compiled. No-op: nothing changed.
    fn rows(&self) -> Result<Vec<Row>> {
        let forget = || {
            empty(&self.store.join("caches"))?;
            let records = self.store.join("records");
            let entries = fs::read_dir(&records).map_err(|error| said(&records, &error))?;
            for path in entries.flatten().map(|entry| entry.path()) {
                if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("build-output")) {
                    empty(&path)?;
                }
            }
            Ok(())
        };
        let build = || self.longshore(&["--offline", "build"]);
        Ok(vec![
            Row { name: "longshore, cold", runs: Runs::take(3, self.work, forget, build)? },
            Row { name: "longshore, no-op", runs: Runs::take(9, self.work, || Ok(()), build)? },
        ])
    }

    /// The unpacked toolchain that holds `program`.
    fn root(&self, program: &str) -> Result<PathBuf> {
        let roots = self.store.join("roots");
        let entries = fs::read_dir(&roots).map_err(|error| said(&roots, &error))?;
        let mut trees = entries.flatten().map(|entry| entry.path().join("tree"));
        trees.find(|tree| tree.join(program).exists()).ok_or_else(|| format!("no root holds {program}"))
    }
}

fn targets(rows: &[Row], plain: &str) -> String {
    let wall = |name: &str| super::report::wall(rows, name);
    let (cold, plain, no_op) = (wall("longshore, cold"), wall(plain), wall("longshore, no-op"));
    format!(
        "\nhermetic over plain: {:+.1} % (target +10 %: {}) · no-op under 50 ms: {}\n",
        (cold / plain - 1.0) * 100.0,
        target(cold <= plain * 1.1),
        target(no_op < 0.05),
    )
}

/// A registry with an empty image, which ko wants to build upon.
struct Registry(Child);

impl Registry {
    fn start(work: &Path) -> Result<Self> {
        let settings = work.join("registry.yml");
        let text = format!(
            "version: 0.1\nlog: {{ level: error }}\nstorage: {{ filesystem: {{ rootdirectory: {} }} }}\nhttp: {{ addr: \"{REGISTRY}\" }}\n",
            work.join("registry").display()
        );
        fs::write(&settings, text).map_err(|error| said(&settings, &error))?;
        let child = Command::new("docker-registry")
            .arg("serve")
            .arg(&settings)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let registry = Self(child.map_err(|error| format!("docker-registry can't be started: {error}"))?);
        let base = work.join("base");
        run(Command::new("umoci").args(["init", "--layout"]).arg(&base))?;
        run(Command::new("umoci").args(["new", "--image"]).arg(format!("{}:x", base.display())))?;
        let mut copy = Command::new("skopeo");
        copy.args(["copy", "--quiet", "--dest-tls-verify=false", &format!("oci:{}:x", base.display())]);
        copy.arg(format!("docker://{REGISTRY}/base"));
        // It answers when it is ready.
        for _ in 0..50 {
            if capture(&mut copy).is_ok() {
                return Ok(registry);
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        Err(String::from("docker-registry takes no image"))
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        // It is gone already, or goes now.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
