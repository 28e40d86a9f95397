//! What is said to an engine's client, with a script in its place; real engines are tested with the binary.

use longshore_image::pack::Layer;
use longshore_oci::Silent;
use longshore_testkit::Tool;

use super::Bench;
use crate::engine::{self, Client};
use crate::{Error, Identity};

/// A client that keeps what it is fed, and answers as `known` says.
fn client(bench: &Bench, driver: &str, known: &[&Layer], load: &str) -> Client {
    let layers: Vec<String> = known.iter().map(|layer| format!("\"{}\"", layer.diff_id)).collect();
    let script = format!(
        r#"set -eu
here=$(dirname "$0")
echo "$@" >> "$here/log"
case "$1 ${{2-}}" in
"version "*) echo linux/amd64;;
"info "*) echo '{driver}';;
"image ls") echo sha256:1; echo sha256:1;;
"image inspect") case "$4" in
    "{{{{.Id}}}}") echo sha256:{id};;
    *) echo '[{layers}]';;
    esac;;
"load "*) {load};;
*) echo "unexpected: $*" >&2; exit 1;;
esac
"#,
        id = "ab".repeat(32),
        layers = layers.join(","),
    );
    let path = bench.path("docker");
    fs_err::write(&path, script).unwrap();
    // Not started itself: another test's child may hold it open for writing just then.
    Client::new("sh").with(path.to_str().unwrap())
}

/// The layer files in the archive that the client was fed, by the layers' names.
fn fed(bench: &Bench, layers: &[&Layer]) -> Vec<String> {
    let listed = Tool::new("tar").arg("-tf").arg(bench.path("fed.tar")).run();
    let held = |layer: &&&Layer| listed.contains(&format!("{}.tar", layer.diff_id.0.hex()));
    layers.iter().filter(held).map(|layer| layer.name().to_owned()).collect()
}

const CLASSIC: &str = r#"[["Backing Filesystem","extfs"]]"#;
const KEEP: &str = r#"cat > "$here/fed.tar""#;

#[test]
fn docker_gets_only_layers_that_it_lacks() {
    let bench = Bench::new();
    let images = bench.two();
    let (web, api) = (&images[0].images[0].layers, &images[1].images[0].layers);
    let all = [&web[0], &web[1], &api[1]];
    for (driver, known, expected) in [
        (CLASSIC, vec![], vec!["base", "web", "api"]),
        (CLASSIC, vec![&web[0]], vec!["web", "api"]),
        (CLASSIC, vec![&web[0], &web[1]], vec!["api"]),
        // The same layer on another one is another chain.
        (CLASSIC, vec![&web[1], &web[0]], vec!["base", "web", "api"]),
        (r#"[["driver-type","io.containerd.snapshotter.v1"]]"#, vec![&web[0]], vec!["base", "web", "api"]),
    ] {
        let client = client(&bench, driver, &known, KEEP);
        let published = engine::docker::load(&client, &images, &bench.store, &Silent).unwrap();
        assert_eq!(fed(&bench, &all), expected);
        assert_eq!(published.bytes_sent, fs_err::metadata(bench.path("fed.tar")).unwrap().len());
        let left: u64 =
            all.iter().filter(|layer| !expected.contains(&layer.name())).map(|layer| layer.size).sum();
        assert_eq!(published.bytes_skipped, left);
        assert_eq!(published.images[1].name, "ghcr.io/stack/api:1");
        assert!(matches!(published.images[1].identity, Identity::Id(id) if id.hex() == "ab".repeat(32)));
    }
}

#[test]
fn docker_gets_all_when_leaving_out_fails() {
    let bench = Bench::new();
    let images = bench.two();
    let (web, api) = (&images[0].images[0].layers, &images[1].images[0].layers);
    let load = format!(r#"{KEEP}; tar -tf "$here/fed.tar" | grep -q {}.tar"#, web[0].diff_id.0.hex());
    let client = client(&bench, CLASSIC, &[&web[0]], &load);
    let published = engine::docker::load(&client, &images, &bench.store, &Silent).unwrap();
    assert_eq!(published.bytes_skipped, 0);
    assert_eq!(fed(&bench, &[&web[0], &web[1], &api[1]]), ["base", "web", "api"]);
}

#[test]
fn failures_say_what_the_client_said() {
    let bench = Bench::new();
    let images = bench.two();
    let load = |load: &str| {
        let client = client(&bench, CLASSIC, &[], load);
        engine::docker::load(&client, &images, &bench.store, &Silent).unwrap_err()
    };
    // It stops reading long before the end.
    let error = load("echo no space left on device >&2; exit 1");
    assert!(
        matches!(&error, Error::Engine { said, command, .. } if said == "no space left on device" && command == "load --quiet"),
        "{error:?}"
    );
    let error = load(
        "echo 'Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?' >&2; exit 1",
    );
    assert!(matches!(&error, Error::Unreachable { .. }), "{error:?}");
    assert!(error.hint().unwrap().contains("systemctl start docker"));

    let absent = Client::new(bench.path("absent").to_str().unwrap());
    let error = engine::docker::load(&absent, &images, &bench.store, &Silent).unwrap_err();
    assert!(matches!(&error, Error::NoEngine { .. }), "{error:?}");
    assert!(error.hint().unwrap().contains("longshore save"));
}

#[test]
fn our_own_failure_is_ours_and_the_engine_sees_no_whole_archive() {
    let bench = Bench::new();
    let images = bench.two();
    let blob = images[0].images[0].layers[1].recipe().unwrap().entries().iter().find_map(|(_, entry)| {
        match entry.node {
            longshore_oci::Node::File(content) => Some(content),
            _ => None,
        }
    });
    fs_err::remove_file(bench.store.blob_path(&blob.unwrap().digest)).unwrap();
    let client = client(&bench, CLASSIC, &[], &format!(r#"{KEEP}; touch "$here/loaded""#));
    let error = engine::docker::load(&client, &images, &bench.store, &Silent).unwrap_err();
    assert!(matches!(error, Error::Pack(_)), "{error:?}");
    assert!(!bench.path("loaded").exists());
}
