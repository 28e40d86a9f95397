//! What this machine's apt is set to: `sources.list(5)`, both formats.

use std::path::{Path, PathBuf};

use fs_err as fs;

use crate::deb::control::Paragraphs;
use longshore_net::Url;

/// Debian's releases by codename and by what they are.
const RELEASES: [&str; 13] = [
    "buster",
    "bullseye",
    "bookworm",
    "trixie",
    "forky",
    "duke",
    "sid",
    "oldoldstable",
    "oldstable",
    "stable",
    "testing",
    "unstable",
    "experimental",
];
/// What follows a release's name in the names of its other suites.
const SUITES: [&str; 6] =
    ["", "-updates", "-backports", "-proposed-updates", "-security", "-backports-sloppy"];

/// No settings file is larger.
const LIMIT: u64 = 1 << 20;

/// One entry.
#[derive(Default)]
struct Entry {
    addresses: Vec<String>,
    suites: Vec<String>,
    components: Vec<String>,
}

/// The addresses from which apt takes Debian's main archive, or its security archive; none where settings can't be read,
/// because mirrors only say where to look first.
pub(super) fn archives(folder: &Path, security: bool) -> Vec<Url> {
    let wanted = |entry: &Entry| {
        let debian =
            entry.suites.iter().any(|suite| is_debian(suite) && suite.ends_with("-security") == security);
        // Repositories of others are often named after Debian's releases too, but have other components.
        debian && entry.components.iter().any(|component| component == "main")
    };
    let entries = files(folder).into_iter().flat_map(|path| {
        let text = read(&path);
        if path.extension().is_some_and(|e| e == "sources") { paragraphs(&text) } else { lines(&text) }
    });
    entries
        .filter(wanted)
        .flat_map(|entry| entry.addresses)
        .flat_map(|address| expand(folder, address))
        .filter_map(|address| address.parse().ok())
        .collect()
}

fn is_debian(suite: &str) -> bool {
    RELEASES.iter().any(|release| suite.strip_prefix(release).is_some_and(|rest| SUITES.contains(&rest)))
}

/// `sources.list`, then what is in `sources.list.d`, by name, as apt reads them.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut more: Vec<_> = fs::read_dir(folder.join("sources.list.d"))
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "list" || e == "sources"))
        .collect();
    more.sort();
    more.insert(0, folder.join("sources.list"));
    more
}

fn read(path: &Path) -> String {
    let file = fs::File::open(path);
    let bytes = file.and_then(|file| longshore_oci::read_bounded(file, LIMIT)).unwrap_or_default();
    String::from_utf8(bytes).unwrap_or_default()
}

/// `deb [options] address suite component…`, a line each.
fn lines(text: &str) -> Vec<Entry> {
    let entry = |line: &str| {
        let line = line.split('#').next()?.trim().strip_prefix("deb")?;
        let line = line.strip_prefix([' ', '\t'])?.trim_start();
        let line = if line.starts_with('[') { line.split_once(']')?.1 } else { line };
        let mut words = line.split_ascii_whitespace().map(str::to_owned);
        Some(Entry {
            addresses: vec![words.next()?],
            suites: vec![words.next()?],
            components: words.collect(),
        })
    };
    text.lines().filter_map(entry).collect()
}

/// Paragraphs of fields.
fn paragraphs(text: &str) -> Vec<Entry> {
    let entry = |paragraph: crate::deb::control::Paragraph| {
        let words = |field| {
            let lines = paragraph.get(field).into_iter().flat_map(crate::deb::control::lines);
            lines.flat_map(str::split_ascii_whitespace).map(str::to_owned).collect::<Vec<_>>()
        };
        let off = paragraph.get("Enabled").is_some_and(|value| ["no", "false", "0", "off"].contains(&value));
        let binary = words("Types").iter().any(|kind| kind == "deb");
        (binary && !off).then(|| Entry {
            addresses: words("URIs"),
            suites: words("Suites"),
            components: words("Components"),
        })
    };
    Paragraphs::new(text).filter_map(Result::ok).filter_map(entry).collect()
}

/// Debian's cloud images keep addresses in a file of their own: `mirror+file:///etc/apt/mirrors/debian.list`.
fn expand(folder: &Path, address: String) -> Vec<String> {
    let Some(path) = address.strip_prefix("mirror+file:") else { return vec![address] };
    let path = path.trim_start_matches("//");
    let path = path.strip_prefix("/etc/apt/").map_or_else(|| PathBuf::from(path), |rest| folder.join(rest));
    let text = read(&path);
    text.lines()
        .filter_map(|line| line.split_ascii_whitespace().next())
        .filter(|word| !word.starts_with('#'))
        .map(str::to_owned)
        .collect()
}
