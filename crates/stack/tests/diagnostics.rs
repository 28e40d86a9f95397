//! What a bad stack file is told.

#![allow(clippy::unwrap_used, reason = "in a test it is the assertion")]

mod common;

use common::{HEAD, complaints};
use insta::assert_snapshot;

/// `rest` after the usual head, of which the complaints are shown without what every small image is told.
fn after_head(rest: &str) -> String {
    complaints(&format!("{}\n{rest}", HEAD.trim()))
}

/// Keys of one image `a` that starts something.
fn image(keys: &str) -> String {
    after_head(&format!("[image.a]\ncommand = [\"/a\"]\n{keys}\n"))
}

#[test]
fn unknown_keys_are_named_with_the_nearest_one_and_the_rest_is_still_checked() {
    assert_snapshot!(after_head("[image.a]\ncomand = [\"/a\"]\nports = { http = 0 }\n[imag.b]\n"), @r#"
    stack.toml:10:1: stack::unknown-key: unknown key `comand` in `image.a`
      at: comand
      help: did you mean `command`? Known here: `base`, `contents`, `user`, `users`, `entrypoint`, `command`, `env`, `workdir`, `labels`, `title`, `description`, `ports`, `stop-signal`, `writable`, `alternatives`, `certificates`, `keep`, `allow`, `max-layers`
    stack.toml:11:18: stack::out-of-range: `image.a.ports.http` must be a number from 1 to 65535, not 0
      at: 0
    stack.toml:12:2: stack::unknown-key: unknown key `imag` in the stack file
      at: imag
      help: did you mean `image`? Known here: `stack`, `values`, `sources`, `build`, `url`, `nix`, `image-defaults`, `image`, `service`, `secret`, `layers`, `cache`, `publish`, `policy`, `profile`
    "#);
}

#[test]
fn wrong_types_say_what_is_expected() {
    assert_snapshot!(image("entrypoint = \"/a -x\"\nenv = { A = 1 }\nworkdir = true\nmax-layers = 1000\nlabels = 3\nwritable = [5]\nuser = { name = \"a\" }"), @r#"
    stack.toml:11:14: stack::wrong-type: `image.a.entrypoint` must be a list of strings, not a string
      at: "/a -x"
      help: write `["/a -x"]`
    stack.toml:12:13: stack::wrong-type: `image.a.env.A` must be a string, not a whole number
      at: 1
      help: put it in quotes
    stack.toml:13:11: stack::wrong-type: `image.a.workdir` must be a string, not a boolean
      at: true
      help: put it in quotes
    stack.toml:14:14: stack::out-of-range: `image.a.max-layers` must be a number from 1 to 100, not 1000
      at: 1000
    stack.toml:15:10: stack::wrong-type: `image.a.labels` must be a table, not a whole number
      at: 3
    stack.toml:16:13: stack::wrong-type: `image.a.writable[0]` must be a string or a table, not a whole number
      at: 5
    stack.toml:17:8: stack::missing-key: `image.a.user` has no `uid`
      at: { name = "a" }
      help: `uid`: The user's number
    "#);
}

#[test]
fn values_of_a_few_words_are_held_to_them() {
    assert_snapshot!(image("[secret.a]\ngenerate = 24\nformat = \"bas64\""), @r#"
    stack.toml:13:10: stack::unknown-value: `bas64` is not something `secret.a.format` can be
      at: "bas64"
      help: did you mean `base64`? Known here: `hex`, `base64`
    "#);
}

#[test]
fn syntax() {
    assert_snapshot!(after_head("[image.a\ncommand = \n"), @r#"
    stack.toml:9:9: stack::syntax: unclosed table, expected `]`
      at:
    "#);
    assert_snapshot!(after_head("[image.a]\n[image.a]\n"), @r#"
    stack.toml:10:8: stack::syntax: duplicate key
      at: a
    "#);
}

#[test]
fn missing_keys() {
    assert_snapshot!(complaints("[sources.debian]\nkind = \"rpm\"\n"), @r#"
    stack.toml:1:1: stack::missing-key: `sources.debian` has no `suites`
      at: [sources.debian]
      help: `suites`: Suites that packages are taken from
    stack.toml:1:1: stack::missing-key: `sources.debian` has no `keyring`
      at: [sources.debian]
      help: `keyring`: Who must have signed it: a keyring shipped with longshore by name (`debian-archive`), or the path of a file of OpenPGP public keys beside the stack file
    stack.toml:1:1: stack::missing-key: the stack file has no table `[stack]`
      at: 
      help: `stack`: What all images share
    stack.toml:2:8: stack::unknown-value: `rpm` is not something `sources.debian.kind` can be
      at: "rpm"
      help: known here: `apt`
    "#);
}

#[test]
fn stack_table() {
    assert_snapshot!(complaints("[stack]\nname = \"De mo\"\nrepository = \"ghcr.io/x:1\"\nplatforms = [\"linux/amd46\", \"linux/arm64\", \"linux/arm64\"]\n[image.B]\ncommand = [\"/b\"]"), @r#"
    stack.toml:2:8: stack::name: `De mo` can't be the name of a stack
      at: "De mo"
      help: use lower-case letters and digits, with single `-`, `_` or `.` between them
    stack.toml:3:14: stack::repository: `ghcr.io/x:1` names one image; the repository that all images go to is expected
      at: "ghcr.io/x:1"
      help: leave out the tag and the digest
    stack.toml:4:14: stack::unknown-value: `linux/amd46` is not something `stack.platforms[0]` can be
      at: "linux/amd46"
      help: did you mean `linux/amd64`? Known here: `linux/386`, `linux/amd64`, `linux/arm/v7`, `linux/arm64`, `linux/ppc64le`, `linux/riscv64`, `linux/s390x`
    stack.toml:4:44: stack::doubled: platform `linux/arm64` is named twice
      at: "linux/arm64"
    stack.toml:5:8: stack::name: `B` can't be the name of an image
      at: B
      help: use lower-case letters and digits, with single `-`, `_` or `.` between them
    "#);
    assert_snapshot!(complaints("[stack]\nname = \"demo\"\nplatforms = []"), @r#"
    stack.toml:3:13: stack::out-of-range: `stack.platforms` needs at least 1 entry
      at: []
    "#);
}

#[test]
fn sources() {
    assert_snapshot!(complaints(r#"
[stack]
name = "demo"
default-source = "debain"
[sources.debian]
kind = "apt"
suites = ["trixie", "trixie", "a b"]
keyring = "debian-archiv"
signed-by = ["ABCD"]
[sources.other]
kind = "apt"
url = "https://user:pass@apt.example.org"
distribution = "debian"
suites = []
keyring = "keys/missing.asc"
snapshots = ["ftp://x"]
"#), @r#"
    stack.toml:4:18: stack::unknown-name: there is no source `debain`
      at: "debain"
      help: did you mean `debian`? Known here: `debian`, `other`
    stack.toml:5:10: stack::source: source `debian` says nothing of where it is
      at: debian
      help: add `distribution = "debian"`, or `url = "https://…"` of another apt repository
    stack.toml:7:21: stack::doubled: suite `trixie` is named twice
      at: "trixie"
    stack.toml:7:31: stack::name: `a b` is neither a suite nor a component: it becomes part of an address
      at: "a b"
    stack.toml:8:11: stack::unknown-name: longshore ships no keyring `debian-archiv`
      at: "debian-archiv"
      help: did you mean `debian-archive`? A file of keys is named by its path, as in "keys/vendor.asc"
    stack.toml:9:14: stack::fingerprint: `ABCD` is not a whole OpenPGP fingerprint
      at: "ABCD"
      help: short key ids can be forged; `gpg --show-keys FILE` prints fingerprints
    stack.toml:12:7: stack::source: source `other` has both `distribution` and `url`
      at: "https://user:pass@apt.example.org"
      help: with `distribution` the machine's own mirror is used; keep the one you mean
    stack.toml:14:10: stack::out-of-range: `sources.other.suites` needs at least 1 entry
      at: []
    stack.toml:15:11: stack::path: there is no file `keys/missing.asc` beside the stack file
      at: "keys/missing.asc"
    stack.toml:16:14: stack::url: `ftp://x` is not an address that begins with `https://`
      at: "ftp://x"
    "#);
}

#[test]
fn contents() {
    assert_snapshot!(image(r#"contents = [
  "Nginx",
  "jq=1.7",
  { package = "jq", source = "vendor" },
  { package = "jq", to = "/bin/" },
  { package = "jq", from = ["/a", "/b"], to = "/bin/x" },
  { package = "jq", from = "usr/bin/jq" },
  { fil = "config/a", to = "/etc/a" },
  { file = "config/a", text = "x", to = "/x" },
  { file = "config/a" },
  { file = "../outside", to = "/etc/" },
  { file = "/etc/passwd", to = "/etc/" },
  { file = "config/none", to = "/etc/" },
  { file = "site", to = "/etc/" },
  { directory = "config/a", to = "/etc/" },
  { text = "x", to = "/etc/" },
  { text = "x", to = "etc/x" },
  { text = "x", to = "/../x" },
  { text = "x", to = "/x", mode = "rw" },
  { text = "x", to = "/y", owner = "nobdy" },
  { symlink = "", to = "/z" },
]"#), @r#"
    stack.toml:12:3: stack::name: `Nginx` can't be the name of a package
      at: "Nginx"
      help: packages have lower-case letters, digits, `+`, `-` and `.` in their names; versions are the lock's business
    stack.toml:13:3: stack::name: `jq=1.7` can't be the name of a package
      at: "jq=1.7"
      help: packages have lower-case letters, digits, `+`, `-` and `.` in their names; versions are the lock's business
    stack.toml:14:30: stack::unknown-name: there is no source `vendor`
      at: "vendor"
      help: known here: `debian`
    stack.toml:15:26: stack::slice: package `jq` goes where it belongs; only a part of it can go elsewhere
      at: "/bin/"
      help: say which part with `from`
    stack.toml:16:47: stack::slice: several things can't all become `/bin/x`
      at: "/bin/x"
      help: end it with `/` to put them into that folder
    stack.toml:17:28: stack::path: `from` `usr/bin/jq` is not an absolute path
      at: "usr/bin/jq"
      help: write `/usr/bin/jq`
    stack.toml:18:3: stack::missing-key: `image.a.contents[6]` says nothing of what it is: one of the keys `package`, `file`, `directory`, `text`, `template`, `build`, `url`, `image`, `nix`, `flox`, `symlink` is needed
      at: { fil = "config/a", to = "/etc/a" }
      help: did you mean `file` for `fil`?
    stack.toml:19:3: stack::wrong-type: `image.a.contents[7]` can't be both `file` and `text`
      at: { file = "config/a", text = "x", to = "/x" }
      help: write two entries
    stack.toml:20:3: stack::missing-key: `image.a.contents[8]` has no `to`
      at: { file = "config/a" }
      help: `to`: Where it goes: an absolute path; one that ends in `/` is the folder it goes into under its own name
    stack.toml:21:12: stack::path: `../outside` leads out of the stack file's folder
      at: "../outside"
      help: name a path inside the folder of the stack file, so that the stack can be moved as one
    stack.toml:22:12: stack::path: `/etc/passwd` leads out of the stack file's folder
      at: "/etc/passwd"
      help: name a path inside the folder of the stack file, so that the stack can be moved as one
    stack.toml:23:12: stack::path: there is no file `config/none` beside the stack file
      at: "config/none"
    stack.toml:24:12: stack::path: `site` is not a file
      at: "site"
    stack.toml:25:17: stack::path: `config/a` is not a folder
      at: "config/a"
    stack.toml:26:22: stack::path: a text has no name of its own to go into `/etc` with
      at: "/etc/"
      help: name the whole path, without a `/` at its end
    stack.toml:27:22: stack::path: `to` `etc/x` is not an absolute path
      at: "etc/x"
      help: write `/etc/x`
    stack.toml:28:22: stack::path: `to`: unsafe path `/../x`: it contains `..`
      at: "/../x"
    stack.toml:29:35: stack::mode: `rw` is not a file mode
      at: "rw"
      help: write three or four octal digits, as in "0644"
    stack.toml:30:36: stack::unknown-name: there is no user `nobdy`
      at: "nobdy"
      help: known here: `app`, `root`
    stack.toml:31:15: stack::path: a symbolic link needs a target
      at: ""
    "#);
}

#[test]
fn where_packages_come_from() {
    assert_snapshot!(complaints("[stack]\nname = \"demo\"\n[image.a]\ncontents = [\"jq\"]\ncommand = [\"/a\"]"), @r#"
    stack.toml:4:13: stack::source: it is not clear which source package `jq` comes from
      at: "jq"
      help: declare one: [sources.debian] with `kind`, `distribution`, `suites` and `keyring`
    "#);
    let two = "[sources.other]\nkind = \"apt\"\nurl = \"https://a.example\"\nsuites = [\"x\"]\nkeyring = \"keys/vendor.asc\"\n";
    assert_snapshot!(after_head(&format!("{two}[image.a]\ncontents = [\"jq\", {{ package = \"yq\", source = \"other\" }}]\ncommand = [\"/a\"]")), @r#"
    stack.toml:15:13: stack::source: it is not clear which source package `jq` comes from
      at: "jq"
      help: write `{ package = "jq", source = … }` or set `default-source` in [stack]; the sources are `debian`, `other`
    "#);
}

#[test]
fn two_things_at_one_path() {
    assert_snapshot!(image(r#"contents = [
  { file = "config/a", to = "/etc/" },
  { text = "x", to = "/etc/a" },
  { template = "config/a", to = "/srv/" },
  { symlink = "x", to = "/srv/a" },
]
writable = ["/srv/a", "/run/a", "/run/a/", "/"]"#), @r#"
    stack.toml:13:3: stack::doubled: image `a` has two contents for `/etc/a`
      at: { text = "x", to = "/etc/a" }
      help: the other one is in line 12
    stack.toml:15:3: stack::doubled: image `a` has two contents for `/srv/a`
      at: { symlink = "x", to = "/srv/a" }
      help: the other one is in line 14
    stack.toml:17:13: stack::doubled: `/srv/a` of image `a` is one of its contents and no empty folder
      at: "/srv/a"
    stack.toml:17:33: stack::doubled: image `a` has `/run/a` twice among its writable folders
      at: "/run/a/"
    stack.toml:17:44: stack::path: a writable folder can't be the root folder itself
      at: "/"
    "#);
}

#[test]
fn templates() {
    assert_snapshot!(image(r#"ports = { http = 80 }
contents = [
  { template = "config/bad.yaml", to = "/etc/" },
  { template = "config/broken.yaml", to = "/etc/" },
  { template = "config/nothing.yaml", to = "/etc/" },
]"#), @r#"
    stack.toml:15:16: stack::path: there is no file `config/nothing.yaml` beside the stack file
      at: "config/nothing.yaml"
    bad.yaml:2:12: stack::template: template for image `a`: undefined value: `image.ports.htp` is undefined
      at: image.ports.htp
      help: templates know `stack`, `image` (`name`, `user`, `ports`, `workdir`), `images.NAME` and `values` of the stack file
    broken.yaml:1:7: stack::template: template for image `a`: syntax error: unexpected end of block
      at: %}
    "#);
}

#[test]
fn a_template_that_never_ends_is_stopped() {
    let folder = common::folder(&format!(
        "{HEAD}[image.a]\ncommand = [\"/a\"]\ncontents = [{{ template = \"t\", to = \"/t\" }}]\n"
    ));
    fs_err::write(
        folder.path().join("t"),
        "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
    )
    .unwrap();
    let error = longshore_stack::read(&folder.path().join("stack.toml"), None).unwrap_err();
    assert!(error.to_string().contains("fuel"), "{error}");
}

#[test]
fn users_and_owners() {
    assert_snapshot!(image(r#"user = { name = "App", uid = 10 }
users = [{ name = "b", uid = 10 }, { name = "b", uid = 11 }, { name = "root", uid = 12 }, { name = "c", uid = 13, home = "c" }]
writable = [{ path = "/w", owner = "d", mode = "999" }]"#), @r#"
    stack.toml:11:17: stack::name: `App` can't be the name of a user
      at: "App"
      help: use at most 32 lower-case letters, digits, `-` and `_`, beginning with a letter
    stack.toml:12:30: stack::doubled: users `App` and `b` of image `a` are both 10
      at: 10
    stack.toml:12:45: stack::doubled: image `a` has two users called `b`
      at: "b"
    stack.toml:12:85: stack::name: user `root` can't have number 12
      at: 12
      help: `root` is 0, and nobody else is
    stack.toml:12:122: stack::path: `home` `c` is not an absolute path
      at: "c"
      help: write `/c`
    stack.toml:13:36: stack::unknown-name: there is no user `d`
      at: "d"
      help: known here: `App`, `b`, `c`, `root`
    stack.toml:13:48: stack::mode: `999` is not a file mode
      at: "999"
      help: write three or four octal digits, as in "0644"
    "#);
}

#[test]
fn root_only_when_it_is_allowed() {
    assert_snapshot!(image("user = { name = \"root\", uid = 0 }"), @r#"
    stack.toml:11:31: stack::root-user: image `a` runs as root
      at: 0
      help: give it a number of its own; if it must be root, add `allow = ["root-user"]`
    "#);
    assert_eq!(image("user = { name = \"root\", uid = 0 }\nallow = [\"root-user\"]"), "");
}

#[test]
fn ports() {
    assert_snapshot!(image(r#"ports = { a = 80, b = "80/tcp", c = "80/udp", d = 0, e = 70000, f = "http", G = 81, h = { number = 82, protocol = "sctp" } }"#), @r#"
    stack.toml:11:23: stack::doubled: ports `a` and `b` of image `a` are both 80
      at: "80/tcp"
    stack.toml:11:51: stack::out-of-range: `image.a.ports.d` must be a number from 1 to 65535, not 0
      at: 0
    stack.toml:11:58: stack::out-of-range: `image.a.ports.e` must be a number from 1 to 65535, not 70000
      at: 70000
    stack.toml:11:69: stack::port: port `f` is not a number from 1 to 65535
      at: "http"
      help: write 8080, "53/udp" or { number = 53, protocol = "udp" }
    stack.toml:11:77: stack::name: `G` can't be the name of a port
      at: G
      help: use lower-case letters, digits, `-` and `_`, beginning with a letter
    stack.toml:11:115: stack::unknown-value: `sctp` is not something `image.a.ports.h.protocol` can be
      at: "sctp"
      help: known here: `tcp`, `udp`
    "#);
}

#[test]
fn secrets_are_warned_of_and_never_shown() {
    let env = r#"env = { DB_PASSWORD = "hunter2", API_TOKEN_FILE = "/run/t", URL = "postgres://u:pw@db/x", KEY = "AKIAIOSFODNN7EXAMPLE", TOKENS = "true" }"#;
    let complaints = image(env);
    assert_snapshot!(complaints, @r#"
    stack.toml:11:9: warning: stack::secret: `DB_PASSWORD` of image `a` looks like a secret: its name is that of a secret
      at: DB_PASSWORD
      help: give it to the container when it starts; if it is none, add `allow = ["secret:DB_PASSWORD"]`
    stack.toml:11:61: warning: stack::secret: `URL` of image `a` looks like a secret: its value is an address with a password
      at: URL
      help: give it to the container when it starts; if it is none, add `allow = ["secret:URL"]`
    stack.toml:11:91: warning: stack::secret: `KEY` of image `a` looks like a secret: its value is written like a key or token
      at: KEY
      help: give it to the container when it starts; if it is none, add `allow = ["secret:KEY"]`
    "#);
    assert!(!complaints.contains("hunter2") && !complaints.contains("AKIAIOSFODNN7"));
    assert_eq!(
        image(&format!("{env}\nallow = [\"secret:DB_PASSWORD\", \"secret:URL\", \"secret:KEY\"]")),
        ""
    );
}

#[test]
fn the_rest_of_an_image() {
    assert_snapshot!(after_head(r#"[image.a]
env = { "A=B" = "x" }
stop-signal = "SIGTREM"
allow = ["setuit:/x"]
keep = ["manuals"]
workdir = "srv"
alternatives = { "usr/bin/awk" = "" }
certificates = ["../own.pem"]
labels = { "a b" = "c" }
[image.b]
command = [""]
"#), @r#"
    stack.toml:10:9: stack::name: `A=B` can't be the name of an environment variable
      at: "A=B"
    stack.toml:11:15: stack::unknown-name: there is no signal `SIGTREM` to stop a program with
      at: "SIGTREM"
      help: did you mean `SIGTERM`? Known here: `SIGTERM`, `SIGINT`, `SIGQUIT`, `SIGHUP`, `SIGKILL`, `SIGUSR1`, `SIGUSR2`, `SIGWINCH`, `SIGABRT`, `SIGPWR`, `SIGRTMIN+3`
    stack.toml:12:10: stack::unknown-name: there is no check `setuit` whose findings could be accepted
      at: "setuit:/x"
      help: did you mean `setuid`? Known here: `command`, `compiler`, `development`, `flox-hook`, `missing-interpreter`, `missing-library`, `override`, `package-manager`, `root-user`, `secret`, `setuid`, `shell`, `workdir`, `world-writable`, `writable`, `wrong-architecture`
    stack.toml:13:9: stack::unknown-value: `manuals` is not something `image.a.keep[0]` can be
      at: "manuals"
      help: did you mean `man`? Known here: `docs`, `man`, `locales`
    stack.toml:14:11: stack::path: `workdir` `srv` is not an absolute path
      at: "srv"
      help: write `/srv`
    stack.toml:15:18: stack::path: an alternative's link `usr/bin/awk` is not an absolute path
      at: "usr/bin/awk"
      help: write `/usr/bin/awk`
    stack.toml:15:34: stack::path: alternative `usr/bin/awk` needs a target
      at: ""
    stack.toml:16:17: stack::path: `../own.pem` leads out of the stack file's folder
      at: "../own.pem"
      help: name a path inside the folder of the stack file, so that the stack can be moved as one
    stack.toml:17:12: stack::name: `a b` can't be the name of a label
      at: "a b"
    stack.toml:19:12: stack::command: the program's name is empty
      at: ""
    "#);
}

/// What is wrong with the defaults is said once, however many images have them.
#[test]
fn defaults_are_complained_of_once() {
    assert_snapshot!(after_head("[image-defaults]\nworkdir = \"x\"\ncommand = [\"/a\"]\n[image.a]\n[image.b]\n"), @r#"
    stack.toml:10:11: stack::path: `workdir` `x` is not an absolute path
      at: "x"
      help: write `/x`
    "#);
}

#[test]
fn no_file() {
    let error = longshore_stack::read(std::path::Path::new("/nonexistent/stack.toml"), None).unwrap_err();
    assert_snapshot!(error, @r#"/nonexistent/stack.toml: can't read the stack file: failed to open file `/nonexistent/stack.toml`: No such file or directory (os error 2)"#);
}

#[test]
fn too_long_a_file_is_not_read() {
    let error = common::read(&"#".repeat((1 << 20) + 1)).unwrap_err();
    assert!(error.to_string().contains("more than the 1048576 bytes"), "{error}");
}

#[cfg(unix)]
#[test]
fn links_out_of_the_folder_are_not_followed() {
    let folder = common::folder(&format!(
        "{HEAD}[image.a]\ncommand = [\"/a\"]\ncontents = [{{ template = \"t\", to = \"/t\" }}]\n"
    ));
    std::os::unix::fs::symlink("/etc/hostname", folder.path().join("t")).unwrap();
    let error = longshore_stack::read(&folder.path().join("stack.toml"), None).unwrap_err();
    assert!(error.to_string().contains("leads out of"), "{error}");
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { failure_persistence: None, ..Default::default() })]

    /// Whatever stands in the file: an answer, and places that are in the text.
    #[test]
    fn nothing_that_is_read_panics(
        at in proptest::prelude::any::<proptest::sample::Index>(),
        length in 0..12_usize,
        with in "(\\PC{0,4}|[\\[\\]{}=\",.#0-9\n]{0,4})",
    ) {
        let text = common::FULL;
        let boundary = |at: usize| (at..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
        let at = boundary(at.index(text.len()));
        let end = boundary((at + length).min(text.len()));
        let damaged = format!("{}{with}{}", &text[..at], &text[end..]);
        let findings = match common::read_all(&damaged) {
            Ok(read) => read.warnings,
            Err(longshore_stack::Diagnostics(all)) => {
                proptest::prop_assert!(all.iter().any(|finding| finding.severity == longshore_stack::Severity::Error));
                all
            }
        };
        for finding in findings {
            proptest::prop_assert!(finding.source.text.get(finding.span.clone()).is_some(), "{finding:?}");
            proptest::prop_assert!(!finding.message.is_empty());
        }
    }
}

#[test]
fn what_was_probably_meant_is_not_missed_elsewhere() {
    let image =
        "[image.a]\nentrypont = [\"/a\"]\ncontens = [{ file = \"a\", to = \"/a\" }]\nports = { http = 8080 }";
    assert_snapshot!(after_head(&format!("{image}\n[service.a]\nimge = \"a\"\n")), @r#"
    stack.toml:10:1: stack::unknown-key: unknown key `entrypont` in `image.a`
      at: entrypont
      help: did you mean `entrypoint`? Known here: `base`, `contents`, `user`, `users`, `entrypoint`, `command`, `env`, `workdir`, `labels`, `title`, `description`, `ports`, `stop-signal`, `writable`, `alternatives`, `certificates`, `keep`, `allow`, `max-layers`
    stack.toml:11:1: stack::unknown-key: unknown key `contens` in `image.a`
      at: contens
      help: did you mean `contents`? Known here: `base`, `contents`, `user`, `users`, `entrypoint`, `command`, `env`, `workdir`, `labels`, `title`, `description`, `ports`, `stop-signal`, `writable`, `alternatives`, `certificates`, `keep`, `allow`, `max-layers`
    stack.toml:11:21: stack::path: there is no file `a` beside the stack file
      at: "a"
    stack.toml:14:1: stack::unknown-key: unknown key `imge` in `service.a`
      at: imge
      help: did you mean `image`? Known here: `image`, `kind`, `command`, `env`, `files`, `ports`, `publish`, `needs`, `health`, `volumes`, `secrets`, `resources`, `replicas`, `scale`, `restart`, `stop-signal`, `stop-grace`, `egress`, `groups`
    "#);
}
