//! Images of other people below and inside of ours: made by buildah, kept in other people's registries, built on by the binary,
//! and looked at by other people's programs.

use std::path::{Path, PathBuf};

use longshore_testkit::engine::Docker;
use longshore_testkit::registry::{Kind, Registry, crane};
use longshore_testkit::{Sandbox, Tool, layout};
use serde_json::Value;
use tempfile::TempDir;

use crate::common::LONGSHORE;
use crate::run::{Stack, json, state};

/// A registry with images that buildah made of busybox.
struct World {
    registry: Registry,
    folder: TempDir,
}

impl World {
    fn new(kind: Kind) -> Self {
        Self { registry: Registry::start(kind), folder: tempfile::tempdir().unwrap() }
    }

    fn buildah(&self, arguments: &[&str]) -> String {
        let at = |name: &str| self.folder.path().join(name);
        let tool = Tool::new("buildah").args(["--storage-driver", "vfs", "--root"]).arg(at("root"));
        tool.arg("--runroot").arg(at("run")).args(arguments).run().trim().to_owned()
    }

    fn name(&self, tag: &str) -> String {
        format!("{}/org/base:{tag}", self.registry.host())
    }

    /// An image of two layers, in `format`, of which the second takes a file away; it runs as `user`.
    fn base(&self, tag: &str, format: &str, user: &str) {
        let files = self.folder.path().join("files");
        fs_err::create_dir_all(files.join("etc")).unwrap();
        fs_err::create_dir_all(files.join("bin")).unwrap();
        fs_err::copy("/bin/busybox", files.join("bin/busybox")).unwrap();
        std::os::unix::fs::symlink("busybox", files.join("bin/sh")).unwrap_or_default();
        for (path, text) in [
            ("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nbox:x:10007:10008:box:/srv:/bin/sh\n"),
            ("etc/group", "root:x:0:\nbox:x:10008:\n"),
            ("etc/motd", "the base's\n"),
            ("etc/same", "the same\n"),
            ("etc/gone", "not for long\n"),
        ] {
            fs_err::write(files.join(path), text).unwrap();
        }
        let first = self.buildah(&["from", "scratch"]);
        self.buildah(&["copy", &first, files.to_str().unwrap(), "/"]);
        let below = format!("localhost/below:{tag}");
        self.buildah(&["commit", "--format", format, &first, &below]);
        let second = self.buildah(&["from", "--pull-never", &below]);
        let root = PathBuf::from(self.buildah(&["mount", &second]));
        fs_err::remove_file(root.join("etc/gone")).unwrap();
        fs_err::create_dir(root.join("srv")).unwrap();
        fs_err::write(root.join("srv/index.html"), "from the second layer\n").unwrap();
        self.buildah(&["umount", &second]);
        for setting in [
            ["--user", user],
            ["--env", "WHO=base"],
            ["--env", "PATH=/bin"],
            ["--workingdir", "/srv"],
            ["--entrypoint", "[\"/bin/busybox\"]"],
            ["--cmd", "httpd -f -p 8081"],
            ["--port", "8081"],
            ["--label", "base=yes"],
            ["--stop-signal", "SIGINT"],
        ] {
            self.buildah(&[&["config"], &setting[..], &[&second]].concat());
        }
        self.buildah(&[
            "commit",
            "--format",
            format,
            "--tls-verify=false",
            &second,
            &format!("docker://{}", self.name(tag)),
        ]);
    }

    fn raw(&self, tag: &str) -> Value {
        serde_json::from_str(&crane().args(["manifest", "--insecure", &self.name(tag)]).run()).unwrap()
    }

    fn config(&self, tag: &str) -> Value {
        serde_json::from_str(&crane().args(["config", "--insecure", &self.name(tag)]).run()).unwrap()
    }

    /// A stack with `images`, in which `BASE` is the image with `tag`.
    fn stack(&self, tag: &str, images: &str) -> Stack {
        let stack = Stack(Sandbox::new(LONGSHORE).hide(self.registry.host(), "[REGISTRY]"));
        write(&stack, &self.name(tag), "[\"linux/amd64\"]", images);
        stack
    }
}

fn write(stack: &Sandbox, base: &str, platforms: &str, images: &str) {
    let text = format!("[stack]\nname = \"test\"\nplatforms = {platforms}\n{}", images.replace("BASE", base));
    stack.write("stack.toml", text);
}

/// How a command failed, without the steps before it: what buildah makes has other digests every time.
fn told(stack: &Sandbox, arguments: &[&str]) -> String {
    let answer = stack.run(arguments);
    let shown = stack.snapshot(&answer);
    let error = shown.find("error: ").unwrap_or_default();
    format!("exit code: {}\n{}", answer.code, &shown[error..])
}

/// On the base, with a file of its own for one of the base's, one that is the base's already, and one that is new.
const APP: &str = r#"
[image.app]
base = "BASE"
contents = [
  { text = "ours\n", to = "/etc/motd" },
  { text = "the same\n", to = "/etc/same" },
  { text = "new\n", to = "/srv/new.html" },
]
"#;

/// The digests of a manifest's layers.
fn layers(manifest: &Value) -> Vec<&str> {
    manifest["layers"].as_array().unwrap().iter().map(|layer| layer["digest"].as_str().unwrap()).collect()
}

/// The manifest and the configuration of the one image in a layout.
fn documents(layout: &Path) -> (Value, Value) {
    let read = |path: PathBuf| -> Value { serde_json::from_slice(&fs_err::read(path).unwrap()).unwrap() };
    let blob = |digest: &Value| layout.join("blobs/sha256").join(&digest.as_str().unwrap()[7..]);
    let manifest = read(blob(&read(layout.join("index.json"))["manifests"][0]["digest"]));
    let config = read(blob(&manifest["config"]["digest"]));
    (manifest, config)
}

#[test]
fn an_image_on_a_base_has_its_layers_and_its_word() {
    for (kind, format) in [(Kind::Docker, "docker"), (Kind::Distribution, "oci")] {
        let world = World::new(kind);
        world.base("1", format, "10007:10008");
        let stack = world.stack("1", APP);
        let built = json(&stack, &["build", "--output", "out"]);
        let (manifest, config) = documents(&stack.work().join("out"));

        // The base's blobs as they are, OCI's name for what they are; above them the folders that a container needs and the base
        // lacks, and what the stack file says.
        let (theirs, their_config) = (world.raw("1"), world.config("1"));
        let (ours, below) = (layers(&manifest), layers(&theirs));
        assert_eq!((ours.len(), &ours[..2]), (3, &below[..]), "{format}");
        for layer in manifest["layers"].as_array().unwrap() {
            assert_eq!(layer["mediaType"], "application/vnd.oci.image.layer.v1.tar+gzip");
        }
        let diff_ids = config["rootfs"]["diff_ids"].as_array().unwrap();
        assert_eq!(&diff_ids[..2], &their_config["rootfs"]["diff_ids"].as_array().unwrap()[..]);
        let annotations = &manifest["annotations"];
        assert_eq!(annotations["org.opencontainers.image.base.name"], world.name("1"));
        let digest = crane().args(["digest", "--insecure", &world.name("1")]).run();
        assert_eq!(annotations["org.opencontainers.image.base.digest"], digest.trim());
        assert_eq!(built["images"][0]["layers"].as_array().unwrap().len(), 3);

        let runs = &config["config"];
        assert_eq!(runs["User"], "10007:10008");
        assert_eq!(runs["Entrypoint"], serde_json::json!(["/bin/busybox"]));
        assert_eq!(runs["Cmd"], serde_json::json!(["httpd", "-f", "-p", "8081"]));
        assert_eq!(runs["Env"], serde_json::json!(["PATH=/bin", "TZ=UTC", "WHO=base"]));
        assert_eq!(
            (&runs["WorkingDir"], &runs["StopSignal"]),
            (&Value::from("/srv"), &Value::from("SIGINT"))
        );
        assert_eq!(runs["Labels"]["base"], "yes");
        assert!(runs["ExposedPorts"].get("8081/tcp").is_some(), "{runs}");

        // Somebody else's programs read it; longshore's own check has nothing to say.
        let name = &layout::names(&stack.work().join("out"))[0];
        let root = layout::umoci_unpack(&stack.work().join("out"), name, &stack.work().join("bundle"));
        let text = |path: &str| fs_err::read_to_string(root.join(path)).unwrap();
        assert_eq!((text("etc/motd"), text("etc/same")), ("ours\n".to_owned(), "the same\n".to_owned()));
        assert_eq!(
            (text("srv/new.html"), text("srv/index.html")),
            ("new\n".to_owned(), "from the second layer\n".to_owned())
        );
        assert!(!root.join("etc/gone").exists());
        assert!(text("etc/passwd").contains("box:x:10007:10008"));
        let problems = longshore_publish::validate(&stack.work().join("out"));
        assert!(problems.is_empty(), "{problems:?}");

        // What the base has already is not packed again.
        let plan = stack.ok(&["plan"]);
        assert!(plan.contains(&format!("on 2 layers of {}\n", world.name("1"))), "{plan}");
        let why = stack.ok(&["why", "app", "/etc/same"]);
        assert!(
            why.starts_with(&format!("/etc/same (linux/amd64): base {} (manifest ", world.name("1"))),
            "{why}"
        );
        assert!(why.contains("layer 1)"), "{why}");
        assert!(stack.ok(&["why", "app", "/srv/index.html"]).contains("layer 2)"));
        assert!(stack.ok(&["why", "app", "/etc/motd"]).contains(": inline /etc/motd"));

        // On another machine, which is given the lock, the same comes out; and again without the registry.
        let other = world.stack("1", APP);
        other.write("stack.lock", stack.read("stack.lock"));
        assert_eq!(json(&other, &["build", "--locked"])["images"][0]["id"], built["images"][0]["id"]);
        drop(world);
        assert_eq!(json(&other, &["build", "--offline"])["images"][0]["id"], built["images"][0]["id"]);
    }
}

#[test]
fn an_image_on_a_base_runs_in_docker_and_under_up() {
    let world = World::new(Kind::Docker);
    world.base("1", "docker", "10007:10008");
    let services = format!(
        "{APP}[service.job]\nimage = \"app\"\nkind = \"job\"\ncommand = [\"sh\", \"-c\", \"busybox id -u; busybox cat /etc/motd; echo $WHO; pwd\"]\n\
         [service.web]\nimage = \"app\"\nports = {{ http = 8081 }}\nhealth = {{ http = \"/new.html\" }}\n"
    );
    let stack = world.stack("1", &services);
    let up = stack.run(&["up", "--detach"]);
    assert_eq!(up.code, 0, "{up}");
    assert_eq!((state(&stack, "job"), state(&stack, "web")), ("completed".to_owned(), "ready".to_owned()));
    let logs = stack.ok(&["logs", "job"]);
    for line in ["10007", "ours", "base", "/srv"] {
        assert!(logs.lines().any(|said| said.ends_with(line)), "{line}: {logs}");
    }
    let page = stack.ok(&["exec", "web", "busybox", "wget", "-q", "-O", "-", "http://web:8081/index.html"]);
    assert_eq!(page, "from the second layer\n");
    stack.ok(&["down"]);

    let docker = Docker::start();
    let sandbox = Sandbox::new(LONGSHORE).env("DOCKER_HOST", &docker.host());
    write(&sandbox, &world.name("1"), "[\"linux/amd64\"]", APP);
    sandbox.ok(&["load"]);
    let runs = |image: &str| {
        docker
            .cli()
            .args([
                "run",
                "--rm",
                "--entrypoint",
                "/bin/busybox",
                image,
                "cat",
                "/etc/motd",
                "/srv/index.html",
            ])
            .run()
    };
    assert_eq!(runs("test/app:latest"), "ours\nfrom the second layer\n");
    for (n, format) in ["docker", "oci"].into_iter().enumerate() {
        docker.forget();
        let file = format!("{n}.tar");
        sandbox.ok(&["save", "--format", format, "--output", &file]);
        docker.load(&sandbox.work().join(&file));
        assert_eq!(runs("test/app:latest"), "ours\nfrom the second layer\n", "{format}");
    }
}

#[test]
fn each_platform_has_its_own_base_and_layers_of_zstd_stay_so() {
    let world = World::new(Kind::Distribution);
    world.base("amd64", "oci", "10007");
    let one = world.name("amd64");
    let (arm, both) = (world.name("arm64"), world.name("both"));
    crane().args(["mutate", "--insecure", "--set-platform", "linux/arm64", &one, "-t", &arm]).run();
    crane().args(["index", "append", "--insecure", "-m", &one, "-m", &arm, "-t", &both]).run();
    // Through folders, since skopeo leaves alone what is compressed, and what it knows to be in the registry already.
    let folder = |name: &str| world.folder.path().join(name).display().to_string();
    let (plain, zstd) = (format!("dir:{}", folder("plain")), format!("oci:{}", folder("zstd")));
    let skopeo = |more: &[&str]| {
        Tool::new("skopeo").args(["--insecure-policy", "copy", "--quiet"]).args(more).run();
    };
    skopeo(&["--src-tls-verify=false", "--dest-decompress", &format!("docker://{one}"), &plain]);
    skopeo(&["--dest-compress-format", "zstd", &plain, &zstd]);
    crane().args(["push", "--insecure", &folder("zstd"), &world.name("zstd")]).run();
    let stack = world.stack("both", APP);
    // It is the same busybox on both.
    let either = format!("{APP}allow = [\"wrong-architecture\"]\n");
    write(&stack, &both, "[\"linux/amd64\", \"linux/arm64\"]", &either);
    stack.ok(&["build", "--output", "out"]);
    let problems = longshore_publish::validate(&stack.work().join("out"));
    assert!(problems.is_empty(), "{problems:?}");
    let index: Value = serde_json::from_str(&stack.read("out/index.json")).unwrap();
    let digest = index["manifests"][0]["digest"].as_str().unwrap();
    let index: Value =
        serde_json::from_str(&stack.read(&format!("out/blobs/sha256/{}", &digest[7..]))).unwrap();
    assert_eq!(index["manifests"].as_array().unwrap().len(), 2);
    let named = crane().args(["digest", "--insecure", &both]).run();
    assert_eq!(index["annotations"]["org.opencontainers.image.base.digest"], named.trim());

    let stack = world.stack("zstd", APP);
    stack.ok(&["build", "--output", "out"]);
    let (manifest, _) = documents(&stack.work().join("out"));
    assert_eq!(manifest["layers"][0]["mediaType"], "application/vnd.oci.image.layer.v1.tar+zstd");
    assert_eq!(layers(&manifest)[..2], layers(&world.raw("zstd"))[..]);
    assert!(longshore_publish::validate(&stack.work().join("out")).is_empty());
    // Docker's own archive has no compressed layers.
    stack.ok(&["save", "--format", "docker", "--output", "a.tar"]);
    let (from, to) =
        (format!("docker-archive:{}", stack.work().join("a.tar").display()), stack.work().join("copy"));
    Tool::new("skopeo")
        .args(["--insecure-policy", "copy", "--quiet", &from, &format!("dir:{}", to.display())])
        .run();
}

#[test]
fn files_of_images_are_contents_like_any_other() {
    let world = World::new(Kind::Docker);
    world.base("1", "docker", "box");
    let images = r#"
[image.app]
contents = [
  { image = "BASE", from = "/bin/sh", to = "/usr/bin/tool" },
  { image = "BASE", from = ["/etc/motd", "/srv"] },
]
command = ["/usr/bin/tool"]
"#;
    let stack = world.stack("1", images);
    let first = json(&stack, &["build"]);
    let files = stack.ok(&["show", "--files"]);
    for (path, layer) in [("/usr/bin/tool", 1), ("/etc/motd", 1), ("/srv/index.html", 2)] {
        let line = files.lines().find(|line| line.contains(&format!(" {path}"))).unwrap();
        assert!(
            line.contains(&format!("< image {} (manifest ", world.name("1")))
                && line.ends_with(&format!("layer {layer})")),
            "{line}"
        );
    }
    assert!(!files.contains("/etc/gone"));

    // The tag moves, the lock does not, until it is told to.
    let digest = |stack: &Stack| {
        stack.read("stack.lock").lines().find(|line| line.starts_with("sha256 = ")).unwrap().to_owned()
    };
    let before = digest(&stack);
    world.base("1", "docker", "10007");
    assert_eq!(json(&stack, &["build"])["images"][0]["id"], first["images"][0]["id"]);
    stack.ok(&["lock"]);
    assert_eq!(digest(&stack), before);
    let said = stack.ok(&["update", &world.name("1")]);
    assert!(said.starts_with(&format!("~ {} ", world.name("1"))), "{said}");
    assert_ne!(digest(&stack), before);

    let missing = images.replace("/etc/motd", "/etc/mot");
    write(&stack, &world.name("1"), "[\"linux/amd64\"]", &missing);
    insta::assert_snapshot!(told(&stack, &["build"]), @r#"
    exit code: 1
    error: image `[REGISTRY]/org/base:1` has no `/etc/mot`, which image `app` takes from it
      why: image `app`
      hint: did you mean `/etc/motd`?
    "#);
    let missing = images.replace("/etc/motd", "/srv/welcome");
    write(&stack, &world.name("1"), "[\"linux/amd64\"]", &missing);
    insta::assert_snapshot!(told(&stack, &["build"]), @r#"
    exit code: 1
    error: image `[REGISTRY]/org/base:1` has no `/srv/welcome`, which image `app` takes from it
      why: image `app`
      hint: to see what it has, take all of it for once (`{ image = "[REGISTRY]/org/base:1" }`) and run `longshore show --files`
    "#);
    // Two contents that differ are a conflict.
    let twice = images
        .replace("command", "user = { name = \"app\", uid = 5 }\ncommand")
        .replace("contents = [", "contents = [{ text = \"x\", to = \"/etc/motd\" }, ");
    write(&stack, &world.name("1"), "[\"linux/amd64\"]", &twice);
    let error = stack.snapshot(&stack.run(&["build"]));
    assert!(
        error.contains(
            "`/etc/motd` comes from both `inline /etc/motd` and `image [REGISTRY]/org/base:1 (manifest "
        ),
        "{error}"
    );
}

#[test]
fn what_can_t_be_built_on_says_why_and_what_to_write() {
    let world = World::new(Kind::Docker);
    world.base("named", "docker", "box");
    let stack = world.stack("named", APP);
    insta::assert_snapshot!(told(&stack, &["build"]), @r#"
    exit code: 2
    error: image `app` has no user, and that of its base `[REGISTRY]/org/base:named` is `box`, which is no number
      why: image `app`
      hint: write `user = { name = "box", uid = 10007, gid = 10008 }` in [image.app]; then run `longshore check`
    "#);
    write(&stack, &world.name("named"), "[\"linux/amd64\", \"linux/arm64\"]", APP);
    insta::assert_snapshot!(told(&stack, &["build"]), @r#"
    exit code: 2
    error: `stack.lock` does not fit `stack.toml`
      caused by: image `[REGISTRY]/org/base:named` is not in the lock for linux/arm64
      hint: run `longshore lock`; it keeps what is pinned already
    "#);
    insta::assert_snapshot!(told(&stack, &["lock"]), @r#"
    exit code: 1
    error: image `[REGISTRY]/org/base:named` is not for linux/arm64, only for linux/amd64
      why: image `app`
      hint: leave `linux/arm64` out of `platforms`, or take an image that is for it; then run `longshore lock`
    "#);
    write(&stack, &world.name("gone"), "[\"linux/amd64\"]", APP);
    insta::assert_snapshot!(told(&stack, &["lock"]), @r#"
    exit code: 1
    error: image `[REGISTRY]/org/base:gone`
      caused by: [REGISTRY] has no manifest `gone`: manifest unknown (MANIFEST_UNKNOWN)
      why: image `app`
      hint: correct the name, or run `longshore update [REGISTRY]/org/base:gone` to pin what it names now
    "#);
}

#[test]
fn layers_of_a_base_are_mounted_from_where_they_are() {
    let world = World::new(Kind::Distribution);
    world.base("1", "oci", "10007:10008");
    let stack = world.stack("1", APP);
    let to = format!("{}/ours", world.registry.host());
    let pushed: Value = serde_json::from_str(&stack.ok(&["--json", "push", "--to", &to])).unwrap();
    let (sent, all) = (pushed["bytes_sent"].as_u64().unwrap(), pushed["bytes"].as_u64().unwrap());
    assert!(sent < 50_000 && all > 500_000, "{sent} of {all} were sent: busybox is there already");
    crane().args(["validate", "--insecure", "--remote", &format!("{to}/app:latest")]).run();
}
