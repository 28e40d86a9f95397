//! What a container may use, in Kubernetes' units.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ResourceRequirements;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use longshore_stack::model::Resources;

/// Thousandths of a processor that are kept free for what has a limit and nothing said: without it Kubernetes would keep the
/// whole limit free.
const LEAST_CPU: u32 = 100;

/// What the stack file says of memory and processors. Processes are counted by nodes, not by pods.
pub(super) fn of(resources: &Resources) -> Option<ResourceRequirements> {
    let limits = pair(resources.cpu, resources.memory);
    // Memory that is used can't be taken back, so that all of it is kept free unless the stack file says less.
    let cpu = resources.reserve_cpu.or(resources.cpu.map(|cpu| cpu.min(LEAST_CPU)));
    let requests = pair(cpu, resources.reserve_memory.or(resources.memory));
    (limits.is_some() || requests.is_some()).then(|| ResourceRequirements {
        limits,
        requests,
        ..ResourceRequirements::default()
    })
}

/// What a program of a few kilobytes gets.
pub(super) fn tiny() -> ResourceRequirements {
    ResourceRequirements {
        limits: pair(None, Some(16 << 20)),
        requests: pair(Some(10), Some(16 << 20)),
        ..ResourceRequirements::default()
    }
}

fn pair(cpu: Option<u32>, memory: Option<u64>) -> Option<BTreeMap<String, Quantity>> {
    let cpu = cpu.map(|cpu| ("cpu".to_owned(), processors(cpu)));
    let memory = memory.map(|memory| ("memory".to_owned(), bytes(memory)));
    let both: BTreeMap<_, _> = cpu.into_iter().chain(memory).collect();
    (!both.is_empty()).then_some(both)
}

/// `2`, `1500m`.
fn processors(thousandths: u32) -> Quantity {
    match thousandths % 1000 {
        0 => Quantity((thousandths / 1000).to_string()),
        _ => Quantity(format!("{thousandths}m")),
    }
}

/// `10Gi`, in the largest unit that says it exactly.
pub(super) fn bytes(bytes: u64) -> Quantity {
    let units = [("Ti", 40), ("Gi", 30), ("Mi", 20), ("Ki", 10)];
    let unit = units.iter().find(|(_, shift)| bytes > 0 && bytes.is_multiple_of(1 << shift));
    Quantity(unit.map_or_else(|| bytes.to_string(), |(unit, shift)| format!("{}{unit}", bytes >> shift)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_exact() {
        for (number, text) in
            [(1 << 30, "1Gi"), (1536 << 20, "1536Mi"), (1000, "1000"), (0, "0"), (3 << 40, "3Ti")]
        {
            assert_eq!(bytes(number).0, text);
        }
        assert_eq!((processors(2000).0, processors(1).0), ("2".to_owned(), "1m".to_owned()));
    }

    #[test]
    fn a_limit_of_processors_is_not_kept_free() {
        let of = |resources| serde_json::to_string(&super::of(&resources)).unwrap();
        let limits = Resources { cpu: Some(2000), memory: Some(1 << 30), ..Resources::default() };
        assert_eq!(
            of(limits),
            r#"{"limits":{"cpu":"2","memory":"1Gi"},"requests":{"cpu":"100m","memory":"1Gi"}}"#
        );
        let kept = Resources { reserve_cpu: Some(500), reserve_memory: Some(1 << 20), ..limits };
        assert_eq!(
            of(kept),
            r#"{"limits":{"cpu":"2","memory":"1Gi"},"requests":{"cpu":"500m","memory":"1Mi"}}"#
        );
        assert_eq!(of(Resources { pids: Some(10), ..Resources::default() }), "null");
    }
}
