//! Closures compared with apt's own: a fixed list of packages and a random one, from today's archive.
//!
//! Needs `python3-apt`, the archive's keyring, and a network that apt can use. Another seed for the random list is
//! given by `LONGSHORE_TEST_SEED`.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "helpers of tests; seed and figures are printed"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use fs_err as fs;
use longshore_oci::Digest;
use longshore_sources::deb::index::{Index, Packages};
use longshore_sources::deb::resolve::{Request, Solution, resolve};
use longshore_stack::model::{Requirement, Scope};

const SUITE: &str = "trixie";
const RANDOM: usize = 170;

/// Packages where longshore is meant to differ, and why. None is known.
const EXPLAINED: [(&str, &str); 0] = [];

type Closure = BTreeMap<String, String>;

/// apt's answer.
#[derive(serde::Deserialize)]
struct Answer {
    packages: Closure,
    /// Whether it took something out again that it had put in. What only that had needed, it leaves installed:
    /// there, and only there, our closure may be smaller.
    repaired: bool,
}

fn python(folder: &Path, what: &str, input: &str) -> String {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/apt_oracle.py");
    let mut child = Command::new("/usr/bin/python3")
        .arg(script)
        .arg(folder)
        .arg(what)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 is missing: `apt-get install python3-apt`");
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "apt could not be asked ({what}): see above; it needs `apt-get install python3-apt debian-archive-keyring` and its mirror"
    );
    String::from_utf8(output.stdout).unwrap()
}

/// What `apt-get` itself says.
fn simulated(folder: &Path, package: &str) -> Closure {
    let output = Command::new("apt-get")
        .env("APT_CONFIG", folder.join("apt.conf"))
        .args(["-s", "install", "--no-install-recommends", package])
        .output()
        .expect("apt-get is missing");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let line = |line: &str| {
        let (name, rest) = line.strip_prefix("Inst ")?.split_once(" (")?;
        Some((name.to_owned(), rest.split(' ').next()?.to_owned()))
    };
    String::from_utf8(output.stdout).unwrap().lines().filter_map(line).collect()
}

fn ours(index: &Index, package: &str) -> Result<Solution, String> {
    let root =
        Requirement { source: "debian".to_owned(), package: package.to_owned(), scope: Scope::Closure };
    let none = BTreeMap::new();
    resolve(index, &Request { roots: &[root], prefer: &none, pins: &none }).map_err(|error| error.to_string())
}

#[allow(clippy::disallowed_methods, reason = "another list each time, and the seed is printed")]
fn seed() -> u64 {
    match std::env::var("LONGSHORE_TEST_SEED") {
        Ok(seed) => seed.parse().expect("LONGSHORE_TEST_SEED is a number"),
        Err(_) => std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs(),
    }
}

/// SplitMix64.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// The lists apt fetched, and the index of them.
fn archive() -> (PathBuf, Index) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("apt-oracle");
    fs::create_dir_all(&folder).unwrap();
    let files = python(&folder, SUITE, "");
    let texts: Vec<Vec<u8>> = files.lines().map(|file| fs::read(file).unwrap()).collect();
    assert_eq!(texts.len(), 3, "main, updates and security: {files}");
    let lists: Vec<_> =
        texts.iter().map(|text| Packages { source: "debian", suite: SUITE, text: text.as_slice() }).collect();
    let start = Instant::now();
    let index = Index::build(&lists, "amd64").unwrap();
    let built = start.elapsed();

    let (path, key) = (folder.join("index"), Digest::of(files.as_bytes()));
    index.write(&path, &key).unwrap();
    let times = (0..9).map(|_| {
        let start = Instant::now();
        assert!(Index::open(&path, &key).is_some());
        start.elapsed()
    });
    let opened = median(times.collect());
    assert_eq!(Index::open(&path, &key).as_ref(), Some(&index));
    println!(
        "index of {} packages: built in {built:?}, {} KiB, opened in {opened:?}",
        index.package_count(),
        fs::metadata(&path).unwrap().len() / 1024
    );
    (folder, index)
}

#[test]
fn closures_are_apts() {
    let (folder, index) = archive();
    let fixed = include_str!("data/apt_packages.txt").lines().map(str::to_owned);
    let mut wanted: BTreeSet<String> = fixed.collect();
    let fixed = wanted.len();
    let seed = seed();
    println!("{fixed} fixed packages, {RANDOM} random ones by LONGSHORE_TEST_SEED={seed}");
    let names: Vec<_> = index.names().filter(|name| index.packages(*name).next().is_some()).collect();
    let mut state = seed;
    while wanted.len() < fixed + RANDOM {
        let name = names[(next(&mut state) % names.len() as u64) as usize];
        wanted.insert(index.name_text(name).to_owned());
    }
    let input = wanted.iter().cloned().collect::<Vec<_>>().join("\n");
    let apts: BTreeMap<String, Option<Answer>> =
        serde_json::from_str(&python(&folder, "closures", &input)).unwrap();
    assert_eq!(apts.len(), wanted.len());

    let mut times = Vec::new();
    let mut differences = Vec::new();
    let mut sizes = 0;
    for (package, apts) in &apts {
        let start = Instant::now();
        let solution = ours(&index, package);
        times.push(start.elapsed());
        let explained = EXPLAINED.iter().any(|(name, _)| name == package);
        let same = match (&solution, apts) {
            (Ok(solution), Some(Answer { packages: apts, repaired })) => {
                sizes += apts.len();
                let ours: Closure =
                    solution.packages.iter().map(|p| (p.id.name.clone(), p.id.version.clone())).collect();
                let only = |a: &Closure, b: &Closure| {
                    a.iter()
                        .filter(|(n, v)| b.get(*n) != Some(v))
                        .map(|(n, v)| format!("{n}={v}"))
                        .collect::<Vec<_>>()
                };
                let leftovers = *repaired && only(&ours, apts).is_empty();
                if ours == *apts || leftovers {
                    Ok(())
                } else {
                    Err(format!("ours {:?}, apt's {:?}", only(&ours, apts), only(apts, &ours)))
                }
            }
            (Err(_), None) => Ok(()),
            (Ok(solution), None) => {
                Err(format!("apt finds no way, we take {} packages", solution.packages.len()))
            }
            (Err(error), Some(_)) => Err(error.clone()),
        };
        match same {
            Err(difference) if !explained => differences.push(format!("{package}: {difference}")),
            Ok(()) if explained => {
                differences.push(format!("{package} is in the table of differences, but does not differ"))
            }
            _ => {}
        }
    }
    let slowest = times.iter().max().copied().unwrap_or_default();
    println!(
        "{} closures of {sizes} packages; solved in {:?} (median), {slowest:?} (slowest)",
        apts.len(),
        median(times)
    );
    assert!(differences.is_empty(), "LONGSHORE_TEST_SEED={seed}\n{}", differences.join("\n"));
    assert!(apts.len() >= 300 && sizes > 10 * apts.len() / 2, "the comparison has become too small");

    for package in ["nginx", "openjdk-21-jre-headless", "postgresql", "git", "php-fpm"] {
        assert_eq!(
            Some(&simulated(&folder, package)),
            apts[package].as_ref().map(|answer| &answer.packages),
            "apt-get itself on {package}"
        );
    }
}
