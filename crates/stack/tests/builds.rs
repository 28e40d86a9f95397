//! `[build.*]` and `[url.*]`: what a bad one is told, and what builds ask of sources.

#![allow(clippy::unwrap_used, reason = "in a test it is the assertion")]

mod common;

use common::{HEAD, complaints, read};
use insta::assert_snapshot;
use longshore_stack::model::{BuildKind, Consumer, GoSource, Toolchain, UrlForm};

/// `rest` after the usual head.
fn after_head(rest: &str) -> String {
    complaints(&format!("{}\n{rest}", HEAD.trim()))
}

/// Keys of one Go build `a`.
fn go(keys: &str) -> String {
    after_head(&format!("[build.a]\nkind = \"go\"\n{keys}\n"))
}

#[test]
fn keys_of_another_kind_are_refused_with_the_kinds_that_have_them() {
    assert_snapshot!(go("path = \"site\"\nbins = [\"x\"]\nrun = [[\"sh\"]]\nlinkage = \"static\""), @r#"
    stack.toml:12:9: stack::build: `bins` is a key of builds of kind `cargo`, and build `a` is of kind `go`
      at: "x"
      help: builds of kind `go` have the keys `path` or `module`, `packages`, `tags`, `ldflags`, `cgo`, `sums`
    stack.toml:13:8: stack::build: `run` is a key of builds of kind `command`, and build `a` is of kind `go`
      at: ["sh"]
      help: builds of kind `go` have the keys `path` or `module`, `packages`, `tags`, `ldflags`, `cgo`, `sums`
    stack.toml:14:11: stack::build: `linkage` is a key of builds of kind `cargo`, and build `a` is of kind `go`
      at: "static"
      help: builds of kind `go` have the keys `path` or `module`, `packages`, `tags`, `ldflags`, `cgo`, `sums`
    "#);
    assert_snapshot!(after_head("[build.a]\nkind = \"command\"\nrun = [[\"true\"]]\npath = \"site\"\ncgo = true\n[build.b]\nkind = \"goo\"\n"), @r#"
    stack.toml:12:8: stack::build: `path` is a key of builds of kind `go`, `cargo`, `npm`, and build `a` is of kind `command`
      at: "site"
      help: builds of kind `command` have the keys `run`, `inputs`
    stack.toml:13:7: stack::build: `cgo` is a key of builds of kind `go`, and build `a` is of kind `command`
      at: true
      help: builds of kind `command` have the keys `run`, `inputs`
    stack.toml:15:8: stack::unknown-value: `goo` is not something `build.b.kind` can be
      at: "goo"
      help: did you mean `go`? Known here: `go`, `cargo`, `npm`, `command`
    "#);
}

#[test]
fn a_go_build_is_a_folder_or_a_published_module() {
    assert_snapshot!(go(""), @r#"
    stack.toml:9:8: stack::build: build `a` says nothing of what it builds
      at: a
      help: add `path = "…"`, a folder with a `go.mod`, or `module = "host/path@version"`
    "#);
    assert_snapshot!(go("path = \"site\"\nmodule = \"example.com/x@v1.0.0\""), @r#"
    stack.toml:11:8: stack::build: build `a` has both `path` and `module`
      at: "site"
      help: `path` is a module of your own, `module` a published one; keep the one you mean
    "#);
    assert_snapshot!(go("path = \"nowhere\""), @r#"
    stack.toml:11:8: stack::path: there is no folder `nowhere` beside the stack file
      at: "nowhere"
    "#);
    let modules = [
        "example.com/x",
        "example.com/x@latest",
        "x/y@v1.0.0",
        "example.com/x@v1.0",
        "github.com/grafana/loki@v3.5.0",
        "example.com/x/v2@v1.0.0",
        "example.com/../x@v1.0.0",
        "example.com/x@v1.0.0-",
    ];
    let said: String = modules.iter().map(|module| go(&format!("module = \"{module}\""))).collect();
    assert_snapshot!(said, @r#"
    stack.toml:11:10: stack::build: `example.com/x` has no version
      at: "example.com/x"
      help: write `host/path@version`, as in "github.com/caddyserver/caddy/v2@v2.10.0"
    stack.toml:11:10: stack::build: `latest` is not a version of a Go module
      at: "example.com/x@latest"
      help: write it in full, as in `v1.2.3`; `latest` and branches move, and a build must not
    stack.toml:11:10: stack::build: `x/y` is not the path of a Go module
      at: "x/y@v1.0.0"
      help: write `host/path@version`, as in "github.com/caddyserver/caddy/v2@v2.10.0"
    stack.toml:11:10: stack::build: `v1.0` is not a version of a Go module
      at: "example.com/x@v1.0"
      help: write it in full, as in `v1.2.3`; `latest` and branches move, and a build must not
    stack.toml:11:10: stack::build: `github.com/grafana/loki` has no version `v3.5.0`: the path of a module ends in its major version
      at: "github.com/grafana/loki@v3.5.0"
      help: did you mean `github.com/grafana/loki/v3@v3.5.0`?
    stack.toml:11:10: stack::build: `example.com/x/v2` has no version `v1.0.0`: the path of a module ends in its major version
      at: "example.com/x/v2@v1.0.0"
      help: did you mean `example.com/x@v1.0.0`?
    stack.toml:11:10: stack::build: `example.com/../x` is not the path of a Go module
      at: "example.com/../x@v1.0.0"
      help: write `host/path@version`, as in "github.com/caddyserver/caddy/v2@v2.10.0"
    stack.toml:11:10: stack::build: `v1.0.0-` is not a version of a Go module
      at: "example.com/x@v1.0.0-"
      help: write it in full, as in `v1.2.3`; `latest` and branches move, and a build must not
    "#);
    for fine in [
        "example.com/x@v0.0.0-20240101000000-abcdef123456",
        "gopkg.in/yaml.v3@v3.0.1",
        "example.com/x@v2.0.0+incompatible",
        "github.com/grafana/loki/v3@v3.5.0-rc.1",
    ] {
        assert_eq!(go(&format!("module = \"{fine}\"")), "", "{fine}");
    }
    assert_snapshot!(go("module = \"example.com/x@v1.0.0\"\nsums = { zip = \"h1:abc\", go-mod = \"x\" }"), @r#"
    stack.toml:12:16: stack::build: `h1:abc` is not the sum of a Go module
      at: "h1:abc"
      help: it begins with `h1:`, as in a `go.sum`
    stack.toml:12:35: stack::build: `x` is not the sum of a Go module
      at: "x"
      help: it begins with `h1:`, as in a `go.sum`
    "#);
    assert_snapshot!(go("path = \"site\"\npackages = [\"../x\", \"-o=/etc\", \"./a\", \"./a\"]\ntags = [\"a,b\"]\nldflags = [\"\"]"), @r#"
    stack.toml:12:13: stack::path: package `../x` is not one of the module
      at: "../x"
      help: name it below the module's root, as in "./cmd/server"
    stack.toml:12:21: stack::name: `-o=/etc` is not something `packages` can hold
      at: "-o=/etc"
    stack.toml:12:39: stack::doubled: `./a` is named twice in `packages`
      at: "./a"
    stack.toml:13:9: stack::name: `a,b` is not something `tags` can hold
      at: "a,b"
    stack.toml:14:12: stack::build: a linker flag is empty or holds control characters
      at: ""
    "#);
}

#[test]
fn cargo_and_npm() {
    assert_snapshot!(after_head("[build.a]\nkind = \"cargo\"\nbins = [\"../x\"]\nfeatures = [\"--all\"]\nprofile = \"a b\"\nlinkage = \"muls\"\n"), @r#"
    stack.toml:9:8: stack::build: build `a` of kind `cargo` has no `path`
      at: a
      help: add `path = "…"`, the folder beside the stack file that is built
    stack.toml:11:9: stack::name: `../x` is not something `bins` can hold
      at: "../x"
    stack.toml:12:13: stack::name: `--all` is not something `features` can hold
      at: "--all"
    stack.toml:13:11: stack::name: `a b` is not something `profile` can hold
      at: "a b"
    stack.toml:14:11: stack::unknown-value: `muls` is not something `build.a.linkage` can be
      at: "muls"
      help: did you mean `musl`? Known here: `dynamic`, `static`, `musl`
    "#);
    assert_snapshot!(after_head("[build.a]\nkind = \"npm\"\npath = \"site\"\noutput = \"../dist\"\nscript = \"--x\"\n"), @r#"
    stack.toml:12:10: stack::path: `../dist` is not a folder inside the build's `path`
      at: "../dist"
      help: name the folder that the script leaves, as in "dist"
    stack.toml:13:10: stack::name: `--x` is not something `script` can hold
      at: "--x"
    "#);
}

#[test]
fn limits_and_toolchains() {
    assert_snapshot!(go("path = \"site\"\ntimeout = \"0m\"\nmemory = \"4\"\noutput-limit = \"many\"\nenv = { \"A B\" = \"x\" }"), @r#"
    stack.toml:12:11: stack::quantity: `0m` is not a time that a build may take
      at: "0m"
      help: write a number with `s`, `m` or `h`, as in "30m"; a week at most
    stack.toml:13:10: stack::quantity: `4` is not a size
      at: "4"
      help: write a number with `K`, `M`, `G` or `T`, as in "4G"
    stack.toml:14:16: stack::quantity: `many` is not a size
      at: "many"
      help: write a number with `K`, `M`, `G` or `T`, as in "4G"
    stack.toml:15:9: stack::name: `A B` can't be the name of an environment variable
      at: "A B"
    "#);
    assert_snapshot!(go("path = \"site\"\ntoolchain = \"hots\""), @r#"
    stack.toml:12:13: stack::build: `toolchain` is a list of packages, or `"host"`
      at: "hots"
      help: write `toolchain = ["golang-go", …]`
    "#);
    assert_snapshot!(go("path = \"site\"\ntoolchain = []"), @r#"
    stack.toml:12:13: stack::build: the toolchain of build `a` is empty
      at: []
      help: leave `toolchain` out for the kind's usual packages
    "#);
    assert_snapshot!(go("path = \"site\"\ntoolchain = [{ package = \"gcc\", source = \"debain\" }, \"Gcc\"]"), @r#"
    stack.toml:12:42: stack::unknown-name: there is no source `debain`
      at: "debain"
      help: did you mean `debian`?
    stack.toml:12:54: stack::name: `Gcc` can't be the name of a package
      at: "Gcc"
      help: packages have lower-case letters, digits, `+`, `-` and `.` in their names; versions are the lock's business
    "#);
    assert_snapshot!(complaints("[stack]\nname = \"demo\"\n[build.a]\nkind = \"npm\"\npath = \"site\"\n"), @r#"
    stack.toml:3:8: stack::source: it is not clear which source the toolchain of build `a` comes from
      at: a
      help: declare one: [sources.debian] with `kind`, `distribution`, `suites` and `keyring`; or write `toolchain = "host"`
    "#);
}

/// A build `a` of the kind `command` with these entries in its toolchain, beside a build `node` and some archives.
fn with_tools(entries: &str) -> String {
    let around = "[build.node]\nkind = \"command\"\nrun = [[\"true\"]]\n[url.rust]\nurl = \"https://x/rust.tar.xz\"\n[url.file]\nurl = \"https://x/file\"\n[url.node]\nurls = { \"linux/arm64\" = \"https://x/y.zip\" }\n";
    let build = format!(
        "[build.a]\nkind = \"command\"\nrun = [[\"true\"]]\ntoolchain = [\n  \"dash\",\n  {entries},\n]\n"
    );
    after_head(&format!("{around}{build}"))
}

#[test]
fn tools_are_builds_and_archives_that_there_are() {
    assert_eq!(with_tools("{ build = \"node\" }, { url = \"rust\" }, { package = \"gcc\" }"), "");
    let wrong = [
        "{ build = \"nod\" }, { url = \"rsut\" }",
        "{ url = \"file\" }, { url = \"node\" }",
        "{ url = \"rust\" }, { url = \"rust\" }, { build = \"node\" }, { url = \"rust\" }",
        "{ build = \"node\" }, { url = \"node\" }",
        "{ build = \"node\", url = \"rust\" }, { bild = \"node\" }, { build = \"node\", source = \"debian\" }",
    ];
    let said: String = wrong.iter().map(|entries| with_tools(entries)).collect();
    assert_snapshot!(said, @r#"
    stack.toml:23:13: stack::unknown-name: there is no build `nod`
      at: "nod"
      help: did you mean `node`? Known here: `a`, `node`
    stack.toml:23:30: stack::unknown-name: there is no url `rsut`
      at: "rsut"
      help: did you mean `rust`? Known here: `file`, `node`, `rust`
    stack.toml:23:11: stack::build: url `file` is taken as a file; a tool is a tree of programs
      at: "file"
      help: set `form = "archive"` in [url.file] if it is one; else put it into `/out/bin` with a build of kind `command`
    stack.toml:23:29: stack::url: url `node` has no address for platform `linux/amd64`
      at: "node"
      help: add `"linux/amd64" = "https://…"` to its `urls`
    stack.toml:23:29: stack::doubled: tool `rust` is named twice in `toolchain`
      at: "rust"
      help: keep one of them
    stack.toml:23:67: stack::doubled: tool `rust` is named twice in `toolchain`
      at: "rust"
      help: keep one of them
    stack.toml:23:31: stack::url: url `node` has no address for platform `linux/amd64`
      at: "node"
      help: add `"linux/amd64" = "https://…"` to its `urls`
    stack.toml:23:31: stack::doubled: tool `node` is named twice in `toolchain`
      at: "node"
      help: builds see a tool at `/deps/tools/node`: give the build or the archive another name
    stack.toml:23:3: stack::wrong-type: `build.a.toolchain[1]` can't be both `build` and `url`
      at: { build = "node", url = "rust" }
      help: write two entries
    stack.toml:23:37: stack::missing-key: `build.a.toolchain[2]` says nothing of what it is: one of the keys `package`, `build`, `url` is needed
      at: { bild = "node" }
      help: did you mean `build` for `bild`?
    stack.toml:23:74: stack::unknown-key: unknown key `source` in `build.a.toolchain[3]`
      at: source
      help: known here: `build`
    "#);
}

#[test]
fn no_build_is_its_own_tool_and_no_input_lies_among_tools() {
    let build = |name: &str, tool: &str| {
        format!(
            "[build.{name}]\nkind = \"command\"\nrun = [[\"true\"]]\ntoolchain = [\"dash\", {{ build = \"{tool}\" }}]\n"
        )
    };
    let inputs = "inputs = [{ path = \"site\", to = \"/deps/tools\" }, { path = \"site\", to = \"/deps/tools/b/\" }, { path = \"site\", to = \"/deps/toolsmith\" }]\n";
    assert_snapshot!(after_head(&format!("{}{inputs}{}{}", build("a", "b"), build("b", "c"), build("c", "b"))), @r#"
    stack.toml:13:33: stack::path: `/deps/tools` is where the toolchain's own trees are
      at: "/deps/tools"
      help: put the input elsewhere below `/src` or `/deps`
    stack.toml:13:72: stack::path: `/deps/tools` is where the toolchain's own trees are
      at: "/deps/tools/b/"
      help: put the input elsewhere below `/src` or `/deps`
    stack.toml:14:8: stack::cycle: builds need each other in a circle: `b` → `c` → `b`
      at: b
      help: take one of them out of the other's `inputs` or `toolchain`
    "#);
}

#[test]
fn a_rust_of_ones_own_needs_no_library_of_debian_s() {
    let text = |toolchain: &str| {
        format!(
            "{}\n[url.rust]\nurl = \"https://x/rust.tar.xz\"\n[build.a]\nkind = \"cargo\"\npath = \"site\"\ntoolchain = [{toolchain}]\n",
            HEAD.trim().replace("[sources", "platforms = [\"linux/amd64\", \"linux/arm64\"]\n[sources")
        )
    };
    let asked = |toolchain: &str| -> Vec<String> {
        let stack = read(&text(toolchain)).unwrap().stack;
        let requirements = stack.requirements().into_iter();
        let of_builds = requirements.filter(|(consumer, ..)| matches!(consumer, Consumer::Build(_)));
        of_builds
            .map(|(_, platform, all)| {
                let names: Vec<_> = all.iter().map(|one| one.package.as_str()).collect();
                format!("{platform}: {}", names.join(" "))
            })
            .collect()
    };
    assert_eq!(
        asked("\"gcc\", \"rustc\""),
        [
            "linux/amd64: gcc gcc-aarch64-linux-gnu libc6-dev-arm64-cross rustc",
            "linux/arm64: libstd-rust-dev"
        ]
    );
    assert_eq!(
        asked("\"gcc\", { url = \"rust\" }"),
        ["linux/amd64: gcc gcc-aarch64-linux-gnu libc6-dev-arm64-cross"]
    );
}

#[test]
fn commands_and_their_inputs() {
    let build = |name: &str, inputs: &str| {
        format!("[build.{name}]\nkind = \"command\"\nrun = [[\"true\"]]\ninputs = [{inputs}]\n")
    };
    assert_snapshot!(after_head("[build.a]\nkind = \"command\"\n[build.b]\nkind = \"command\"\nrun = [[], [\"\"]]\n"), @r#"
    stack.toml:9:8: stack::build: build `a` runs nothing
      at: a
      help: add `run = [["sh", "-c", "…"]]`
    stack.toml:13:8: stack::build: a command needs a program
      at: []
    stack.toml:13:12: stack::build: a command needs a program
      at: [""]
    "#);
    assert_snapshot!(after_head(&build("a", "{ path = \"site\", build = \"a\", to = \"/src\" }, { to = \"/src\" }, { path = \"site\", to = \"/etc\" }, { path = \"gone\", to = \"/src\" }")), @r#"
    stack.toml:12:11: stack::build: an input is one of `path`, `build` and `url`
      at: { path = "site", build = "a", to = "/src" }
      help: write `{ path = "…", to = "/src" }`
    stack.toml:12:56: stack::build: an input is one of `path`, `build` and `url`
      at: { to = "/src" }
      help: write `{ path = "…", to = "/src" }`
    stack.toml:12:95: stack::path: `/etc` is no place for an input
      at: "/etc"
      help: inputs are at `/src` or `/deps`, or below; commands start in `/build` and leave their output in `/out`
    stack.toml:12:114: stack::path: there is no file or folder `gone` beside the stack file
      at: "gone"
    "#);
    assert_snapshot!(after_head(&format!("{}{}", build("alpha", ""), build("b", "{ build = \"alhpa\", to = \"/src/a\" }, { url = \"x\", to = \"/src/a\" }"))), @r#"
    stack.toml:16:21: stack::unknown-name: there is no build `alhpa`
      at: "alhpa"
      help: did you mean `alpha`? Known here: `alpha`, `b`
    stack.toml:16:55: stack::unknown-name: there is no url `x`
      at: "x"
      help: there is no url here at all
    "#);
    let circle = [("a", "b"), ("b", "c"), ("c", "b"), ("d", "d")];
    let circle: String = circle
        .iter()
        .map(|(name, needs)| build(name, &format!("{{ build = \"{needs}\", to = \"/src\" }}")))
        .collect();
    assert_snapshot!(after_head(&circle), @r#"
    stack.toml:13:8: stack::cycle: builds need each other in a circle: `b` → `c` → `b`
      at: b
      help: take one of them out of the other's `inputs` or `toolchain`
    stack.toml:21:8: stack::cycle: builds need each other in a circle: `d` → `d`
      at: d
      help: take one of them out of the other's `inputs` or `toolchain`
    "#);
}

#[test]
fn urls() {
    assert_snapshot!(after_head("[url.a]\n[url.b]\nurl = \"ftp://x\"\nsha256 = \"abc\"\n[url.c]\nurl = \"https://x/y.zip\"\nurls = { \"linux/amd64\" = \"https://x\" }\n[url.d]\nurls = { \"linux/vax\" = \"https://x/y\", \"linux/amd64\" = \"https://x/y.zip\", \"linux/arm64\" = \"https://x/y\" }\nsha256s = { \"linux/amd63\" = \"x\" }\n[url.e]\nurl = \"https://me:pw@x/y\"\nstrip = 1\n"), @r#"
    stack.toml:9:6: stack::url: url `a` says nothing of where it is
      at: a
      help: add `url = "https://…"`, or `urls = { "linux/amd64" = "https://…" }`
    stack.toml:11:7: stack::url: `ftp://x` is not an address that begins with `https://`
      at: "ftp://x"
    stack.toml:12:10: stack::url: `abc` is not a SHA-256
      at: "abc"
      help: 64 lower-case hex digits, as `sha256sum` prints them; or leave it out, and `longshore lock` learns it
    stack.toml:14:7: stack::url: url `c` has both `url` and `urls`
      at: "https://x/y.zip"
      help: `urls` is for files that are others on each platform; keep the one you mean
    stack.toml:16:6: stack::url: some files of url `d` look like archives, and some do not
      at: d
      help: say what they are: `form = "archive"` or `form = "file"`
    stack.toml:17:10: stack::url: `linux/vax` is not a platform; expected one of linux/386, linux/amd64, linux/arm/v7, linux/arm64, linux/ppc64le, linux/riscv64, linux/s390x
      at: "linux/vax"
    stack.toml:18:13: stack::unknown-name: there is no address for platform `linux/amd63`
      at: "linux/amd63"
      help: did you mean `linux/amd64`? Known here: `linux/amd64`, `linux/arm64`, `linux/vax`
    stack.toml:20:7: stack::credentials: the address holds a user name or password
      at: "https://me:pw@x/y"
      help: take it out of the stack file, which is shared; a private file can be kept beside the stack file
    stack.toml:21:9: stack::url: url `e` is taken as a file, which has no folders
      at: 1
      help: leave `strip` out, or add `form = "archive"`
    "#);
    let stack =
        read(&format!("{HEAD}[url.a]\nurl = \"https://x/y.TGZ?v=1\"\n[url.b]\nurl = \"https://x/tool\"\n"))
            .unwrap()
            .stack;
    assert_eq!((stack.urls["a"].form, stack.urls["b"].form), (UrlForm::Archive, UrlForm::File));
}

#[test]
fn images_take_what_there_is() {
    let parts = "[build.server]\nkind = \"go\"\npath = \"site\"\n[url.tempo]\nurls = { \"linux/arm64\" = \"https://x/y.zip\" }\n";
    let image = |contents: &str| {
        after_head(&format!("{parts}[image.a]\ncommand = [\"/a\"]\ncontents = [{contents}]\n"))
    };
    assert_snapshot!(image("{ build = \"servr\", to = \"/a\" }, { url = \"tempo\", to = \"/b\" }, { url = \"temp\", to = \"/c\" }"), @r#"
    stack.toml:16:23: stack::unknown-name: there is no build `servr`
      at: "servr"
      help: did you mean `server`?
    stack.toml:16:53: stack::url: url `tempo` has no address for platform `linux/amd64`
      at: "tempo"
      help: add `"linux/amd64" = "https://…"` to its `urls`
    stack.toml:16:83: stack::unknown-name: there is no url `temp`
      at: "temp"
      help: did you mean `tempo`?
    "#);
    assert_snapshot!(image("{ build = \"server\", from = \"/bin/x\", to = \"/a\" }, { build = \"server\", from = \"../x\", to = \"/a\" }, { build = \"server\", from = [\"a\", \"b\"], to = \"/a\" }, { build = \"server\" }"), @r#"
    stack.toml:16:40: stack::path: `/bin/x` is absolute; it must be a path inside `server`
      at: "/bin/x"
      help: write `bin/x`
    stack.toml:16:90: stack::path: unsafe path `../x`: it contains `..`
      at: "../x"
    stack.toml:16:138: stack::slice: one file or folder of `server` is taken at a time
      at: ["a", "b"]
      help: write an entry for each
    stack.toml:16:163: stack::missing-key: `image.a.contents[3]` has no `to`
      at: { build = "server" }
      help: `to`: Where it goes: an absolute path; one that ends in `/` is the folder it goes into under its own name
    "#);
}

#[test]
fn toolchains_are_asked_for_on_the_platform_that_builds() {
    let head =
        HEAD.replace("name = \"demo\"", "name = \"demo\"\nplatforms = [\"linux/arm64\", \"linux/amd64\"]");
    let text = "[build.server]\nkind = \"go\"\npath = \"site\"\n[build.own]\nkind = \"go\"\npath = \"site\"\ntoolchain = \"host\"\n[image.a]\ncommand = [\"/a\"]\n";
    let stack = read(&format!("{head}{text}")).unwrap().stack;
    assert_eq!(stack.build_platform().to_string(), "linux/amd64");
    let asked: Vec<_> = stack
        .requirements()
        .iter()
        .map(|(who, platform, wants)| format!("{who} on {platform}: {}", wants.len()))
        .collect();
    assert_eq!(
        asked,
        [
            "image `a` on linux/amd64: 0",
            "image `a` on linux/arm64: 0",
            "build `own` on linux/amd64: 0",
            "build `server` on linux/amd64: 7"
        ]
    );
    assert_eq!(stack.builds["own"].toolchain, Toolchain::Host);
    assert!(
        matches!(&stack.builds["server"].kind, BuildKind::Go(go) if go.source == GoSource::Path("site".to_owned()) && go.packages == ["."])
    );
    let lock = longshore_stack::lock::Lock { sources: stack.source_definitions(), ..Default::default() };
    assert_eq!(lock.stale(&stack), ["build `server` is not in the lock"]);
    assert!(lock.closure_of(&Consumer::Build("server".to_owned()), "linux/amd64").is_none());

    let arm = HEAD.replace("name = \"demo\"", "name = \"demo\"\nplatforms = [\"linux/arm64\"]");
    assert_eq!(read(&format!("{arm}{text}")).unwrap().stack.build_platform().to_string(), "linux/arm64");
}
