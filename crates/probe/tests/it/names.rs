//! Hosts by name: in `/etc/hosts`, with another one of the test's own, and without a name server.

use std::net::TcpListener;
use std::path::Path;

use crate::common::{Said, probe_in};

/// Runs both programs where `/etc/hosts` is another file, and no name server is known.
fn with_hosts(hosts: &Path, arguments: &[&str]) -> Said {
    let script =
        "mount --bind \"$1\" /etc/hosts && mount --bind /dev/null /etc/resolv.conf && shift && exec \"$@\"";
    let around = ["unshare", "--map-root-user", "--mount", "sh", "-c", script, "sh", hosts.to_str().unwrap()];
    probe_in(&around, arguments)
}

fn connected() -> Said {
    Said { code: 0, stdout: "connected\n".to_owned(), stderr: String::new() }
}

#[test]
fn names_are_those_of_the_hosts_file() {
    let folder = tempfile::tempdir().unwrap();
    let hosts = folder.path().join("hosts");
    let listener = TcpListener::bind("127.0.9.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    // Nobody listens at the first two addresses of `tempo`.
    fs_err::write(&hosts, "127.0.0.1 localhost\n127.0.9.2 tempo\n::1 tempo\n127.0.9.1 loki Tempo # x\n")
        .unwrap();
    assert_eq!(with_hosts(&hosts, &["tcp", &format!("loki:{port}")]), connected());
    assert_eq!(with_hosts(&hosts, &["tcp", &format!("tempo:{port}")]), connected());
    let unknown = with_hosts(&hosts, &["tcp", &format!("x:{port}")]);
    let line = format!(
        "unknown host x:{port}: /etc/hosts does not have it, and /etc/resolv.conf has no name server\n"
    );
    assert_eq!(unknown, Said { code: 1, stdout: line, stderr: String::new() });
}

#[test]
fn localhost_needs_no_hosts_file() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    assert_eq!(with_hosts(Path::new("/dev/null"), &["tcp", &format!("localhost:{port}")]), connected());
}

#[test]
fn a_probe_is_not_satisfied_with_itself() {
    // Where the only port to ask from is the one that is asked for, a socket connects to itself.
    let script = "busybox ip link set lo up && echo 40000 40000 > /proc/sys/net/ipv4/ip_local_port_range && exec \"$@\"";
    let around = ["unshare", "--map-root-user", "--net", "sh", "-c", script, "sh"];
    let said = probe_in(&around, &["tcp", "127.0.0.1:40000"]);
    assert_eq!(said, Said { code: 1, stdout: "connection refused\n".to_owned(), stderr: String::new() });
}
