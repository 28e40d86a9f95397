//! Paths of the Nix store: in the stack file, and in the lock.

#![allow(clippy::unwrap_used, reason = "in a test it is the assertion")]

mod common;

use std::collections::BTreeMap;
use std::path::Path;

use common::{HEAD, complaints, read};
use insta::assert_snapshot;
use longshore_oci::{Content, StorePath};
use longshore_stack::lock::{self, AboutStorePath, Change, Lock, LockError, LockedNix, LockedStorePath};
use longshore_stack::model::{ImageSpec, NixLinks, Stack};

fn stack(rest: &str) -> Stack {
    read(&format!("{HEAD}{rest}")).unwrap().stack
}

fn path(name: &str) -> StorePath {
    format!("00000000000000000000000000000000-{name}").parse().unwrap()
}

fn image(contents: &str) -> ImageSpec {
    stack(&format!("[image.a]\ncommand = [\"/a\"]\ncontents = [\n{contents}\n]\n")).images["a"].clone()
}

#[test]
fn every_form_is_read() {
    let image = image(
        "{ nix = \".#backend\" },\n\
         { nix = \"nixpkgs#openssl^bin,out\", to = \"/\", exclude = [\"gcc-*\"] },\n\
         { nix = \"/nix/store/00000000000000000000000000000000-caddy-2.10\", from = \"bin/caddy\", to = \"/bin/\" },\n\
         { nix = \"config/a.nix\", attr = \"pkgs.web\", from = [] },",
    );
    let shown: Vec<String> = image
        .nix()
        .map(|request| {
            let links = match &request.links {
                NixLinks::Programs => "programs".to_owned(),
                NixLinks::Everything(to) => format!("everything at {to}"),
                NixLinks::Parts { from, to } => format!("{from:?} at {}", to.path(b"NAME")),
                NixLinks::Nothing => "nothing".to_owned(),
            };
            format!("{} | {links} | {:?}", request.installable, request.exclude)
        })
        .collect();
    assert_snapshot!(shown.join("\n"), @r#"
    .#backend | programs | []
    nixpkgs#openssl^bin,out | everything at / | ["gcc-*"]
    /nix/store/00000000000000000000000000000000-caddy-2.10 | [/bin/caddy] at /bin/NAME | []
    config/a.nix pkgs.web | nothing | []
    "#);
}

#[test]
fn caches_and_keys_have_a_default_and_can_be_others() {
    let usual = stack("").nix;
    assert_eq!(usual.caches, ["https://cache.nixos.org"]);
    assert_eq!(usual.trusted_keys[0].name, "cache.nixos.org-1");
    let own = stack(
        "[nix]\ncaches = [\"file:///srv/cache/\", \"s3://bucket\"]\n\
         trusted-public-keys = [\"own-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY=\"]\n",
    );
    assert_eq!(own.nix.caches, ["file:///srv/cache", "s3://bucket"]);
    assert_eq!(own.nix.trusted_keys.len(), 1);
    assert_eq!(own.nix.trusted_keys[0].key[..3], [0xe8, 0xd0, 0x87]);
}

#[test]
fn what_is_wrong_is_said_at_its_place() {
    assert_snapshot!(
        complaints(&format!(
            "{HEAD}[nix]\ncaches = [\"cache.example.org\"]\ntrusted-public-keys = [\"own:short\", \":6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY=\"]\n\
             [image.a]\ncommand = [\"/a\"]\ncontents = [\n\
             {{ nix = \"\" }},\n\
             {{ nix = \"--help\" }}, {{ nix = \"hello world\" }},\n\
             {{ nix = \"/nix/store/short\" }},\n\
             {{ nix = \"/nix/store/00000000000000000000000000000000-caddy-2.10/bin/caddy\" }},\n\
             {{ nix = \".#a\", attr = \"b\" }},\n\
             {{ nix = \"none.nix\", attr = \"b\" }},\n\
             {{ nix = \"../a.nix\" }},\n\
             {{ nix = \".#a\", from = \"/bin/a\", to = \"/bin/\" }},\n\
             {{ nix = \".#a\", from = \"bin/a\" }},\n\
             {{ nix = \".#a\", from = [\"bin/a\", \"bin/b\"], to = \"/bin/c\" }},\n\
             {{ nix = \".#a\", mode = \"0755\" }},\n\
             {{ attr = \"a\", to = \"/\" }},\n]\n"
        )),
        @r#"
    stack.toml:11:11: stack::nix: `cache.example.org` is no address of a binary cache
      at: "cache.example.org"
      help: write `https://…`, `file:///…` or `s3://BUCKET`
    stack.toml:12:24: stack::nix: `own:short` is no public key of a binary cache
      at: "own:short"
      help: it is `NAME:BASE64`, as `nix key convert-secret-to-public` writes it
    stack.toml:12:37: stack::nix: `:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY=` is no public key of a binary cache
      at: ":6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY="
      help: it is `NAME:BASE64`, as `nix key convert-secret-to-public` writes it
    stack.toml:16:9: stack::nix: `` is nothing that Nix could build
      at: ""
      help: write `.#NAME` for an output of a flake, `/nix/store/…`, or a file's path with `attr = "NAME"`
    stack.toml:17:9: stack::nix: `--help` is nothing that Nix could build
      at: "--help"
      help: write `.#NAME` for an output of a flake, `/nix/store/…`, or a file's path with `attr = "NAME"`
    stack.toml:17:29: stack::nix: `hello world` is nothing that Nix could build
      at: "hello world"
      help: write `.#NAME` for an output of a flake, `/nix/store/…`, or a file's path with `attr = "NAME"`
    stack.toml:18:9: stack::nix: `short` is no store path: it is too short
      at: "/nix/store/short"
      help: say with `from` what inside of the path is meant
    stack.toml:19:9: stack::nix: `00000000000000000000000000000000-caddy-2.10/bin/caddy` is no store path: its name has other characters than letters, digits and `+-._?=`
      at: "/nix/store/00000000000000000000000000000000-caddy-2.10/bin/caddy"
      help: say with `from` what inside of the path is meant
    stack.toml:20:23: stack::nix: `attr` is for Nix files, and a flake's output is named behind `#`
      at: "b"
      help: write `.#NAME` for an output of a flake, `/nix/store/…`, or a file's path with `attr = "NAME"`
    stack.toml:21:9: stack::path: there is no file or folder `none.nix` beside the stack file
      at: "none.nix"
    stack.toml:22:9: stack::path: `../a.nix` leads out of the stack file's folder
      at: "../a.nix"
      help: name a path inside the folder of the stack file, so that the stack can be moved as one
    stack.toml:23:23: stack::path: `/bin/a` is absolute; it must be a path inside the store path
      at: "/bin/a"
      help: write `bin/a`
    stack.toml:24:23: stack::nix: a path of the Nix store stays where it is; `from` says what is linked elsewhere
      at: "bin/a"
      help: say where with `to`
    stack.toml:25:48: stack::slice: several things can't all become `/bin/c`
      at: "/bin/c"
      help: end it with `/` to put them into that folder
    stack.toml:26:16: stack::unknown-key: unknown key `mode` in `image.a.contents[11]`
      at: mode
      help: known here: `nix`, `attr`, `from`, `to`, `exclude`
    stack.toml:27:1: stack::missing-key: `image.a.contents[12]` says nothing of what it is: one of the keys `package`, `file`, `directory`, `text`, `template`, `build`, `url`, `image`, `nix`, `flox`, `symlink` is needed
      at: { attr = "a", to = "/" }
    "#
    );
}

/// A lock for `.#web`, which refers to a library.
fn locked(platforms: &[&str]) -> Lock {
    let one = |references: &[&str]| LockedStorePath {
        nar: Content::of(references.concat().as_bytes()),
        references: references.iter().map(|name| path(name)).collect(),
        derivation: Some(path("web-1.0.drv")),
        content_address: None,
        about: AboutStorePath::default(),
    };
    let pin = |platform: &&str| LockedNix {
        installable: ".#web".to_owned(),
        platform: (*platform).to_owned(),
        outputs: vec![path("web-1.0")],
    };
    Lock {
        assembler: 3,
        sources: stack("").source_definitions(),
        nix: platforms.iter().map(pin).collect(),
        store_paths: BTreeMap::from([
            (path("lib-2.0"), LockedStorePath { derivation: None, ..one(&[]) }),
            (path("web-1.0"), one(&["lib-2.0", "web-1.0"])),
        ]),
        ..Lock::default()
    }
}

const WEB: &str = "[image.a]\ncommand = [\"/a\"]\ncontents = [{ nix = \".#web\" }]\n";

#[test]
fn the_lock_as_text() {
    let mut lock = locked(&["linux/amd64"]);
    let about = &mut lock.store_paths.get_mut(&path("web-1.0")).unwrap().about;
    about.license = Some("MIT".to_owned());
    about.cpe = Some("cpe:2.3:a:web:web:1.0:*:*:*:*:*:*:*".to_owned());
    about.patched = vec!["CVE-2024-1234".to_owned()];
    let text = lock.to_string();
    assert_snapshot!(text, @r#"
    # Written by longshore: every input of this stack by digest. Keep it under version control beside stack.toml.
    # `longshore lock` follows the stack file, `longshore update` takes newer versions.
    version = 1
    revision = 4
    assembler = 3

    [[source]]
    name = "debian"
    definition = [
      "distribution debian",
      "suite trixie",
      "component main",
      "keyring debian-archive",
    ]

    [[nix]]
    installable = ".#web"
    platform = "linux/amd64"
    outputs = [
      "00000000000000000000000000000000-web-1.0",
    ]

    [[store-path]]
    path = "00000000000000000000000000000000-lib-2.0"
    size = 0
    sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    references = []

    [[store-path]]
    path = "00000000000000000000000000000000-web-1.0"
    size = 14
    sha256 = "7a1e7899bd24de49139489f01542933f2646cd201c96e906d3b8dfae0e96a355"
    references = [
      "00000000000000000000000000000000-lib-2.0",
      "00000000000000000000000000000000-web-1.0",
    ]
    derivation = "00000000000000000000000000000000-web-1.0.drv"
    license = "MIT"
    cpe = "cpe:2.3:a:web:web:1.0:*:*:*:*:*:*:*"
    patched = [
      "CVE-2024-1234",
    ]
    "#);
    assert_eq!(lock::parse(&text, Path::new("stack.lock")).unwrap(), lock);
}

#[test]
fn a_damaged_lock_is_refused_at_the_line() {
    let text = locked(&["linux/amd64"]).to_string();
    let error = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        match lock::parse(&text.replacen(from, to, 1), Path::new("stack.lock")) {
            Err(LockError::Damaged(diagnostic)) => diagnostic.message,
            other => panic!("{other:?}"),
        }
    };
    let hash = "0".repeat(32);
    assert_snapshot!(
        [
            error(&format!("outputs = [\n  \"{hash}-web-1.0\""), &format!("outputs = [\n  \"{hash}-gone\"")),
            error(&format!("references = [\n  \"{hash}-lib-2.0\""), &format!("references = [\n  \"{hash}-gone\"")),
            error(&format!("path = \"{hash}-web-1.0\""), &format!("path = \"{hash}-lib-2.0\"")),
            error(&format!("path = \"{hash}-web-1.0\""), "path = \"../web\""),
            error("linux/amd64", "linux/z80"),
        ]
        .join("\n"),
        @r#"
    no [[store-path]] of this lock is `00000000000000000000000000000000-gone`
    no [[store-path]] of this lock is `00000000000000000000000000000000-gone`
    store path `00000000000000000000000000000000-lib-2.0` is locked twice
    `../web` is no store path: it is too short
    `linux/z80` is not a platform; expected one of linux/386, linux/amd64, linux/arm/v7, linux/arm64, linux/ppc64le, linux/riscv64, linux/s390x
    "#
    );
}

#[test]
fn what_no_longer_fits_is_said() {
    let stale = |lock: &Lock, rest: &str| {
        let reasons = lock
            .stale(&stack(rest))
            .into_iter()
            .filter(|reason| reason.contains('`') && !reason.starts_with("image"));
        reasons.collect::<Vec<_>>()
    };
    let lock = locked(&["linux/amd64"]);
    assert_eq!(stale(&lock, WEB), [""; 0]);
    assert_eq!(stale(&lock, ""), ["`.#web` is pinned for more than the stack asks"]);
    assert_eq!(stale(&Lock { nix: Vec::new(), ..lock.clone() }, WEB), ["`.#web` is not in the lock"]);
    let other = locked(&["linux/arm64"]);
    let reasons = stale(&other, WEB);
    assert!(reasons.contains(&"`.#web` is not in the lock".to_owned()), "{reasons:?}");
}

#[test]
fn changes_are_told_by_name() {
    let before = locked(&["linux/amd64"]);
    let mut after = locked(&["linux/amd64"]);
    let web = after.store_paths.remove(&path("web-1.0")).unwrap();
    after.store_paths.insert(path("web-1.1"), web);
    let lib = after.store_paths.remove(&path("lib-2.0")).unwrap();
    after.store_paths.insert("11111111111111111111111111111111-lib-2.0".parse().unwrap(), lib);
    let told: Vec<String> = before.diff(&after).iter().map(Change::to_string).collect();
    assert_eq!(told, ["~ lib 00000000 → 11111111", "~ web 1.0 → 1.1"]);
}
