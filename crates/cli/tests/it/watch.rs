//! Stacks that are worked on: `up --watch`, `up` where the stack runs, services of it outside of containers.

use std::process::{Child, Stdio};

use longshore_testkit::Sandbox;
use longshore_testkit::sandbox::Answer;

use crate::common::signal;
use crate::run::{Stack, eventually, free_port, json, page, row, stack, state, write};

/// A page that is built, a service with a file beside the stack file, one with a secret there, and one with nothing.
const SITE: &str = r#"
[build.page]
kind = "command"
toolchain = "host"
inputs = [{ path = "page", to = "/src/page" }]
run = [["sh", "-ec", "if grep -q wrong /src/page/text; then echo 'that is wrong' >&2; exit 1; fi; tr a-z A-Z < /src/page/text > /out/index.html"]]

[image.site]
contents = [{ file = "busybox", to = "/bin/busybox", mode = "0755" }, { build = "page", from = "index.html", to = "/www/" }]
user = { name = "site", uid = 10006 }

[secret.word]
file = "word.txt"

[service.web]
image = "site"
command = ["/bin/busybox", "httpd", "-f", "-p", "{{ self.http.listen }}", "-h", "/www"]
ports = { http = 8080 }
publish = { http = PORT }
health = { http = "/index.html" }

[service.conf]
image = "box"
files = { "/etc/conf/conf.txt" = "conf.txt" }

[service.secretive]
image = "box"
secrets = ["word"]
needs = ["web"]

[service.kept]
image = "box"
needs = ["web"]
"#;

/// A stack file and what it says, with the number that its page is published on.
fn site() -> (Stack, String, u16) {
    let port = free_port();
    let text = SITE.replace("PORT", &port.to_string());
    let stack = stack(&text);
    stack.write("page/text", "hello\n");
    stack.write("conf.txt", "first of {{ stack.name }}\n");
    stack.write("word.txt", "sesame");
    (stack, text, port)
}

/// `up --watch`, whose output can be read while it runs.
struct Watched<'a> {
    stack: &'a Sandbox,
    up: Child,
}

impl<'a> Watched<'a> {
    fn new(stack: &'a Sandbox, arguments: &[&str]) -> Self {
        // Outside of the stack's folder, which is watched.
        let file =
            |name: &str| fs_err::File::create(stack.work().join("..").join(name)).unwrap().into_parts().0;
        let mut up = stack.command(&[&["up", "--watch"], arguments].concat());
        up.stdout(Stdio::from(file("out"))).stderr(Stdio::from(file("err")));
        Self { stack, up: up.spawn().unwrap() }
    }

    fn said(&self) -> Answer {
        let read = |name: &str| self.stack.read(&format!("../{name}"));
        Answer { code: 0, stdout: read("out"), stderr: read("err") }
    }

    #[track_caller]
    fn says(&self, text: &str) {
        let began = std::time::Instant::now();
        while !self.said().stderr.contains(text) {
            assert!(began.elapsed().as_secs() < 90, "it never said `{text}`:\n{}", self.said());
            std::thread::sleep(std::time::Duration::from_millis(30));
        }
    }

    fn stop(mut self) -> Answer {
        signal(self.up.id(), "INT");
        let code = self.up.wait().unwrap().code().unwrap_or(-1);
        Answer { code, ..self.said() }
    }
}

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        let _ = self.up.kill();
        let _ = self.up.wait();
    }
}

fn pids(stack: &Sandbox, services: &[&str]) -> Vec<u64> {
    services.iter().map(|service| row(stack, service)["pid"].as_u64().unwrap()).collect()
}

fn names(stack: &Sandbox) -> Vec<String> {
    let all = json(stack, &["ps"]);
    all["services"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["service"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn what_changed_sources_touch_is_built_again_and_restarted() {
    let (stack, text, port) = site();
    let watched = Watched::new(&stack, &[]);
    eventually("all are ready", || state_of(&stack, "kept") == "ready");
    assert_eq!(page(port, "/index.html"), "HELLO\n");
    let all = ["conf", "kept", "secretive", "web"];
    let first = pids(&stack, &all);

    // A source of a build.
    stack.write("page/text", "hello again\n");
    watched.says("note: `page/text` changed: restarting `web`\n");
    eventually("the new page is there", || {
        state(&stack, "web") == "ready" && page(port, "/index.html") == "HELLO AGAIN\n"
    });
    let second = pids(&stack, &all);
    assert!(first[..3] == second[..3] && first[3] != second[3], "{first:?} {second:?}");

    // A template of a service; a secret, which no plan holds.
    stack.write("conf.txt", "second of {{ stack.name }}\n");
    watched.says("note: `conf.txt` changed: restarting `conf`\n");
    eventually("it is ready", || state(&stack, "conf") == "ready");
    assert_eq!(stack.ok(&["exec", "conf", "/bin/busybox", "cat", "/etc/conf/conf.txt"]), "second of shop\n");
    stack.write("word.txt", "open");
    watched.says("note: `word.txt` changed: restarting `secretive`\n");
    eventually("it is ready", || state(&stack, "secretive") == "ready");
    assert_eq!(stack.ok(&["exec", "secretive", "/bin/busybox", "cat", "/run/secrets/word"]), "open");
    let third = pids(&stack, &all);
    assert!(third[1] == second[1] && third[3] == second[3], "{second:?} {third:?}");

    // What is no source of anything, and what changes nothing.
    stack.write("README", "for people\n");
    stack.write("conf.txt", "{# a remark #}second of {{ stack.name }}\n");
    watched.says("note: `conf.txt` changed: the stack runs as it was\n");
    assert_eq!(pids(&stack, &all), third);
    assert!(!watched.said().stderr.contains("README"), "{}", watched.said());

    // Errors are shown, and what runs goes on.
    stack.write("page/text", "wrong\n");
    watched.says("that is wrong");
    watched.says("note: `page/text` changed, and the stack runs on as it was\n");
    write(&stack, &text.replace("/index.html\"", "/index.html"));
    watched.says("note: `stack.toml` changed, and the stack runs on as it was\n");
    write(&stack, &text.replace("\"conf.txt\" }", "\"conf.txt\", \"/etc/more\" = \"more.txt\" }"));
    watched.says("there is no file `more.txt` beside the stack file");
    assert_eq!(pids(&stack, &all), third);
    assert_eq!(page(port, "/index.html"), "HELLO AGAIN\n");
    // Whatever puts them right is seen, also what no stack file named that could be read.
    stack.write("page/text", "hello again\n");
    stack.write("more.txt", "more\n");
    watched.says("restarting `conf`");
    eventually("it has the file", || {
        stack.run(&["exec", "conf", "/bin/busybox", "cat", "/etc/more"]).stdout == "more\n"
    });
    assert_eq!(pids(&stack, &["kept", "secretive", "web"]), third[1..]);

    // Services come and go.
    let (without, _) = text.split_once("[service.kept]").unwrap();
    write(
        &stack,
        &format!(
            "{without}\n[service.new]\nimage = \"box\"\ncommand = [\"/bin/sh\", \"-c\", \"busybox sleep 0.5; echo new here; exec busybox sleep 1000\"]\n"
        ),
    );
    watched.says("`stack.toml` changed: starting `new`, restarting `conf`, stopping `kept`\n");
    eventually("they came and went", || names(&stack) == ["conf", "new", "secretive", "web"]);
    eventually("what the new one writes is shown", || watched.said().stdout.contains("new here"));

    let said = watched.stop();
    assert_eq!(said.code, 0, "{said}");
    assert_eq!(json(&stack, &["ps"])["running"], false);
}

/// None where nothing runs yet.
fn state_of(stack: &Sandbox, service: &str) -> String {
    let all = json(stack, &["ps"]);
    let rows = all["services"].as_array().unwrap();
    let found = rows.iter().find(|row| row["service"] == service);
    found.map(|row| row["state"].as_str().unwrap().to_owned()).unwrap_or_default()
}

#[test]
fn what_fails_at_first_is_watched_too() {
    let stack = stack(
        "[service.web]\nimage = \"box\"\nrestart = \"never\"\ncommand = [\"/bin/sh\", \"/etc/run/script\"]\nfiles = { \"/etc/run/script\" = \"script\" }\n",
    );
    stack.write("script", "echo nothing works >&2; exit 3\n");
    let watched = Watched::new(&stack, &[]);
    watched.says("`web` does not get ready");
    watched.says("nothing works");
    stack.write("script", "exec busybox sleep 1000\n");
    watched.says("`script` changed: restarting `web`");
    eventually("it is ready", || state(&stack, "web") == "ready");
    assert_eq!(watched.stop().code, 0);
}

#[test]
fn with_json_changes_are_events() {
    let (stack, _, port) = site();
    let watched = Watched::new(&stack, &["--json"]);
    eventually("all are ready", || state_of(&stack, "kept") == "ready");
    stack.write("page/text", "wrong\n");
    watched.says(r#"{"event":"warning","message":"#);
    stack.write("page/text", "right\n");
    watched.says(r#"{"event":"note","message":"`page/text` changed: restarting `web`"}"#);
    eventually("the new page is there", || {
        state(&stack, "web") == "ready" && page(port, "/index.html") == "RIGHT\n"
    });
    let said = watched.stop();
    // Events alone, a line each.
    let events: Vec<serde_json::Value> =
        said.stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(events.iter().all(|event| event["event"].is_string()), "{said}");
    for line in said.stdout.lines() {
        assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "{said}");
    }
}

#[test]
fn a_second_up_says_what_it_changes() {
    let (stack, text, _) = site();
    stack.ok(&["up", "--detach"]);
    let before = pids(&stack, &["conf", "kept", "secretive", "web"]);
    let again = stack.run(&["up", "--detach"]);
    assert_eq!(again.code, 0, "{again}");
    assert!(again.stderr.contains("note: the stack runs as it was\n"), "{again}");
    assert_eq!(pids(&stack, &["conf", "kept", "secretive", "web"]), before);

    stack.write("page/text", "hello again\n");
    write(&stack, &text.replace("[service.conf]", "[service.config]"));
    let changed = stack.run(&["up", "--detach"]);
    assert!(
        changed.stderr.contains("note: starting `config`, restarting `web`, stopping `conf`\n"),
        "{changed}"
    );
    eventually("they came and went", || names(&stack) == ["config", "kept", "secretive", "web"]);
    assert_eq!(pids(&stack, &["kept", "secretive"]), before[1..3]);

    // What can't be had is said, and what runs goes on.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let now = pids(&stack, &["config", "kept", "secretive", "web"]);
    write(
        &stack,
        &text
            .replace("[service.conf]", &format!("publish = {{ http = {port} }}\n[service.config]"))
            .replacen("publish = {", "# publish = {", 1),
    );
    let refused = stack.run(&["up", "--detach"]);
    assert!(
        refused.code == 1 && refused.stderr.contains(&format!("can't publish `web` on 127.0.0.1:{port}")),
        "{refused}"
    );
    assert_eq!(pids(&stack, &["config", "kept", "secretive", "web"]), now);
    drop(taken);
    let moved = stack.run(&["up", "--detach"]);
    assert!(moved.stderr.contains("note: restarting `web`\n"), "{moved}");
    assert_eq!(page(port, "/index.html"), "HELLO AGAIN\n");
}
