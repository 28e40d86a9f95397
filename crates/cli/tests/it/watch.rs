//! Stacks that are worked on: `up --watch`, `up` where the stack runs, services of it outside of containers.

use std::process::{Child, Stdio};

use longshore_testkit::sandbox::Answer;
use longshore_testkit::{Sandbox, free_port};

use crate::common::signal;
use crate::run::{PATIENCE, Stack, eventually, json, page, row, stack, state, write};

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
ports = { http = 28081 }
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
            assert!(began.elapsed() < PATIENCE, "it never said `{text}`:\n{}", self.said());
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
        if std::thread::panicking() {
            eprintln!("{}", self.said());
        }
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

/// A service that is worked on, with all that services can have; one that it asks, and one that asks it.
const MIXED: &str = r#"
[secret.key]
generate = 32

[service.back]
image = "box"
command = ["/bin/sh", "-c", "echo from the back > /srv/index.html; exec busybox httpd -f -p {{ self.http.listen }} -h /srv"]
ports = { http = 28081 }
health = { http = "/index.html" }

[service.web]
image = "web"
command = ["/bin/sh", "-c", """
busybox id -u
busybox readlink /proc/self/ns/mnt
busybox wc -c < /run/secrets/key
busybox cat /etc/web/web.conf
busybox cat /usr/share/web/text
test -e /var/lib/web/born || echo born > /var/lib/web/born
busybox touch /var/cache/web/$$ && busybox ls /var/cache/web | busybox wc -l
busybox wget -q -O - $BACK/index.html
busybox setsid busybox sleep 4321 &
exec busybox httpd -f -p {{ self.http.listen }} -h /var/lib/web
"""]
env = { BACK = "{{ back.http.url }}", DATA = "--data=/var/lib/web/,/nowhere" }
files = { "/etc/web/web.conf" = { text = "data in /var/lib/web, back at {{ back.http.addr }}\n" } }
ports = { http = 28081 }
publish = { http = PORT }
health = { exec = ["/bin/busybox", "wget", "-q", "-O", "-", "{{ self.http.url }}/born"] }
needs = ["back"]
volumes = { data = "/var/lib/web" }
secrets = ["key"]

[service.front]
image = "box"
command = ["/bin/sh", "-c", "busybox wget -q -O /srv/born {{ web.http.url }}/born; exec busybox httpd -f -p {{ self.http.listen }} -h /srv"]
ports = { http = 28081 }
health = { http = "/born" }
needs = ["web"]

[image.web]
contents = [
  { file = "busybox", to = "/bin/busybox", mode = "0755" },
  { symlink = "busybox", to = "/bin/sh" },
  { text = "of the image\n", to = "/usr/share/web/text" },
]
user = { name = "web", uid = 10007 }
command = ["/bin/busybox"]
writable = ["/var/lib/web", "/var/cache/web"]
"#;

fn owner(path: &std::path::Path) -> u32 {
    std::os::unix::fs::MetadataExt::uid(&fs_err::metadata(path).unwrap())
}

#[test]
fn a_service_runs_outside_of_a_container() {
    let port = free_port();
    let stack = stack(&MIXED.replace("PORT", &port.to_string()));
    let up = stack.run(&["up", "--detach", "--native", "web"]);
    assert_eq!(up.code, 0, "{up}");
    let folder = fs_err::canonicalize(crate::run::state_folder(&stack)).unwrap();
    let me = rustix::process::geteuid().as_raw();
    let own = fs_err::read_link("/proc/self/ns/mnt").unwrap().display().to_string();

    // It is the caller's, and finds what it is told of where that really is.
    let logs = stack.ok(&["--json", "logs", "web"]);
    let said: Vec<serde_json::Value> = logs.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let said: Vec<&str> = said
        .iter()
        .filter(|line| line["stream"] != "---")
        .map(|line| line["text"].as_str().unwrap())
        .collect();
    let back = row(&stack, "back")["ports"]["http"]["address"].as_str().unwrap().to_owned();
    let data = folder.join("volumes/web.data");
    let told = format!("data in {}, back at {back}", data.display());
    assert_eq!(
        said,
        [me.to_string().as_str(), &own, "64", &told, "of the image", "1", "from the back"],
        "{logs}"
    );
    assert_eq!(fs_err::read_to_string(data.join("born")).unwrap(), "born\n");
    let env = stack.ok(&["exec", "web", "busybox", "env"]);
    assert!(env.contains(&format!("DATA=--data={}/,/nowhere\n", data.display())), "{env}");

    // It is as the others are: asked, reached, shown, started again.
    assert_eq!((page(port, "/born").as_str(), state(&stack, "front").as_str()), ("born\n", "ready"));
    assert_eq!(row(&stack, "web")["mode"], "native");
    assert_eq!(row(&stack, "back")["mode"], "container");
    let table = stack.ok(&["ps"]);
    let line = table.lines().find(|line| line.starts_with("web ")).unwrap();
    assert!(line.contains("ready") && line.ends_with("native"), "{table}");
    stack.ok(&["restart", "web"]);
    assert_eq!((row(&stack, "web")["starts"].clone(), state(&stack, "web")), (2.into(), "ready".to_owned()));
    signal(u32::try_from(row(&stack, "web")["pid"].as_u64().unwrap()).unwrap(), "KILL");
    eventually("it is started again", || {
        row(&stack, "web")["starts"] == 3 && state(&stack, "web") == "ready"
    });
    // Its other writable folder is empty at each start.
    assert_eq!(stack.ok(&["logs", "web"]).matches("\n1\nfrom the back\n").count(), 3);
    assert_eq!(crate::run::processes("sleep\x004321").len(), 1);

    // Nothing of it outlives the supervisor.
    signal(crate::run::supervisor(&stack), "KILL");
    eventually("all of it is gone", || crate::run::processes("sleep\x004321").is_empty());

    // In its container again, it has its data.
    let up = stack.run(&["up", "--detach"]);
    assert_eq!(up.code, 0, "{up}");
    assert_eq!(row(&stack, "web")["mode"], "container");
    assert_eq!(stack.ok(&["exec", "web", "busybox", "cat", "/var/lib/web/born"]), "born\n");
    stack.ok(&["exec", "web", "busybox", "touch", "/var/lib/web/more"]);
    let user = if me == 0 { 10_007 } else { me };
    assert_eq!((owner(&data.join("born")), owner(&data.join("more"))), (user, user));

    // And out of it while the others run on.
    let before = pids(&stack, &["back", "front"]);
    let up = stack.run(&["up", "--detach", "--native", "web"]);
    assert!(up.code == 0 && up.stderr.contains("note: restarting `web`\n"), "{up}");
    assert_eq!((pids(&stack, &["back", "front"]), owner(&data.join("more"))), (before, me));
    stack.ok(&["down"]);
    assert!(crate::run::processes("sleep\x004321").is_empty());
    assert!(!folder.join("run").exists(), "secrets are left where services saw them");
}

#[test]
fn a_program_runs_with_the_libraries_of_its_image() {
    let stack = stack(
        r#"
[image.dynamic]
contents = [
  { file = "cat", to = "/usr/bin/cat", mode = "0755" },
  { file = "libc.so.6", to = "/usr/lib/x86_64-linux-gnu/libc.so.6" },
  { file = "loader", to = "/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2", mode = "0755" },
  { symlink = "/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2", to = "/lib64/ld-linux-x86-64.so.2" },
  { file = "busybox", to = "/bin/busybox", mode = "0755" },
  { file = "script", to = "/usr/bin/script", mode = "0755" },
]
command = ["/usr/bin/cat"]

[service.maps]
image = "dynamic"
kind = "job"
command = ["/usr/bin/cat", "/proc/self/maps"]

[service.script]
image = "dynamic"
kind = "job"
command = ["/usr/bin/script"]
"#,
    );
    stack.write("script", "#!/usr/bin/cat --show-ends\nof a script\n");
    let found = |path: &str| fs_err::canonicalize(path).unwrap();
    for (from, to) in [
        ("/bin/cat", "cat"),
        ("/lib/x86_64-linux-gnu/libc.so.6", "libc.so.6"),
        ("/lib64/ld-linux-x86-64.so.2", "loader"),
    ] {
        fs_err::copy(found(from), stack.work().join(to)).unwrap();
    }
    let up = stack.run(&["up", "--detach", "--native", "maps", "--native", "script"]);
    assert_eq!(up.code, 0, "{up}");
    let maps = stack.ok(&["logs", "maps"]);
    let store = stack.store().display().to_string();
    for library in ["/libc.so.6", "/ld-linux-x86-64.so.2", "/bin/cat"] {
        let lines: Vec<_> = maps.lines().filter(|line| line.ends_with(library)).collect();
        assert!(!lines.is_empty() && lines.iter().all(|line| line.contains(&store)), "{library}: {maps}");
    }
    // What such a service could write to is nobody else's.
    let program = maps.lines().find(|line| line.ends_with("/bin/cat")).unwrap();
    let program = &program[program.find('/').unwrap()..];
    assert_eq!(std::os::unix::fs::MetadataExt::nlink(&fs_err::metadata(program).unwrap()), 1);
    let script = stack.ok(&["logs", "script"]);
    assert!(
        script.contains("#!/usr/bin/cat --show-ends$\n") && script.contains("\nof a script$\n"),
        "{script}"
    );
}

#[test]
fn what_can_not_be_outside_of_a_container_is_said() {
    let stack = stack(
        r#"
[image.web]
contents = [
  { file = "busybox", to = "/bin/busybox", mode = "0755" },
  { text = "of the image\n", to = "/etc/web/one.conf" },
]
user = { name = "web", uid = 10007 }
writable = ["/var/lib/web"]

[service.web]
image = "web"
command = ["/bin/busybox", "ls", "/etc/web"]
files = { "/etc/web/two.conf" = { text = "of the service\n" } }

[service.below]
image = "web"
command = ["/bin/busybox", "ls", "/var/lib/web"]
files = { "/var/lib/web/three.conf" = { text = "of the service\n" } }
"#,
    );
    let refused = stack.run(&["up", "--detach", "--native", "web"]);
    assert_eq!(refused.code, 2, "{refused}");
    let expected = "error: service `web` can't run outside of a container\n  caused by: it is told of the folder `/etc/web`, of which one part is in \
                    its image and another is not\n  hint: name the files in it one by one, or let it run in its container: leave out `--native web`\n";
    assert!(refused.stderr.ends_with(expected), "{refused}");
    let refused = stack.run(&["up", "--dry-run", "--native", "below"]);
    let expected = "error: service `below` can't run outside of a container\n  caused by: it sees `/var/lib/web/three.conf` in `/var/lib/web`, where it \
                    writes\n  hint: let it run in its container: leave out `--native below`\n";
    assert!(refused.code == 2 && refused.stderr.ends_with(expected), "{refused}");
    let unknown = stack.run(&["up", "--native", "wbe"]);
    assert!(
        unknown.code == 2 && unknown.stderr.contains("the stack has no service `wbe`; it has `below`, `web`"),
        "{unknown}"
    );
    assert_eq!(json(&stack, &["ps"])["running"], false);
}

#[test]
fn a_service_outside_of_a_container_is_started_anew_when_its_source_changes() {
    let (stack, _, port) = site();
    let watched = Watched::new(&stack, &["--native", "web"]);
    eventually("all are ready", || state_of(&stack, "kept") == "ready");
    assert_eq!(
        (page(port, "/index.html").as_str(), row(&stack, "web")["mode"].as_str()),
        ("HELLO\n", Some("native"))
    );
    stack.write("page/text", "hello again\n");
    watched.says("note: `page/text` changed: restarting `web`\n");
    eventually("the new page is there", || {
        state(&stack, "web") == "ready" && page(port, "/index.html") == "HELLO AGAIN\n"
    });
    assert_eq!(row(&stack, "web")["mode"], "native");
    assert_eq!(watched.stop().code, 0);
}
