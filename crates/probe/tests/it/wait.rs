//! Services that are waited for.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use longshore_probe::Check;
use longshore_testkit::{Tool, free_port};

use crate::common::{Said, healthy, probe_in, programs, unhealthy};

#[test]
fn what_is_healthy_is_not_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    healthy(&["tcp", &listener.local_addr().unwrap().to_string(), "--wait", "24h"], "connected");
}

#[test]
fn services_may_come_later() {
    for program in programs() {
        let port = free_port();
        let check = Check::Tcp { host: "127.0.0.1".to_owned(), port };
        let argv = check.waiting(Duration::from_secs(3), Duration::from_secs(120));
        let server = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(1_200));
            let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
            listener.accept().unwrap();
        });
        let start = Instant::now();
        let words = [program, argv.iter().skip(1).map(String::as_str).collect()].concat();
        let said = Said::from(Tool::new(words[0]).args(&words[1..]).output());
        assert_eq!(said, Said { code: 0, stdout: "connected\n".to_owned(), stderr: String::new() });
        assert!(start.elapsed() >= Duration::from_secs(1), "{:?}", start.elapsed());
        server.join().unwrap();
    }
}

#[test]
fn waiting_has_an_end() {
    let address = format!("127.0.0.1:{}", free_port());
    let start = Instant::now();
    unhealthy(&["tcp", &address, "--wait", "1s"], "connection refused, for 1s");
    assert!(start.elapsed() >= Duration::from_secs(2), "{:?} for both", start.elapsed());
    // Each try has its own time, but for the last one, which says nothing new.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    let start = Instant::now();
    unhealthy(
        &["http", &url, "--timeout", "300ms", "--wait", "1900ms"],
        "no answer within 300ms, for 1900ms",
    );
    unhealthy(&["http", &url, "--timeout", "1h", "--wait", "300ms"], "no answer within 300ms, for 300ms");
    assert!(start.elapsed() < Duration::from_secs(30), "{:?} for all", start.elapsed());
    // The first, and at least one more.
    silent.set_nonblocking(true).unwrap();
    let asked = silent.incoming().take_while(Result::is_ok).count();
    assert!(asked >= 6, "{asked} times");
}

#[test]
fn the_first_process_of_a_container_can_be_stopped() {
    let start = Instant::now();
    let script = "busybox ip link set lo up; { sleep 1; kill -TERM 1; } & exec \"$@\"";
    let around = ["unshare", "--map-root-user", "--net", "--pid", "--fork", "sh", "-c", script, "sh"];
    let said = probe_in(&around, &["tcp", "127.0.0.1:1", "--wait", "60s"]);
    let line = "connection refused, until it was stopped\n".to_owned();
    assert_eq!(said, Said { code: 1, stdout: line, stderr: String::new() });
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
}
