//! What has gone wrong in deployments that were written by hand, each found before anything runs.

#![allow(clippy::unwrap_used, reason = "in a test it is the assertion")]

mod common;

use common::{HEAD, complaints};
use insta::assert_snapshot;

const IMAGES: &str = r#"
[image.web]
contents = [{ file = "config/a", to = "/bin/web" }, { directory = "site", to = "/srv/site" }]
entrypoint = ["/bin/web"]
ports = { http = 8080 }
writable = ["/var/lib/web"]

[image.tempo]
command = ["/tempo"]
ports = { http = 3200, otlp_grpc = 4317 }
writable = ["/var/lib/tempo"]

[image.grafana]
contents = [{ build = "app", to = "/plugins/demo-app" }]
command = ["/usr/share/grafana/bin/grafana", "server"]
env = { GF_PATHS_PLUGINS = "/plugins" }
ports = { http = 3000 }

[build.app]
kind = "command"
run = [["true"]]
toolchain = ["dash"]
"#;

fn wrong(rest: &str) -> String {
    let all = complaints(&format!("{}\n{}\n{}", HEAD.trim(), IMAGES.trim(), rest.trim()));
    // Line numbers of the stack above say nothing.
    all.lines()
        .map(|line| match line.strip_prefix("stack.toml:") {
            Some(rest) => rest.splitn(3, ':').nth(2).unwrap_or(rest).trim().to_owned(),
            None => line.to_owned(),
        })
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn health_by_a_program_that_the_image_does_not_have() {
    assert_snapshot!(wrong(r#"
[service.web]
health = { exec = ["/usr/bin/curl", "-f", "http://localhost:8080/"] }
"#), @r#"
    stack::health: `/usr/bin/curl`, which says how service `web` is, is not in image `web`
      at: "/usr/bin/curl"
      help: longshore asks by itself: write `health = { http = "/PATH" }`, `{ tcp = "PORT" }` or `{ grpc = "PORT" }`
    "#);
}

#[test]
fn needs_of_services_that_are_not_there() {
    assert_snapshot!(wrong(r#"
[service.web]
needs = ["temp"]
[service.tempo]
"#), @r#"
    stack::unknown-name: there is no service `temp`
      at: "temp"
      help: did you mean `tempo`? Known here: `tempo`, `web`
    "#);
}

#[test]
fn started_taken_for_ready() {
    assert_snapshot!(wrong(r#"
[service.web]
needs = ["tempo"]
[service.tempo]
"#), @r#"
    stack::needs: service `web` needs `tempo` to be ready, and nothing says when `tempo` is
      at: "tempo"
      help: say how it is known with `health` in `[service.tempo]`; or, if a start is enough, write { service = "tempo", until = "started" }
    "#);
}

#[test]
fn volumes_and_networks_that_nobody_uses() {
    assert_snapshot!(wrong(r#"
[volumes.data]
[networks.betrace]
[secret.unused]
generate = 16
"#), @r#"
    stack::unknown-key: unknown key `volumes` in the stack file
      at: volumes
      help: did you mean `values`? Known here: `stack`, `values`, `sources`, `build`, `url`, `nix`, `image-defaults`, `image`, `service`, `secret`, `layers`, `cache`, `publish`, `policy`, `profile`
    stack::unknown-key: unknown key `networks` in the stack file
      at: networks
      help: known here: `stack`, `values`, `sources`, `build`, `url`, `nix`, `image-defaults`, `image`, `service`, `secret`, `layers`, `cache`, `publish`, `policy`, `profile`
    "#);
}

#[test]
fn state_in_tmp_or_where_the_user_can_not_write() {
    assert_snapshot!(wrong(r#"
[service.web]
volumes = { data = "/tmp", more = "/data" }
"#), @r#"
    stack::volume: `/tmp` of service `web` is empty at every start
      at: "/tmp"
      help: keep data in a folder of its own, as in "/var/lib/NAME"
    stack::volume: image `web` has no folder `/data` that `app` (65532) may write, so a volume there would be root's
      at: "/data"
      help: add `"/data"` to `writable` of `[image.web]`, or use `/var/lib/web`
    "#);
}

#[test]
fn a_user_by_name() {
    assert_snapshot!(wrong(r#"
[image.named]
command = ["/x"]
user = "nobody"
"#), @r#"
    stack::wrong-type: `image.named.user` must be a table, not a string
      at: "nobody"
    "#);
}

#[test]
fn secrets_that_everybody_knows_or_can_read() {
    assert_snapshot!(wrong(r#"
[service.web]
env = { ADMIN_PASSWORD = "admin", SIGNING_KEY = "0123456789abcdef0123", DATABASE = "postgres://web:hunter2@db/x" }
secrets = ["key"]
[secret.key]
file = "config/a"
[service.grafana]
"#), @r#"
    warning: stack::secret: `ADMIN_PASSWORD` of service `web` looks like a secret: its name is that of a secret
      at: ADMIN_PASSWORD
      help: declare `[secret.NAME]`, name it in `secrets`, and let the program read the file
    stack::password: `ADMIN_PASSWORD` of service `web` is one that everybody knows
      at: "admin"
      help: declare `[secret.NAME]` with `generate = 24`, and let the program read the file
    warning: stack::secret: `DATABASE` of service `web` looks like a secret: its value is an address with a password
      at: DATABASE
      help: declare `[secret.NAME]`, name it in `secrets`, and let the program read the file
    warning: stack::secret: everybody can read the secret `config/a`
      at: "config/a"
      help: run `chmod 600 config/a`
    stack::grafana: Grafana of service `grafana` does not load the plugin `demo-app`, which nobody signed
      at: grafana
      help: add `GF_PLUGINS_ALLOW_LOADING_UNSIGNED_PLUGINS = "demo-app"` to `env`
    stack::password: the first password of service `grafana` would be `admin`
      at: grafana
      help: declare `[secret.NAME]` with `generate = 24`, and set `GF_SECURITY_ADMIN_PASSWORD__FILE = "{{ secrets.NAME }}"`
    "#);
}

#[test]
fn data_sources_that_grafana_does_not_read_or_know() {
    assert_snapshot!(wrong(r#"
[service.grafana]
env = { GF_SECURITY_ADMIN_PASSWORD__FILE = "/run/secrets/x", GF_PLUGINS_ALLOW_LOADING_UNSIGNED_PLUGINS = "demo-app" }
[service.grafana.files]
"/etc/grafana/datasources.yaml" = { text = """
datasources:
  - name: Profiles
    type: pyroscope
""" }
"#), @r#"
    stack::grafana: Grafana of service `grafana` reads no data sources from `/etc/grafana/datasources.yaml`
      at: { text = """
      help: put the file into `/etc/grafana/provisioning/datasources/`, as `NAME.yaml`
    stack::grafana: Grafana of service `grafana` knows no data source `pyroscope`
      at: { text = """
      help: it is called `grafana-pyroscope-datasource`
    "#);
}

#[test]
fn plugins_that_are_not_loaded_or_fetched_at_the_start() {
    assert_snapshot!(wrong(r#"
[service.grafana]
env = { GF_SECURITY_ADMIN_PASSWORD__FILE = "/run/secrets/x", GF_INSTALL_PLUGINS = "some-app" }
"#), @r#"
    stack::grafana: Grafana of service `grafana` does not load the plugin `demo-app`, which nobody signed
      at: grafana
      help: add `GF_PLUGINS_ALLOW_LOADING_UNSIGNED_PLUGINS = "demo-app"` to `env`
    stack::grafana: `GF_INSTALL_PLUGINS` makes service `grafana` fetch plugins when it starts
      at: "some-app"
      help: put the plugin into the image, from a build or a `[url.*]` pinned by digest
    "#);
}

#[test]
fn ports_under_names_and_numbers_that_nobody_has() {
    assert_snapshot!(wrong(r#"
[service.web]
env = { PORT = "8081", TEMPO = "http://tempo:4318/v1/traces", PEER = "tempo:4317" }
[service.tempo]
"#), @r#"
    stack::port: `PORT` is 8081, which is no port of service `web`
      at: "8081"
      help: write `"{{ self.http.port }}"`, or declare 8081 in `ports`
    stack::address: service `web` speaks to `tempo:4318`, and service `tempo` has no such port
      at: "http://tempo:4318/v1/traces"
      help: it has `http` (3200), `otlp_grpc` (4317)
    warning: stack::address: service `web` has the address `tempo:4317` written out
      at: "tempo:4317"
      help: write `{{ tempo.otlp_grpc.addr }}`: it is right wherever the stack runs
    "#);
}

#[test]
fn addresses_with_and_without_a_scheme() {
    assert_snapshot!(wrong(r#"
[service.web]
env = { OTEL_EXPORTER_OTLP_ENDPOINT = "{{ tempo.otlp_grpc.addr }}", WEB_LISTEN = "{{ self.http.url }}" }
command = ["--web.listen-address=http://0.0.0.0:8080"]
[service.tempo]
"#), @r#"
    stack::address: `OTEL_EXPORTER_OTLP_ENDPOINT` of service `web` is `tempo:4317`, which is no URL
      at: "{{ tempo.otlp_grpc.addr }}"
      help: it begins with `http://` or `https://`: a reference's `.url` does
    stack::address: `WEB_LISTEN` of service `web` is the URL `http://web:8080`, where an address is expected
      at: "{{ self.http.url }}"
      help: write `{{ self.PORT.listen }}`, which is an address and a port
    stack::address: `--web.listen-address` of service `web` is the URL `http://0.0.0.0:8080`, where an address is expected
      at: "--web.listen-address=http://0.0.0.0:8080"
      help: write `{{ self.PORT.listen }}`, which is an address and a port
    "#);
}

#[test]
fn two_services_on_one_port_of_the_host() {
    assert_snapshot!(wrong(r#"
[service.web]
ports = { otlp = 4317 }
publish = { otlp = 4317 }
[service.tempo]
publish = { otlp_grpc = 4317 }
"#), @r#"
    stack::port: port `otlp` of service `web` and port `otlp_grpc` of service `tempo` are both published as 4317
      at: 4317
      help: give one of them another number
    "#);
}

#[test]
fn files_outside_the_server_s_root() {
    assert_snapshot!(wrong(r#"
[service.web.files]
"/etc/Caddyfile" = { text = ":80 {\n\troot * /var/www\n\tfile_server\n}\n" }
"/etc/nginx.conf" = { text = "root /srv/site;\n" }
"#), @r#"
    stack::path: service `web` serves files from `/var/www`, where its image `web` has none
      at: { text = ":80 {\n\troot * /var/www\n\tfile_server\n}\n" }
      help: put them there with `to`, or name the folder that they are in
    "#);
}

#[test]
fn configuration_that_nothing_puts_there() {
    assert_snapshot!(wrong(r#"
[service.web]
command = ["--config.file=/etc/web/web.yml"]
[service.web.files]
"/etc/web/web.yaml" = "config/a"
[service.tempo]
command = ["/bin/temp"]
"#), @r#"
    stack::path: service `web` is told to read `/etc/web/web.yml`, which nothing puts there
      at: "--config.file=/etc/web/web.yml"
      help: did you mean `/etc/web/web.yaml`?
    stack::command: `/bin/temp`, which service `tempo` starts, is not in image `tempo`
      at: "/bin/temp"
      help: add what has it to the image's `contents`
    "#);
}

#[test]
fn retention_that_deletes_nothing() {
    assert_snapshot!(wrong(r#"
[service.web.files]
"/etc/loki.yaml" = { text = """
schema_config:
  configs: []
limits_config:
  retention_period: 744h
compactor:
  working_directory: /var/lib/web
""" }
"#), @r#"
    stack::retention: service `web` has a `retention_period`, and deletes nothing
      at: { text = """
      help: add `retention_enabled: true` and `delete_request_store: filesystem` to `compactor:`
    "#);
}

#[test]
fn a_second_definition_of_the_deployment() {
    assert_snapshot!(wrong(r#"
[compose.web]
image = "web"
[service.web]
compose = { restart = "always" }
"#), @r#"
    stack::unknown-key: unknown key `compose` in the stack file
      at: compose
      help: known here: `stack`, `values`, `sources`, `build`, `url`, `nix`, `image-defaults`, `image`, `service`, `secret`, `layers`, `cache`, `publish`, `policy`, `profile`
    stack::unknown-key: unknown key `compose` in `service.web`
      at: compose
      help: known here: `image`, `kind`, `command`, `env`, `files`, `ports`, `publish`, `needs`, `health`, `volumes`, `secrets`, `resources`, `replicas`, `scale`, `restart`, `stop-signal`, `stop-grace`, `egress`, `groups`
    "#);
}
