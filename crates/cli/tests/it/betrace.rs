//! The shipped stack in its two profiles: `upstream` from a small signed repository and a server of archives that have
//! the layout of the makers' own, which can't be reached from everywhere; `source` built whole, when there is time.

use std::ops::Deref;
use std::time::Duration;

use longshore_testkit::apt::{Key, Package, Repository};
use longshore_testkit::http::{Server, get};
use longshore_testkit::{Sandbox, Tool, layout};
use serde_json::Value;
use tempfile::TempDir;

use crate::common::{Running, ports, real, with_update};

/// What Debian calls the machines that the stack is for, and `e_machine` of their programs (ELF, "ELF header").
const MACHINES: [(&str, [u8; 2]); 2] = [("amd64", [0x3e, 0]), ("arm64", [0xb7, 0])];

/// `stacks/betrace` in its default profile, with servers of the test's own in the places of the makers'.
pub struct Upstream {
    sandbox: Sandbox,
    _repository: Repository,
    _archives: (TempDir, Server),
}

impl Deref for Upstream {
    type Target = Sandbox;

    fn deref(&self) -> &Sandbox {
        &self.sandbox
    }
}

/// A static program that says whose it is.
fn program(name: &str, machine: [u8; 2]) -> Vec<u8> {
    let mut bytes = fs_err::read("/usr/bin/busybox").or_else(|_| fs_err::read("/bin/busybox")).unwrap();
    bytes[18..20].copy_from_slice(&machine);
    bytes.extend(name.as_bytes());
    bytes
}

/// What the makers' repository has, as far as the stack takes something of it.
fn packages() -> Vec<Package> {
    let of = |(architecture, machine): (&'static str, [u8; 2])| {
        let package = |name: &str| Package::new(name, "1.0-1").architecture(architecture);
        let grafana = package("grafana")
            .depends("libc6")
            .executable("usr/share/grafana/bin/grafana", program("grafana", machine))
            .executable(
                "usr/sbin/grafana-server",
                "#!/bin/sh\nexec /usr/share/grafana/bin/grafana server \"$@\"\n",
            )
            .file("usr/share/grafana/conf/defaults.ini", "[paths]\n")
            .file("usr/share/grafana/public/build/app.js", "// app\n");
        let simple = ["loki", "alloy"].map(|name| {
            let place = format!("usr/bin/{name}");
            package(name)
                .executable(&place, program(name, machine))
                .file(&format!("etc/{name}/config"), "own\n")
        });
        [vec![grafana], simple.into()].concat()
    };
    MACHINES.into_iter().flat_map(of).collect()
}

/// The release archives, below the paths that the stack file names.
fn archives() -> (TempDir, Server) {
    let folder = tempfile::tempdir().unwrap();
    for (name, version) in [("tempo", "2.10.8"), ("pyroscope", "1.19.1")] {
        for (architecture, machine) in MACHINES {
            let place = folder.path().join(format!("grafana/{name}/releases/download/v{version}"));
            let source = folder.path().join(format!("{name}-{architecture}"));
            fs_err::create_dir_all(&place).unwrap();
            fs_err::create_dir_all(&source).unwrap();
            fs_err::write(source.join(name), program(name, machine)).unwrap();
            fs_err::write(source.join("LICENSE"), "its licence\n").unwrap();
            Tool::new("chmod").arg("0755").arg(source.join(name)).run();
            let archive = place.join(format!("{name}_{version}_linux_{architecture}.tar.gz"));
            Tool::new("tar").arg("-C").arg(&source).arg("-czf").arg(&archive).args([name, "LICENSE"]).run();
        }
    }
    let server = Server::new(folder.path());
    (folder, server)
}

/// The stack, in a sandbox with changes.
pub fn upstream(change: impl Fn(Sandbox) -> Sandbox) -> Upstream {
    let (repository, archives) = (Repository::new(&packages()), archives());
    let sandbox = change(real("stacks/betrace"));
    let text = sandbox.read("stack.toml");
    let replaced = text
        .replace("https://apt.grafana.com", &repository.url())
        .replace("https://github.com/grafana", &format!("{}/grafana", archives.1.url()))
        .replace("B53AE77BADB630A683046005963FA27710458545", &repository.key().fingerprint());
    assert_ne!(text, replaced);
    sandbox.write("stack.toml", replaced);
    sandbox.write("keys/grafana.asc", fs_err::read(repository.key().public()).unwrap());
    // Somebody's lock of the real ones would be for other bytes.
    drop(fs_err::remove_file(sandbox.work().join("stack.upstream.lock")));
    Upstream { sandbox, _repository: repository, _archives: archives }
}

#[test]
fn upstream_is_made_of_signed_packages_and_pinned_archives() {
    let stack = upstream(|sandbox| sandbox);
    // Both platforms are built in the long set: the programs of this repository take minutes for each.
    with_update(&stack, &["build", "-p", "linux/amd64", "-o", "out"]);
    let out = stack.work().join("out");
    assert!(longshore_publish::validate(&out).is_empty());
    let unpacked = |image: &str| {
        layout::umoci_unpack(&out, &format!("ghcr.io/betrace-hq/{image}:latest"), &stack.work().join(image))
    };
    for (image, place) in [
        ("loki", "usr/bin/loki"),
        ("tempo", "usr/bin/tempo"),
        ("alloy", "usr/bin/alloy"),
        ("pyroscope", "usr/bin/pyroscope"),
        ("grafana", "usr/share/grafana/bin/grafana"),
    ] {
        let root = unpacked(image);
        assert_eq!(fs_err::read(root.join(place)).unwrap(), program(image, MACHINES[0].1), "{image}");
        assert!(!root.join("usr/bin/sh").exists(), "{image} has a shell");
    }
    stack.ok(&["generate", "compose", "-o", "deploy"]);
    let text = stack.read("deploy/config/grafana/etc/grafana/provisioning/datasources/betrace.yaml");
    assert!(
        text.contains("url: http://tempo:3200") && text.contains("type: grafana-pyroscope-datasource"),
        "{text}"
    );
    let app = stack.work().join("grafana/rootfs/usr/share/betrace/plugins/betrace-app");
    let said: Value = serde_json::from_slice(&fs_err::read(app.join("plugin.json")).unwrap()).unwrap();
    assert_eq!(said["id"], "betrace-app");
    assert!(app.join("module.js").is_file());

    let why = stack.ok(&["why", "loki", "/bin/loki"]);
    assert!(why.contains("grafana/loki=1.0-1:arm64") && why.contains("image `loki` → `loki`"), "{why}");
    let lock = stack.read("stack.upstream.lock");
    assert!(
        lock.contains("profile = \"upstream\"") && lock.contains("tempo_2.10.8_linux_arm64.tar.gz"),
        "{lock}"
    );

    // The key in the stack decides, not the address.
    let other = Key::new();
    stack.write("keys/grafana.asc", fs_err::read(other.public()).unwrap());
    let text = stack.read("stack.toml").replace(&stack._repository.key().fingerprint(), &other.fingerprint());
    stack.write("stack.toml", text);
    let refused = stack.run(&["update"]);
    assert_eq!(refused.code, 1, "{refused}");
    assert!(refused.stderr.contains("grafana"), "{refused}");
    assert_eq!(
        stack.read("stack.upstream.lock"),
        lock,
        "a lock that can't be made leaves the one that is there"
    );
}

#[test]
#[ignore = "builds the programs of the stack for two platforms: ./x test --long"]
fn upstream_is_whole_for_both_platforms() {
    let stack = upstream(|sandbox| sandbox);
    with_update(&stack, &["build", "-o", "both"]);
    assert!(longshore_publish::validate(&stack.work().join("both")).is_empty());
}

#[test]
fn what_the_examples_break_is_found_by_the_programs_built_here() {
    let stack = upstream(|sandbox| sandbox);
    // The entrance is no program here: the load generator sends to the backend itself.
    let text = stack.read("stack.toml");
    let direct = text
        .replace("--otlp={{ alloy.otlp_grpc.url }}", "--otlp={{ backend.grpc.url }}")
        .replace("needs = [\"alloy\", \"backend\"]", "needs = [\"backend\"]");
    assert_ne!(text, direct);
    stack.write("stack.toml", direct);
    with_update(&stack, &["build", "-p", "linux/amd64"]);
    let _ports = ports();
    let running = Running(&stack);
    stack.ok(&["up", "--detach", "frontend", "loadgen"]);

    // As a browser asks: by way of the frontend.
    let start = std::time::Instant::now();
    let found = loop {
        let answer = ready(12010, "/v1/violations", Duration::from_secs(10)).unwrap();
        let found: Value = serde_json::from_str(&answer).unwrap();
        if found["totalCount"] == 12 || start.elapsed() > Duration::from_secs(60) {
            break found;
        }
        std::thread::sleep(Duration::from_millis(500));
    };
    let violations = found["violations"].as_array().unwrap();
    let mut rules: Vec<_> = violations.iter().map(|one| one["ruleId"].as_str().unwrap()).collect();
    rules.sort_unstable();
    rules.dedup();
    assert_eq!(rules.len(), 12, "{found}\n{}", stack.ok(&["logs"]));
    assert!(violations.iter().all(|one| one["verified"] == true), "{found}");
    drop(running);
}

#[test]
#[ignore = "builds Loki and Tempo: ./x test --long"]
fn source_is_built_for_two_platforms_and_again_with_the_same_bytes() {
    let stack = real("stacks/betrace").env("LONGSHORE_PROFILE", "source");
    with_update(&stack, &["--hermetic", "build"]);
    let said: Value = serde_json::from_str(&stack.ok(&["--json", "build"])).unwrap();
    let images = said["images"].as_array().unwrap();
    assert_eq!(images.len(), 7 * 2, "{said}");
    let again = stack.ok(&["rebuild", "--all"]);
    assert_eq!(again.matches("the same bytes").count(), 6 * 2, "{again}");
}

/// Asks until the answer is 200: these programs answer 503 while they are not.
fn ready(port: u16, path: &str, patience: Duration) -> Result<String, String> {
    let start = std::time::Instant::now();
    loop {
        let answer = get(port, path, patience)?;
        if answer.status == 200 {
            return Ok(answer.body.trim().to_owned());
        }
        if start.elapsed() > patience {
            return Err(format!("not ready after {} s: {answer:?}", patience.as_secs()));
        }
        std::thread::sleep(Duration::from_millis(500));
    }
}
