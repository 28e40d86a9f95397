//! Pushing, pulling, copying, serving and pruning, as users do it, against other people's registries, clients and engines.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::Stdio;

use longshore_testkit::apt::{Package, Repository};
use longshore_testkit::engine::{Containerd, Docker};
use longshore_testkit::registry::{Kind, LOGIN, Registry, crane};
use longshore_testkit::{Sandbox, Tool};
use serde_json::Value;

use crate::common::{real, sandbox, with_update};

/// Two images that share a package, for two platforms.
const IMAGES: &str = "\
[image.web]
contents = [\"base\", { text = \"web\", to = \"/etc/web\" }]
command = [\"/usr/bin/serve\"]
user = { name = \"web\", uid = 10001 }
[image.api]
contents = [\"base\", { text = \"api\", to = \"/etc/api\" }]
command = [\"/usr/bin/serve\"]
user = { name = \"api\", uid = 10002 }
";

/// A stack of those, called `test`, at version 1.2.3.
pub fn two() -> (Repository, Sandbox) {
    let noise: String = (0..400_000_u32).map(|n| format!("{:08x}", n.wrapping_mul(2_654_435_761))).collect();
    let base = |architecture: &str| {
        let base = Package::new("base", "1.0-1").architecture(architecture);
        base.executable("usr/bin/serve", architecture).file("usr/share/noise", &noise)
    };
    let repository = Repository::new(&[base("amd64"), base("arm64")]);
    let sandbox = sandbox(&repository, IMAGES);
    let file = sandbox.read("stack.toml").replace(
        "name = \"test\"\n",
        "name = \"test\"\nversion = \"1.2.3\"\nplatforms = [\"linux/amd64\", \"linux/arm64\"]\n",
    );
    let publish = "[publish]\ntags = [\"{{ version }}\", \"{{ major }}.{{ minor }}\", \"latest\"]\nimmutable = [\"*.*.*\"]\n";
    sandbox.write("stack.toml", format!("{file}\n{publish}"));
    (repository, sandbox)
}

pub fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

pub fn assert_sound(layout: &Path) {
    let problems = longshore_publish::validate(layout);
    assert!(problems.is_empty(), "{}: {problems:?}", layout.display());
}

pub fn remote(host: &str, image: &str) -> String {
    format!("{host}/org/{image}")
}

/// Lines in an order that does not change.
pub fn sorted(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

/// What crane says of a name.
pub fn digest(name: &str) -> String {
    crane().args(["digest", name]).run().trim().to_owned()
}

#[test]
fn a_stack_is_pushed_whole_and_found_by_others() {
    for kind in Kind::ALL {
        let registry = Registry::start(kind);
        let (_repository, sandbox) = two();
        let to = format!("{}/org", registry.host());
        let planned = json(&sandbox.ok(&["--json", "push", "--to", &to, "--dry-run"]));
        assert!(
            crane().args(["ls", &remote(&registry.host(), "web")]).run_quietly().is_empty(),
            "{kind:?}: nothing was sent"
        );
        let pushed = json(&sandbox.ok(&["--json", "push", "--to", &to]));
        assert_eq!(planned["bytes_to_send"], pushed["bytes_sent"], "{kind:?}");
        assert_eq!(pushed["moved"].as_array().unwrap().len(), 6, "{kind:?}");
        let record = json(&sandbox.read("stack.published"));
        for image in ["api", "web"] {
            let name = remote(&registry.host(), image);
            for tag in ["1.2.3", "1.2", "latest"] {
                let full = format!("{name}:{tag}");
                assert_eq!(digest(&full), record["images"][image]["digest"], "{kind:?}");
                crane().args(["validate", "--remote", &full]).run();
            }
            let both = record["images"][image]["platforms"].as_object().unwrap();
            assert_eq!(both.keys().collect::<Vec<_>>(), ["linux/amd64", "linux/arm64"], "{kind:?}");
            let copy = tempfile::tempdir().unwrap();
            let layout = format!("oci:{}:x", copy.path().display());
            Tool::new("skopeo")
                .args(["copy", "--all", "--src-tls-verify=false", &format!("docker://{name}:1.2"), &layout])
                .run();
            assert_sound(copy.path());
        }
        let again = json(&sandbox.ok(&["--json", "push", "--to", &to]));
        assert_eq!((&again["bytes_sent"], &again["moved"]), (&json("0"), &json("[]")), "{kind:?}");

        // Another text of one image: its own layer, configurations and manifests go, and no more.
        let file = sandbox.read("stack.toml");
        sandbox.write("stack.toml", file.replace("text = \"web\"", "text = \"other\""));
        let refused = sandbox.run(&["push", "--to", &to]);
        assert_eq!(refused.code, 1, "{refused}");
        assert!(
            refused.stderr.contains("it is immutable") && refused.stderr.contains("longshore push --force"),
            "{refused}"
        );
        let file = sandbox.read("stack.toml");
        sandbox.write("stack.toml", file.replace("version = \"1.2.3\"", "version = \"1.2.4\""));
        sandbox.ok(&["lock"]);
        let changed = json(&sandbox.ok(&["--json", "push", "--to", &to]));
        assert!(changed["bytes_sent"].as_u64().unwrap() < 20_000, "{kind:?}: {changed}");
        assert_eq!(
            digest(&format!("{}:1.2.3", remote(&registry.host(), "web"))),
            record["images"]["web"]["digest"]
        );
        assert_ne!(
            digest(&format!("{}:1.2", remote(&registry.host(), "web"))),
            record["images"]["web"]["digest"]
        );
    }
}

#[test]
fn what_was_built_and_signed_before_can_be_pushed_later() {
    let registry = Registry::start(Kind::Distribution);
    let (_repository, sandbox) = two();
    sandbox.ok(&["build", "-o", "layout"]);
    let to = format!("{}/org", registry.host());
    let from = json(&sandbox.ok(&["--json", "push", "--from", "layout", "--to", &to]));
    let built = json(&sandbox.ok(&["--json", "push", "--to", &to]));
    assert_eq!(from["images"], built["images"]);
    assert_eq!(built["bytes_sent"], 0);
}

#[test]
fn logins_are_kept_where_others_look_and_never_shown() {
    let registry = Registry::locked(Kind::Docker);
    let (_repository, sandbox) = two();
    let host = registry.host();
    let to = format!("{host}/org");
    let refused = sandbox.run(&["push", "--to", &to]);
    assert_eq!(refused.code, 1);
    assert!(refused.stderr.contains(&format!("hint: longshore login {host}")), "{refused}");
    let login = |password: &str| {
        let mut command = sandbox.command(&["login", &host, "--username", LOGIN.0, "--password-stdin"]);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(password.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        (
            output.status.success(),
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr),
        )
    };
    let (done, said) = login("hush\n");
    assert!(!done && said.contains("does not let us log in") && !said.contains("hush"), "{said}");
    let (done, said) = login(&format!("{}\n", LOGIN.1));
    assert!(done && !said.contains(LOGIN.1), "{said}");
    let pushed = sandbox.run(&["--verbose", "push", "--to", &to]);
    assert!(pushed.code == 0 && !pushed.to_string().contains(LOGIN.1), "{pushed}");
    // What others wrote is read, and they read what we wrote.
    let home = sandbox.work().join("../home/.docker");
    let listed = crane().env("DOCKER_CONFIG", &home).args(["ls", &remote(&host, "web")]).run();
    assert_eq!(sorted(&listed), ["1.2", "1.2.3", "latest"]);
    assert!(sandbox.ok(&["logout", &host]).contains("logged out"));
    assert_eq!(sandbox.run(&["push", "--to", &to, "--force", "--tag", "x"]).code, 1);
}

#[test]
fn images_are_copied_between_all_places_as_they_are() {
    let (from, to) = (Registry::start(Kind::Docker), Registry::start(Kind::Referrers));
    let (_repository, sandbox) = two();
    sandbox.ok(&["push", "--to", &format!("{}/org", from.host())]);
    let name = format!("{}:1.2", remote(&from.host(), "web"));
    let expected = digest(&name);
    // Something that refers to the image, as signatures do.
    let subject = format!("{}@{expected}", remote(&from.host(), "web"));
    attach(&subject);
    let referrers = |layout: &str| -> usize {
        let index = json(&sandbox.read(&format!("{layout}/index.json")));
        index["manifests"].as_array().unwrap().iter().filter(|entry| !entry["artifactType"].is_null()).count()
    };
    let path = [
        "oci:one".to_owned(),
        "archive:two.tar".to_owned(),
        format!("{}:x", remote(&to.host(), "copy")),
        format!("{}:y", remote(&to.host(), "second")),
        "oci:three".to_owned(),
    ];
    let mut at = name;
    for next in &path {
        let said = json(&sandbox.ok(&["--json", "copy", &at, next]));
        assert_eq!(said["referrers"], 1, "{next}: {said}");
        at.clone_from(next);
    }
    assert_eq!(digest(&format!("{}:y", remote(&to.host(), "second"))), expected);
    assert_eq!((referrers("one"), referrers("three")), (1, 1));
    for layout in ["one", "three"] {
        assert_sound(&sandbox.work().join(layout));
    }
    sandbox.ok(&["copy", "--no-referrers", "--platform", "linux/arm64", "oci:three", "oci:four"]);
    assert_eq!(referrers("four"), 0);
    let index = json(&sandbox.read("four/index.json"));
    let record = json(&sandbox.read("stack.published"));
    assert_eq!(index["manifests"][0]["digest"], record["images"]["web"]["platforms"]["linux/arm64"]);
    sandbox.ok(&["pull", "-o", "pulled"]);
    assert_sound(&sandbox.work().join("pulled"));
    let error = sandbox.run(&["copy", "oci:pulled", "oci:five"]);
    assert!(error.code == 1 && error.stderr.contains("holds not one image"), "{error}");
    assert_eq!(sandbox.run(&["copy", "oci:", "oci:five"]).code, 2);
}

/// Attaches an artifact to an image with the referrers' tag, as cosign and oras do.
fn attach(subject: &str) {
    let (name, digest) = subject.split_once('@').unwrap();
    let (host, repository) = name.split_once('/').unwrap();
    let settings = longshore_registry::Settings::default();
    let folder = tempfile::tempdir().unwrap();
    let client =
        longshore_registry::Client::new(settings, longshore_oci::Store::open(folder.path()).unwrap());
    let repository = client.repository(&format!("{host}/{repository}").parse().unwrap()).unwrap();
    let at = longshore_registry::At::Digest(digest.parse().unwrap());
    let found = repository.manifest(&at).unwrap();
    let empty = longshore_oci::Content::of(b"{}");
    repository
        .upload(&empty, &|from| Ok(Box::new(&b"{}"[from as usize..])), None, &longshore_oci::Silent)
        .unwrap();
    let empty = longshore_oci::Descriptor::new(longshore_oci::media_type::EMPTY, empty);
    let mut manifest =
        longshore_oci::Manifest::new(empty.clone(), vec![empty], longshore_oci::Annotations::new());
    manifest.artifact_type = Some("application/vnd.test".to_owned());
    manifest.subject = Some(found.descriptor.clone());
    let bytes = manifest.to_bytes();
    let content = longshore_oci::Content::of(&bytes);
    let mut entry = longshore_oci::Descriptor::new(longshore_oci::media_type::MANIFEST, content);
    entry.artifact_type.clone_from(&manifest.artifact_type);
    repository.put_referrer(&found.descriptor.digest, &entry, &bytes).unwrap();
}

#[test]
fn pruning_keeps_what_is_kept_whole() {
    for kind in Kind::ALL {
        let registry = Registry::start(kind);
        let (_repository, sandbox) = two();
        let to = format!("{}/org", registry.host());
        let retention = "[publish.retention]\nkeep = [\"latest\"]\nnewest = 2\ndeployed = [\"run.yaml\"]\n";
        let file = sandbox.read("stack.toml");
        let none = sandbox.run(&["prune", "--to", &to]);
        assert!(none.code == 2 && none.stderr.contains("so everything is"), "{none}");
        let mut digests = Vec::new();
        for version in 1..=5 {
            let next = file
                .replace("1.2.3", &format!("1.2.{version}"))
                .replace("text = \"web\"", &format!("text = \"{version}\""));
            sandbox.write("stack.toml", format!("{next}{retention}"));
            sandbox.ok(&["lock"]);
            sandbox.ok(&["push", "--to", &to]);
            digests.push(digest(&format!("{}:1.2.{version}", remote(&registry.host(), "web"))));
            attach(&format!("{}@{}", remote(&registry.host(), "web"), digests.last().unwrap()));
        }
        sandbox.write("run.yaml", format!("image: anything@{}\n", digests[0]));
        let web = remote(&registry.host(), "web");
        let seen = sandbox.ok(&["prune", "--to", &to]);
        assert!(
            seen.contains("it is deployed")
                && seen.contains("`latest` keeps it")
                && seen.contains("longshore prune --yes"),
            "{seen}"
        );
        assert_eq!(
            crane().args(["ls", &web]).run().lines().filter(|tag| tag.starts_with("1.2.")).count(),
            5,
            "{kind:?}"
        );
        let done = json(&sandbox.ok(&["--json", "prune", "--to", &to, "--yes"]));
        registry.collect_garbage();
        let left = sorted(&crane().args(["ls", &web]).run());
        let versions: Vec<_> =
            left.iter().filter(|tag| tag.starts_with("1.2.")).map(String::as_str).collect();
        assert_eq!(versions, ["1.2.1", "1.2.4", "1.2.5"], "{kind:?}: {done}");
        for tag in ["1.2.1", "1.2.4", "1.2.5", "1.2", "latest"] {
            crane().args(["validate", "--remote", &format!("{web}:{tag}")]).run();
        }
        // What refers to an image stays with it, and goes with it.
        let lists = left.iter().filter(|tag| tag.starts_with("sha256-")).count();
        assert_eq!(lists, if kind == Kind::Referrers { 0 } else { 3 }, "{kind:?}: {left:?}");
        sandbox.ok(&["copy", &format!("{web}:1.2.1"), "oci:kept"]);
        let index = json(&sandbox.read("kept/index.json"));
        assert_eq!(
            index["manifests"].as_array().unwrap().len(),
            2,
            "{kind:?}: the image and what refers to it"
        );
        assert!(sandbox.ok(&["prune", "--to", &to]).contains("nothing would go"), "{kind:?}");
        std::fs::remove_dir_all(sandbox.work().join("kept")).unwrap();
    }
}

#[test]
fn a_store_is_served_to_engines_and_nothing_is_taken() {
    let (_repository, sandbox) = two();
    sandbox.ok(&["lock"]);
    let mut server =
        sandbox.command(&["serve", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines().map_while(Result::ok);
    let first = lines.find(|line| line.contains("/web@")).unwrap();
    let (name, _) = first.split_once("  ").unwrap();
    let (web, expected) = name.split_once('@').unwrap();
    lines.find(|line| line.starts_with("serving on ")).unwrap();
    let docker = Docker::start();
    docker.cli().args(["pull", "--quiet", &format!("{web}:latest")]).run();
    assert_eq!(docker.inspect(&format!("{web}:latest"))["Architecture"], "amd64");
    assert_eq!(digest(&format!("{web}:latest")), expected);
    crane().args(["validate", "--remote", &format!("{web}:latest")]).run();
    let refused = crane().args(["tag", name, "other"]).output();
    assert!(String::from_utf8_lossy(&refused.stderr).contains("this registry is only read"), "{refused:?}");
    server.kill().unwrap();
    server.wait().unwrap();
    let public = sandbox.run(&["serve", "--listen", "0.0.0.0:5000"]);
    assert!(public.code == 2 && public.stderr.contains("is not on loopback"), "{public}");
}

#[test]
fn containerd_and_k3s_get_images_under_the_digests_that_they_have_in_registries() {
    let containerd = Containerd::start();
    let (_repository, sandbox) = two();
    let sandbox = sandbox.env("CONTAINERD_ADDRESS", &containerd.address());
    // k3s brings a containerd, and a `ctr` that knows where it is.
    let programs = sandbox.work().join("programs");
    sandbox.write("programs/k3s", "#!/bin/sh\n[ \"$1\" = ctr ] || exit 2\nshift\nexec ctr \"$@\"\n");
    Tool::new("chmod").arg("+x").arg(programs.join("k3s")).run();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let sandbox = sandbox.env("PATH", &path);
    for (engine, tag) in [("containerd", "one"), ("k3s", "two")] {
        let loaded = json(&sandbox.ok(&["--json", "load", "--engine", engine, "--tag", tag]));
        let listed = containerd.cli().args(["--namespace", "k8s.io", "images", "ls"]).run();
        for image in loaded["published"]["images"].as_array().unwrap() {
            let (name, digest) = (image["name"].as_str().unwrap(), image["manifest"].as_str().unwrap());
            let line = listed.lines().find(|line| line.starts_with(&format!("docker.io/{name} ")));
            let line = line.unwrap_or_else(|| panic!("{engine}: no {name} in\n{listed}"));
            assert!(line.contains(digest) && line.contains("linux/amd64,linux/arm64"), "{engine}: {line}");
        }
    }
    let checked = containerd.cli().args(["--namespace", "k8s.io", "images", "check"]).run();
    assert_eq!(checked.matches("complete").count(), 4, "{checked}");
}

#[test]
fn the_shipped_stack_goes_to_every_registry_and_runs_from_there() {
    let sandbox = real("examples/nginx");
    with_update(&sandbox, &["build"]);
    let docker = Docker::start();
    for kind in Kind::ALL {
        let registry = Registry::start(kind);
        let to = format!("{}/org", registry.host());
        sandbox.ok(&["push", "--to", &to]);
        let name = format!("{}/web:latest", to);
        docker.cli().args(["pull", "--quiet", &name]).run();
        let run = longshore_testkit::engine::Run {
            volumes: vec!["/var/cache/nginx".to_owned()],
            tmpfs: vec!["/tmp".to_owned()],
            ..Default::default()
        };
        let container = docker.run(&name, &run);
        let response = longshore_testkit::http::get(8080, "/", std::time::Duration::from_secs(60))
            .unwrap_or_else(|error| panic!("{kind:?}: {error}\n{}", container.logs()));
        assert!(response.body.contains("It runs."), "{kind:?}: {response:?}");
        drop(container);
        docker.forget();
        let podman = longshore_testkit::engine::Podman::new();
        podman.cli().args(["pull", "--quiet", "--tls-verify=false", &name]).run();
        assert_eq!(podman.inspect(&name)["Os"], "linux", "{kind:?}");
    }
}

#[test]
fn layers_are_compressed_once_for_all_machines() {
    let registry = Registry::start(Kind::Distribution);
    let proxy = longshore_testkit::proxy::Proxy::new(&registry.host());
    let (_repository, sandbox) = two();
    let cache = format!("\n[cache]\nregistry = \"{}/org/cache\"\n", proxy.host());
    sandbox.write("stack.toml", sandbox.read("stack.toml") + &cache);
    let build = |store: &str, arguments: &[&str]| {
        let mut command = sandbox.command(&[&["--json", "build", "-o", store], arguments].concat());
        let answer = longshore_testkit::sandbox::Answer::of(
            command.env("LONGSHORE_STORE", sandbox.work().join(format!("store-{store}"))),
        );
        assert_eq!(answer.code, 0, "{answer}");
        (json(&answer.stdout)["published"]["images"].clone(), answer.stderr)
    };
    let sent = || proxy.seen().iter().filter(|seen| seen.method == "PUT" || seen.method == "PATCH").count();
    let (first, _) = build("one", &[]);
    assert_eq!(sent(), 0, "it is written only when asked");
    build("one", &["--write-cache"]);
    assert!(sent() > 0);
    proxy.heal();
    let (second, said) = build("two", &[]);
    assert_eq!(first, second);
    assert!(!said.contains("\"verb\":\"Compressing\""), "{said}");
    let fetched =
        proxy.seen().iter().filter(|seen| seen.method == "GET" && seen.path.contains("/blobs/")).count();
    assert!(fetched > 0, "nothing was taken");
    drop(registry);
    let (third, said) = build("three", &[]);
    assert_eq!(first, third, "a cache that is gone is not needed");
    assert!(said.contains("the cache is not used"), "{said}");
}

/// A stack from the real archive with a build, and a cache for it at `host`.
fn with_build(host: &str) -> Sandbox {
    let sandbox = real("examples/from-source");
    let text = sandbox.read("stack.toml");
    let head = text.split("[build.").next().unwrap().replace(", \"linux/arm64\"", "");
    sandbox.write(
        "stack.toml",
        format!(
            "{head}[cache]\nregistry = \"{host}/org/cache\"\nkeys = [\"cache.pub\"]\n\n\
             [build.said]\nkind = \"command\"\ntoolchain = [\"base-files\", \"dash\", \"coreutils\"]\n\
             run = [[\"sh\", \"-ec\", \"echo made once > /out/said\"]]\n\n\
             [image.said]\ncontents = [{{ build = \"said\", to = \"/srv/\" }}]\n"
        ),
    );
    sandbox
}

fn key_pair(sandbox: &Sandbox, name: &str) {
    let key = sandbox.work().join(format!("{name}.key"));
    let public = sandbox.work().join(format!("{name}.pub"));
    Tool::new("openssl")
        .args(["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out"])
        .arg(&key)
        .run();
    Tool::new("openssl").args(["pkey", "-pubout", "-in"]).arg(&key).arg("-out").arg(&public).run();
}

#[test]
fn what_one_machine_built_others_take_when_they_believe_it() {
    let registry = Registry::start(Kind::Distribution);
    let sandbox = with_build(&registry.host());
    key_pair(&sandbox, "cache");
    key_pair(&sandbox, "other");
    sandbox.ok(&["lock"]);
    // Each is a machine of its own, which has nothing yet.
    let build = |arguments: &[&str], key: Option<&str>| {
        let store = tempfile::tempdir().unwrap();
        let mut command = sandbox.command(&[&["--json", "--locked"], arguments, &["build"]].concat());
        command.env("LONGSHORE_STORE", store.path());
        command.envs(key.map(|key| ("LONGSHORE_CACHE_KEY", sandbox.work().join(key))));
        let answer = longshore_testkit::sandbox::Answer::of(&mut command);
        assert_eq!(answer.code, 0, "{answer}");
        let made = answer.stderr.contains("\"verb\":\"Building\"");
        (json(&answer.stdout)["images"][0]["id"].clone(), made, answer.stderr)
    };
    let tags = || crane().args(["ls", &format!("{}/org/cache", registry.host())]).run_quietly();

    let (id, made, _) = build(&["--write-cache"], Some("other.key"));
    assert!(made && tags().contains("build-"), "{}", tags());
    let (again, made, said) = build(&[], None);
    assert!(made && again == id, "somebody else's word is not taken: {said}");

    // Who is believed gives it once more, and then nothing is built, nor what builds it fetched.
    let dropped = format!("{}/org/cache:{}", registry.host(), tags().trim());
    crane().args(["delete", &format!("{}@{}", dropped.rsplit_once(':').unwrap().0, digest(&dropped))]).run();
    let (_, made, _) = build(&["--write-cache"], Some("cache.key"));
    assert!(made);
    let (taken, made, said) = build(&[], None);
    assert!(!made && taken == id, "{said}");
    assert!(!said.contains("coreutils"), "what builds it is not needed: {said}");
}
