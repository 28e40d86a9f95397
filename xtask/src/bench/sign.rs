//! A stack of eight images for two platforms in a registry: signed with a key, and verified. `longshore sign` and `longshore verify`
//! for all of it against cosign, which is started for each image. longshore signs the index and both platforms' manifests of every
//! image; cosign signs the index, or all three with `--recursive`.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::measure::Runs;
use super::push::STACK;
use super::registry::Registry;
use super::report::{Section, target, wall};
use super::{Row, empty, said};
use crate::registries;
use crate::run::{Result, capture, root, run, shipped};
use crate::sigstore;
use crate::test::Length;

const RUNS: usize = 5;
const PASSWORD: &str = "bench";

/// Who signs.
#[derive(Clone, Copy)]
enum Who {
    Longshore,
    Cosign,
    /// Platforms' manifests too.
    CosignRecursive,
}

pub fn section(work: &Path) -> Result<Section> {
    registries::clients()?;
    sigstore::setup(Length::Short)?;
    empty(work)?;
    let bench = Bench { work };
    let stack = work.join("stack.toml");
    fs::write(&stack, STACK.replace("SOURCE", "older")).map_err(|error| said(&stack, &error))?;
    run(bench.longshore().arg("keygen"))?;
    run(bench.cosign().args(["signing-config", "create", "--out", "unlogged.json"]))?;
    run(bench.cosign().args(["trusted-root", "create", "--out", "nobody.json"]))?;
    let mut rows = Vec::new();
    for (who, sign, verify) in [
        (Who::Longshore, "longshore sign", "longshore verify"),
        (Who::Cosign, "cosign sign", "cosign verify"),
        (Who::CosignRecursive, "cosign sign --recursive", ""),
    ] {
        let (mut signed, mut verified) = (Vec::new(), Vec::new());
        for _ in 0..RUNS {
            // Signatures add up, so each run has a registry without any.
            let registry = Registry::start(&work.join("registry"))?;
            let images = bench.push(&registry)?;
            signed.push(Runs::take(1, work, || Ok(()), || bench.sign(who, &images))?);
            if !verify.is_empty() {
                verified.push(Runs::take(1, work, || Ok(()), || bench.verify(who, &images))?);
            }
        }
        rows.push(Row { name: sign, runs: Runs::together(signed) });
        if !verify.is_empty() {
            rows.push(Row { name: verify, runs: Runs::together(verified) });
        }
    }
    let times = |what: &str| {
        let [ours, theirs] = ["longshore", "cosign"].map(|who| wall(&rows, &format!("{who} {what}")));
        theirs / ours
    };
    let (sign, verify) = (times("sign"), times("verify"));
    let targets = format!(
        "\nsigned {sign:.1} × as fast as cosign signs the indexes alone (target 5: {}) · verified {verify:.1} × as fast (target 5: {})\n",
        target(sign >= 5.0),
        target(verify >= 5.0)
    );
    let title = String::from("eight images for two platforms: signed and verified by key");
    Ok(Section { title, key: "sign", targets, rows, ..Section::default() })
}

struct Bench<'a> {
    work: &'a Path,
}

impl Bench<'_> {
    fn longshore(&self) -> Command {
        let mut command = Command::new(shipped());
        command.arg("-C").arg(self.work).env("LONGSHORE_STORE", self.work.join("store"));
        command.env("COSIGN_PASSWORD", PASSWORD);
        command
    }

    fn cosign(&self) -> Command {
        let mut command = Command::new(root().join("target/test-tools/sigstore-1/cosign"));
        self.quiet(&mut command);
        command
    }

    fn quiet(&self, command: &mut Command) {
        command.current_dir(self.work).env("HOME", self.work).env("COSIGN_PASSWORD", PASSWORD);
    }

    /// Pushes the stack; where its images are, by digest.
    fn push(&self, registry: &Registry) -> Result<Vec<String>> {
        let mut command = self.longshore();
        let said = capture(command.args(["--json", "push", "--to", &format!("{}/org", registry.host())]))?;
        let said: serde_json::Value = serde_json::from_str(&said).map_err(|error| error.to_string())?;
        let images = said["images"].as_object().ok_or("`push` says nothing of images")?;
        let reference = |image: &serde_json::Value| {
            let text = |name: &str| image[name].as_str().unwrap_or_default().to_owned();
            format!("{}@{}", text("repository"), text("digest"))
        };
        Ok(images.values().map(reference).collect())
    }

    fn sign(&self, who: Who, images: &[String]) -> Command {
        let how = match who {
            Who::Longshore => {
                let mut command = self.longshore();
                command.args(["sign", "--key"]).arg(self.work.join("cosign.key"));
                return command;
            }
            Who::Cosign => "",
            Who::CosignRecursive => "--recursive",
        };
        self.each(
            images,
            &format!(
                "sign -y {how} --key cosign.key --signing-config unlogged.json --trusted-root nobody.json"
            ),
        )
    }

    fn verify(&self, who: Who, images: &[String]) -> Command {
        match who {
            Who::Longshore => {
                let mut command = self.longshore();
                command.args(["verify", "--key"]).arg(self.work.join("cosign.pub"));
                command
            }
            Who::Cosign | Who::CosignRecursive => self.each(
                images,
                "verify --key cosign.pub --insecure-ignore-tlog=true --trusted-root nobody.json",
            ),
        }
    }

    /// cosign for each image, one after the other, as shells do it.
    fn each(&self, images: &[String], arguments: &str) -> Command {
        let cosign = root().join("target/test-tools/sigstore-1/cosign");
        let mut script = String::from("set -e\n");
        for image in images {
            script += &format!("{} {arguments} {image}\n", cosign.display());
        }
        let mut command = Command::new("sh");
        command.args(["-c", &script]);
        self.quiet(&mut command);
        command
    }
}
