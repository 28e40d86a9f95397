//! What a service may use, and how many of it run.

use super::Plain;
use crate::check::quantity;
use crate::file::{At, ServiceTable};
use crate::findings::Findings;
use crate::model::{Resources, Scale, ServiceKind};

pub(super) fn check(table: &ServiceTable, findings: &mut Findings) -> Resources {
    let Some(written) = &table.resources else { return Resources::default() };
    let mut bytes =
        |text: &Option<At<String>>| text.as_ref().and_then(|text| quantity::bytes(text, findings));
    let thousandths = |cpus: &Option<At<f64>>| cpus.as_ref().map(|cpus| (cpus.value * 1000.0).round() as u32);
    let resources = Resources {
        memory: bytes(&written.memory),
        reserve_memory: bytes(&written.reserve_memory),
        cpu: thousandths(&written.cpus),
        reserve_cpu: thousandths(&written.reserve_cpus),
        pids: written.pids.as_ref().map(|pids| pids.value),
    };
    let mut above = |what, span: Option<&std::ops::Range<usize>>| {
        if let Some(span) = span {
            let message = format!("more {what} is kept free for it than it may use");
            findings.error("stack::resources", span, message);
        }
    };
    if resources.memory.zip(resources.reserve_memory).is_some_and(|(most, kept)| kept > most) {
        above("memory", written.reserve_memory.as_ref().map(|text| &text.span));
    }
    if resources.cpu.zip(resources.reserve_cpu).is_some_and(|(most, kept)| kept > most) {
        above("processor time", written.reserve_cpus.as_ref().map(|cpus| &cpus.span));
    }
    resources
}

pub(super) fn replicas(table: &ServiceTable, facts: &Plain<'_>, own: &str, findings: &mut Findings) -> u32 {
    let Some(replicas) = &table.replicas else { return 1 };
    if replicas.value > 1 && facts.kind == ServiceKind::Job {
        findings.error("stack::replicas", &replicas.span, format!("job `{own}` runs once"));
    }
    replicas.value
}

pub(super) fn scale(table: &ServiceTable, findings: &mut Findings) -> Option<Scale> {
    let scale = table.scale.as_ref()?;
    let least = table.replicas.as_ref().map_or(1, |replicas| replicas.value);
    if scale.max.value <= least {
        let message = format!("at most {} can't be more than the {least} that run at least", scale.max.value);
        findings.error("stack::replicas", &scale.max.span, message);
    }
    let reserved = table.resources.as_ref().is_some_and(|resources| resources.reserve_cpus.is_some());
    if !reserved {
        findings
            .error(
                "stack::replicas",
                &scale.span,
                "how much of which processors is used by each is not known",
            )
            .help("say what is kept free for each, as in `resources = { reserve-cpus = 0.5 }`".to_owned());
    }
    Some(Scale { max: scale.max.value, cpu: scale.cpu.unwrap_or(80) })
}
