//! `needs`: what must be there before a service starts.

use std::collections::{BTreeMap, BTreeSet};

use super::scope::Scope;
use crate::file::{At, NeedTable, ServiceTable, Shorthand};
use crate::findings::Findings;
use crate::model::{Condition, ServiceKind};

pub(super) fn check(
    table: &ServiceTable,
    scope: &Scope<'_>,
    services: &BTreeMap<At<String>, ServiceTable>,
    findings: &mut Findings,
) -> BTreeMap<String, Condition> {
    let mut needs = BTreeMap::new();
    for (name, until) in table.needs.iter().filter_map(full) {
        if !scope.names.contains(name.as_str()) {
            let known: Vec<&str> = scope.names.iter().copied().collect();
            super::super::unknown("service", &name, &known, findings);
            continue;
        }
        // What is wrong with its image has been said.
        let Some(facts) = scope.services.get(&name.value) else { continue };
        let healthy = services.get(&name).is_some_and(|service| service.health.is_some());
        let (own, need) = (scope.own, &name.value);
        let condition = match (until.as_ref().map(|until| until.as_str()), facts.kind) {
            (Some("completed"), ServiceKind::Service) => {
                let message = format!("service `{own}` waits for the end of `{need}`, which runs on");
                findings
                    .error("stack::needs", &name.span, message)
                    .help(format!("if it ends by itself, write `kind = \"job\"` in `[service.{need}]`"));
                Condition::Completed
            }
            (Some("completed"), _) | (None, ServiceKind::Job) => Condition::Completed,
            (Some("started"), _) => Condition::Started,
            (until, _) => {
                if !healthy {
                    let message = format!(
                        "service `{own}` needs `{need}` to be ready, and nothing says when `{need}` is"
                    );
                    findings.error("stack::needs", &name.span, message).help(format!(
                        "say how it is known with `health` in `[service.{need}]`; or, if a start is enough, write \
                         {{ service = \"{need}\", until = \"started\" }}"
                    ));
                }
                debug_assert!(matches!(until, None | Some("ready")));
                Condition::Ready
            }
        };
        if needs.insert(name.value.clone(), condition).is_some_and(|other| other != condition) {
            let message = format!("service `{own}` waits for `{need}` in two ways");
            findings.error("stack::doubled", &name.span, message);
        }
    }
    needs
}

/// Says of every circle of needs, once, how it goes round.
pub(super) fn check_cycles(services: &BTreeMap<At<String>, ServiceTable>, findings: &mut Findings) {
    let edges: BTreeMap<&str, Vec<At<String>>> = services
        .iter()
        .map(|(name, table)| {
            (name.as_str(), table.needs.iter().filter_map(full).map(|(name, _)| name).collect())
        })
        .collect();
    let mut done: BTreeSet<&str> = BTreeSet::new();
    for start in edges.keys() {
        let mut way: Vec<&str> = Vec::new();
        walk(start, &edges, &mut way, &mut done, findings);
    }
}

/// Depth first; `way` is how this was reached. The stack file's size bounds the depth.
fn walk<'a>(
    at: &'a str,
    edges: &'a BTreeMap<&'a str, Vec<At<String>>>,
    way: &mut Vec<&'a str>,
    done: &mut BTreeSet<&'a str>,
    findings: &mut Findings,
) {
    if done.contains(at) {
        return;
    }
    way.push(at);
    for need in edges.get(at).into_iter().flatten() {
        match way.iter().position(|service| *service == need.value) {
            Some(first) => {
                let round = way.iter().skip(first).copied().chain([need.as_str()]);
                let round = round.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" → ");
                findings
                    .error("stack::cycle", &need.span, format!("services wait for each other: {round}"))
                    .help("take one of the needs away; who connects later can try again".to_owned());
            }
            None => {
                if edges.contains_key(need.as_str()) {
                    walk(&need.value, edges, way, done, findings);
                }
            }
        }
    }
    way.pop();
    done.insert(at);
}

fn full(need: &At<Shorthand<NeedTable>>) -> Option<(At<String>, Option<At<String>>)> {
    match &need.value {
        Shorthand::Text(name) => Some((At { value: name.clone(), span: need.span.clone() }, None)),
        Shorthand::Full(table) => Some((table.service.clone(), table.until.clone())),
        // The schema has refused it.
        Shorthand::Number(_) => None,
    }
}
