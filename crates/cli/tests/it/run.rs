//! The runner: small stacks of busybox that come up, are looked at, break, and go down.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use longshore_testkit::sandbox::Answer;
use longshore_testkit::{Sandbox, free_port};
use serde_json::Value;

use crate::common::{LONGSHORE, signal};
use crate::interrupted::Small;

/// An image with busybox, and a folder where its user may write.
const IMAGE: &str = r#"
[image.box]
contents = [{ file = "busybox", to = "/bin/busybox", mode = "0755" }, { symlink = "busybox", to = "/bin/sh" }]
user = { name = "box", uid = 10005 }
command = ["/bin/busybox", "sleep", "1000"]
writable = ["/srv"]
"#;

/// A job; a server with data that the job prepares for; one that asks it at its start.
const SHOP: &str = r#"
[secret.key]
generate = 32

[service.setup]
image = "box"
kind = "job"
command = ["/bin/sh", "-c", "busybox sleep 0.3; busybox id -u; busybox wc -c < /run/secrets/key"]
secrets = ["key"]

[service.web]
image = "box"
command = ["/bin/sh", "-c", "test -e /srv/born || busybox date > /srv/born; echo serving >&2; exec busybox httpd -f -p {{ self.http.listen }} -h /srv"]
ports = { http = 28081 }
publish = { http = PORT }
health = { http = "/born" }
needs = ["setup"]
volumes = { data = "/srv" }

[service.api]
image = "box"
command = ["/bin/sh", "-c", "busybox wget -q -O /srv/index.html {{ web.http.url }}/born; exec busybox httpd -f -p {{ self.http.listen }} -h /srv"]
ports = { http = 28081 }
health = { exec = ["/bin/busybox", "wget", "-q", "-O", "-", "{{ self.http.url }}/"] }
needs = ["web"]
"#;

/// A stack whose services are stopped in the end, however that comes.
pub struct Stack(pub Sandbox);

impl Drop for Stack {
    fn drop(&mut self) {
        self.0.run(&["down"]);
    }
}

impl std::ops::Deref for Stack {
    type Target = Sandbox;

    fn deref(&self) -> &Sandbox {
        &self.0
    }
}

pub fn stack(services: &str) -> Stack {
    stack_in(Sandbox::new(LONGSHORE), services)
}

pub fn stack_in(sandbox: Sandbox, services: &str) -> Stack {
    fs_err::copy("/bin/busybox", sandbox.work().join("busybox")).unwrap();
    write(&sandbox, services);
    Stack(sandbox)
}

pub fn write(sandbox: &Sandbox, services: &str) {
    sandbox.write(
        "stack.toml",
        format!("[stack]\nname = \"shop\"\nplatforms = [\"linux/amd64\"]\n{IMAGE}{services}"),
    );
}

/// [`SHOP`], and the number that it is published on.
fn shop() -> (Stack, u16) {
    let port = free_port();
    (stack(&SHOP.replace("PORT", &port.to_string())), port)
}

pub fn json(stack: &Sandbox, arguments: &[&str]) -> Value {
    serde_json::from_str(&stack.ok(&[&["--json"], arguments].concat())).unwrap()
}

/// How a service is.
pub fn row(stack: &Sandbox, service: &str) -> Value {
    let all = json(stack, &["ps"]);
    all["services"].as_array().unwrap().iter().find(|row| row["service"] == service).unwrap().clone()
}

pub fn state(stack: &Sandbox, service: &str) -> String {
    row(stack, service)["state"].as_str().unwrap().to_owned()
}

/// How long something may take on a machine that is busy with much else.
pub const PATIENCE: Duration = Duration::from_secs(300);

#[track_caller]
pub fn eventually(what: &str, mut is: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is() {
        assert!(started.elapsed() < PATIENCE, "it never came to it: {what}");
        std::thread::sleep(Duration::from_millis(30));
    }
}

/// A page of what is published on `port`.
pub fn page(port: u16, path: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes()).unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).unwrap();
    page.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or(page)
}

pub fn state_folder(stack: &Sandbox) -> PathBuf {
    let all = stack.work().join("../home/.local/state/longshore/stacks");
    let mut folders = fs_err::read_dir(all).unwrap();
    let folder = folders.next().unwrap().unwrap().path();
    assert!(folders.next().is_none());
    folder
}

/// The supervisor of a stack: it has the stack's state folder in its command line, and its services don't see that.
pub fn supervisor(stack: &Sandbox) -> u32 {
    let name = state_folder(stack).file_name().unwrap().to_str().unwrap().to_owned();
    let mut found = processes(&name);
    found.sort_by_key(|pid| parent(*pid));
    // Those of sandboxes are copies of it until they become the service.
    found[0]
}

/// The processes with this text in their command line.
pub fn processes(text: &str) -> Vec<u32> {
    let all = fs_err::read_dir("/proc").unwrap().flatten();
    let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid: &u32| {
        let line = fs_err::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(text)
    })
    .collect()
}

fn parent(pid: u32) -> u32 {
    let status = fs_err::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("PPid:")).unwrap_or("0");
    line.trim().parse().unwrap()
}

#[test]
fn a_stack_comes_up_is_used_and_keeps_its_data() {
    let (stack, port) = shop();
    let up = stack.run(&["up", "--detach"]);
    assert_eq!(up.code, 0, "{up}");
    assert_eq!(up.stdout, format!("web http  http://127.0.0.1:{port}\n"));
    for (service, state_now) in [("api", "ready"), ("setup", "completed"), ("web", "ready")] {
        assert_eq!(state(&stack, service), state_now, "{service}");
    }

    // Through the published port; by another service, by name; and what a service at its own address says.
    let born = page(port, "/born");
    assert!(born.contains("UTC"), "{born}");
    let seen = stack.ok(&["exec", "api", "busybox", "wget", "-q", "-O", "-", "http://web:28081/born"]);
    assert_eq!(seen, born);
    assert_eq!(
        stack.ok(&["exec", "web", "/bin/busybox", "wget", "-q", "-O", "-", "http://api:28081/"]),
        born
    );
    assert_eq!(row(&stack, "api")["probe"]["answer"], born.trim_end());

    // Each service is its own user, with its own processes, and can't do more.
    let inside =
        stack.ok(&["exec", "web", "sh", "-c", "busybox id -u; busybox ps; busybox cat /proc/self/status"]);
    assert!(inside.starts_with("10005\n") && !inside.contains("sleep"), "{inside}");
    for line in ["CapEff:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"] {
        assert!(inside.contains(line), "{line}: {inside}");
    }
    let write = stack.run(&["exec", "web", "sh", "-c", "echo x > /etc/x"]);
    assert!(write.code != 0 && write.stderr.contains("Read-only file system"), "{write}");
    let other = stack.run(&["exec", "web", "busybox", "cat", "/run/secrets/key"]);
    assert!(other.stderr.contains("No such file"), "a service sees a secret that is not its own: {other}");

    // What they wrote, stdout and stderr apart; the job came first.
    assert_eq!(
        stack.ok(&["logs", "setup"]).lines().take(3).collect::<Vec<_>>(),
        ["setup | (started: run 1)", "10005", "64"]
    );
    let logs = stack.ok(&["--json", "logs"]);
    let lines: Vec<Value> = logs.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let at = |service: &str, text: &str| {
        lines
            .iter()
            .position(|line| line["service"] == service && line["text"] == text)
            .unwrap_or_else(|| panic!("{logs}"))
    };
    assert!(at("setup", "completed: exit code 0") < at("web", "started: run 1"), "{logs}");
    assert!(at("web", "ready") < at("api", "started: run 1"), "{logs}");
    assert_eq!(lines[at("web", "serving")]["stream"], "err");
    let last = stack.ok(&["logs", "--tail", "1", "--timestamps", "web"]);
    assert!(last.contains("Z ready)") && last.lines().count() == 1, "{last}");

    let stats = json(&stack, &["stats"]);
    let used = stats["services"].as_array().unwrap();
    assert_eq!(used.iter().map(|used| used["service"].as_str().unwrap()).collect::<Vec<_>>(), ["api", "web"]);
    assert!(
        used.iter().all(|used| used["memory"].as_u64().unwrap() > 0 && used["processes"] == 1),
        "{stats}"
    );

    // Its data outlives it, and goes when that is asked for.
    stack.ok(&["down"]);
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    let not_running = stack.run(&["exec", "web", "busybox", "id"]);
    assert_eq!(
        not_running.stderr,
        "error: the stack does not run\n  hint: start it: `longshore up --detach`\n"
    );
    std::thread::sleep(Duration::from_millis(1_100));
    stack.ok(&["up", "--detach"]);
    assert_eq!(page(port, "/born"), born);
    stack.ok(&["down", "--volumes"]);
    stack.ok(&["up", "--detach"]);
    assert_ne!(page(port, "/born"), born);
}

#[test]
fn a_service_that_ends_is_started_again() {
    let (stack, port) = shop();
    stack.ok(&["up", "--detach"]);
    let before = row(&stack, "web");
    signal(u32::try_from(before["pid"].as_u64().unwrap()).unwrap(), "KILL");
    eventually("web ended", || row(&stack, "web")["exit"] == "signal 9");
    eventually("web is ready again", || state(&stack, "web") == "ready");
    assert_eq!(row(&stack, "web")["starts"], 2);
    assert!(page(port, "/born").contains("UTC"));
    let logs = stack.ok(&["logs", "web"]);
    assert!(logs.contains("(ended: signal 9)"), "{logs}");
    // Nobody else was touched.
    assert_eq!(row(&stack, "api")["starts"], 1);

    stack.ok(&["restart", "web"]);
    assert_eq!((row(&stack, "web")["starts"].clone(), state(&stack, "web")), (3.into(), "ready".to_owned()));
    let unknown = stack.run(&["restart", "wbe"]);
    assert_eq!(
        unknown.stderr,
        "error: no service `wbe` runs; it has `api`, `setup`, `web`\n  hint: see what runs: `longshore ps`\n"
    );
}

#[test]
fn a_killed_supervisor_leaves_nothing() {
    let (stack, port) = shop();
    stack.ok(&["up", "--detach"]);
    let services: Vec<u64> = ["web", "api"].map(|name| row(&stack, name)["pid"].as_u64().unwrap()).into();
    let supervisor = supervisor(&stack);
    let status = fs_err::read_to_string(format!("/proc/{supervisor}/status")).unwrap();
    let resident =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().split(' ').next()?.parse().ok());
    let resident: u64 = resident.unwrap();
    assert!(resident < 20_000, "the supervisor takes {resident} kB");
    signal(supervisor, "KILL");
    eventually("its services are gone", || {
        services.iter().all(|pid| {
            let state = fs_err::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            state.is_empty() || state.contains("State:\tZ")
        })
    });
    let said = stack.run(&["ps"]);
    assert_eq!(said.code, 0);
    let expected = "note: the stack's supervisor had been killed, and its services with it; what it left is cleared away\n\
                    note: the stack does not run; start it: `longshore up --detach`\n";
    assert_eq!(said.stderr, expected);
    assert!(!state_folder(&stack).join("run").exists());
    stack.ok(&["up", "--detach"]);
    assert!(page(port, "/born").contains("UTC"));
}

#[test]
fn what_never_gets_ready_is_shown_with_its_last_words() {
    let stack = stack(
        r#"
[service.web]
image = "box"
command = ["/bin/sh", "-c", "echo 'can not find my page' >&2; exec busybox httpd -f -p {{ self.http.listen }} -h /srv"]
ports = { http = 28081 }
health = { http = "/missing", interval = "1s", start-period = "1s", retries = 2 }

[service.api]
image = "box"
needs = ["web"]
"#,
    );
    let up = stack.run(&["up", "--detach"]);
    assert_eq!((up.code, up.stdout.as_str()), (1, ""), "{up}");
    let expected = "error: `web` does not get ready\n  `web` is unhealthy: 404 Not Found\n  its probe saw: 404 Not Found\n    \
                    | can not find my page\n  hint: `longshore logs web` shows all that it wrote; `longshore down` stops the stack\n";
    assert!(up.stderr.ends_with(expected), "{up}");
    assert_eq!(row(&stack, "api")["waits_for"], serde_json::json!(["web"]));
    // As data; and it may come right yet.
    let up = stack.run(&["--json", "up", "--detach"]);
    let answer: Value = serde_json::from_str(&up.stdout).unwrap();
    assert_eq!((up.code, &answer["diagnostics"][0]["probe"]["answer"]), (1, &"404 Not Found".into()), "{up}");
    stack.ok(&["exec", "web", "busybox", "touch", "/srv/missing"]);
    eventually("both are ready", || state(&stack, "api") == "ready");
    stack.ok(&["up", "--detach"]);
}

#[test]
fn what_is_no_program_is_named() {
    let stack = stack(
        r#"
[image.odd]
contents = [{ text = "not a program", to = "/bin/odd", mode = "0755" }]
command = ["/bin/odd"]

[service.odd]
image = "odd"
"#,
    );
    let up = stack.run(&["up", "--detach"]);
    assert_eq!(up.code, 1, "{up}");
    let expected = "  `odd` is failed: could not start `/bin/odd` in the sandbox: Exec format error";
    assert!(up.stderr.contains(expected), "{up}");
}

/// `up` in the foreground, whose output is read in the end.
fn foreground(stack: &Sandbox) -> Child {
    let mut up = stack.command(&["up"]);
    up.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

pub fn finish(up: Child) -> Answer {
    let output = up.wait_with_output().unwrap();
    Answer {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn ctrl_c_stops_those_first_that_need_others() {
    let (stack, _) = shop();
    let up = foreground(&stack);
    eventually("all are ready", || {
        stack.run(&["ps"]).stdout.contains("api      ready") && state(&stack, "web") == "ready"
    });
    stack.ok(&["exec", "web", "sh", "-c", "echo hello > /proc/1/fd/1 || true"]);
    std::thread::sleep(Duration::from_millis(500));
    signal(up.id(), "INT");
    let said = finish(up);
    assert_eq!(said.code, 0, "{said}");
    let at = |text: &str| said.stderr.find(text).unwrap_or_else(|| panic!("no `{text}`: {said}"));
    assert!(at("Stopped api") < at("Stopping web"), "{said}");
    assert!(at("Ready web") < at("Starting api"), "{said}");
    assert!(said.stdout.contains("web http  http://127.0.0.1:"), "{said}");
    assert_eq!(json(&stack, &["ps"])["running"], false);
}

#[test]
fn what_ignores_its_signal_is_killed_when_its_grace_is_over() {
    let stack = stack(
        r#"
[service.deaf]
image = "box"
command = ["/bin/sh", "-c", "trap '' TERM; while true; do busybox sleep 1; done"]
stop-grace = "1s"

[service.patient]
image = "box"
command = ["/bin/sh", "-c", "trap 'exit 0' TERM; while true; do busybox sleep 0.1; done"]
stop-grace = "100s"
"#,
    );
    stack.ok(&["up", "--detach"]);
    let started = Instant::now();
    stack.ok(&["down"]);
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
    let logs = stack.ok(&["logs"]);
    assert!(logs.contains("deaf    | (stopped)") && logs.contains("patient | (stopped)"), "{logs}");
}

#[test]
fn a_second_ctrl_c_waits_for_nobody() {
    let stack = stack(
        r#"
[service.deaf]
image = "box"
command = ["/bin/sh", "-c", "trap '' TERM; while true; do busybox sleep 1; done"]
stop-grace = "10m"
"#,
    );
    let up = foreground(&stack);
    eventually("it is ready", || stack.run(&["ps"]).stdout.contains("deaf     ready"));
    signal(up.id(), "INT");
    eventually("it is stopping", || state(&stack, "deaf") == "stopping");
    signal(up.id(), "INT");
    let said = finish(up);
    assert_eq!(said.code, 0, "{said}");
}

#[test]
fn a_foreground_that_is_killed_stops_its_stack() {
    let stack = stack("[service.web]\nimage = \"box\"\n");
    let mut up = foreground(&stack);
    eventually("it is ready", || stack.run(&["ps"]).stdout.contains("web      ready"));
    up.kill().unwrap();
    up.wait().unwrap();
    eventually("nothing runs", || json(&stack, &["ps"])["running"] == false);
}

#[test]
fn a_second_up_touches_what_is_new() {
    let first = "[service.web]\nimage = \"box\"\n\n[service.kept]\nimage = \"box\"\n\n[service.gone]\nimage = \"box\"\n";
    let stack = stack(first);
    stack.ok(&["up", "--detach"]);
    let before = row(&stack, "kept")["pid"].clone();
    write(
        &stack,
        "[service.web]\nimage = \"box\"\nenv = { COLOUR = \"green\" }\n\n[service.kept]\nimage = \"box\"\n\n[service.new]\nimage = \"box\"\n",
    );
    stack.ok(&["up", "--detach"]);
    assert_eq!(row(&stack, "kept")["pid"], before);
    // One that goes on running learns of new names.
    assert!(stack.ok(&["exec", "kept", "busybox", "cat", "/etc/hosts"]).contains(" new\n"));
    assert_eq!(stack.ok(&["exec", "web", "sh", "-c", "echo $COLOUR"]), "green\n");
    eventually("`gone` is gone", || {
        let all = json(&stack, &["ps"]);
        let names: Vec<_> =
            all["services"].as_array().unwrap().iter().map(|row| row["service"].clone()).collect();
        names == ["kept", "new", "web"]
    });
}

#[test]
fn groups_and_names_choose_and_bring_what_is_needed() {
    let stack = stack(
        r#"
[service.db]
image = "box"

[service.web]
image = "box"
needs = [{ service = "db", until = "started" }]

[service.tools]
image = "box"
groups = ["debug"]
"#,
    );
    let names = || {
        let all = json(&stack, &["ps"]);
        let rows = all["services"].as_array().unwrap().clone();
        rows.iter().map(|row| row["service"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    stack.ok(&["up", "--detach", "db"]);
    assert_eq!(names(), ["db"]);
    // What runs already stays.
    stack.ok(&["up", "--detach", "--group", "debug"]);
    assert_eq!(names(), ["db", "tools", "web"]);
    stack.ok(&["down"]);
    stack.ok(&["up", "--detach", "web"]);
    assert_eq!(names(), ["db", "web"]);
    let wrong = stack.run(&["up", "--group", "debgu"]);
    assert_eq!(wrong.code, 2);
    assert!(wrong.stderr.contains("the stack has no group `debgu`; it has `debug`"), "{wrong}");
}

#[test]
fn ports_that_can_not_be_shared_are_refused() {
    let port = free_port();
    let two = |first: &str| {
        format!(
            "[service.api]\nimage = \"box\"\n{first}ports = {{ http = 28081 }}\n\n[service.web]\nimage = \"box\"\nports = {{ http = 28081 }}\nenv = {{ LISTEN = \"{{{{ self.http.listen }}}}\" }}\npublish = {{ http = {port} }}\n"
        )
    };
    let stack = stack(&two(""));
    let refused = stack.run(&["up", "--detach"]);
    assert_eq!(refused.code, 2, "{refused}");
    let expected = "error: services `api` and `web` both listen on 28081/tcp, and nothing in `api` says on which address\n  hint: services share this \
                    machine's network, each at its own loopback address: tell the program of `api` to listen on {{ self.http.listen }}, or give \
                    the port another number\n";
    assert!(refused.stderr.ends_with(expected), "{refused}");
    write(&stack, &two("env = { LISTEN = \"{{ self.http.listen }}\" }\n"));
    stack.ok(&["up", "--dry-run"]);

    // Somebody else has the published number.
    let _taken = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let refused = stack.run(&["up", "--detach"]);
    assert_eq!(refused.code, 1, "{refused}");
    let expected = format!(
        "error: can't publish `web` on 127.0.0.1:{port}\n  caused by: Address already in use (os error 98)\n  hint: another program has it \
         (`ss -lptn 'sport = :{port}'` says which); choose another number in `publish`\n"
    );
    assert!(refused.stderr.ends_with(&expected), "{refused}");
    assert_eq!(json(&stack, &["ps"])["running"], false);
}

#[test]
fn secrets_are_made_once_and_written_nowhere_else() {
    let stack = stack(
        r#"
[secret.made]
generate = 16
description = "for tests"

[secret.kept]
file = "kept.txt"

[secret.given]
env = "GIVEN"

[secret.printed]
command = ["sh", "-c", "echo from a program"]

[service.web]
image = "box"
command = ["/bin/sh", "-c", "busybox ls -l /run/secrets; for i in kept given printed; do busybox wc -c /run/secrets/$i; done; exec busybox sleep 1000"]
secrets = ["made", "kept", "given", "printed"]
"#,
    );
    let listed = stack.ok(&["secrets"]);
    let expected = "secret   origin               state              what for\ngiven    variable `GIVEN`     missing\nkept     file `kept.txt`      \
                    missing\nmade     generated, 16 bytes  to be made         for tests\nprinted  program `sh`         asked when needed\n";
    assert_eq!(listed, expected);
    let refused = stack.run(&["up", "--detach"]);
    assert_eq!(
        refused.stderr.lines().rev().take(2).collect::<Vec<_>>(),
        [
            "  hint: set it: `export GIVEN=…`",
            "error: secret `given` is to be in the environment, and `GIVEN` is not set"
        ]
    );
    stack.write("kept.txt", "in a file");
    let up = Answer::of(stack.command(&["up", "--detach"]).env("GIVEN", "in the environment"));
    assert_eq!(up.code, 0, "{up}");
    eventually("it looked", || stack.ok(&["logs", "web"]).contains("printed"));
    let seen = stack.ok(&["logs", "web"]);
    for line in
        ["9 /run/secrets/kept", "18 /run/secrets/given", "14 /run/secrets/printed", "-r--------    1 box"]
    {
        assert!(seen.contains(line), "{line}: {seen}");
    }
    let made = stack.ok(&["exec", "web", "busybox", "cat", "/run/secrets/made"]);
    assert_eq!(made.len(), 32);

    // Nowhere but where services see them, and where the one is kept.
    let folder = state_folder(&stack);
    let mut found = Vec::new();
    let mut folders = vec![folder.clone()];
    while let Some(at) = folders.pop() {
        for entry in fs_err::read_dir(at).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else if entry.file_type().unwrap().is_file() {
                let text = String::from_utf8_lossy(&fs_err::read(entry.path()).unwrap()).into_owned();
                if [made.as_str(), "in a file", "in the environment", "from a program"]
                    .iter()
                    .any(|it| text.contains(it))
                {
                    found.push(entry.path().strip_prefix(&folder).unwrap().display().to_string());
                }
            }
        }
    }
    found.sort();
    let expected = [
        "run/web/secrets/given",
        "run/web/secrets/kept",
        "run/web/secrets/made",
        "run/web/secrets/printed",
        "secrets/made",
    ];
    assert_eq!(found, expected);
    stack.ok(&["down"]);
    assert!(!folder.join("run").exists(), "secrets are left where services saw them");

    // For others.
    let export = |arguments: &[&str]| {
        Answer::of(stack.command(&[&["secrets", "export"], arguments].concat()).env("GIVEN", "x"))
    };
    let exported = export(&["out"]);
    assert_eq!(exported.stdout, "wrote 4 secrets to out, for this user alone\n", "{exported}");
    assert_eq!(
        (stack.read("out/made"), stack.read("out/printed"), stack.read("out/.gitignore")),
        (made.clone(), "from a program".into(), "*\n".into())
    );
    let mode = |path: &str| {
        use std::os::unix::fs::PermissionsExt as _;
        fs_err::metadata(stack.work().join(path)).unwrap().permissions().mode() & 0o7777
    };
    assert_eq!((mode("out"), mode("out/made")), (0o700, 0o444));
    let manifest = export(&["--kube"]).stdout;
    assert!(
        manifest.contains("\n  name: shop-secrets\n") && manifest.contains("\n  given: eA==\n"),
        "{manifest}"
    );
}

#[test]
fn a_full_disk_stops_nobody() {
    let disk = Small::new("2m");
    let port = free_port();
    let services = format!(
        r#"
[service.filler]
image = "box"
command = ["/bin/sh", "-c", "busybox dd if=/dev/zero of=/srv/all; echo $?; while true; do echo still here; busybox sleep 0.1; done"]
volumes = {{ data = "/srv" }}

[service.web]
image = "box"
command = ["/bin/sh", "-c", "echo page > /srv/page; exec busybox httpd -f -p {{{{ self.http.listen }}}} -h /srv"]
ports = {{ http = 28081 }}
publish = {{ http = {port} }}
health = {{ http = "/page" }}
"#
    );
    let sandbox = Sandbox::new(LONGSHORE).env("XDG_STATE_HOME", &disk.0.path().display().to_string());
    let stack = stack_in(sandbox, &services);
    stack.ok(&["up", "--detach"]);
    eventually("the disk is full", || {
        let state = rustix::fs::statvfs(disk.0.path()).unwrap();
        state.f_bavail == 0
    });
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!((state(&stack, "filler"), state(&stack, "web")), ("ready".to_owned(), "ready".to_owned()));
    assert_eq!(page(port, "/page"), "page\n");
    let full = stack.run(&["up", "--detach"]);
    assert_eq!(full.code, 1, "{full}");
    assert!(
        full.stderr
            .ends_with("No space left on device (os error 28)\n  hint: the disk is full; free some space\n"),
        "{full}"
    );
    stack.ok(&["restart", "web"]);
    stack.ok(&["down", "--volumes"]);
    stack.ok(&["up", "--detach"]);
    assert_eq!(page(port, "/page"), "page\n");
}

#[test]
fn a_dry_run_runs_nothing() {
    let (stack, port) = shop();
    let said = stack.ok(&["up", "--dry-run"]);
    assert!(said.starts_with("3 services would run:\napi  /bin/sh -c "), "{said}");
    for line in [
        "  publish   127.0.0.1:",
        "  needs     setup",
        "  volume    data at /srv",
        "  file      /run/secrets/key",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    let plan = json(&stack, &["up", "--dry-run"]);
    assert_eq!(plan["services"]["web"]["gates"]["http"]["address"], format!("127.0.0.1:{port}"));
    assert!(!stack.work().join("../home/.local/state").exists());
    assert!(!stack.store().join("services-owned").exists());
}

#[test]
fn what_uses_up_its_memory_is_said() {
    let stack = stack(
        r#"
[service.hungry]
image = "box"
command = ["/bin/sh", "-c", "busybox tail -c 400m /dev/zero; exit 3"]
resources = { memory = "24M" }
restart = "never"
"#,
    );
    stack.run(&["up", "--detach"]);
    eventually("it ended", || state(&stack, "hungry") == "failed");
    let row = row(&stack, "hungry");
    // `tail` alone is killed, and the shell goes on; or all of it is.
    let exit = row["exit"].as_str().unwrap();
    assert!(["killed when it had used up its memory", "exit code 3"].contains(&exit), "{row}");
}

#[test]
fn an_ordinary_user_runs_stacks_too() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    longshore_testkit::install(LONGSHORE, at.join("longshore"));
    fs_err::copy("/bin/busybox", at.join("busybox")).unwrap();
    let services = SHOP.replace("PORT", &free_port().to_string());
    let text = format!("[stack]\nname = \"shop\"\nplatforms = [\"linux/amd64\"]\n{IMAGE}{services}");
    fs_err::write(at.join("stack.toml"), text).unwrap();
    fs_err::set_permissions(at, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    assert!(Command::new("chown").args(["-R", "65534:65534"]).arg(at).status().unwrap().success());
    let longshore = |arguments: &[&str]| {
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
            .arg(at.join("longshore"))
            .args(arguments);
        command
            .current_dir(at)
            .env_clear()
            .env("HOME", at)
            .env("PATH", std::env::var_os("PATH").unwrap_or_default());
        Answer::of(command.stdin(Stdio::null()))
    };
    let up = longshore(&["up", "--detach"]);
    let seen = longshore(&["exec", "api", "busybox", "wget", "-q", "-O", "-", "http://web:28081/born"]);
    let inside =
        longshore(&["exec", "web", "sh", "-c", "busybox id -u; busybox ls -l /srv/born; echo x > /etc/x"]);
    let stats = longshore(&["--json", "stats"]);
    let down = longshore(&["down"]);
    assert_eq!(up.code, 0, "{up}");
    assert!(seen.stdout.contains("UTC"), "{seen}");
    assert!(inside.stdout.starts_with("10005\n-rw-r--r--    1 box      box "), "{inside}");
    assert!(inside.stderr.contains("Read-only file system"), "{inside}");
    let stats: Value = serde_json::from_str(&stats.stdout).unwrap();
    assert!(stats["services"][0]["memory"].as_u64().unwrap() > 0, "{stats}");
    assert_eq!(down.code, 0, "{down}");
}
