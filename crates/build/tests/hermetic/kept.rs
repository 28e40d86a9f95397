//! What stays on the machine between builds: compilers' caches, and what a fetch brought before it failed.

use std::collections::BTreeMap;

use fs_err as fs;
use longshore_build::rebuild::rebuild;
use longshore_build::{Executor, Fetch, Limits, Recipe, Step};
use longshore_net::Access;

use crate::scene::{Machine, root, sh};
use crate::text;

fn cached(script: &str) -> Recipe {
    let caches = BTreeMap::from([(String::from("/build/cache"), String::from("test"))]);
    Recipe { caches, ..sh(script) }
}

#[test]
fn a_cache_is_found_as_it_was_left_and_is_no_part_of_the_key() {
    let machine = Machine::new();
    let executor = machine.executor();
    executor.run(&cached("echo left > /build/cache/x; echo first > /out/a")).unwrap();
    let output = executor.run(&cached("cat /build/cache/x > /out/a")).unwrap();
    assert_eq!(text(&machine, &output, "a"), "left\n");
    assert_eq!(cached("true").key(), sh("true").key());
}

#[test]
fn a_rebuild_has_cold_caches_and_so_tells_when_one_decides() {
    let machine = Machine::new();
    let executor = machine.executor();
    let honest = cached("echo x >> /build/cache/x; echo made > /out/a");
    assert_eq!(rebuild(&executor, &honest, &Limits::default()).unwrap(), None);
    let decided = cached("touch /out/a; cat /build/cache/x > /out/b || true");
    let difference = rebuild(&executor, &decided, &Limits::default()).unwrap().unwrap();
    assert!(difference.to_string().starts_with("`/b` differs at byte 0"), "{difference}");
}

#[test]
fn a_fetch_that_failed_goes_on_where_it_ended() {
    let machine = Machine::new();
    let executor = machine.executor();
    // Fails as long as it has not been tried before.
    let script = "test -f /build/tried && { cp /build/tried /out/; exit; }; echo half > /build/tried; exit 1";
    let fetch = Fetch {
        name: String::from("app"),
        root: root(),
        mounts: BTreeMap::new(),
        known: BTreeMap::new(),
        steps: vec![Step { what: String::from("client"), ..sh(script).steps[0].clone() }],
    };
    executor.fetch(&fetch).unwrap_err();
    let mut offline = machine.settings();
    offline.access = Access::Offline;
    let refused = Executor::new(offline).fetch(&fetch).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "build `app` needs what is not in the store (`client`), and `--offline` allows no network"
    );
    let folder = executor.fetch(&fetch).unwrap();
    assert_eq!(fs::read_to_string(folder.join("tried")).unwrap(), "half\n");
    // It served, so nothing of it is left for a third.
    executor.fetch(&fetch).unwrap_err();
}

#[test]
fn who_wants_what_another_one_makes_waits_for_it() {
    let machine = Machine::new();
    // What it makes is another thing each time.
    let recipe = sh("sleep 1; cat /proc/sys/kernel/random/uuid > /out/a");
    let made = || machine.executor().run(&recipe).unwrap();
    let (one, two) = std::thread::scope(|scope| {
        let other = scope.spawn(made);
        (made(), other.join().unwrap())
    });
    assert_eq!(text(&machine, &one, "a"), text(&machine, &two, "a"));
    // A failure is nobody else's.
    let fails = sh("test -e /out/a");
    std::thread::scope(|scope| {
        let other = scope.spawn(|| machine.executor().run(&fails).unwrap_err());
        machine.executor().run(&fails).unwrap_err();
        other.join().unwrap();
    });
    let begun = fs::read_dir(machine.store.root().join("partial/build")).unwrap();
    assert_eq!(begun.count(), 0, "nothing is left of either");
}
