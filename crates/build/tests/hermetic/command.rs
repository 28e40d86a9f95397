//! `kind = "command"`, and builds that take each other's outputs.

use std::collections::{BTreeMap, BTreeSet};

use longshore_build::explain::explain;
use longshore_build::graph::{Graph, Job, needs};
use longshore_build::{Error, Input, Loaded, Recipe, Tool, command};
use longshore_oci::{Entry, Platform, Tree, TreePath};
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
    let run = vec![["/bin/sh", "-ec", script].map(String::from).to_vec()];
    prepare_with(machine, name, CommandBuild { run, inputs }, builds, Vec::new())
}

fn prepare_with(
    machine: &Machine,
    name: &str,
    spec: CommandBuild,
    builds: BTreeMap<String, Tree>,
    tools: Vec<Tool>,
) -> Result<Recipe, Error> {
    let platform: Platform = "linux/amd64".parse().unwrap();
    let executor = machine.executor();
    let files = |files: &[(&str, &str)]| tree(&machine.store, files);
    let input = Input {
        executor: &executor,
        root: root(),
        tools,
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
    command::prepare(name, &spec, &platform, &input)
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
        let (script, inputs) = &specs[name.as_str()];
        let recipe = prepare(&machine, name, script, inputs.clone(), given)?;
        Ok::<_, Error>(machine.executor().run(&recipe)?.tree)
    });
    assert_eq!(read(&machine, &outputs.unwrap()["all"], "x"), "base\nleft\nbase\nright\n");
}

fn needed(inputs: &[BuildInput]) -> BTreeSet<String> {
    use longshore_stack::model::{BuildKind, BuildSpec, Limits, Toolchain};
    let spec = BuildSpec {
        kind: BuildKind::Command(CommandBuild { run: Vec::new(), inputs: inputs.to_vec() }),
        toolchain: Toolchain::Host,
        env: BTreeMap::new(),
        limits: Limits { seconds: 1, memory: None, output: 1 },
    };
    let amd64: Platform = "linux/amd64".parse().unwrap();
    needs(&spec, &amd64, &amd64).into_iter().map(|Job { build, .. }| build).collect()
}

/// A tree of shell scripts, each of which says `word`.
fn tool(machine: &Machine, name: &str, programs: &[&str], word: &str) -> Tool {
    let text = format!("#!/bin/sh\necho {word}\n");
    let content = machine.store.put(text.as_bytes()).unwrap();
    let entry = |path: &&str| (TreePath::new(path).unwrap(), Entry::file(0o755, content));
    Tool { name: name.to_owned(), tree: programs.iter().map(entry).collect() }
}

#[test]
fn tools_come_first_in_their_order_and_are_part_of_the_recipe() {
    let machine = Machine::new();
    let first = tool(&machine, "first", &["bin/one", "bin/id", "share/one"], "first");
    let second = tool(&machine, "second", &["one", "two"], "second");
    let spec = |program: &str| {
        CommandBuild {
        run: vec![
            [program, "-c", "{ one; two; which id; cat /deps/c; which one; echo $PATH; } > /out/said; echo x 2>/dev/null > /deps/tools/first/bin/one || true"]
                .map(String::from)
                .to_vec(),
        ],
        inputs: vec![path("src", "/deps")],
    }
    };
    let prepare = |program: &str, tools: &[&Tool]| {
        let tools = tools.iter().map(|tool| (*tool).clone()).collect();
        prepare_with(&machine, "app", spec(program), BTreeMap::new(), tools).unwrap()
    };
    let recipe = prepare("sh", &[&first, &second]);
    assert_eq!(recipe.steps[0].argv[0], "/usr/bin/sh");
    assert_eq!(recipe.mounts["/deps/tools/second"].what, "tool second");
    let search = "/deps/tools/first/bin:/deps/tools/second:/usr/local/bin:/usr/bin:/usr/sbin:/bin:/sbin";
    let said = |recipe: &Recipe| read(&machine, &machine.executor().run(recipe).unwrap().tree, "said");
    assert_eq!(
        said(&recipe),
        format!("first\nsecond\n/deps/tools/first/bin/id\nc\n/deps/tools/first/bin/one\n{search}\n")
    );

    let turned = prepare("sh", &[&second, &first]);
    assert!(said(&turned).starts_with("second\nsecond\n/deps/tools/first/bin/id\n"));
    let changed =
        prepare("sh", &[&tool(&machine, "first", &["bin/one", "bin/id", "share/one"], "new"), &second]);
    let keys: BTreeSet<_> = [&recipe, &turned, &changed].iter().map(|recipe| recipe.key()).collect();
    assert_eq!(keys.len(), 3);
    let reasons = explain(&machine.executor(), &recipe, &changed).unwrap();
    assert!(reasons.iter().any(|line| line.starts_with("tool first: `bin/one`: ")), "{reasons:?}");
    let reasons = explain(&machine.executor(), &prepare("sh", &[&second]), &recipe).unwrap();
    assert!(reasons.contains(&String::from("`/deps/tools/first`: tool first is new")), "{reasons:?}");

    // A command without a folder in its name is the first tool's that has it.
    assert_eq!(prepare("one", &[&first, &second]).steps[0].argv[0], "/deps/tools/first/bin/one");
    assert_eq!(prepare("one", &[&second, &first]).steps[0].argv[0], "/deps/tools/second/one");
}

#[test]
fn what_an_input_and_a_tool_both_claim_is_refused() {
    let machine = Machine::new();
    let tree = |text: &str| [(TreePath::new(text).unwrap(), Entry::directory(0o755))].into_iter().collect();
    for (there, place) in [("tools/first/bin", "/deps"), ("first", "/deps/tools/")] {
        let spec = CommandBuild {
            run: vec![vec![String::from("true")]],
            inputs: vec![BuildInput::Build { build: String::from("made"), to: to(place) }],
        };
        let builds = [(String::from("made"), tree(there))].into();
        let first = tool(&machine, "first", &["bin/one"], "first");
        let error = prepare_with(&machine, "app", spec, builds, vec![first]).unwrap_err();
        assert_eq!(error.to_string(), "build `app`: two inputs have the path `/deps/tools/first`");
    }
}

#[test]
fn tools_are_needed_for_the_platform_that_builds() {
    use longshore_stack::model::{BuildKind, BuildSpec, Limits, Tool, Toolchain};
    let [amd64, arm64] = ["linux/amd64", "linux/arm64"].map(|name| name.parse::<Platform>().unwrap());
    let inputs = vec![build("both", "/src/"), build("data", "/src/")];
    let spec = BuildSpec {
        kind: BuildKind::Command(CommandBuild { run: Vec::new(), inputs }),
        toolchain: Toolchain::Locked {
            packages: Vec::new(),
            tools: vec![Tool::Url(String::from("rust")), Tool::Build(String::from("both"))],
        },
        env: BTreeMap::new(),
        limits: Limits { seconds: 1, memory: None, output: 1 },
    };
    let said = |platform: &Platform| -> Vec<String> {
        let jobs = needs(&spec, platform, &amd64).into_iter();
        jobs.map(|job| format!("{} {}", job.build, job.platform)).collect()
    };
    assert_eq!(said(&arm64), ["both linux/amd64", "both linux/arm64", "data linux/arm64"]);
    assert_eq!(said(&amd64), ["both linux/amd64", "data linux/amd64"]);
}
