//! Profiles: what is laid over what, which one is active, and what bad ones are told.

#![allow(clippy::unwrap_used, reason = "in a test it is the assertion")]

mod common;

use common::{HEAD, read_all, read_profile, said};
use insta::assert_snapshot;
use longshore_stack::model::{AptLocation, BuildKind, ContentSpec, SourceSpec, Stack};
use longshore_stack::{Diagnostics, ProfileError, ReadError};

/// Two profiles that say something in every table.
const TWO: &str = r#"
[values]
site = "base"
port = 80

[sources.vendor]
kind = "apt"
url = "https://apt.example.org/"
suites = ["stable"]
keyring = "keys/vendor.asc"

[build.tool]
kind = "go"
path = "site"
tags = ["netgo"]

[image-defaults]
contents = ["tzdata"]
env = { TZ = "UTC", LANG = "C" }

[image.app]
contents = [{ template = "t", to = "/etc/t" }]
command = ["/app"]
env = { MODE = "base", LANG = "C.UTF-8" }
ports = { http = 80, admin = 81 }
max-layers = 20

[profile.upstream]
description = "programs as their makers publish them"

[profile.upstream.image.app]
contents = [{ package = "app", source = "vendor" }]

[profile.source]
description = "everything built from source"
values = { site = "source", more = true }
sources.vendor = { kind = "apt", url = "https://other.example.org/", suites = ["next"], keyring = "keys/vendor.asc" }

[profile.source.build.tool]
kind = "cargo"
path = "site"

[profile.source.build.app]
kind = "go"
path = "site"

[profile.source.url.fonts]
url = "https://example.org/fonts.tar.gz"

[profile.source.image-defaults]
contents = ["ca-certificates"]
env = { TZ = "Europe/Berlin" }

[profile.source.image.app]
contents = [{ build = "app", to = "/opt" }]
command = ["/opt/bin/app"]
env = { MODE = "source" }
ports = { http = 8080 }

[profile.source.image.fonts]
contents = [{ url = "fonts", to = "/srv" }]
command = ["/srv/serve"]
"#;

/// [`TWO`] after the usual head, in a folder with its template, read for `profile`.
fn two(profile: &str) -> Stack {
    let folder = common::folder(&format!(
        "{}{TWO}",
        HEAD.replace("name = \"demo\"", "name = \"demo\"\ndefault-source = \"debian\"")
    ));
    fs_err::write(folder.path().join("t"), "{{ values.site }} {{ values.port }} {{ image.ports.http }}")
        .unwrap();
    longshore_stack::read(&folder.path().join("stack.toml"), Some(profile)).unwrap().stack
}

/// `[profile.*]` as in `rest` after the usual head, looked at for all of them.
fn all(rest: &str) -> String {
    match read_all(&format!("{}\n{rest}", HEAD.trim())) {
        Ok(all) => said(&all.warnings),
        Err(Diagnostics(all)) => said(&all),
    }
}

/// The kinds of an image's contents, with what they are of.
fn contents(stack: &Stack, image: &str) -> Vec<String> {
    let one = |content: &ContentSpec| match content {
        ContentSpec::Fragment(fragment) => format!("{:?}", fragment.kind),
        ContentSpec::Package(package) => format!("{}/{}", package.source, package.package),
        ContentSpec::Text(text) => text.text.clone(),
        ContentSpec::Build(build) => format!("build {}", build.name),
        ContentSpec::Url(url) => format!("url {}", url.name),
        other => format!("{other:?}"),
    };
    stack.images[image].contents.iter().map(one).collect()
}

#[test]
fn what_a_profile_says_is_laid_over_the_file() {
    let source = two("source");
    assert_eq!(source.profile.as_deref(), Some("source"));
    assert_eq!(contents(&source, "app"), ["Tzdata", "CaCertificates", "source 80 8080", "build app"]);
    let app = &source.images["app"];
    assert_eq!((app.command.join(" ").as_str(), app.max_layers), ("/opt/bin/app", 20));
    let env: Vec<_> = app.env.iter().map(|(key, value)| format!("{key}={value}")).collect();
    assert_eq!(env, ["LANG=C.UTF-8", "MODE=source", "TZ=Europe/Berlin"]);
    assert_eq!((app.ports["http"].number, app.ports["admin"].number), (8080, 81));
    // Sources and builds of one name are replaced whole: nothing is left of `tags`, which Cargo does not have.
    assert!(matches!(source.builds["tool"].kind, BuildKind::Cargo(_)));
    let SourceSpec::Apt(vendor) = &source.sources["vendor"];
    assert_eq!(vendor.location, AptLocation::Url("https://other.example.org/".to_owned()));
    assert_eq!(vendor.suites, ["next"]);
    assert_eq!(contents(&source, "fonts"), ["Tzdata", "CaCertificates", "url fonts"]);
    assert!(source.urls.contains_key("fonts") && source.builds.contains_key("app"));
}

#[test]
fn nothing_of_another_profile_is_there() {
    let upstream = two("upstream");
    assert_eq!(upstream.profile.as_deref(), Some("upstream"));
    assert_eq!(contents(&upstream, "app"), ["Tzdata", "base 80 80", "vendor/app"]);
    let app = &upstream.images["app"];
    assert_eq!(
        (app.command.join(" ").as_str(), app.env["MODE"].as_str(), app.env["TZ"].as_str()),
        ("/app", "base", "UTC")
    );
    assert!(matches!(upstream.builds["tool"].kind, BuildKind::Go(_)));
    assert_eq!(upstream.images.keys().collect::<Vec<_>>(), ["app"]);
    assert!(upstream.urls.is_empty());
}

/// A profile is a way of writing: the stack is the one of the file with its tables written out.
#[test]
fn a_profile_is_the_file_with_its_tables_written_out() {
    let by_profile = format!(
        "{HEAD}[image.a]\ncommand = [\"/a\"]\nenv = {{ A = \"1\", B = \"1\" }}\n[profile.p.image.a]\nenv = {{ B = \"2\" }}\ncommand = [\"/b\"]\n"
    );
    let by_hand = format!("{HEAD}[image.a]\ncommand = [\"/b\"]\nenv = {{ A = \"1\", B = \"2\" }}\n");
    let mut stack = read_profile(&by_profile, Some("p")).unwrap().stack;
    assert_eq!(stack.profile.take().as_deref(), Some("p"));
    assert_eq!(stack, common::read(&by_hand).unwrap().stack);
}

#[test]
fn the_chosen_profile_is_active_or_the_default_one() {
    let text = format!(
        "{HEAD}[image.a]\ncommand = [\"/a\"]\n[profile.one]\n[profile.two]\ndescription = \"the other\"\n"
    );
    let with_default = text.replace("name = \"demo\"", "name = \"demo\"\ndefault-profile = \"two\"");
    let read = read_profile(&with_default, None).unwrap();
    assert_eq!(read.stack.profile.as_deref(), Some("two"));
    assert_eq!(read.profiles.default.as_deref(), Some("two"));
    let listed: Vec<_> = read.profiles.all.iter().map(ToString::to_string).collect();
    assert_eq!(listed, ["`one`", "`two`: the other"]);
    assert_eq!(read_profile(&with_default, Some("one")).unwrap().stack.profile.as_deref(), Some("one"));
    assert_eq!(read_profile(&text, Some("one")).unwrap().stack.profile.as_deref(), Some("one"));

    let refused = |text: &str, profile: Option<&str>| match read_profile(text, profile).unwrap_err() {
        ReadError::Profile(error) => error,
        ReadError::Stack(diagnostics) => panic!("{diagnostics}"),
    };
    let told = |error: &ProfileError| {
        let known: String = error.known().iter().map(|profile| format!("  {profile}\n")).collect();
        format!("{error}\n{known}  hint: {}\n", error.hint())
    };
    let bare = format!("{HEAD}[image.a]\ncommand = [\"/a\"]\n");
    let errors = [
        refused(&text, None),
        refused(&text, Some("twoo")),
        refused(&text, Some("xyz")),
        refused(&bare, Some("two")),
    ];
    assert_snapshot!(errors.iter().map(told).collect::<String>(), @r#"
    the stack has profiles, and none of them is chosen
      `one`
      `two`: the other
      hint: choose one, as in `longshore build --profile one`; or write `default-profile = "one"` into [stack]
    the stack has no profile `twoo`
      `one`
      `two`: the other
      hint: did you mean `two`? Run `longshore check --profile two`
    the stack has no profile `xyz`
      `one`
      `two`: the other
      hint: choose one that there is, as in `longshore check --profile one`
    the stack has no profile `two`
      hint: it has no profiles at all: leave out `--profile`, and see that LONGSHORE_PROFILE is not set; then run `longshore check`
    "#);
}

#[test]
fn names_and_descriptions() {
    assert_snapshot!(all("[profile.\"A B\"]\n[profile.b]\ndescription = \"one\\ntwo\"\n[profile.c]\ndescriptoin = \"x\"\nimage-default = {}\nstack = { name = \"x\" }\n"), @r#"
    stack.toml:9:10: stack::name: `A B` can't be the name of a profile
      at: "A B"
      help: use lower-case letters and digits, with single `-`, `_` or `.` between them
    stack.toml:11:15: stack::description: the description of profile `b` has several lines
      at: "one\ntwo"
      help: say it in one line, which lists of profiles show
    stack.toml:13:1: stack::unknown-key: unknown key `descriptoin` in `profile.c`
      at: descriptoin
      help: did you mean `description`? Known here: `description`, `values`, `sources`, `build`, `url`, `image-defaults`, `image`, `service`, `secret`
    stack.toml:14:1: stack::unknown-key: unknown key `image-default` in `profile.c`
      at: image-default
      help: did you mean `image-defaults`? Known here: `description`, `values`, `sources`, `build`, `url`, `image-defaults`, `image`, `service`, `secret`
    stack.toml:15:1: stack::unknown-key: unknown key `stack` in `profile.c`
      at: stack
      help: known here: `description`, `values`, `sources`, `build`, `url`, `image-defaults`, `image`, `service`, `secret`
    "#);
    assert_snapshot!(all("[profile]\nb = 1\n[profile.a]\ndescription = 4\n[profile.c.image.a]\nenv = { A = 1 }\n"), @r#"
    stack.toml:10:5: stack::wrong-type: `profile.b` must be a table, not a whole number
      at: 1
    stack.toml:12:15: stack::wrong-type: `profile.a.description` must be a string, not a whole number
      at: 4
      help: put it in quotes
    stack.toml:14:13: stack::wrong-type: `profile.c.image.a.env.A` must be a string, not a whole number
      at: 1
      help: put it in quotes
    "#);
    let default = |name: &str, rest: &str| {
        let head = HEAD.replace("name = \"demo\"", &format!("name = \"demo\"\ndefault-profile = \"{name}\""));
        match read_profile(&format!("{}\n{rest}", head.trim()), None).unwrap_err() {
            ReadError::Stack(Diagnostics(all)) => said(&all),
            ReadError::Profile(error) => panic!("{error}"),
        }
    };
    // What would come of the file without its profile is not said.
    assert_snapshot!(default("sorce", "[profile.source.sources]\n[profile.upstream]\n[image.a]\ncontents = [{ url = \"x\", to = \"/x\" }]\n"), @r#"
    stack.toml:3:19: stack::unknown-name: there is no profile `sorce`
      at: "sorce"
      help: did you mean `source`? Known here: `source`, `upstream`
    "#);
    assert_snapshot!(default("source", ""), @r#"
    stack.toml:3:19: stack::unknown-name: there is no profile `source`
      at: "source"
      help: there is no profile here at all
    "#);
}

#[test]
fn places_are_those_in_the_profile() {
    assert_snapshot!(all("[image.a]\ncommand = [\"/a\"]\nworkdir = \"/srv\"\n[profile.p.image.a]\nworkdir = \"srv\"\ncontents = [\"Jq\"]\nport = 80\n[profile.p.build.b]\nkind = \"go\"\nbins = [\"x\"]\n[profile.p.sources.debian]\nkind = \"apt\"\nsuites = [\"trixie\"]\nkeyring = \"debian-archive\"\n[profile.p.url.Fonts]\nurl = \"ftp://x\"\n"), @r#"
    stack.toml:13:11: stack::path: `workdir` `srv` is not an absolute path
      at: "srv"
      help: write `/srv`
    stack.toml:14:13: stack::name: `Jq` can't be the name of a package
      at: "Jq"
      help: packages have lower-case letters, digits, `+`, `-` and `.` in their names; versions are the lock's business
    stack.toml:15:1: stack::unknown-key: unknown key `port` in `profile.p.image.a`
      at: port
      help: did you mean `ports`? Known here: `base`, `contents`, `user`, `users`, `entrypoint`, `command`, `env`, `workdir`, `labels`, `title`, `description`, `ports`, `stop-signal`, `writable`, `alternatives`, `certificates`, `keep`, `allow`, `max-layers`
    stack.toml:16:18: stack::build: build `b` says nothing of what it builds
      at: b
      help: add `path = "…"`, a folder with a `go.mod`, or `module = "host/path@version"`
    stack.toml:18:9: stack::build: `bins` is a key of builds of kind `cargo`, and build `b` is of kind `go`
      at: "x"
      help: builds of kind `go` have the keys `path` or `module`, `packages`, `tags`, `ldflags`, `cgo`, `sums`
    stack.toml:19:20: stack::source: source `debian` says nothing of where it is
      at: debian
      help: add `distribution = "debian"`, or `url = "https://…"` of another apt repository
    stack.toml:23:16: stack::name: `Fonts` can't be the name of a url
      at: Fonts
      help: use lower-case letters and digits, with single `-`, `_` or `.` between them
    stack.toml:24:7: stack::url: `ftp://x` is not an address that begins with `https://`
      at: "ftp://x"
    "#);
    let read = read_profile(&format!("{HEAD}{}", "[image.a]\ncommand = [\"/a\"]\ncontents = [\"nginx\"]\n[profile.p.image.a]\ncontents = [\"jq\"]\n"), Some("p")).unwrap();
    let at = |index| &read.locations.source.text[read.locations.content("a", index).unwrap()];
    assert_eq!((at(0), at(1)), ("\"nginx\"", "\"jq\""));
}

#[test]
fn what_all_profiles_have_is_said_once_and_what_some_have_names_them() {
    let text = "[image.a]\ncommand = [\"/a\"]\nworkdir = \"srv\"\nenv = { DB_PASSWORD = \"x\" }\ncontents = [{ build = \"tool\", to = \"/opt\" }]\n\
                [profile.one.build.tool]\nkind = \"go\"\npath = \"site\"\n[profile.one.image.a]\nstop-signal = \"SIGTREM\"\n[profile.two]\n[profile.three.image.a]\nallow = [\"secret\"]\n";
    assert_snapshot!(all(text), @r#"
    stack.toml:11:11: stack::path: `workdir` `srv` is not an absolute path
      at: "srv"
      help: write `/srv`
    stack.toml:12:9: warning: stack::secret: `DB_PASSWORD` of image `a` looks like a secret: its name is that of a secret (profiles `one`, `two`)
      at: DB_PASSWORD
      help: give it to the container when it starts; if it is none, add `allow = ["secret:DB_PASSWORD"]`
    stack.toml:13:23: stack::unknown-name: there is no build `tool` (profiles `three`, `two`)
      at: "tool"
      help: there is no build here at all
    stack.toml:18:15: stack::unknown-name: there is no signal `SIGTREM` to stop a program with (profile `one`)
      at: "SIGTREM"
      help: did you mean `SIGTERM`? Known here: `SIGTERM`, `SIGINT`, `SIGQUIT`, `SIGHUP`, `SIGKILL`, `SIGUSR1`, `SIGUSR2`, `SIGWINCH`, `SIGABRT`, `SIGPWR`, `SIGRTMIN+3`
    "#);
    // Warnings alone refuse nothing, and are said once.
    let text = format!(
        "{HEAD}[image.a]\ncommand = [\"/a\"]\nenv = {{ DB_PASSWORD = \"x\" }}\n[profile.one]\n[profile.two]\n[profile.three.image.a]\nallow = [\"secret\"]\n"
    );
    let read = read_all(&text).unwrap();
    assert_eq!(
        read.reads.iter().map(|read| read.stack.profile.as_deref().unwrap()).collect::<Vec<_>>(),
        ["one", "three", "two"]
    );
    assert_snapshot!(said(&read.warnings), @r#"
    stack.toml:12:9: warning: stack::secret: `DB_PASSWORD` of image `a` looks like a secret: its name is that of a secret (profiles `one`, `two`)
      at: DB_PASSWORD
      help: give it to the container when it starts; if it is none, add `allow = ["secret:DB_PASSWORD"]`
    "#);
}

#[test]
fn a_file_without_profiles_is_read_as_it_is() {
    let text = format!("{HEAD}[image.a]\ncommand = [\"/a\"]\n");
    let all = read_all(&text).unwrap();
    assert_eq!(all.reads.len(), 1);
    assert_eq!(all.reads[0].stack, common::read(&text).unwrap().stack);
    assert_eq!(all.reads[0].stack.profile, None);
}
