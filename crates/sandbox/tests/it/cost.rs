//! What a sandbox costs. Not a check: `cargo test --release -p longshore-sandbox cost -- --ignored --nocapture` prints it.

use std::time::{Duration, Instant};

use longshore_sandbox::{Network, Sandbox};

use crate::world::{World, shell};

#[test]
#[ignore = "measures"]
fn cost() {
    let world = World::new();
    let mut sandbox = world.sandbox();
    let mut command = shell("");
    command.argv = vec![String::from("/bin/true")];
    let bare = || {
        std::process::Command::new(world.path("root/bin/busybox")).arg("true").status().unwrap();
    };
    println!("bare: {}", measure(bare));
    let run = |sandbox: &Sandbox| {
        sandbox.run(&command, &mut std::io::sink()).unwrap();
    };
    println!("no network: {}", measure(|| run(&sandbox)));
    sandbox.network = Network::Host;
    println!("network: {}", measure(|| run(&sandbox)));
}

fn measure(run: impl Fn()) -> String {
    let mut times: Vec<Duration> = (0..100)
        .map(|_| {
            let started = Instant::now();
            run();
            started.elapsed()
        })
        .collect();
    times.sort();
    format!("median {:?}, least {:?}", times[50], times[0])
}
