//! Services: what they become, and what a wrong one is told.

#![allow(clippy::unwrap_used, reason = "in a test it is the assertion")]

mod common;

use common::{HEAD, complaints, read};
use insta::assert_snapshot;
use longshore_stack::model::HealthCheck;

/// Two images, a web program and a database.
const IMAGES: &str = r#"
[image.web]
entrypoint = ["/web"]
ports = { http = 8080 }
writable = ["/var/lib/web", "/var/cache/web"]

[image.db]
command = ["/db"]
ports = { sql = 5432 }
"#;

/// The services `rest` on these images.
fn stack(rest: &str) -> String {
    format!("{}\n{}\n{rest}", HEAD.trim(), IMAGES.trim())
}

fn wrong(rest: &str) -> String {
    complaints(&stack(rest))
}

#[test]
fn addresses_are_those_of_where_it_runs() {
    let stack = read(&stack(
        r#"
[service.web]
env = { DB = "{{ db.sql.addr }}", OWN = "{{ self.http.url }}/x", PORT = "{{ db.sql.port + 1 }}" }
command = ["--listen={{ self.http.listen }}", "--key={{ secrets.key }}", "{{ self.http.local }}"]
secrets = ["key"]
[service.db]
[secret.key]
generate = 32
"#,
    ))
    .unwrap()
    .stack;
    let web = &stack.services["web"];
    let here = |text: &longshore_stack::model::Text| text.resolve("127.0.9.1", |name| format!("{name}.here"));
    let env: Vec<String> = web.env.iter().map(|(name, text)| format!("{name}={}", here(text))).collect();
    assert_eq!(env, ["DB=db.here:5432", "OWN=http://web.here:8080/x", "PORT=5433"]);
    let command: Vec<String> = web.command.iter().flatten().map(here).collect();
    assert_eq!(command, ["--listen=127.0.9.1:8080", "--key=/run/secrets/key", "127.0.9.1:8080"]);
    assert_eq!(web.command.as_ref().unwrap()[0].in_containers(), "--listen=0.0.0.0:8080");
    assert_eq!(web.command.as_ref().unwrap()[2].in_containers(), "127.0.0.1:8080");
    assert_eq!(web.connections(), ["db", "web"]);
    assert_eq!(web.scratch.len(), 2);
}

#[test]
fn references_that_lead_nowhere() {
    assert_snapshot!(wrong(r#"
[service.web]
env = { A = "{{ bd.sql.url }}", B = "{{ db.sqll.url }}", C = "{{ db.sql.uri }}", D = "{{ secrets.key }}" }
command = ["{{ db.sql.addr | upper | replace(':', '') | first }}", "{{ db."]
[service.db]
"#), @r#"
    stack.toml:19:17: stack::reference: service `web`: there is no service `bd`
      at: bd.sql
      help: known here: `db`, `web`
    stack.toml:19:43: stack::reference: service `web`: service `db` has no port `sqll`
      at: .sqll.url
      help: did you mean `sql`? Known here: `sql`
    stack.toml:19:66: stack::reference: service `web`: undefined value: `db.sql.uri` is undefined
      at: db.sql.uri
      help: `db.sql` has `url`, `addr`, `host` and `port`
    stack.toml:19:90: stack::reference: service `web`: service `web` reads no secret `key`
      at: secrets.key
      help: add `secrets = ["key"]` to `[service.web]`
    stack.toml:20:12: stack::reference: service `web`: an address is taken apart, which is not known before the stack runs
      at: "{{ db.sql.addr | upper | replace(':', '') | first }}"
      help: use `.host`, `.port`, `.addr` or `.url` as they are
    stack.toml:20:74: stack::reference: service `web`: syntax error: unexpected end of input, expected identifier or integer
      at: .
    "#);
}

#[test]
fn needs() {
    assert_snapshot!(wrong(r#"
[service.web]
needs = ["db", "dbb", { service = "job", until = "ready" }]
health = { http = "/" }
[service.db]
needs = [{ service = "web", until = "completed" }]
[service.job]
image = "db"
kind = "job"
health = { tcp = "sql" }
"#), @r#"
    stack.toml:19:10: stack::cycle: services wait for each other: `db` → `web` → `db`
      at: "db"
      help: take one of the needs away; who connects later can try again
    stack.toml:19:10: stack::needs: service `web` needs `db` to be ready, and nothing says when `db` is
      at: "db"
      help: say how it is known with `health` in `[service.db]`; or, if a start is enough, write { service = "db", until = "started" }
    stack.toml:19:16: stack::unknown-name: there is no service `dbb`
      at: "dbb"
      help: did you mean `db`? Known here: `db`, `job`, `web`
    stack.toml:22:22: stack::needs: service `db` waits for the end of `web`, which runs on
      at: "web"
      help: if it ends by itself, write `kind = "job"` in `[service.web]`
    stack.toml:26:10: stack::health: job `job` is done when it ends
      at: { tcp = "sql" }
      help: take `health` away
    "#);
}

#[test]
fn volumes_files_and_secrets() {
    assert_snapshot!(wrong(r#"
[service.web]
volumes = { data = "/var/lib/other", tmp = "/tmp", in = "/var/lib/web/x", web = "/var/lib/web" }
files = { "/var/lib/web/a" = "config/a", "/etc/" = "config/a", "/etc/x" = "config/none" }
secrets = ["kye"]
[service.db]
volumes = { data = "/var/lib/db" }
[secret.key]
file = "config/a"
"#), @r#"
    stack.toml:19:20: stack::volume: image `web` has no folder `/var/lib/other` that `app` (65532) may write, so a volume there would be root's
      at: "/var/lib/other"
      help: add `"/var/lib/other"` to `writable` of `[image.web]`, or use `/var/lib/web` or `/var/cache/web`
    stack.toml:19:44: stack::volume: `/tmp` of service `web` is empty at every start
      at: "/tmp"
      help: keep data in a folder of its own, as in "/var/lib/NAME"
    stack.toml:19:57: stack::volume: image `web` has no folder `/var/lib/web/x` that `app` (65532) may write, so a volume there would be root's
      at: "/var/lib/web/x"
      help: add `"/var/lib/web/x"` to `writable` of `[image.web]`, or use `/var/lib/web` or `/var/cache/web`
    stack.toml:20:11: stack::doubled: file `/var/lib/web/a` of service `web` is in its volume `web`
      at: "/var/lib/web/a"
      help: volumes hold what the program writes; put configuration elsewhere
    stack.toml:20:42: stack::path: `/etc/` names a folder, not the file in it
      at: "/etc/"
      help: name the whole path, without a `/` at its end
    stack.toml:20:75: stack::path: there is no file `config/none` beside the stack file
      at: "config/none"
    stack.toml:21:12: stack::unknown-name: there is no secret `kye`
      at: "kye"
      help: known here: `key`
    stack.toml:23:20: stack::volume: image `db` has no folder `/var/lib/db` that `app` (65532) may write, so a volume there would be root's
      at: "/var/lib/db"
      help: add `writable = ["/var/lib/db"]` to `[image.db]`
    stack.toml:24:9: warning: stack::unused: no service reads secret `key`
      at: key
      help: add `secrets = ["key"]` to the service that does
    stack.toml:25:8: warning: stack::secret: everybody can read the secret `config/a`
      at: "config/a"
      help: run `chmod 600 config/a`
    "#);
}

#[test]
fn ports_and_health() {
    assert_snapshot!(wrong(r#"
[service.web]
ports = { admin = 8080, host = 1 }
publish = { http = 80, htp = 81, admin = "nowhere" }
health = { http = "ready", port = "htpp" }
[service.db]
publish = { sql = "0.0.0.0:80" }
health = { http = "/", interval = "5" }
[service.db2]
image = "dbb"
[service.self]
image = "db"
health = { exec = ["pg_isready"] }
egress = ["10.0.0.0"]
scale = { max = 1 }
"#), @r#"
    stack.toml:19:25: stack::name: `host` can't be the name of a service's port
      at: host
      help: at most 15 characters, and none of `name`, `host`, `listen` and `local`
    stack.toml:20:20: stack::port: port `http` of service `web` and port `sql` of service `db` are both published as 80
      at: 80
      help: give one of them another number
    stack.toml:20:24: stack::unknown-name: there is no port `htp`
      at: htp
      help: did you mean `http`? Known here: `admin`, `host`, `http`
    stack.toml:20:42: stack::port: port `admin` of service `web` can't be published there
      at: "nowhere"
      help: write a number for loopback, or an address with a number: "0.0.0.0:8080"
    stack.toml:21:19: stack::path: `ready` is not a path to ask for
      at: "ready"
      help: it begins with `/`, as in "/ready", and has at most 2,000 visible characters of ASCII
    stack.toml:21:35: stack::unknown-name: there is no port `htpp`
      at: "htpp"
      help: did you mean `http`? Known here: `admin`, `host`, `http`
    stack.toml:24:35: stack::quantity: `5` is not a time between checks
      at: "5"
      help: write a number with `s`, `m` or `h`, as in "30m"; a week at most
    stack.toml:26:9: stack::unknown-name: there is no image `dbb`
      at: "dbb"
      help: did you mean `db`? Known here: `db`, `web`
    stack.toml:27:10: stack::name: `self` is something else in templates, and can't be a service's name
      at: self
      help: choose another name
    stack.toml:29:20: stack::path: `pg_isready` is not an absolute path
      at: "pg_isready"
      help: there is no shell that would look for it: name where the program is in the image
    stack.toml:29:20: stack::health: `pg_isready`, which says how service `self` is, is not in image `db`
      at: "pg_isready"
      help: add what has it to the image's `contents`
    stack.toml:30:11: stack::network: `10.0.0.0` is not a network
      at: "10.0.0.0"
      help: write an address and how many of its bits count, as in "10.0.0.0/8"
    stack.toml:31:9: stack::replicas: how much of which processors is used by each is not known
      at: { max = 1 }
      help: say what is kept free for each, as in `resources = { reserve-cpus = 0.5 }`
    stack.toml:31:17: stack::out-of-range: `service.self.scale.max` must be a number from 2 to 1000, not 1
      at: 1
    stack.toml:31:17: stack::replicas: at most 1 can't be more than the 1 that run at least
      at: 1
    "#);
}

#[test]
fn health_checks_go_into_images_when_that_is_asked_for() {
    let stack = read(&stack(
        "[service.web]\nhealth = { http = \"/ready\", in-image = true }\n[service.db]\nhealth = { tcp = \"sql\" }\n",
    ))
    .unwrap()
    .stack;
    let check = stack.images["web"].healthcheck.as_ref().map(|health| &health.check);
    assert_eq!(check, Some(&HealthCheck::Http { port: 8080, path: "/ready".to_owned() }));
    assert_eq!(stack.images["db"].healthcheck, None);
    assert_snapshot!(wrong(r#"
[service.one]
image = "web"
health = { http = "/one", in-image = true }
[service.two]
image = "web"
health = { http = "/two", in-image = true }
"#), @r#"
    stack.toml:23:10: stack::health: image `web` can hold the health check of one service only
      at: { http = "/two", in-image = true }
    "#);
}
