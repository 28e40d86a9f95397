//! Resolution of small archives, each package a line: name, version, then fields.

use proptest::prelude::*;

use super::*;
use crate::deb::index::Packages;

/// `name version; Field: value; …`
fn paragraphs(lines: &str) -> String {
    let mut text = String::new();
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let mut parts = line.split(';').map(str::trim);
        let (name, version) = parts.next().unwrap().split_once(' ').unwrap();
        let digest = longshore_oci::Digest::of(line.as_bytes()).hex();
        text +=
            &format!("Package: {name}\nVersion: {version}\nArchitecture: amd64\nSize: 1\nSHA256: {digest}\n");
        text += &format!("Filename: pool/{name}_{version}_amd64.deb\n");
        parts.for_each(|field| text += &format!("{field}\n"));
        text += "\n";
    }
    text
}

fn index(sources: &[(&str, &str)]) -> Index {
    let texts: Vec<_> = sources.iter().map(|(source, lines)| (*source, paragraphs(lines))).collect();
    let lists: Vec<_> = texts
        .iter()
        .map(|(source, text)| Packages { source, suite: "stable", text: text.as_bytes() })
        .collect();
    Index::build(&lists, "amd64").unwrap()
}

fn roots(names: &[&str]) -> Vec<Requirement> {
    let root = |name: &&str| {
        let (source, package) = name.split_once('/').unwrap_or(("debian", name));
        let (package, scope) =
            package.strip_suffix('!').map_or((package, Scope::Closure), |package| (package, Scope::Alone));
        Requirement { source: source.to_owned(), package: package.to_owned(), scope }
    };
    names.iter().map(root).collect()
}

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
}

fn solve(
    index: &Index,
    names: &[&str],
    prefer: &[(&str, &str)],
    pins: &[(&str, &str)],
) -> Result<Solution, Unsatisfiable> {
    resolve(index, &Request { roots: &roots(names), prefer: &map(prefer), pins: &map(pins) })
}

fn check(lines: &str, names: &[&str], expected: &str) {
    check_with(lines, names, &[], &[], expected);
}

#[track_caller]
fn check_with(lines: &str, names: &[&str], prefer: &[(&str, &str)], pins: &[(&str, &str)], expected: &str) {
    let shown = match solve(&index(&[("debian", lines)]), names, prefer, pins) {
        Ok(solution) => solution
            .packages
            .iter()
            .map(|p| format!("{}={}", p.id.name, p.id.version))
            .collect::<Vec<_>>()
            .join(" "),
        Err(error) => error.to_string(),
    };
    assert_eq!(shown, expected);
}

#[test]
fn highest_version_and_chain() {
    let lines = "a 1; Depends: b (>= 2), c
        b 1
        b 10
        b 9
        c 1; Pre-Depends: d
        d 1
        e 1";
    check(lines, &["a"], "a=1 b=10 c=1 d=1");
    check_with(lines, &["a"], &[], &[("b", "9"), ("d", "7"), ("x", "1")], "a=1 b=9 c=1 d=1");
}

#[test]
fn cycles_and_self() {
    check("a 1; Depends: b, v\n b 1; Depends: a; Conflicts: v; Provides: v", &["a"], "a=1 b=1");
    check("a 1; Depends: v; Provides: v; Conflicts: v", &["a"], "a=1");
}

#[test]
fn providers_in_apts_order() {
    // Real first, then Essential, Protected, priority, and last what was mentioned last.
    let lines = "a 1; Depends: v; Recommends: p3
        p1 1; Provides: v; Priority: optional
        p2 1; Provides: v; Priority: optional
        p3 1; Provides: v; Priority: optional";
    check(lines, &["a"], "a=1 p2=1");
    check_with(lines, &["a"], &[("v", "p1")], &[], "a=1 p1=1");
    check(
        &format!("{lines}\np4 1; Provides: v; Priority: standard\np5 1; Provides: v; Priority: extra"),
        &["a"],
        "a=1 p4=1",
    );
    check(
        &format!("{lines}\np4 1; Provides: v; Protected: yes\np5 1; Priority: required; Provides: v"),
        &["a"],
        "a=1 p4=1",
    );
    check(
        &format!("{lines}\np4 1; Provides: v; Essential: yes\np5 1; Provides: v; Important: yes"),
        &["a"],
        "a=1 p4=1",
    );
    check(&format!("{lines}\nv 1; Priority: extra"), &["a"], "a=1 v=1");
}

#[test]
fn choices_are_said() {
    let index = index(&[(
        "debian",
        "a 1; Depends: v, x | y
        p1 1; Provides: v
        p2 1; Provides: v
        x 1
        y 1",
    )]);
    let solution = solve(&index, &["a"], &[], &[]).unwrap();
    let choices: Vec<_> = solution.choices.iter().map(Choice::to_string).collect();
    assert_eq!(choices, ["`a` wants `v`: `p2` taken; `p1` would do"]);
    assert_eq!(solution.packages[0].depends, ["p2", "x"]);
    assert_eq!(solution.packages[0].path, "pool/a_1_amd64.deb");
}

#[test]
fn versioned_provides() {
    let provides = |what: &str| format!("a 1; Depends: v (>= 2)\n p 9; Provides: {what}\n v 1");
    check(&provides("v (= 2)"), &["a"], "a=1 p=9");
    check(
        &provides("v"),
        &["a"],
        "`a` needs `v (>= 2)`, which nothing satisfies: `v` is there as 1 (debian stable), without version (provided by `p`)\n  why: `a`",
    );
}

#[test]
fn alternatives_and_conflicts() {
    check("a 1; Depends: b | c\n b 1; Conflicts: a\n c 1", &["a"], "a=1 c=1");
    check("a 1; Depends: x | c\n c 1", &["a"], "a=1 c=1");
    check("a 1; Depends: b, c | d\n b 1; Breaks: c (<< 2)\n c 1\n d 1", &["a"], "a=1 b=1 d=1");
    check("a 1; Depends: b, c | d\n b 1; Breaks: c (<< 2)\n c 2\n d 1", &["a"], "a=1 b=1 c=2");
    check(
        "a 1; Depends: b:any, c:native, d:amd64; Conflicts: b:i386\n b 1\n c 1\n d 1",
        &["a"],
        "a=1 b=1 c=1 d=1",
    );
}

#[test]
fn fallback_where_apt_runs_into_a_corner() {
    // apt takes `c` for `c | d` before it meets what excludes it.
    check("a 1; Depends: c | d, b\n b 1; Conflicts: c\n c 1\n d 1", &["a"], "a=1 b=1 d=1");
}

#[test]
fn alone_is_without_dependencies() {
    let lines = "a 1; Depends: b\n b 1; Depends: c\n c 1";
    check(lines, &["a!"], "a=1");
    check(lines, &["a!", "b"], "a=1 b=1 c=1");
    check(lines, &["a", "a!"], "a=1 b=1 c=1");
    let solution = solve(&index(&[("debian", lines)]), &["a!", "b"], &[], &[]).unwrap();
    assert_eq!(solution.packages[0].depends, [""; 0]);
    assert_eq!(solution.packages[1].depends, ["c"]);
}

#[test]
fn several_sources() {
    let index = index(&[
        ("debian", "nginx 2; Depends: libc\n libc 1"),
        ("vendor", "nginx 1; Depends: libc\n libc 3"),
    ]);
    let ids = |names: &[&str]| {
        let solution = solve(&index, names, &[], &[]).unwrap();
        solution.packages.iter().map(|p| p.id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&["debian/nginx"]), ["vendor/libc=3:amd64", "debian/nginx=2:amd64"]);
    assert_eq!(ids(&["vendor/nginx"]), ["vendor/libc=3:amd64", "vendor/nginx=1:amd64"]);
    assert_eq!(ids(&["vendor/nginx", "debian/libc"]), ["debian/libc=1:amd64", "vendor/nginx=1:amd64"]);
    let error = solve(&index, &["vendor/nginx", "debian/nginx"], &[], &[]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "package `nginx` is asked of source `vendor` and of source `debian` for one image"
    );
}

#[test]
fn explanations() {
    let lines = "mawk 1; Provides: awk\n gawk 1; Provides: awk\n prometheus 1; Depends: missing";
    check(lines, &["promethues"], "source `debian` has no package `promethues`");
    let hint = |names: &[&str]| {
        solve(&index(&[("debian", lines), ("other", "only 1")]), names, &[], &[]).unwrap_err().hint()
    };
    assert_eq!(
        hint(&["promethues"]).unwrap(),
        "is `prometheus` meant? Change the stack file and run `longshore lock`"
    );
    assert_eq!(
        hint(&["only"]).unwrap(),
        "write `{ package = \"only\", source = \"other\" }` and run `longshore lock`"
    );
    check(lines, &["awk"], "`awk` is a virtual package of source `debian`, provided by `gawk` and `mawk`");
    check_with(
        lines,
        &["mawk"],
        &[("awk", "perl")],
        &[],
        "`prefer` says to take `perl` for `awk`, expected `gawk` or `mawk`",
    );
    check(
        "app 1; Depends: x | lib\n lib 1; Depends: core (>= 3)\n core 2",
        &["app"],
        "`lib` needs `core (>= 3)`, which nothing satisfies: `core` is there as 2 (debian stable)\n  why: `app` → `lib`",
    );
    check(
        "app 1; Depends: lib:i386\n lib 1",
        &["app"],
        "`app` needs `lib (of another architecture)`, which nothing satisfies: `lib` is wanted of another architecture\n  why: `app`",
    );
    check(
        "web 1; Depends: x\n x 1; Conflicts: y (<< 2)\n db 1; Depends: y\n y 1",
        &["web", "db"],
        "`x` 1 does not go with `y` 1 (`Conflicts: y (<< 2)`), and both are needed\n  why: `db` → `y`\n  why: `web` → `x`",
    );
    check(
        "web 1; Depends: y, x\n x 1; Breaks: y\n y 1",
        &["web"],
        "`x` 1 does not go with `y` 1 (`Breaks: y`), and both are needed\n  why: `web` → `x`\n  why: `web` → `y`",
    );
}

#[test]
fn a_long_chain_is_no_stack_overflow() {
    let lines: Vec<_> = (0..20_000).map(|n| format!("p{n} 1; Depends: p{}", n + 1)).collect();
    let error = solve(&index(&[("debian", &lines.join("\n"))]), &["p0"], &[], &[]).unwrap_err();
    assert!(matches!(error, Unsatisfiable::Missing { chain, .. } if chain.len() == 20_000));
}

proptest! {
    /// Whatever the archive, a solution is closed and without conflicts, and asking again gives the same.
    #[test]
    fn solutions_are_sound(
        relations in proptest::collection::vec((
            proptest::collection::vec((0..12_usize, 0..12_usize), 0..4),
            proptest::collection::vec(0..12_usize, 0..2),
            0..4_usize,
        ), 12),
    ) {
        let lines: Vec<_> = relations.iter().enumerate().map(|(at, (depends, conflicts, provides))| {
            let depends: Vec<_> = depends.iter().map(|(a, b)| format!("p{a} | v{b}")).collect();
            let conflicts: Vec<_> = conflicts.iter().map(|c| format!("p{c}")).collect();
            format!("p{at} 1; Depends: {}; Conflicts: {}; Provides: v{provides}", depends.join(", "), conflicts.join(", "))
        }).collect();
        let index = index(&[("debian", &lines.join("\n"))]);
        let solution = solve(&index, &["p0", "p1"], &[], &[]);
        prop_assert_eq!(&solve(&index, &["p0", "p1"], &[], &[]), &solution);
        let Ok(solution) = solution else { return Ok(()) };
        let chosen: Vec<usize> = solution.packages.iter().map(|p| p.id.name[1..].parse().unwrap()).collect();
        prop_assert!(chosen.contains(&0) && chosen.contains(&1));
        for at in &chosen {
            let (depends, conflicts, _) = &relations[*at];
            for (a, b) in depends {
                prop_assert!(chosen.iter().any(|other| other == a || relations[*other].2 == *b), "p{} lacks p{} | v{}", at, a, b);
            }
            prop_assert!(!conflicts.iter().any(|other| other != at && chosen.contains(other)));
        }
    }
}
