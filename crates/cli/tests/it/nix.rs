//! Images of Nix: through real Nix, and from the same lock through signed binary caches on a machine without it.

use std::path::Path;

use longshore_testkit::Sandbox;
use longshore_testkit::engine::{Docker, Run};
use longshore_testkit::http::Server;
use longshore_testkit::nix::{Nix, NixKey, NixStore};
use longshore_testkit::sandbox::Answer;
use serde_json::Value;

use crate::common::{LONGSHORE, Running};

/// A store, a key, and a stack whose images are of the flake beside it.
struct Ready {
    store: NixStore,
    key: NixKey,
    folder: tempfile::TempDir,
    sandbox: Sandbox,
}

const IMAGES: &str = "[image.service]\ncontents = [{ nix = \"./flake#service0\" }]\ncommand = [\"/bin/service0\"]\n\
    [image.tool]\ncontents = [\n  { nix = \"./flake#tool0\" },\n  { nix = \"./flake#conf\", to = \"/etc/\" },\n  \
    { nix = \"./flake#odd\", from = \"a\", to = \"/srv/a\" },\n]\ncommand = [\"/bin/tool0\"]\n";

fn ready(images: &str) -> Ready {
    let nix = Nix::installed();
    let folder = tempfile::tempdir().unwrap();
    let store = nix.store(&folder.path().join("store"));
    let key = store.key("test-1", folder.path());
    let sandbox = Sandbox::new(LONGSHORE);
    nix.closure_flake(&sandbox.work().join("flake"));
    let ready = Ready { store, key, folder, sandbox };
    ready.stack("file:///nowhere", images);
    ready
}

impl Ready {
    /// Writes the stack file, with a cache at `cache`.
    fn stack(&self, cache: &str, images: &str) {
        let text = format!(
            "[stack]\nname = \"test\"\n\n[nix]\ncaches = [\"{cache}\"]\ntrusted-public-keys = [\"{}\"]\n\n{images}",
            self.key.public
        );
        self.sandbox.write("stack.toml", text);
    }

    /// Fills a cache with all that the lock has.
    fn cache(&self, name: &str, compression: &str, key: Option<&NixKey>) -> std::path::PathBuf {
        let folder = self.folder.path().join(name);
        let lock: toml::Table = self.sandbox.read("stack.lock").parse().unwrap();
        let paths = lock["store-path"].as_array().unwrap().iter();
        let paths: Vec<String> =
            paths.map(|path| format!("/nix/store/{}", path["path"].as_str().unwrap())).collect();
        self.store.cache(&folder, compression, key, &paths);
        folder
    }

    /// Runs longshore where there is Nix.
    fn with_nix(&self, arguments: &[&str]) -> Answer {
        let path = std::env::var("PATH").unwrap_or_default();
        Answer::of(self.sandbox.command(arguments).envs(self.store.environment(&path)))
    }

    /// Runs it where there is none, and where nothing was had before.
    fn without_nix(&self, arguments: &[&str]) -> Answer {
        let store = tempfile::tempdir().unwrap();
        Answer::of(self.sandbox.command(arguments).env("LONGSHORE_STORE", store.path()))
    }
}

/// The id of every image that an answer of `build --json` names.
fn ids(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.code, 0, "{answer}");
    let answer: Value = serde_json::from_str(&answer.stdout).unwrap();
    answer["images"].as_array().unwrap().iter().map(|image| image["id"].clone()).collect()
}

#[test]
fn images_are_the_same_through_nix_and_through_caches_without_it() {
    let ready = ready(IMAGES);
    let expected = ids(&ready.with_nix(&["--json", "build"]));
    assert_eq!(expected.len(), 2);
    // What is had is not had again.
    let again = ready.sandbox.run(&["--json", "build", "--offline"]);
    assert_eq!(ids(&again), expected);

    for compression in ["none", "xz", "zstd", "gzip", "bzip2", "br"] {
        let folder = ready.cache(compression, compression, Some(&ready.key));
        let server = Server::new(&folder);
        for address in [format!("file://{}", folder.display()), server.url()] {
            ready.stack(&address, IMAGES);
            let answer = ready.without_nix(&["--json", "build", "--locked"]);
            assert_eq!(ids(&answer), expected, "{compression} {address}");
        }
    }
    // Asked before the stack's own; the keys stay the stack's.
    ready.stack("file:///nowhere", IMAGES);
    let cache = format!("file://{}", ready.folder.path().join("zstd").display());
    let elsewhere = ready.sandbox.command(&["--json", "build"]).env("LONGSHORE_NIX_CACHES", &cache).output();
    assert!(elsewhere.unwrap().status.success());
}

#[test]
fn files_that_the_store_has_lost_are_had_again() {
    let ready = ready(IMAGES);
    let expected = ids(&ready.with_nix(&["--json", "build"]));
    // Nothing asks for them until somebody wants their bytes.
    fs_err::remove_dir_all(ready.sandbox.store().join("blobs/sha256")).unwrap();
    assert_eq!(ids(&ready.with_nix(&["--json", "build"])), expected);
    let answer = ready.with_nix(&["--json", "build", "-o", "layout"]);
    assert_eq!(ids(&answer), expected);
    assert!(answer.stderr.contains("the store has lost it"), "{answer}");
    assert!(ready.sandbox.work().join("layout/index.json").exists());
}

#[test]
fn a_store_at_nix_and_one_of_another_form_give_the_same_images() {
    let ready = ready(IMAGES);
    let expected = ids(&ready.with_nix(&["--json", "build"]));
    let cache = ready.cache("cache", "zstd", Some(&ready.key));

    // At `/nix`, where it says that it is.
    let mounted = Nix::installed().mounted_store(&ready.folder.path().join("mounted"));
    let words = [mounted.through(), vec![LONGSHORE.to_owned()]].concat();
    let path = std::env::var("PATH").unwrap_or_default();
    let run = |environment: Vec<(&'static str, String)>, words: &[String], arguments: &[&str]| {
        let fresh = tempfile::tempdir().unwrap();
        let mut command = std::process::Command::new(&words[0]);
        command.args(&words[1..]).args(arguments).current_dir(ready.sandbox.work()).env_clear();
        command
            .envs(environment)
            .env("HOME", fresh.path())
            .env("LONGSHORE_STORE", fresh.path().join("store"));
        Answer::of(&mut command)
    };
    assert_eq!(ids(&run(mounted.environment(&path), &words, &["--json", "build", "--locked"])), expected);

    // A store that is no folder: only the command can read it.
    let mut remote = ready.store.environment(&path);
    remote.retain(|(name, _)| *name != "NIX_REMOTE");
    remote.push(("NIX_REMOTE", format!("file://{}", cache.display())));
    let here = [LONGSHORE.to_owned()];
    let keys = ready.key.public.clone();
    for (name, value) in &mut remote {
        if *name == "NIX_CONFIG" {
            value.push_str(&format!("\ntrusted-public-keys = {keys}"));
        }
    }
    let lock = ready.sandbox.read("stack.lock");
    let paths: Vec<String> = lock
        .lines()
        .filter_map(|line| line.strip_prefix("path = \""))
        .map(|line| format!("/nix/store/{}", line.trim_end_matches('"')))
        .collect();
    let tool = paths.iter().find(|path| path.contains("-tool0-")).unwrap();
    ready.stack(
        "file:///nowhere",
        &format!("[image.tool]\ncontents = [{{ nix = \"{tool}\" }}]\ncommand = [\"/bin/tool0\"]\n"),
    );
    fs_err::remove_file(ready.sandbox.work().join("stack.lock")).unwrap();
    let dumped = ids(&run(remote, &here, &["--json", "build"]));
    assert_eq!(dumped.len(), 1);
    // The same from the cache, without Nix; also locked without it, since a store path needs nobody to say what it is.
    ready.stack(
        &format!("file://{}", cache.display()),
        &format!("[image.tool]\ncontents = [{{ nix = \"{tool}\" }}]\ncommand = [\"/bin/tool0\"]\n"),
    );
    let locked = ready.sandbox.read("stack.lock");
    assert_eq!(ids(&ready.without_nix(&["--json", "build", "--locked"])), dumped);
    fs_err::remove_file(ready.sandbox.work().join("stack.lock")).unwrap();
    assert_eq!(ids(&ready.without_nix(&["--json", "build"])), dumped);
    // What made a path, only a store knows.
    let facts = |text: &str| {
        text.lines().filter(|line| !line.starts_with("content-address")).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(facts(&ready.sandbox.read("stack.lock")), facts(&locked));
}

#[test]
fn a_foreign_platform_is_built_where_nix_can_and_taken_from_caches_anywhere() {
    let ready = ready("");
    // The flake's only program is this machine's busybox, whatever it says it is for.
    let images = IMAGES.replace("\ncommand", "\nallow = [\"wrong-architecture\"]\ncommand");
    let stack = |cache: &str| {
        ready.stack(cache, &images);
        let text = ready.sandbox.read("stack.toml");
        let both = "name = \"test\"\nplatforms = [\"linux/amd64\", \"linux/arm64\"]";
        ready.sandbox.write("stack.toml", text.replacen("name = \"test\"", both, 1));
    };
    stack("file:///nowhere");
    // Without a builder of that kind, Nix says so, and we say what can be done.
    let path = std::env::var("PATH").unwrap_or_default();
    let environment = ready.store.environment(&path);
    let mut alone = environment.clone();
    for (_, value) in alone.iter_mut().filter(|(name, _)| *name == "NIX_CONFIG") {
        value.push_str("\nextra-platforms =");
    }
    let refused = Answer::of(ready.sandbox.command(&["lock"]).envs(alone));
    assert_eq!(refused.code, 1, "{refused}");
    assert!(refused.stderr.contains("can't be built for linux/arm64"), "{refused}");
    assert!(refused.stderr.contains("hint: have a machine of that kind build it"), "{refused}");
    assert!(!ready.sandbox.work().join("stack.lock").exists());

    let built = Answer::of(ready.sandbox.command(&["--json", "build"]).envs(environment));
    let expected = ids(&built);
    assert_eq!(expected.len(), 4);
    let lock: toml::Table = ready.sandbox.read("stack.lock").parse().unwrap();
    let outputs: std::collections::BTreeSet<String> = lock["nix"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|pin| pin["installable"].as_str() == Some("./flake#tool0"))
        .map(|pin| pin["outputs"].to_string())
        .collect();
    assert_eq!(outputs.len(), 2, "each platform has its own");
    let cache = ready.cache("cache", "zstd", Some(&ready.key));
    stack(&format!("file://{}", cache.display()));
    assert_eq!(ids(&ready.without_nix(&["--json", "build", "--locked"])), expected);
}

#[test]
fn caches_that_are_not_believed_or_lack_a_path_are_told_with_why_it_is_wanted() {
    let ready = ready(IMAGES);
    assert_eq!(ready.with_nix(&["lock"]).code, 0);
    let other = ready.store.key("other-1", ready.folder.path());
    let unsigned = ready.cache("unsigned", "xz", None);
    let foreign = ready.cache("foreign", "xz", Some(&other));
    let good = ready.cache("good", "xz", Some(&ready.key));
    let told = |cache: &Path| {
        ready.stack(&format!("file://{}", cache.display()), IMAGES);
        let answer = ready.without_nix(&["build"]);
        assert_eq!(answer.code, 1, "{answer}");
        answer.stderr
    };
    for (cache, says, hint) in
        [(&unsigned, "it is not signed", "nix store sign"), (&foreign, "`other-1`", "trusted-public-keys")]
    {
        let said = told(cache);
        assert!(said.contains(says) && said.contains(hint), "{said}");
        assert!(said.contains("why: image `service` → `./flake#service0`"), "{said}");
    }
    // An archive that was changed on the way: nothing of it is taken.
    let archives = fs_err::read_dir(good.join("nar")).unwrap().map(|entry| entry.unwrap().path());
    for archive in archives {
        let mut bytes = fs_err::read(&archive).unwrap();
        let at = bytes.len() / 2;
        bytes[at] ^= 1;
        fs_err::write(archive, bytes).unwrap();
    }
    let said = told(&good);
    assert!(said.contains("/nix/store/") && said.contains(&good.display().to_string()), "{said}");
}

#[test]
fn what_a_flake_gives_now_is_taken_by_update_alone() {
    let ready = ready("[image.tool]\ncontents = [{ nix = \"./flake#tool0\" }]\ncommand = [\"/bin/tool0\"]\n");
    let first = ids(&ready.with_nix(&["--json", "build"]));
    let flake = ready.sandbox.read("flake/flake.nix");
    let changed = flake.replace("# self $out", "# self, anew $out");
    assert_ne!(flake, changed);
    ready.sandbox.write("flake/flake.nix", changed);
    // The lock holds.
    assert_eq!(ids(&ready.with_nix(&["--json", "build"])), first);
    // When what was locked is nowhere any more, that is said.
    fs_err::remove_dir_all(ready.sandbox.store()).unwrap();
    let other = Nix::installed().store(&ready.folder.path().join("other"));
    let path = std::env::var("PATH").unwrap_or_default();
    let elsewhere =
        |arguments: &[&str]| Answer::of(ready.sandbox.command(arguments).envs(other.environment(&path)));
    let moved = elsewhere(&["build"]);
    assert_eq!(moved.code, 1, "{moved}");
    assert!(moved.stderr.contains("`./flake#tool0` was locked as"), "{moved}");
    assert!(
        moved.stderr.contains("hint: to take what it is now, run `longshore update './flake#tool0'`"),
        "{moved}"
    );
    let updated = elsewhere(&["update", "./flake#tool0"]);
    assert!(updated.stdout.contains("~ tool0 "), "{updated}");
    assert_ne!(ids(&elsewhere(&["--json", "build"])), first);
}

#[test]
fn files_of_nix_and_what_they_refer_to_are_shown_and_explained() {
    let images =
        "[image.all]\ncontents = [{ nix = \"all.nix\", attr = \"stack\" }]\ncommand = [\"/bin/service1\"]\n";
    let ready = ready(images);
    ready
        .sandbox
        .write("all.nix", "(builtins.getFlake (toString ./flake)).packages.${builtins.currentSystem}\n");
    let path = std::env::var("PATH").unwrap_or_default();
    let mut environment = ready.store.environment(&path);
    for (name, value) in &mut environment {
        if *name == "NIX_CONFIG" {
            value.push_str("\npure-eval = false");
        }
    }
    let built = Answer::of(ready.sandbox.command(&["--json", "build"]).envs(environment));
    assert_eq!(ids(&built).len(), 1);
    let show = ready.sandbox.ok(&["show", "all"]);
    assert!(show.contains("-busybox-static: 1"), "{show}");
    let why = ready.sandbox.ok(&["why", "all", "busybox-static"]);
    assert!(why.starts_with("image `all` → `all.nix stack` → `") && why.contains("-stack-1.0` → `"), "{why}");
    let lock: toml::Table = ready.sandbox.read("stack.lock").parse().unwrap();
    let conf = lock["store-path"]
        .as_array()
        .unwrap()
        .iter()
        .find(|path| path["path"].as_str().unwrap().ends_with("-app.conf"));
    let conf = format!("/nix/store/{}", conf.unwrap()["path"].as_str().unwrap());
    let why: Value = serde_json::from_str(&ready.sandbox.ok(&["--json", "why", "all", &conf])).unwrap();
    let chain = why[0]["chain"].as_array().unwrap();
    assert!(chain.len() >= 4 && chain[0] == "all.nix stack", "{why}");
    // Left out, though something needs it: that is found before anything runs.
    ready.stack(
        "file:///nowhere",
        &images.replace("attr = \"stack\"", "attr = \"stack\", exclude = [\"app.conf\"]"),
    );
    let refused = ready.sandbox.run(&["build"]);
    assert_eq!(refused.code, 1, "{refused}");
    assert!(refused.stderr.contains(&format!("leaves `{conf}` out, and")), "{refused}");
}

#[test]
fn what_is_left_out_is_in_nobody_s_chain() {
    let contents = "contents = [{ nix = \"./flake#tool0\", exclude = [\"lib1-*\"] }]";
    let ready = ready(&format!("[image.tool]\n{contents}\ncommand = [\"/bin/tool0\"]\n"));
    ids(&ready.with_nix(&["--json", "build"]));
    let kept = ready.sandbox.ok(&["why", "tool", "lib0"]);
    assert!(kept.starts_with("image `tool` → `./flake#tool0` → `") && kept.contains("-lib0-1.0`"), "{kept}");
    let left_out = ready.sandbox.run(&["why", "tool", "lib1"]);
    assert_eq!(left_out.code, 2, "{left_out}");
    assert!(left_out.stderr.contains("image `tool` has no `lib1`"), "{left_out}");
}

#[test]
fn nix_is_told_to_stay_offline_too() {
    let ready = ready(IMAGES);
    let (log, script) = (ready.folder.path().join("log"), ready.folder.path().join("nix.sh"));
    let text = format!("#!/bin/sh\necho \"$@\" >> {}\nexec nix \"$@\"\n", log.display());
    fs_err::write(&script, text).unwrap();
    fs_err::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = ready.sandbox.command(&["--json", "--offline", "build"]);
    command.envs(ready.store.environment(&path)).env("LONGSHORE_NIX", &script);
    assert_eq!(ids(&Answer::of(&mut command)).len(), 2);
    let log = fs_err::read_to_string(log).unwrap();
    assert!(log.lines().count() > 4, "{log}");
    for line in log.lines() {
        assert!(line.contains(" --offline "), "{line}");
    }
}

#[test]
fn vendored_archives_are_enough() {
    let ready = ready(IMAGES);
    let expected = ids(&ready.with_nix(&["--json", "build"]));
    let vendored = ready.sandbox.ok(&["vendor"]);
    assert!(vendored.contains("vendored 1"), "{vendored}");
    assert_eq!(ids(&ready.without_nix(&["--json", "build", "--vendored"])), expected);
    // One that is missing is named.
    let lock = ready.sandbox.read("stack.lock");
    ready.sandbox.ok(&["vendor", "--check"]);
    assert!(lock.contains("[[store-path]]"));
}

#[test]
fn an_engine_runs_it_and_so_do_we() {
    let ready = ready(
        "[image.tool]\ncontents = [{ nix = \"./flake#tool0\" }]\ncommand = [\"/bin/tool0\"]\n\n[service.tool]\nimage = \"tool\"\nkind = \"job\"\n",
    );
    ids(&ready.with_nix(&["--json", "build"]));
    let archive = ready.sandbox.work().join("tool.tar");
    ready.sandbox.ok(&["save", "tool", "-o", "tool.tar"]);
    let docker = Docker::start();
    docker.load(&archive);
    let container = docker.run("test/tool:latest", &Run::default());
    assert_eq!(container.wait(), 0);
    let said = container.logs();
    assert!(said.starts_with("tool0 /nix/store/"), "{said}");

    drop(container);
    let _running = Running(&ready.sandbox);
    let up = ready.sandbox.run(&["up", "--detach"]);
    assert_eq!(up.code, 0, "{up}");
    let logs = ready.sandbox.ok(&["logs"]);
    assert!(logs.contains("tool0 /nix/store/"), "{logs}");
}
