//! `kind = "command"`, and builds that take each other's outputs.

use std::collections::{BTreeMap, BTreeSet};

use longshore_build::graph::{Graph, needs};
use longshore_build::{Error, Input, Loaded, Recipe, command};
use longshore_oci::{Platform, Tree, TreePath};
use longshore_stack::model::{BuildInput, CommandBuild, Destination};

use crate::scene::{Machine, root, tree};

fn to(text: &str) -> Destination {
    let path = TreePath::new(text).unwrap();
    if text.ends_with('/') { Destination::Into(path) } else { Destination::Exactly(path) }
}

fn path(path: &str, at: &str) -> BuildInput {
    BuildInput::Path { path: path.to_owned(), to: to(at) }
}

fn build(build: &str, at: &str) -> BuildInput {
    BuildInput::Build { build: build.to_owned(), to: to(at) }
}

fn prepare(
    machine: &Machine,
    name: &str,
    script: &str,
    inputs: Vec<BuildInput>,
    builds: BTreeMap<String, Tree>,
) -> Result<Recipe, Error> {
    let platform: Platform = "linux/amd64".parse().unwrap();
    let executor = machine.executor();
    let files = |files: &[(&str, &str)]| tree(&machine.store, files);
    let input = Input {
        executor: &executor,
        root: root(),
        host: platform.clone(),
        source: None,
        env: [(String::from("WHO"), String::from("world"))].into(),
        paths: [
            (String::from("src"), Loaded::Folder(files(&[("a/b", "in a folder\n"), ("c", "c\n")]))),
            (String::from("conf/one.toml"), Loaded::File(files(&[("one.toml", "one\n")]))),
        ]
        .into(),
        builds,
        urls: BTreeMap::new(),
    };
    let run = vec![["/bin/sh", "-ec", script].map(String::from).to_vec()];
    command::prepare(name, &CommandBuild { run, inputs }, &platform, &input)
}

fn read(machine: &Machine, tree: &Tree, path: &str) -> String {
    let entry = tree.get(&TreePath::new(path).unwrap()).unwrap();
    let longshore_oci::Node::File(content) = entry.node else { panic!("{entry:?}") };
    String::from_utf8(machine.store.read_blob(&content).unwrap()).unwrap()
}

#[test]
fn inputs_are_seen_at_their_places_and_can_not_be_written() {
    let machine = Machine::new();
    let inputs = vec![
        path("src", "/src"),
        path("conf/one.toml", "/src/conf/"),
        path("conf/one.toml", "/deps/renamed.toml"),
    ];
    let script =
        "echo hello $WHO > /out/all; cat /src/a/b /src/c /src/conf/one.toml /deps/renamed.toml >> /out/all
                  if echo x > /src/c 2>/dev/null; then exit 1; fi; pwd >> /out/all";
    let recipe = prepare(&machine, "app", script, inputs, BTreeMap::new()).unwrap();
    assert_eq!(recipe.mounts["/src"].what, "path conf/one.toml, path src");
    let output = machine.executor().run(&recipe).unwrap();
    assert_eq!(read(&machine, &output.tree, "all"), "hello world\nin a folder\nc\none\none\n/build\n");
}

#[test]
fn places_elsewhere_and_collisions_are_refused() {
    let machine = Machine::new();
    let error = |inputs| prepare(&machine, "app", "true", inputs, BTreeMap::new()).unwrap_err().to_string();
    assert_eq!(
        error(vec![path("src", "/usr/share/")]),
        "build `app`: `/usr/share` is no place for an input; inputs are seen below `/src` or `/deps`, read-only"
    );
    assert!(error(vec![path("src", "/srcs")]).contains("is no place"));
    assert_eq!(
        error(vec![path("src", "/src"), path("conf/one.toml", "/src/c")]),
        "build `app`: two inputs have the path `/src/c`"
    );
    assert_eq!(error(vec![build("x", "/src")]), "build `app`: its input build x was not loaded");
    assert!(error(vec![path("conf/one.toml", "/src/a"), path("src", "/src")]).contains("/src/a"));
}

#[test]
fn builds_take_each_others_outputs() {
    let machine = Machine::new();
    let specs: BTreeMap<&str, (&str, Vec<BuildInput>)> = [
        (
            "all",
            (
                "cat /deps/left/x /deps/right/x > /out/x",
                vec![build("left", "/deps/left"), build("right", "/deps/right/")],
            ),
        ),
        ("left", ("{ cat /deps/x; echo left; } > /out/x", vec![build("base", "/deps")])),
        ("right", ("{ cat /deps/x; echo right; } > /out/x", vec![build("base", "/deps")])),
        ("base", ("echo base > /out/x", vec![])),
    ]
    .into();
    let edges = specs.iter().map(|(name, (_, inputs))| ((*name).to_owned(), needed(inputs))).collect();
    let graph = Graph::new(&edges, [String::from("all")]).unwrap();
    let outputs = graph.run(2, &longshore_oci::Silent, |name, given| {
        let (script, inputs) = &specs[name];
        let recipe = prepare(&machine, name, script, inputs.clone(), given)?;
        Ok::<_, Error>(machine.executor().run(&recipe)?.tree)
    });
    assert_eq!(read(&machine, &outputs.unwrap()["all"], "x"), "base\nleft\nbase\nright\n");
}

fn needed(inputs: &[BuildInput]) -> BTreeSet<String> {
    use longshore_stack::model::{BuildKind, BuildSpec, Limits, Toolchain};
    needs(&BuildSpec {
        kind: BuildKind::Command(CommandBuild { run: Vec::new(), inputs: inputs.to_vec() }),
        toolchain: Toolchain::Host,
        env: BTreeMap::new(),
        limits: Limits { seconds: 1, memory: None, output: 1 },
    })
}
