//! Images of other people: as base, as contents, in the lock.

#![allow(clippy::unwrap_used, reason = "in a test it is the assertion")]

mod common;

use std::collections::BTreeMap;
use std::path::Path;

use common::{HEAD, complaints, read};
use insta::assert_snapshot;
use longshore_oci::{Config, Content, DiffId, Digest, ImageConfig, RootFsConfig};
use longshore_stack::lock::{self, Lock, LockError, LockedImage, LockedLayer, LockedManifest};
use longshore_stack::model::{Account, ContentSpec, Destination, InheritError, Stack};

const REFERENCE: &str = "registry.example.org/debian:trixie";

fn stack(rest: &str) -> Stack {
    read(&format!("{HEAD}{rest}")).unwrap().stack
}

fn manifest(seed: &str) -> LockedManifest {
    LockedManifest {
        media_type: "application/vnd.oci.image.manifest.v1+json".to_owned(),
        manifest: Content::of(seed.as_bytes()),
        config: Content::of(b"config"),
        layers: vec![LockedLayer {
            media_type: "application/vnd.oci.image.layer.v1.tar+gzip".to_owned(),
            content: Content::of(b"layer"),
            diff_id: DiffId(Digest::of(b"tar")),
        }],
    }
}

fn locked(platforms: &[&str], stack: &Stack) -> Lock {
    let platforms = platforms.iter().map(|on| ((*on).to_owned(), manifest(on))).collect();
    let image = LockedImage { digest: Digest::of(b"index"), platforms };
    let images = BTreeMap::from([(REFERENCE.to_owned(), image)]);
    Lock { assembler: 3, sources: stack.source_definitions(), images, ..Lock::default() }
}

#[test]
fn contents_of_images_and_bases_are_read() {
    let stack = stack(
        "[image.a]\nbase = \"registry.example.org/debian:trixie\"\ncontents = [\n\
         { image = \"registry.example.org/tools:1\", from = \"/usr/bin/tool\", to = \"/bin/\" },\n\
         { image = \"registry.example.org/tools:1\", from = [\"/usr/share/a\", \"/usr/share/b\"] },\n\
         { image = \"localhost:5000/all@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\", mode = \"0700\", owner = \"root\" },\n]\n",
    );
    let image = &stack.images["a"];
    assert_eq!(image.base.as_ref().unwrap().reference.to_string(), REFERENCE);
    let requests: Vec<_> = image
        .contents
        .iter()
        .map(|content| match content {
            ContentSpec::Image(request) => request,
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(matches!(&requests[0].to, Some(Destination::Into(to)) if to.to_string() == "/bin"));
    assert_eq!((requests[1].from.len(), &requests[1].to, requests[1].owner), (2, &None, None));
    assert_eq!((requests[2].from.len(), requests[2].mode, requests[2].owner), (0, Some(0o700), Some((0, 0))));
    assert_eq!(stack.others().len(), 3);
}

#[test]
fn what_does_not_name_an_image_is_told() {
    assert_snapshot!(complaints(&format!("{}\n[image.a]\nbase = \"debian\"\ncontents = [{{ image = \"x.org/tools\" }}, {{ image = \"x.org/A:1\", to = \"/a/\" }}, {{ image = \"x.org/a:1\", from = [\"/a\", \"/b\"], to = \"/c\" }}]\n", HEAD.trim())), @r#"
    stack.toml:10:8: stack::reference: image `debian` does not say in which registry it is
      at: "debian"
      help: write `docker.io/library/debian` if Docker's is meant
    stack.toml:11:23: stack::reference: image `x.org/tools` has neither a tag nor a digest
      at: "x.org/tools"
      help: write `x.org/tools:TAG`, and the lock pins what that names
    stack.toml:11:50: stack::reference: `x.org/A:1` is not an image reference: a repository is lower-case letters, digits and single separators `.`, `_`, `-` between slashes
      at: "x.org/A:1"
    stack.toml:11:126: stack::slice: several things can't all become `/c`
      at: "/c"
      help: end it with `/` to put them into that folder
    "#);
}

#[test]
fn a_base_is_inherited_where_the_image_says_nothing() {
    let mut stack = stack(
        "[image.a]\nbase = \"registry.example.org/debian:trixie\"\nenv = { B = \"own\" }\nlabels = { x = \"own\" }\nwritable = [\"/srv\"]\n\
         [image.b]\nbase = \"registry.example.org/debian:trixie\"\nuser = { name = \"own\", uid = 5 }\nentrypoint = [\"/own\"]\nworkdir = \"/own\"\n\
         [image.c]\nbase = \"registry.example.org/debian:trixie\"\ncommand = [\"own\"]\n\
         [service.s]\nimage = \"a\"\nvolumes = { data = \"/srv\" }\n",
    );
    let config = config("101", |config| {
        config.env = vec!["A=base".into(), "B=base".into()];
        config.entrypoint = vec!["/base".into()];
        config.cmd = vec!["arg".into()];
        config.working_dir = "/base".into();
        config.stop_signal = "SIGQUIT".into();
        config.labels = [("x", "base"), ("y", "base"), ("org.opencontainers.image.version", "24.04")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into();
    });
    let accounts =
        Account::all(b"root:x:0:0:root:/root:/bin/sh\nnonsense\nweb:x:101:102::/var/web:/bin/false\n");
    for image in ["a", "b", "c"] {
        stack.inherit(image, &config, &accounts).unwrap();
    }
    let (a, b, c) = (&stack.images["a"], &stack.images["b"], &stack.images["c"]);
    let env = |key: &str| a.env[key].as_str();
    assert_eq!((env("A"), env("B")), ("base", "own"));
    assert_eq!((a.labels["x"].as_str(), a.labels["y"].as_str()), ("own", "base"));
    assert_eq!(a.labels.get("org.opencontainers.image.version"), None, "that is the base's version");
    assert_eq!(
        (a.user.name.as_str(), a.user.uid, a.user.gid, a.user.home.as_str()),
        ("web", 101, 102, "/var/web")
    );
    assert_eq!((&a.entrypoint, &a.command), (&vec!["/base".to_owned()], &vec!["arg".to_owned()]));
    assert_eq!(a.workdir.as_ref().unwrap().to_string(), "/base");
    assert_eq!(a.stop_signal.as_deref(), Some("SIGQUIT"));
    let service = &stack.services["s"];
    assert_eq!((service.user.uid, service.volumes["data"].owner), (101, (101, 102)));
    assert_eq!(a.writable[0].owner, (101, 102));
    // Arguments of the base's program are not those of another.
    assert_eq!((&b.entrypoint, &b.command, b.user.uid), (&vec!["/own".to_owned()], &Vec::new(), 5));
    assert_eq!(b.workdir.as_ref().unwrap().to_string(), "/own");
    assert_eq!((&c.entrypoint, &c.command), (&vec!["/base".to_owned()], &vec!["own".to_owned()]));
}

#[test]
fn a_base_without_a_numeric_user_says_what_to_write() {
    let accounts = Account::all(b"nginx:x:101:102:nginx:/nonexistent:/bin/false\n");
    let told = |user: &str| -> InheritError {
        let mut stack = stack("[image.a]\nbase = \"registry.example.org/debian:trixie\"\n");
        stack.inherit("a", &config(user, |_| {}), &accounts).unwrap_err()
    };
    let error = told("nginx");
    assert_snapshot!(format!("{error}\n{}", error.hint()), @r#"
    image `a` has no user, and that of its base `registry.example.org/debian:trixie` is `nginx`, which is no number
    write `user = { name = "nginx", uid = 101, gid = 102 }` in [image.a]; then run `longshore check`
    "#);
    let error = told("");
    assert_snapshot!(format!("{error}\n{}", error.hint()), @r#"
    image `a` has no user, and that of its base `registry.example.org/debian:trixie` is root
    write `user = { name = "app", uid = 65532 }` in [image.a]; if it must be root, add `allow = ["root-user"]`; then run `longshore check`
    "#);
    let mut numeric = stack("[image.a]\nbase = \"registry.example.org/debian:trixie\"\n");
    numeric.inherit("a", &config("7:8", |_| {}), &accounts).unwrap();
    assert_eq!((numeric.images["a"].user.uid, numeric.images["a"].user.gid), (7, 8));
}

fn config(user: &str, change: impl FnOnce(&mut Config)) -> ImageConfig {
    let mut config = Config { user: user.to_owned(), ..Config::default() };
    change(&mut config);
    ImageConfig {
        created: String::new(),
        platform: "linux/amd64".parse().unwrap(),
        config,
        rootfs: RootFsConfig { kind: "layers".to_owned(), diff_ids: Vec::new() },
        history: Vec::new(),
    }
}

#[test]
fn the_lock_says_what_a_name_named() {
    let stack = stack("[image.a]\nbase = \"registry.example.org/debian:trixie\"\n");
    let lock = locked(&["linux/amd64"], &stack);
    assert_eq!(lock.stale(&stack), Vec::<String>::new());
    let text = lock.to_string();
    let images = &text[text.find("[[image]]").unwrap()..];
    assert_snapshot!(images, @r#"
    [[image]]
    name = "registry.example.org/debian:trixie"
    sha256 = "1bc04b5291c26a46d918139138b992d2de976d6851d0893b0476b85bfbdfc6e6"

    [[image.on]]
    platform = "linux/amd64"
    media-type = "application/vnd.oci.image.manifest.v1+json"
    size = 11
    sha256 = "baf0239e48ff4c47ebac3ba02b5cf1506b69cd5a0c0d0c825a53ba65976fb942"
    config-size = 6
    config-sha256 = "b79606fb3afea5bd1609ed40b622142f1c98125abcfe89a76a661b0e8e343910"
    layers = [
      "sha256:dac1d7cfa95021764849fd102524e141488c5e3a90f861dbb5a12d9ac8584f85 5 application/vnd.oci.image.layer.v1.tar+gzip sha256:90aebae315675cbf04612de4f7d5874850f48e0b8dd82becbeaa47ca93f5ebfb",
    ]
    "#);
    assert!(text.contains("\nrevision = 3\n"), "{text}");
    assert_eq!(lock::parse(&text, Path::new("stack.lock")).unwrap(), lock);
    let without = Lock { images: BTreeMap::new(), ..lock };
    assert!(without.to_string().contains("\nrevision = 1\n"));
}

#[test]
fn a_lock_of_other_images_is_stale() {
    let base = "[image.a]\nbase = \"registry.example.org/debian:trixie\"\n";
    let now = stack(base);
    assert_eq!(
        Lock { images: BTreeMap::new(), ..locked(&[], &now) }.stale(&now),
        [format!("image `{REFERENCE}` is not in the lock")]
    );
    assert_eq!(
        locked(&[], &now).stale(&now),
        [format!("image `{REFERENCE}` is not in the lock for linux/amd64")]
    );
    assert_eq!(
        locked(&["linux/amd64", "linux/arm64"], &now).stale(&now),
        [format!("image `{REFERENCE}` is pinned for more than the stack asks")]
    );
    let moved = stack("[image.a]\nbase = \"registry.example.org/debian:forky\"\n");
    assert_eq!(
        locked(&["linux/amd64"], &moved).stale(&moved),
        [
            "image `registry.example.org/debian:forky` is not in the lock".to_owned(),
            format!("image `{REFERENCE}` is no longer in the stack"),
        ]
    );
    let mut newer = locked(&["linux/amd64"], &now);
    newer.images.get_mut(REFERENCE).unwrap().digest = Digest::of(b"newer");
    let changes: Vec<String> =
        locked(&["linux/amd64"], &now).diff(&newer).iter().map(ToString::to_string).collect();
    let (old, new) = (Digest::of(b"index").short(), Digest::of(b"newer").short());
    assert_eq!(changes, [format!("~ {REFERENCE} {old} → {new}")]);
}

#[test]
fn a_damaged_lock_of_images_is_refused_where_it_is() {
    let stack = stack("[image.a]\nbase = \"registry.example.org/debian:trixie\"\n");
    let text = locked(&["linux/amd64"], &stack).to_string();
    for (from, to, said) in [
        ("name = \"registry", "name = \"REGISTRY/", "is not an image reference"),
        ("vnd.oci.image.manifest.v1+json\"", "vnd x\"", "is no media type"),
        (".tar+gzip sha256:", ".tar+gzip sha512:", "is not of the form `sha256:… SIZE MEDIA-TYPE sha256:…`"),
        ("platform = \"linux/amd64\"", "platform = \"plan9/amd64\"", "is not a platform"),
        (
            "debian:trixie\"",
            "debian@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"",
            "the name says sha256:e3b0",
        ),
    ] {
        assert!(text.contains(from), "{from}");
        match lock::parse(&text.replacen(from, to, 1), Path::new("stack.lock")) {
            Err(LockError::Damaged(diagnostic)) => {
                assert!(diagnostic.message.contains(said), "{}", diagnostic.message);
            }
            other => panic!("{from}: {other:?}"),
        }
    }
}
