//! Who may speak to whom, as a cluster would find out: both sides have to allow it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::shop::{objects, stack};

/// `web → api TCP 8080`, for every pair of services and every port that policies let through.
fn allowed(objects: &[Value]) -> BTreeSet<String> {
    let policies: BTreeMap<&str, &Value> = objects
        .iter()
        .filter(|object| object["kind"] == "NetworkPolicy")
        .map(|policy| (policy["metadata"]["name"].as_str().unwrap(), &policy["spec"]))
        .collect();
    let mut allowed = BTreeSet::new();
    for (from, out) in policies.iter().filter(|(name, _)| **name != "default-deny") {
        for (to, into) in policies.iter().filter(|(name, _)| **name != "default-deny") {
            let out = ports(&out["egress"], "to", to);
            let into = ports(&into["ingress"], "from", from);
            allowed.extend(out.intersection(&into).map(|port| format!("{from} → {to} {port}")));
        }
    }
    allowed
}

/// The ports of the rules that name `service`.
fn ports(rules: &Value, side: &str, service: &str) -> BTreeSet<String> {
    let mut ports = BTreeSet::new();
    for rule in rules.as_array().into_iter().flatten() {
        let Some(peers) = rule[side].as_array() else {
            assert_eq!(side, "from", "only who comes may be anybody");
            continue;
        };
        let named = |peer: &Value| {
            peer["namespaceSelector"].is_null()
                && peer["podSelector"]["matchLabels"]["app.kubernetes.io/name"] == service
        };
        if peers.iter().any(named) {
            // Without any it would be all ports.
            let named = rule["ports"].as_array().expect("a rule about services names ports");
            ports.extend(
                named.iter().map(|port| format!("{} {}", port["protocol"].as_str().unwrap(), port["port"])),
            );
        }
    }
    ports
}

#[test]
fn as_the_stack_file_says_and_no_more() {
    let lines = |text: &str| text.trim().lines().map(|line| line.trim().to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(
        allowed(&objects(&stack(), &[])),
        lines(
            "api → db TCP 5432
             migrate → db TCP 5432
             web → api TCP 8080
             web → api TCP 9000
             web → cache TCP 8080
             web → cache TCP 9000"
        )
    );
    let more = allowed(&objects(&stack(), &["reports"]));
    assert!(more.contains("report → api TCP 8080"), "{more:?}");
}

/// What is published is open to anybody on its port; nothing else is.
#[test]
fn what_is_published_is_open() {
    let objects = objects(&stack(), &[]);
    let mut open = Vec::new();
    for policy in objects.iter().filter(|object| object["kind"] == "NetworkPolicy") {
        let rules = policy["spec"]["ingress"].as_array().into_iter().flatten();
        for rule in rules.filter(|rule| rule["from"].is_null()) {
            open.push((policy["metadata"]["name"].clone(), rule["ports"].clone()));
        }
    }
    let ports = serde_json::json!([{ "port": 9999, "protocol": "UDP" }, { "port": 80, "protocol": "TCP" }]);
    assert_eq!(open, [(serde_json::json!("web"), ports)]);
}
