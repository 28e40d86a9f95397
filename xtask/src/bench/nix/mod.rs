//! Closures of the Nix store as images: read from the store and from a binary cache, against Nix's own reading and copying of the
//! same paths, and against umoci with a tar of them; and packed, when they are read already, against other packers.

mod closure;
mod packing;

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::goal::{Goal, median};
use super::measure::Figure;
use super::measure::Runs;
use super::report::{Section, target, wall};
use super::{Effort, Row, empty, said};
use crate::run::{Result, capture, root, shipped};
use closure::{Closure, Store};

const STACK: &str = include_str!("stack.toml");
const RUNS: usize = 3;
const QUICK_RUNS: usize = 9;
/// Bytes of a closure whose packing is measured: with less, programs that start are all that is seen.
const LEAST: u64 = 100_000_000;

pub fn sections(work: &Path, effort: Effort) -> Result<Vec<Section>> {
    crate::nix::setup()?;
    let (store, closures) = closure::prepare()?;
    let key = closure::public_key(&store)?;
    let mut sections = Vec::new();
    for (closure, [name, packing]) in
        closures.iter().zip([["nix-small", "nix-small-packing"], ["nix-large", "nix-large-packing"]])
    {
        let work = work.join(name);
        empty(&work)?;
        let server = Server::start(&closure.cache)?;
        let bench = Bench { store: &store, closure, work, cache: server.address(), key: &key };
        sections.push(bench.section(name)?);
        if effort == Effort::Trial || closure.bytes > LEAST {
            sections.push(packing::section(&bench, packing, effort)?);
        }
        empty(&bench.work)?;
        if effort == Effort::Trial {
            break;
        }
    }
    Ok(sections)
}

struct Bench<'a> {
    store: &'a Store,
    closure: &'a Closure,
    work: PathBuf,
    /// Address of the binary cache.
    cache: String,
    key: &'a str,
}

impl Bench<'_> {
    fn section(&self, key: &'static str) -> Result<Section> {
        let take = |times, before: &mut dyn FnMut() -> Result, timed: &dyn Fn() -> Command| {
            Runs::take(times, &self.work, before, timed)
        };
        let (layout, content) = (self.work.join("layout"), self.work.join("content"));
        let fresh = || empty(&content).and_then(|()| empty(&layout));
        let mut rows = Vec::new();
        let mut written = Vec::new();
        let mut row = |name, runs| rows.push(Row { name, runs });

        self.change(0)?;
        let build = || self.longshore("build");
        let to_layout = || {
            let mut build = self.longshore("build");
            build.arg("--output").arg(&layout);
            build
        };
        row("longshore, cold", take(RUNS, &mut || fresh(), &to_layout)?);
        // What the layout shares with the store is one file by two names.
        written.push(("longshore, cold", size(&content)? + size(&layout)?));
        row("longshore, cold, no layout", take(RUNS, &mut || fresh(), &build)?);
        row("longshore, no-op", take(QUICK_RUNS, &mut || Ok(()), &build)?);
        let mut turn = 0;
        let mut change = || {
            turn += 1;
            self.change(turn)
        };
        row("longshore, one path", take(QUICK_RUNS, &mut change, &build)?);

        let by_hand = self.work.join("umoci");
        row("tar + umoci", take(RUNS, &mut || empty(&by_hand), &|| self.umoci(&by_hand))?);
        written.push(("tar + umoci", size(&by_hand)?));
        empty(&by_hand)?;
        row("nix-store --dump", take(RUNS, &mut || Ok(()), &|| self.dump("cat > /dev/null"))?);
        row("nix-store --dump | sha256sum", take(RUNS, &mut || Ok(()), &|| self.dump("sha256sum"))?);

        // The application is in no cache.
        self.write("")?;
        let without_nix = || {
            let mut build = self.longshore("build");
            build.env("LONGSHORE_NIX", "none");
            build
        };
        row("longshore from the cache", take(RUNS, &mut || fresh(), &without_nix)?);
        written.push(("longshore from the cache", size(&content)?));
        fresh()?;
        let other = self.work.join("other");
        row("nix copy from the cache", take(RUNS, &mut || empty(&other), &|| self.copy(&other))?);
        written.push(("nix copy from the cache", size(&other)?));
        empty(&other)?;

        let goals = vec![
            Goal::at_most(
                "longshore, no-op",
                median(&rows, Figure::Wall, "longshore, no-op") * 1e3,
                10.0,
                " ms",
            ),
            Goal::at_most(
                "longshore, one path: CPU",
                median(&rows, Figure::Cpu, "longshore, one path"),
                0.9,
                " s",
            ),
        ];
        Ok(Section {
            title: self.title(),
            key,
            targets: targets(&rows, &written),
            goals,
            pairs: vec![
                ("longshore, cold", "tar + umoci"),
                ("longshore, cold, no layout", "nix-store --dump | sha256sum"),
                ("longshore from the cache", "nix copy from the cache"),
            ],
            rows,
            ..Section::default()
        })
    }

    fn title(&self) -> String {
        let archives = megabytes(self.closure.bytes);
        format!("{} store paths, {archives:.1} MB of archives", self.closure.paths.len())
    }

    /// Writes and locks the stack with an application that was never there before.
    fn change(&self, turn: usize) -> Result {
        let app = self.work.join("application");
        empty(&app)?;
        let file = app.join("settings");
        fs::write(&file, format!("turn {turn}\n")).map_err(|error| said(&file, &error))?;
        self.write(&format!("{{ nix = \"{}\", to = \"/srv\" }}", self.store.add(&app)?))
    }

    /// Writes the stack and locks it.
    fn write(&self, application: &str) -> Result {
        let text = STACK.replace("CACHE", &self.cache).replace("KEY", self.key);
        let text = text.replace("TOP", &self.closure.top).replace("APPLICATION", application);
        let file = self.work.join("stack.toml");
        fs::write(&file, text).map_err(|error| said(&file, &error))?;
        capture(&mut self.longshore("lock")).map(drop)
    }

    fn longshore(&self, command: &str) -> Command {
        let mut longshore = Command::new(shipped());
        self.store.environment(&mut longshore);
        longshore.env("LONGSHORE_STORE", self.work.join("content"));
        longshore.arg("-C").arg(&self.work).args(["--quiet", command]);
        longshore
    }

    /// Nix's own archive of every path, into `to`.
    fn dump(&self, to: &str) -> Command {
        let mut shell = self.shell(&format!("for path; do nix-store --dump $path | {to}; done > /dev/null"));
        shell.args(&self.closure.paths);
        shell
    }

    /// One layer of all paths.
    fn umoci(&self, folder: &Path) -> Command {
        let mut shell = self.shell(
            "cd $1; shift; umoci init --layout layout; umoci new --image layout:x\n\
             tar -C $NIX_REMOTE -c --owner=0 --group=0 --mtime=@1 --sort=name \"$@\" > paths.tar\n\
             umoci raw add-layer --image layout:x paths.tar; rm paths.tar",
        );
        shell.arg(folder).args(self.closure.paths.iter().map(|path| path.trim_start_matches('/')));
        shell
    }

    fn copy(&self, to: &Path) -> Command {
        let mut copy =
            self.store.nix(&["copy", "--from", &self.cache, "--option", "trusted-public-keys", self.key]);
        // What it once asked a cache is not asked again.
        copy.env("XDG_CACHE_HOME", to).arg("--to").arg(to.join("store")).arg(&self.closure.top);
        copy
    }

    fn shell(&self, script: &str) -> Command {
        let mut shell = Command::new("sh");
        self.store.environment(&mut shell);
        shell.args(["-e", "-c", script, "sh"]);
        shell
    }
}

fn targets(rows: &[Row], written: &[(&str, u64)]) -> String {
    let wall = |name: &str| wall(rows, name);
    let written = written.iter().map(|(name, bytes)| format!("{name} {:.1} MB", megabytes(*bytes)));
    let times = |theirs, ours| wall(theirs) / wall(ours);
    let packed = times("tar + umoci", "longshore, cold");
    let read = times("nix-store --dump | sha256sum", "longshore, cold, no layout");
    let copied = times("nix copy from the cache", "longshore from the cache");
    format!(
        "\nwritten: {}\n\ncold {packed:.1} × as fast as tar with umoci (target 1: {}) · {read:.1} × as fast as Nix reads and hashes (target 1: {}) · \
         from a cache {copied:.1} × as fast as Nix copies (target 1: {}) · no-op under 100 ms: {} · one path under 500 ms: {}\n",
        written.collect::<Vec<_>>().join(" · "),
        target(packed >= 1.0),
        target(read >= 1.0),
        target(copied >= 1.0),
        target(wall("longshore, no-op") < 0.1),
        target(wall("longshore, one path") < 0.5),
    )
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// Bytes of all files in a folder.
fn size(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder).map_err(|error| said(folder, &error))?.flatten() {
        let meta = entry.metadata().map_err(|error| said(&entry.path(), &error))?;
        bytes += match meta.is_dir() {
            true => size(&entry.path())?,
            // Of a file by two names each is half.
            false => meta.len() / meta.nlink().max(1),
        };
    }
    Ok(bytes)
}

/// A folder by HTTP, until it is dropped.
struct Server {
    process: Child,
    port: u16,
}

impl Server {
    fn start(folder: &Path) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
        let port = listener.local_addr().map_err(|error| error.to_string())?.port();
        drop(listener);
        let mut caddy = Command::new("caddy");
        caddy.args(["file-server", "--listen", &format!("127.0.0.1:{port}"), "--root"]).arg(folder);
        let home = root().join("target/bench");
        caddy.env("HOME", home).stdout(Stdio::null()).stderr(Stdio::null());
        let process = caddy.spawn().map_err(|error| format!("caddy can't be started: {error}"))?;
        let server = Self { process, port };
        for _ in 0..200 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Ok(server);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Err(String::from("caddy does not serve"))
    }

    fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
