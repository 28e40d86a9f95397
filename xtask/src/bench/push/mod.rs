//! A stack of eight images for two platforms into an empty registry, again, and with one package in a newer version: `longshore push`
//! against crane, skopeo and regctl, all from the same layouts; and `longshore push` with its build before it. Bytes are counted on
//! the way to the registry.

mod counter;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::measure::Runs;
use super::registry::Registry;
use super::report::{Section, target, wall};
use super::{Row, empty, said};
use crate::registries;
use crate::run::{Result, capture, root, shipped};
use counter::Counter;

/// Its package that changes is from the source `SOURCE`.
pub const STACK: &str = include_str!("stack.toml");
const RUNS: usize = 3;

/// Who pushes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    Longshore,
    /// From its stack file: it builds before it pushes.
    Building,
    Crane,
    Skopeo,
    Regctl,
}

const ALL: [(Who, [&str; 3]); 5] = [
    (Who::Longshore, ["longshore, cold", "longshore, again", "longshore, one package"]),
    (
        Who::Building,
        ["longshore with build, cold", "longshore with build, again", "longshore with build, one package"],
    ),
    (Who::Crane, ["crane, cold", "crane, again", "crane, one package"]),
    (Who::Skopeo, ["skopeo, cold", "skopeo, again", "skopeo, one package"]),
    (Who::Regctl, ["regctl, cold", "regctl, again", "regctl, one package"]),
];

pub fn section(work: &Path) -> Result<Section> {
    registries::clients()?;
    empty(work)?;
    let bench = Bench { work };
    let (before, after) = (bench.prepare("before", "older")?, bench.prepare("after", "debian")?);
    let mut rows = Vec::new();
    let mut bytes = Vec::new();
    for (who, [cold, again, changed]) in ALL {
        // Each run has a registry of its own, and one that was pushed to before.
        let mut registry = Registry::start(&work.join("registry"))?;
        let mut sent = [0; 3];
        let mut runs: [Vec<_>; 3] = Default::default();
        for _ in 0..RUNS {
            registry = Registry::start(&work.join("registry"))?;
            let counter = Counter::before(&registry.host())?;
            for (at, version) in [&before, &before, &after].into_iter().enumerate() {
                let start = counter.bytes();
                runs[at].push(Runs::take(1, work, || Ok(()), || bench.push(who, version, &counter.host()))?);
                sent[at] = counter.bytes() - start;
            }
        }
        drop(registry);
        for ((name, runs), sent) in [cold, again, changed].into_iter().zip(runs).zip(sent) {
            rows.push(Row { name, runs: Runs::together(runs) });
            bytes.push((name, sent));
        }
    }
    let targets = targets(&rows, &bytes);
    Ok(Section {
        title: String::from("eight images for two platforms: pushed"),
        key: "push",
        rows,
        targets,
        ..Section::default()
    })
}

fn targets(rows: &[Row], bytes: &[(&str, u64)]) -> String {
    let others = |step: &str, of: &dyn Fn(&str) -> f64| {
        ["crane", "skopeo", "regctl"]
            .map(|who| of(&format!("{who}, {step}")))
            .into_iter()
            .fold(f64::INFINITY, f64::min)
    };
    let sent = |name: &str| {
        bytes.iter().find(|(known, _)| *known == name).map_or(f64::NAN, |(_, sent)| *sent as f64)
    };
    let mut text = String::from("\nsent: ");
    let all = bytes.iter().map(|(name, sent)| format!("{name} {:.3} MB", *sent as f64 / 1e6));
    text += &all.collect::<Vec<_>>().join(" · ");
    let fewest = ["cold", "again", "one package"]
        .into_iter()
        .all(|step| sent(&format!("longshore, {step}")) <= others(step, &sent));
    let times = others("again", &|name| wall(rows, name)) / wall(rows, "longshore, again");
    text += &format!(
        "\n\nfrom the same layouts: never more bytes than any of them: {} · again {times:.1} × as fast as the best of them (target 3: {})\n",
        target(fewest),
        target(times >= 3.0)
    );
    text
}

/// The stack at one version: where its file is, a layout of all of it, and a layout of each image with its digest.
struct Version {
    stack: PathBuf,
    whole: PathBuf,
    layouts: Vec<(String, PathBuf, String)>,
}

struct Bench<'a> {
    work: &'a Path,
}

impl Bench<'_> {
    /// Builds the stack with its package from `source`.
    fn prepare(&self, name: &str, source: &str) -> Result<Version> {
        let stack = self.work.join(name);
        empty(&stack)?;
        let file = stack.join("stack.toml");
        fs::write(&file, STACK.replace("SOURCE", source)).map_err(|error| said(&file, &error))?;
        let layout = |arguments: &[&str], layout: &Path| -> Result<serde_json::Value> {
            let mut command = self.longshore(&stack);
            let listed =
                capture(command.args(["--json", "build"]).args(arguments).arg("--output").arg(layout))?;
            let listed: serde_json::Value =
                serde_json::from_str(&listed).map_err(|error| error.to_string())?;
            Ok(listed["published"]["images"].clone())
        };
        let whole = self.work.join(format!("{name}-whole"));
        let images = layout(&[], &whole)?;
        let mut layouts = Vec::new();
        for image in images.as_array().into_iter().flatten() {
            let reference = image["name"].as_str().unwrap_or_default();
            let name =
                reference.rsplit('/').next().and_then(|name| name.split(':').next()).unwrap_or_default();
            let own = whole.with_extension(name);
            layout(&[name], &own)?;
            layouts.push((name.to_owned(), own, image["manifest"].as_str().unwrap_or_default().to_owned()));
        }
        Ok(Version { stack, whole, layouts })
    }

    fn longshore(&self, stack: &Path) -> Command {
        let mut command = Command::new(shipped());
        command.arg("-C").arg(stack).env("LONGSHORE_STORE", self.work.join("store"));
        command
    }

    /// The command that pushes a version; one shell for clients that push one image at a time.
    fn push(&self, who: Who, version: &Version, host: &str) -> Command {
        if matches!(who, Who::Longshore | Who::Building) {
            let mut command = self.longshore(&version.stack);
            command.args(["push", "--to", &format!("{host}/org")]);
            if who == Who::Longshore {
                command.arg("--from").arg(&version.whole);
            }
            return command;
        }
        let tools = root().join("target/test-tools/registries-1");
        let mut script = String::from("set -e\n");
        for (image, layout, digest) in &version.layouts {
            let (layout, to) = (layout.display(), format!("{host}/org/{image}:latest"));
            script += &match who {
                Who::Crane => format!("{}/crane push --insecure {layout} {to}\n", tools.display()),
                Who::Skopeo => {
                    format!("skopeo copy --quiet --all --dest-tls-verify=false oci:{layout} docker://{to}\n")
                }
                _ => format!(
                    "{}/regctl --host reg={host},tls=disabled image copy ocidir://{layout}@{digest} {to}\n",
                    tools.display()
                ),
            };
        }
        let mut command = Command::new("sh");
        command.args(["-c", &script]).env("HOME", self.work).env("TMPDIR", self.work);
        command
    }
}
