mod archives;
mod caches;
mod engines;
mod layouts;
mod pushes;

use std::path::{Path, PathBuf};

use longshore_image::pack::{Layer, Recipe, Wanted, layers};
use longshore_image::{Image, ImageIndex};
use longshore_oci::{
    Config, Entry, Epoch, History, ImageConfig, Node, Platform, RootFsConfig, Silent, Store, Tree, TreePath,
};
use longshore_testkit::Tool;

/// A store and a folder for outputs, gone with the test.
struct Bench {
    folder: tempfile::TempDir,
    store: Store,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("store")).unwrap();
        Self { folder, store }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A layer with a directory, a file, a hard link, a symbolic link and a writable directory, all named after it.
    fn layer(&self, name: &str) -> (Tree, Layer) {
        let path = |text: &str| TreePath::new(text).unwrap();
        let bytes = format!("{name}\n").repeat(100_000);
        let file = Entry::file(0o755, self.store.put(bytes.as_bytes()).unwrap());
        let hard = Entry { node: Node::Hardlink(path(&format!("bin/{name}"))), ..Entry::directory(0o755) };
        let tree: Tree = [
            (path("bin"), Entry::directory(0o755)),
            (path(&format!("bin/{name}")), file),
            (path(&format!("bin/{name}-too")), hard),
            (path(&format!("bin/{name}-link")), Entry::symlink(name)),
            (path(&format!("data-{name}")), Entry::directory(0o700)),
        ]
        .into_iter()
        .collect();
        let recipe =
            Recipe::new(name, &tree, tree.iter().map(|(path, _)| path), Epoch(1_700_000_000)).unwrap();
        (tree, layers(vec![recipe], Wanted::DiffIds, &self.store, 2, &Silent).unwrap().remove(0))
    }

    fn image(&self, name: &str, platform: &str, parts: &[&str]) -> Image {
        let platform: Platform = platform.parse().unwrap();
        let layers: Vec<_> = parts.iter().map(|part| self.layer(part).1).collect();
        let created = Epoch(1_700_000_000).to_string();
        let history = |layer: &Layer| History {
            created: created.clone(),
            created_by: layer.name().to_owned(),
            ..History::default()
        };
        let config = ImageConfig {
            created: created.clone(),
            platform: platform.clone(),
            config: Config {
                user: "10001:10001".into(),
                cmd: vec![format!("/bin/{name}")],
                ..Config::default()
            },
            rootfs: RootFsConfig {
                kind: "layers".into(),
                diff_ids: layers.iter().map(|layer| layer.diff_id).collect(),
            },
            history: layers.iter().map(history).collect(),
        };
        Image { name: name.to_owned(), platform, config, layers, notes: Vec::new(), base: None }
    }

    /// Images `web` and `api`, which share their first layer.
    fn two(&self) -> Vec<ImageIndex> {
        let one = |name: &str| {
            let image = self.image(name, "linux/amd64", &["base", name]);
            ImageIndex::new(format!("ghcr.io/stack/{name}:1").parse().unwrap(), vec![image])
        };
        vec![one("web"), one("api")]
    }

    /// Image `all` for two platforms.
    fn multi(&self) -> ImageIndex {
        let images = ["linux/arm64", "linux/amd64"]
            .map(|platform| self.image("all", platform, &["base", &platform[6..]]));
        ImageIndex::new("stack/all:1".parse().unwrap(), images.into())
    }
}

/// Copies an image with skopeo, which verifies every digest, and gives the digests of its manifest and configuration.
fn skopeo(from: &str, to: &Path) -> (String, String) {
    let target = format!("dir:{}", to.display());
    Tool::new("skopeo").args(["--insecure-policy", "copy", "--quiet", from, &target]).run();
    let manifest = fs_err::read(to.join("manifest.json")).unwrap();
    let parsed: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    let digest = longshore_oci::Digest::of(&manifest).to_string();
    (digest, parsed["config"]["digest"].as_str().unwrap().to_owned())
}

fn problems(layout: &Path) -> Vec<String> {
    crate::validate(layout).iter().map(ToString::to_string).collect()
}
