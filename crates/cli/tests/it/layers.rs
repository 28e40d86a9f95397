//! How layers are cut, and that they stay where they are.

use std::collections::BTreeMap;

use longshore_testkit::registry::{Kind, Registry};
use longshore_testkit::{Sandbox, Tool};
use serde_json::Value;

use crate::common::LONGSHORE;
use crate::registries::json;

/// Two images with three folders: one of both, one of each.
const STACK: &str = "\
[stack]
name = \"test\"

[image.api]
contents = [{ directory = \"shared\", to = \"/srv/shared\" }, { directory = \"api\", to = \"/srv/api\" }]
[image.web]
contents = [{ directory = \"shared\", to = \"/srv/shared\" }, { directory = \"web\", to = \"/srv/web\" }]
";

/// Megabytes that don't compress.
fn noise(seed: u32, megabytes: usize) -> Vec<u8> {
    let mut state = seed;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    std::iter::repeat_with(next).take(megabytes << 20).collect()
}

fn stack() -> Sandbox {
    let sandbox = Sandbox::new(LONGSHORE);
    sandbox.write("stack.toml", STACK);
    for (seed, folder) in [(1, "shared"), (2, "api"), (3, "web")] {
        sandbox.write(&format!("{folder}/data"), noise(seed, 4));
    }
    sandbox
}

/// The layers of each image: their digests by the first of what is in them.
fn layers(sandbox: &Sandbox) -> BTreeMap<String, BTreeMap<String, String>> {
    let built = json(&sandbox.ok(&["--json", "build"]));
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let of = |image: &Value| {
        let layers = image["layers"].as_array().unwrap().iter();
        let first = |layer: &Value| text(&layer["name"]).split(", ").next().unwrap().to_owned();
        layers.map(|layer| (first(layer), text(&layer["diff_id"]))).collect()
    };
    built["images"].as_array().unwrap().iter().map(|image| (text(&image["image"]), of(image))).collect()
}

#[test]
fn what_did_not_change_stays_where_it_is() {
    let sandbox = stack();
    let first = layers(&sandbox);
    assert_eq!(first["api"]["shared"], first["web"]["shared"], "{first:?}");
    let lock = sandbox.read("stack.lock");
    assert!(
        lock.contains("revision = 5\n")
            && lock.contains("images = [\n  \"api\",\n  \"web\",\n]\nmembers = [\n"),
        "{lock}"
    );
    assert_eq!(layers(&sandbox), first);
    assert_eq!(sandbox.read("stack.lock"), lock);

    // A change of what one image has is one layer, and none of the lock's business.
    sandbox.write("web/more", "more");
    let second = layers(&sandbox);
    assert_eq!((&second["api"], &second["web"]["shared"]), (&first["api"], &first["web"]["shared"]));
    assert_ne!(second["web"]["web"], first["web"]["web"]);
    assert_eq!(sandbox.read("stack.lock"), lock);
    let plan = sandbox.ok(&["plan"]);
    assert!(plan.contains("(also in web)") && plan.contains(" new\n"), "{plan}");
    assert!(plan.contains("web [web]: what is in it changed"), "{plan}");

    // Under `--locked` nothing is kept.
    let bare = lock.split("\n[[layer]]").next().unwrap().replace("revision = 5", "revision = 1");
    sandbox.write("stack.lock", &bare);
    sandbox.ok(&["--locked", "build"]);
    assert_eq!(sandbox.read("stack.lock"), bare);
}

/// What is remembered of a build is what a build would say.
#[test]
fn a_build_of_what_did_not_change_says_the_same() {
    let sandbox = stack();
    let git = |arguments: &[&str]| {
        Tool::new("git").arg("-C").arg(sandbox.work()).args(arguments).run();
    };
    git(&["init", "--quiet"]);
    git(&["add", "--all"]);
    sandbox.write("web/untracked", "untracked");
    sandbox.write("web/header.h", "int x;");
    git(&["add", "web/header.h"]);
    let build = || {
        let ran = sandbox.run(&["build"]);
        assert_eq!(ran.code, 0, "{ran}");
        let said = |line: &&str| line.starts_with("note: ") || line.starts_with("warning: ");
        let said: Vec<_> = ran.stderr.lines().filter(said).map(str::to_owned).collect();
        (ran.stdout.clone(), said)
    };
    // Of files that were just written nobody knows whether they are written again within the same tick of the clock.
    let rest = || std::thread::sleep(std::time::Duration::from_millis(2_100));
    build();
    assert!(!sandbox.store().join("records/summary-1").exists());
    rest();
    let remembered = build();
    assert_eq!(
        remembered.1.iter().filter(|line| line.contains("left out `untracked`")).count(),
        1,
        "{remembered:?}"
    );
    let summaries = sandbox.store().join("records/summary-1");
    fs_err::remove_dir_all(&summaries).unwrap();
    assert_eq!(build(), remembered);
    assert!(summaries.exists());

    // Another file is another image, and so is one more or one less.
    let first = sandbox.read("web/header.h");
    sandbox.write("web/header.h", "int y;");
    assert_ne!(build().0, remembered.0);
    sandbox.write("web/header.h", first);
    assert_eq!(build(), remembered);
    git(&["add", "web/untracked"]);
    rest();
    let more = [build(), build()].map(|(images, _)| images);
    assert!(more[0] == more[1] && more[0] != remembered.0, "{more:?}");
    git(&["rm", "--quiet", "--cached", "web/untracked"]);
    assert_eq!([build(), build()], [remembered.clone(), remembered.clone()]);
    // No file is read for it, and none is asked for.
    fs_err::remove_dir_all(sandbox.store().join("blobs")).unwrap();
    assert_eq!(build(), remembered);
    // So is what `build -o` came to.
    fs_err::remove_dir_all(&summaries).unwrap();
    sandbox.ok(&["build", "-o", "out"]);
    assert!(summaries.exists());
    assert_eq!(build(), remembered);
}

#[test]
fn strategies_and_pins_cut_otherwise() {
    let sandbox = stack();
    let count = |arguments: &[&str]| {
        let plan = json(&sandbox.ok(&[&["--json", "plan"], arguments].concat()));
        plan["platforms"][0]["layers"].as_u64().unwrap()
    };
    let usual = count(&[]);
    assert_eq!(count(&["--strategy", "single"]), 2);
    assert!(usual < 5 && count(&["--strategy", "origin"]) >= usual);
    sandbox.write("stack.toml", STACK.to_owned() + "[layers]\nown = [\"path shared\", \"path web\"]\n");
    let pinned = layers(&sandbox);
    assert!(pinned["api"].contains_key("shared") && pinned["web"].contains_key("shared"), "{pinned:?}");
    assert!(pinned["web"].contains_key("web"), "{pinned:?}");
    sandbox.write("stack.toml", STACK.replace("[image.api]\n", "[image.api]\nmax-layers = 1\n"));
    let one = layers(&sandbox);
    assert_eq!(one["api"].len(), 1, "{one:?}");
    let pins = "[layers]\na = [\"path shared\"]\nb = [\"path api\"]\n";
    sandbox.write("stack.toml", STACK.replace("[image.api]\n", "[image.api]\nmax-layers = 1\n") + pins);
    let refused = sandbox.run(&["build"]);
    assert_eq!(refused.code, 1, "{refused}");
    assert!(refused.stderr.contains("image `api` can't be cut into fewer than"), "{refused}");
    sandbox.write("stack.toml", STACK.to_owned() + "[layers]\nempty = []\nodd = [\"*\"]\n");
    let refused = sandbox.run(&["check"]);
    assert!(refused.stderr.contains("layer `empty` lists no component"), "{refused}");
    assert!(refused.stderr.contains("`*` is no component's name"), "{refused}");
}

#[test]
fn a_lost_layout_is_in_the_published_images() {
    let sandbox = stack();
    let registry = Registry::start(Kind::Distribution);
    let to = format!("{}/org", registry.host());
    sandbox.write(
        "stack.toml",
        STACK.replace("name = \"test\"\n", &format!("name = \"test\"\nrepository = \"{to}\"\n")),
    );
    sandbox.ok(&["push", "--tag", "one"]);
    let lock = sandbox.read("stack.lock");
    sandbox.write("stack.lock", lock.split("\n[[layer]]").next().unwrap());
    sandbox.ok(&["lock", "--layers-of", "one"]);
    assert_eq!(sandbox.read("stack.lock"), lock);
}
