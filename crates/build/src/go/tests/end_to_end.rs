//! Real builds with the machine's own Go: of modules that a server on loopback publishes, and, when asked for, of one
//! from the network.

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;

use fs_err as fs;
use longshore_net::Access;
use longshore_oci::{
    Component, Content, Digest, Entry, Node, PackageId, Platform, Silent, Store, Tree, TreePath,
};
use longshore_stack::model::{Cgo, GoBuild, GoSource, GoSums};
use longshore_testkit::http::{Fault, Server, Times};

use super::{module, zip};
use crate::go::client::{self, Client};
use crate::go::version::GoVersion;
use crate::go::{GoError, GoSum, Part, Prepared, dirhash, prepare, toolchain};
use crate::{Error, Executor, HostToolchain, Input, Leftovers, Root, Settings, Toolchains};

struct HostOnly;

impl Toolchains for HostOnly {
    fn components(
        &self,
        _: &BTreeMap<PackageId, Digest>,
    ) -> Result<Vec<Arc<Component>>, Box<dyn StdError + Send + Sync>> {
        Err("only the machine's own toolchain is here".into())
    }
}

/// A store, and the variables that name a proxy.
fn executor(store: &Path, network: &[(&str, &str)]) -> Executor<'static> {
    Executor::new(Settings {
        store: Store::open(store).unwrap(),
        stack: "/stack".to_owned(),
        jobs: 2,
        progress: &Silent,
        toolchains: &HostOnly,
        access: Access::Online,
        network: network.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        files: BTreeMap::new(),
        certificates: None,
        leftovers: Leftovers::Removed,
        host: HostToolchain::Allowed,
        witness: None,
        supply: None,
        shared: None,
    })
}

fn input<'a>(executor: &'a Executor<'a>, files: &[(&str, &str)]) -> Input<'a> {
    let mut tree = Tree::new();
    for (path, text) in files {
        let content = executor.store().put(text.as_bytes()).unwrap();
        tree.insert(TreePath::new(path).unwrap(), Entry::file(0o644, content));
    }
    Input {
        executor,
        root: Root::Host,
        tools: Vec::new(),
        host: amd64(),
        source: (!files.is_empty()).then(|| executor.put_tree(&tree).unwrap()),
        env: BTreeMap::new(),
        paths: BTreeMap::new(),
        builds: BTreeMap::new(),
        urls: BTreeMap::new(),
    }
}

fn amd64() -> Platform {
    "linux/amd64".parse().unwrap()
}

fn spec(source: GoSource, packages: &[&str]) -> GoBuild {
    GoBuild {
        source,
        packages: packages.iter().map(|package| (*package).to_owned()).collect(),
        tags: vec![],
        ldflags: vec!["-X main.version=7".to_owned()],
        cgo: Cgo::Off,
    }
}

fn hello() -> GoSource {
    GoSource::Module { path: "example.org/hello".to_owned(), version: "v1.0.0".to_owned(), sums: None }
}

const HELLO: &str = "module example.org/hello\n\ngo 1.21\n\nrequire (\n\texample.org/greet v1.0.0\n\texample.org/hello/api v0.2.0\n)\n\n\
                     replace example.org/greet => example.org/Fork v1.1.0\n\nreplace example.org/hello/api => ./api\n";
const MAIN: &str = "package main\n\nimport (\n\t\"example.org/greet\"\n\t\"example.org/hello/api\"\n)\n\nvar version string\n\n\
                    func main() { println(greet.Text, api.Number, version) }\n";
const FORK: &str = "module example.org/greet\n\ngo 1.21\n";
const API: &str = "module example.org/hello/api\n\ngo 1.21\n";

/// Publishes a module; gives its lines of `go.sum`.
fn publish(root: &Path, path: &str, version: &str, go_mod: &str, files: &[(&str, &str)]) -> GoSum {
    let m = module(path, version);
    // The server takes names as they are asked for.
    let base = root.join(m.cached().replace('!', "%21")).display().to_string();
    fs::create_dir_all(Path::new(&base).parent().unwrap()).unwrap();
    let named: Vec<_> = files.iter().map(|(name, text)| (format!("{m}/{name}"), *text)).collect();
    let mut all: Vec<_> = named.iter().map(|(name, text)| (name.as_str(), *text)).collect();
    let go_mod_name = format!("{m}/go.mod");
    all.push((&go_mod_name, go_mod));
    let bytes = zip(&all);
    fs::write(format!("{base}.zip"), &bytes).unwrap();
    fs::write(format!("{base}.mod"), go_mod).unwrap();
    fs::write(format!("{base}.info"), format!("{{\"Version\":\"{version}\"}}")).unwrap();
    let mut sums = GoSum::default();
    sums.insert(&m, Part::Zip, dirhash::zip(Cursor::new(bytes), &m).unwrap());
    sums.insert(&m, Part::GoMod, dirhash::go_mod(go_mod.as_bytes()));
    sums
}

/// `example.org/hello`, whose authors have one module as a fork and another one as a folder.
struct Published {
    folder: tempfile::TempDir,
    server: Server,
    /// Of `hello` itself and of the folder's published version, which its `go.sum` does not have.
    pins: GoSum,
    /// Of the fork, which it has.
    fork: GoSum,
}

impl Published {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("proxy");
        let greet = [("greet.go", "package greet\n\nconst Text = \"good day\"\n")];
        let fork = publish(&root, "example.org/Fork", "v1.1.0", FORK, &greet);
        let number = [("api.go", "package api\n\nconst Number = 42\n")];
        let mut pins = publish(&root, "example.org/hello/api", "v0.2.0", API, &number);
        let files = [("cmd/hello/main.go", MAIN), ("go.sum", &fork.to_string())];
        pins.extend(&publish(&root, "example.org/hello", "v1.0.0", HELLO, &files));
        let server = Server::new(&root);
        Self { folder, server, pins, fork }
    }

    fn executor(&self) -> Executor<'static> {
        let url = self.server.url();
        executor(&self.folder.path().join("store"), &[("GOPROXY", &url), ("GONOSUMDB", "*")])
    }

    fn prepare(&self, pins: &GoSum) -> Result<Prepared, Error> {
        let executor = self.executor();
        prepare("hello", &spec(hello(), &["./cmd/hello"]), &amd64(), &input(&executor, &[]), pins)
    }
}

fn go_error(error: Error) -> GoError {
    match error {
        Error::Go(error) => *error,
        other => panic!("{other}"),
    }
}

/// What the program `name` prints.
fn printed(executor: &Executor<'_>, prepared: &Prepared, name: &str) -> String {
    let output = executor.run(&prepared.recipe).unwrap();
    let entry = output.tree.get(&TreePath::new(format!("bin/{name}")).unwrap()).unwrap();
    let Node::File(content) = entry.node else { panic!("{entry:?}") };
    assert_eq!(entry.mode & 0o111, 0o111);
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join(name);
    fs::write(&program, executor.store().read_blob(&content).unwrap()).unwrap();
    fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let output = longshore_testkit::Tool::new(program.to_str().unwrap()).output();
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

#[test]
fn a_published_module_with_replacements_is_built_and_fetched_once() {
    let published = Published::new();
    let first = published.prepare(&GoSum::default()).unwrap();
    assert_eq!(first.pins, published.pins);
    let executor = published.executor();
    assert_eq!(printed(&executor, &first, "hello"), "good day 42 7\n");
    // With what was locked, and with nothing, from what is there.
    let asked = published.server.total_requests();
    assert_eq!(published.prepare(&first.pins).unwrap(), first);
    assert_eq!(published.prepare(&GoSum::default()).unwrap(), first);
    assert_eq!(published.server.total_requests(), asked);
    // From nothing again, with what was locked: the same.
    let other = Published { folder: tempfile::tempdir().unwrap(), ..published };
    assert_eq!(other.prepare(&first.pins).unwrap(), first);
}

#[test]
fn what_was_fetched_for_one_platform_is_not_fetched_for_another() {
    let published = Published::new();
    let first = published.prepare(&GoSum::default()).unwrap();
    let asked = |server: &Server| server.requests("example.org/%21fork/@v/v1.1.0.zip");
    assert_eq!(asked(&published.server), 1);
    let executor = published.executor();
    let arm64 = "linux/arm64".parse().unwrap();
    let spec = spec(hello(), &["./cmd/hello"]);
    let second = prepare("hello", &spec, &arm64, &input(&executor, &[]), &first.pins).unwrap();
    assert_eq!((second.pins, asked(&published.server)), (first.pins, 1));
    let modules = |recipe: &crate::Recipe| recipe.mounts[client::MODULES].clone();
    assert_eq!(modules(&second.recipe), modules(&first.recipe));
}

#[test]
fn a_module_in_the_tree_is_built_by_its_own_go_sum() {
    let published = Published::new();
    let executor = published.executor();
    let go_mod = "module example.org/own\n\ngo 1.21\n\nrequire example.org/greet v1.0.0\n\n\
                  require example.org/local v0.0.0\n\n\
                  replace example.org/greet => example.org/Fork v1.1.0\n\nreplace example.org/local => ./local\n";
    let main = "package main\n\nimport (\n\t\"example.org/greet\"\n\t\"example.org/local\"\n)\n\n\
                func main() { println(greet.Text, local.Text) }\n";
    let sums = published.fork.to_string();
    let files = [
        ("go.mod", go_mod),
        ("go.sum", sums.as_str()),
        ("main.go", main),
        ("local/go.mod", "module example.org/local\n\ngo 1.21\n"),
        ("local/local.go", "package local\n\nconst Text = \"sir\"\n"),
    ];
    let own = spec(GoSource::Path("apps/own".to_owned()), &["."]);
    let prepared = prepare("own", &own, &amd64(), &input(&executor, &files), &GoSum::default()).unwrap();
    assert!(prepared.pins.is_empty());
    assert_eq!(printed(&executor, &prepared, "own"), "good day sir\n");
    // Another source with the same go.mod and go.sum fetches nothing.
    let asked = published.server.total_requests();
    let mut changed = files;
    changed[2] = ("main.go", "package main\n\nfunc main() {}\n");
    let again = prepare("own", &own, &amd64(), &input(&executor, &changed), &GoSum::default()).unwrap();
    assert_ne!(again.recipe.key(), prepared.recipe.key());
    assert_eq!(published.server.total_requests(), asked);
}

#[test]
fn what_is_wrong_with_a_tree_is_said_before_anything_is_fetched() {
    let folder = tempfile::tempdir().unwrap();
    let executor = executor(folder.path(), &[("GOPROXY", "off")]);
    let own = spec(GoSource::Path("apps/own".to_owned()), &["."]);
    let error = |files: &[(&str, &str)]| {
        go_error(prepare("own", &own, &amd64(), &input(&executor, files), &GoSum::default()).unwrap_err())
    };
    assert!(matches!(error(&[]), GoError::NoFile { file: "go.mod", .. }));
    let needs = "module m\nrequire example.org/greet v1.0.0\n";
    assert!(matches!(error(&[("go.mod", needs)]), GoError::NoFile { file: "go.sum", .. }));
    let missing = error(&[("go.mod", needs), ("go.sum", "")]);
    assert_eq!(
        missing.to_string(),
        "`go.sum` of `apps/own` has no line for `example.org/greet@v1.0.0`, which `go.mod` requires"
    );
    assert!(missing.hint().unwrap().contains("go mod tidy"));
    for (new, problem) in [("../shared", "is outside the build's `path`"), ("./none", "has no `go.mod`")] {
        let text = format!("module m\nreplace example.org/x => {new}\n");
        let error = error(&[("go.mod", &text)]);
        assert!(error.to_string().contains(problem), "{error}");
    }
    assert!(matches!(error(&[("go.mod", "module m\nrequire\n")]), GoError::GoMod { .. }));
}

#[test]
fn other_bytes_than_were_pinned_are_refused_by_name() {
    let published = Published::new();
    let m = module("example.org/hello", "v1.0.0");
    let mut source = hello();
    if let GoSource::Module { sums, .. } = &mut source {
        let wrong = "h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned();
        let go_mod = published.pins.get(&m, Part::GoMod).unwrap().to_owned();
        *sums = Some(GoSums { zip: wrong, go_mod });
    }
    let executor = published.executor();
    let spec = spec(source, &["./cmd/hello"]);
    let error = prepare("hello", &spec, &amd64(), &input(&executor, &[]), &GoSum::default()).unwrap_err();
    let error = go_error(error);
    assert!(matches!(error, GoError::Tampered { .. } | GoError::Checksum { .. }), "{error}");
    assert!(error.to_string().contains("example.org/hello@v1.0.0"), "{error}");
    // A dependency that its go.sum does not know so.
    let evil = zip(&[
        ("example.org/Fork@v1.1.0/go.mod", FORK),
        ("example.org/Fork@v1.1.0/greet.go", "package greet\n\nconst Text = \"evil\"\n"),
    ]);
    published.server.fault("example.org/%21fork/@v/v1.1.0.zip", Fault::Replace(evil), Times::Always);
    let error = go_error(published.prepare(&GoSum::default()).unwrap_err());
    assert!(matches!(error, GoError::Tampered { .. }), "{error}");
}

#[test]
fn a_module_that_is_nowhere_and_a_proxy_that_is_down_are_told_apart() {
    let published = Published::new();
    published.server.fault("example.org/hello/api/@v/v0.2.0.mod", Fault::Missing, Times::Always);
    let error = go_error(published.prepare(&GoSum::default()).unwrap_err());
    assert!(matches!(error, GoError::NotFound { .. }), "{error}");
    assert!(error.to_string().contains("example.org/hello/api"), "{error}");

    let folder = tempfile::tempdir().unwrap();
    let executor = executor(folder.path(), &[("GOPROXY", "http://127.0.0.1:1"), ("GONOSUMDB", "*")]);
    let spec = spec(hello(), &["./cmd/hello"]);
    let error = prepare("hello", &spec, &amd64(), &input(&executor, &[]), &GoSum::default()).unwrap_err();
    let error = go_error(error);
    assert!(matches!(error, GoError::Unreachable { .. }), "{error}");
    assert!(error.hint().unwrap().contains("GOPROXY"));
}

/// From the ordinary proxy, by the checksum database.
#[test]
#[ignore = "needs the network and minutes: ./x test --long"]
fn a_small_tool_is_built_from_the_network_for_two_platforms() {
    let folder = tempfile::tempdir().unwrap();
    let executor = executor(folder.path(), &[]);
    let (path, version) = ("golang.org/x/tools".to_owned(), "v0.30.0".to_owned());
    let spec = spec(GoSource::Module { path, version, sums: None }, &["./cmd/stringer"]);
    let prepared = prepare("stringer", &spec, &amd64(), &input(&executor, &[]), &GoSum::default()).unwrap();
    let pins = prepared.pins.to_string();
    // As the checksum database has them.
    assert!(
        pins.contains("golang.org/x/tools v0.30.0 h1:BgcpHewrV5AUp2G9MebG4XPFI1E2W41zU1SaqVA9vJY="),
        "{pins}"
    );
    assert!(printed(&executor, &prepared, "stringer").contains("Usage of stringer"));
    let arm = "linux/arm64".parse().unwrap();
    let prepared = prepare("stringer", &spec, &arm, &input(&executor, &[]), &prepared.pins).unwrap();
    let output = executor.run(&prepared.recipe).unwrap();
    assert!(output.tree.get(&TreePath::new("bin/stringer").unwrap()).is_some());
}

/// A release as a module of the ordinary proxy, by the checksum database; it runs, and it is held to its pin.
#[test]
#[ignore = "needs the network and minutes: ./x test --long"]
fn a_go_release_from_the_network_is_pinned_and_runs() {
    let folder = tempfile::tempdir().unwrap();
    let executor = executor(folder.path(), &[]);
    let files =
        [("go.mod", "module m\n\ngo 1.21\n"), ("main.go", "package main\n\nfunc main() { println(1) }\n")];
    let input = input(&executor, &files);
    let locked = Client::of_root(&Root::Host, "m").unwrap();
    let release = || GoVersion::parse("1.24.5").unwrap();
    let (client, sums) = toolchain::fetch("m", release(), &locked, &GoSum::default(), &input).unwrap();
    assert_eq!(
        sums.to_string(),
        "golang.org/toolchain v0.0.1-go1.24.5.linux-amd64 h1:J3XiuBIiVPnlfCSOjkv8AGhrPIL7w6Y66uTTos547f8=\n"
    );
    // Known by its pin, it is not fetched again.
    assert_eq!(toolchain::fetch("m", release(), &locked, &sums, &input).unwrap(), (client.clone(), sums));

    let own = spec(GoSource::Path("m".to_owned()), &["."]);
    let mut prepared = prepare("m", &own, &amd64(), &input, &GoSum::default()).unwrap();
    let env = client::build_env(&amd64(), Cgo::Off);
    prepared.recipe.steps = vec![
        client.script(
            "go version".to_owned(),
            "mkdir /out/bin; /deps/go/bin/go version >/out/version; /deps/go/bin/go build -o /out/bin/ ."
                .to_owned(),
            env,
            "/src",
        ),
    ];
    prepared.recipe.mounts.extend(client.mount.clone().map(|mount| (client::TOOLCHAIN.to_owned(), mount)));
    assert_eq!(printed(&executor, &prepared, "m"), "1\n");
    let output = executor.run(&prepared.recipe).unwrap();
    let version = output.tree.get(&TreePath::new("version").unwrap()).unwrap();
    assert_eq!(version.node, Node::File(Content::of(b"go version go1.24.5 linux/amd64\n")));

    // Another sum than the checksum database's is another release.
    let wrong = GoSum::parse(
        "golang.org/toolchain v0.0.1-go1.24.5.linux-amd64 h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    );
    let error = go_error(toolchain::fetch("m", release(), &locked, &wrong.unwrap(), &input).unwrap_err());
    assert!(matches!(error, GoError::Checksum { .. }), "{error}");
}

/// Modules with many replacements, one by a folder, and one that the checksum database does not know; not built here.
#[test]
#[ignore = "needs the network and minutes: ./x test --long"]
fn large_published_modules_are_locked() {
    let folder = tempfile::tempdir().unwrap();
    let executor = executor(folder.path(), &[]);
    let lock = |path: &str, version: &str, sums, package: &str| {
        let source = GoSource::Module { path: path.to_owned(), version: version.to_owned(), sums };
        let input = input(&executor, &[]);
        let first =
            prepare("x", &spec(source.clone(), &[package]), &amd64(), &input, &GoSum::default()).unwrap();
        let again = prepare("x", &spec(source, &[package]), &amd64(), &input, &first.pins).unwrap();
        assert_eq!(again, first);
        first.pins.to_string()
    };
    let pins = lock("github.com/grafana/loki/v3", "v3.7.8", None, "./cmd/loki");
    let names: Vec<_> = pins.lines().filter_map(|line| line.split(" h1:").next()).collect();
    let names: Vec<_> = names.iter().filter(|name| !name.contains("toolchain")).copied().collect();
    assert_eq!(
        names,
        [
            "github.com/grafana/loki/pkg/push v0.0.0-20250630054201-94c0ba7b0952",
            "github.com/grafana/loki/pkg/push v0.0.0-20250630054201-94c0ba7b0952/go.mod",
            "github.com/grafana/loki/v3 v3.7.8",
            "github.com/grafana/loki/v3 v3.7.8/go.mod",
        ]
    );
    // As the go.sum of other published modules has them.
    let sums = GoSums {
        zip: "h1:wnzJov9RhSHGaTYGzTygL4qq986fLen8xSqnQgaMd28=".to_owned(),
        go_mod: "h1:j1IY7J2rUz7TcTjFVVx6HCpyTlYOJPtXuGRZ7sI+vSo=".to_owned(),
    };
    let version = "v1.5.1-0.20250529124718-87c2dc380cec";
    let pins = lock("github.com/grafana/tempo", version, Some(sums), "./cmd/tempo");
    assert_eq!(pins.lines().count(), 2, "{pins}");
}
