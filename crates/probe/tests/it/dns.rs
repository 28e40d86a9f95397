//! Names of name servers: dnsmasq's, in a network of each probe's own, with a `/etc/resolv.conf` as in Kubernetes.

use longshore_testkit::Tool;

use crate::common::{Said, probe_in, programs};

/// What dnsmasq knows. It listens on addresses of its own alone, over UDP and TCP: who connects to port 53 has found it.
const RECORDS: [&str; 12] = [
    "--listen-address=127.0.0.53,::1",
    "--local=/test/",
    "--host-record=db.web.svc.test,127.0.0.53",
    "--host-record=far.other.svc.test,127.0.0.53",
    "--host-record=six.web.svc.test,::1",
    // Nobody listens at the IPv4 address.
    "--host-record=both.web.svc.test,127.0.0.99,::1",
    "--host-record=down.web.svc.test,127.0.0.99",
    "--cname=alias.web.svc.test,second.svc.test",
    "--cname=second.svc.test,db.web.svc.test",
    "--host-record=whole.test,127.0.0.53",
    "--host-record=whole.test.web.svc.test,127.0.0.99",
    "--txt-record=empty.web.svc.test,text",
];

/// `/etc/resolv.conf` as the kubelet writes it.
const KUBERNETES: &str = "search web.svc.test svc.test test\nnameserver 127.0.0.53\noptions ndots:5\n";

/// Starts what is behind `SERVER` in the script, with `DNSMASQ` for dnsmasq, in a network without anything else, and runs both
/// programs there.
fn with(resolv: &str, server: &str, arguments: &[&str]) -> Said {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("resolv.conf");
    fs_err::write(&file, resolv).unwrap();
    // More addresses of one name than there is room for in an answer over UDP.
    let crowd: String = (0..100).map(|n| format!("127.0.7.{n} crowd.web.svc.test\n")).collect();
    let hosts = folder.path().join("crowd");
    fs_err::write(&hosts, crowd).unwrap();
    let [own, _] = programs();
    let dnsmasq = format!(
        "dnsmasq --no-daemon --conf-file=/dev/null --no-hosts --no-resolv --bind-interfaces --addn-hosts={} {}",
        hosts.display(),
        RECORDS.join(" ")
    );
    let server = server
        .replace("READY", &format!("{} tcp 127.0.0.53:53 --wait 20s", own[0]))
        .replace("DNSMASQ", &format!("{dnsmasq} >/dev/null 2>&1"));
    let script = format!(
        "busybox ip link set lo up && mount --bind {} /etc/resolv.conf && mount --bind /dev/null /etc/hosts || exit 9\n\
         {server}\nexec \"$@\"",
        file.display()
    );
    // With processes of its own, which end with the first one: the probe.
    let unshare =
        ["unshare", "--map-root-user", "--mount", "--net", "--pid", "--fork", "sh", "-c", &script, "sh"];
    probe_in(&unshare, arguments)
}

const RUNNING: &str = "DNSMASQ & READY >/dev/null || exit 8";

#[track_caller]
fn check(resolv: &str, arguments: &[&str], code: i32, line: &str) {
    let expected = Said { code, stdout: format!("{line}\n"), stderr: String::new() };
    assert_eq!(with(resolv, RUNNING, arguments), expected, "{arguments:?} with {resolv}");
}

#[test]
fn names_are_asked_of_name_servers() {
    // Says what to install where it is missing.
    Tool::new("dnsmasq").arg("--version").run();
    for name in [
        "db",
        "DB.web",
        "db.web.svc",
        "db.web.svc.test",
        "db.web.svc.test.",
        "far.other",
        "alias",
        "six",
        "both",
    ] {
        check(KUBERNETES, &["tcp", &format!("{name}:53")], 0, "connected");
    }
    check(KUBERNETES, &["tcp", "down:53"], 1, "connection refused");
}

#[test]
fn dots_decide_what_is_asked_first() {
    check(KUBERNETES, &["tcp", "whole.test:53"], 1, "connection refused");
    check(KUBERNETES, &["tcp", "whole.test.:53"], 0, "connected");
    check(&KUBERNETES.replace("ndots:5", "ndots:1"), &["tcp", "whole.test:53"], 0, "connected");
}

#[test]
fn unknown_names_are_named() {
    let unknown =
        |name: &str| format!("unknown host {name}:53: neither /etc/hosts nor the name server has it");
    check("nameserver 127.0.0.53\n", &["tcp", "none.test:53"], 1, &unknown("none.test"));
    check("nameserver 127.0.0.53\n", &["tcp", "empty.web.svc.test:53"], 1, &unknown("empty.web.svc.test"));
    // What it knows nothing of, and whom to ask, neither.
    check(KUBERNETES, &["tcp", "example.com:53"], 1, "name server: REFUSED for example.com:53");
    let long = "the name server's answer does not fit into one packet, for crowd:53";
    check(KUBERNETES, &["tcp", "crowd:53"], 1, long);
}

#[test]
fn other_name_servers_are_asked_where_one_is_away() {
    // One that is not there, one that the network does not reach, and then the right one.
    let resolv = format!("nameserver 127.0.0.98\nnameserver 192.0.2.1\n{KUBERNETES}");
    check(&resolv, &["tcp", "db:53"], 0, "connected");
    // A fourth is not asked.
    let resolv = format!("nameserver 127.0.0.98\n{resolv}");
    check(&resolv, &["tcp", "db:53"], 1, "name server: network is unreachable");
    check("nameserver 127.0.0.98\n", &["tcp", "db:53"], 1, "name server: connection refused");
}

#[test]
fn only_answers_to_the_question_count() {
    let liar = format!("/usr/bin/python3 {}/tests/it/liar.py\n{RUNNING}", env!("CARGO_MANIFEST_DIR"));
    let arguments = |timeout| ["tcp", "db:53", "--timeout", timeout];
    let said = with(&format!("nameserver 127.0.0.98\n{KUBERNETES}"), &liar, &arguments("20s"));
    assert_eq!(said, Said { code: 0, stdout: "connected\n".to_owned(), stderr: String::new() });
    let said = with("nameserver 127.0.0.98\n", &liar, &arguments("700ms"));
    let line = "no answer from a name server within 700ms\n".to_owned();
    assert_eq!(said, Said { code: 1, stdout: line, stderr: String::new() });
}

#[test]
fn a_name_server_may_come_later() {
    let said = with(KUBERNETES, "{ sleep 1; DNSMASQ; } &", &["tcp", "db:53", "--wait", "60s"]);
    assert_eq!(said, Said { code: 0, stdout: "connected\n".to_owned(), stderr: String::new() });
}
